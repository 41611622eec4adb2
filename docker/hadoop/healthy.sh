#!/usr/bin/env bash
# `healthy.sh namenode`: the NameNode answers. `healthy.sh datanode`: it has left safe mode and knows a live DataNode, so
# that files can be written. Needs nothing but bash: what else the image has differs between its versions.
set -eu

exec 3<>/dev/tcp/namenode/9870
printf 'GET /jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState HTTP/1.0\r\n\r\n' >&3
state=$(cat <&3)

operational='"FSState" : "Operational"'
live='"NumLiveDataNodes" : [1-9]'
case $1 in
    namenode) [[ $state == *'"FSState"'* ]] ;;
    datanode) [[ $state =~ $operational && $state =~ $live ]] ;;
    *) exit 2 ;;
esac
