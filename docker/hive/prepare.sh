#!/usr/bin/env bash
# Makes the tables of conf/hive, and takes in the partitions that are there. It can be run again.
set -eu

beeline=(beeline --silent=true --showHeader=false --outputformat=tsv2 -n hive -u jdbc:hive2://hiveserver2:10000/default)

"${beeline[@]}" -f /conf/hive/tables.sql
# The metastore finds new partitions by itself within a minute; this finds those of now.
sed -n 's/^CREATE EXTERNAL TABLE IF NOT EXISTS \(`[^ ]*`\).*/MSCK REPAIR TABLE \1;/p' /conf/hive/tables.sql >/tmp/repair.sql
"${beeline[@]}" -f /tmp/repair.sql
"${beeline[@]}" -e 'SHOW TABLES IN marketplace'
