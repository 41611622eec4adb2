#!/usr/bin/env bash
# Makes Superset's tables and its administrator, and imports what is in conf/superset. It can be run again.
set -eu

superset db upgrade
# A user that is there already stays as it is.
superset fab create-admin --username admin --firstname Admin --lastname Admin --email admin@localhost \
    --password "$SUPERSET_ADMIN_PASSWORD"
superset init
if [[ -e /conf/superset ]]; then
    python /opt/hdfs-csv/import_assets.py /conf/superset
else
    echo "conf/superset is not there: no dashboards are imported"
fi
