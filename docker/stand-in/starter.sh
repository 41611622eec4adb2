#!/usr/bin/env bash
# What apache/hadoop's /opt/starter.sh does with the settings that compose.yaml uses.
set -e

sudo chmod o+rwx /data
if [ -n "$ENSURE_NAMENODE_DIR" ] && [ ! -d "$ENSURE_NAMENODE_DIR" ]; then
    /opt/hadoop/bin/hdfs namenode -format -force
fi
"$@"
