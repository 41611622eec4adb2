#!/bin/sh
# Superset's database beside the metastore's. The image runs this once, when its volume is empty.
set -eu

psql --variable=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --variable=password="$POSTGRES_PASSWORD" <<'SQL'
CREATE USER superset PASSWORD :'password';
CREATE DATABASE superset OWNER superset;
SQL
