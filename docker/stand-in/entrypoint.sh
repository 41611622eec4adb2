#!/bin/bash
# What apache/hive's /entrypoint.sh does with the settings that compose.yaml uses.
set -e

export HIVE_CONF_DIR=$HIVE_HOME/conf
if [ -d "${HIVE_CUSTOM_CONF_DIR:-}" ]; then
    find "$HIVE_CUSTOM_CONF_DIR" -type f -exec ln -sfn {} "$HIVE_CONF_DIR"/ \;
fi
export HADOOP_CLIENT_OPTS="$HADOOP_CLIENT_OPTS -Xmx1G $SERVICE_OPTS"
if [[ ${IS_RESUME:-false} == false ]]; then
    schematool -dbType "$DB_DRIVER" -initOrUpgradeSchema
fi
exec hive --service "$SERVICE_NAME"
