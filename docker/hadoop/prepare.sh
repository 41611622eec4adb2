#!/usr/bin/env bash
# Makes the directories that the services write in. It can be run again.
set -eu

hdfs dfs -mkdir -p /events /tmp /user/hive/warehouse
# The sink writes as pulsar; Hive reads.
hdfs dfs -chown pulsar /events
hdfs dfs -chmod 755 /events
hdfs dfs -chmod 1777 /tmp
hdfs dfs -chown -R hive /user/hive
hdfs dfs -ls /
