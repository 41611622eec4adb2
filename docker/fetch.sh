#!/bin/sh
# fetch.sh PULSAR_VERSION POSTGRESQL_DRIVER_VERSION FOLDER: places what Maven has into FOLDER.
set -eu
pulsar=$1 driver=$2 folder=$3

copy() {
    mvn --quiet --batch-mode --no-transfer-progress -Dstyle.color=never dependency:copy -Dartifact="$1" -DoutputDirectory="$folder/fetched"
}

copy "org.apache.pulsar:pulsar-server-distribution:$pulsar:tar.gz:bin"
copy "org.apache.pulsar:pulsar-io-jdbc-clickhouse:$pulsar"
copy "org.postgresql:postgresql:$driver"

mkdir -p "$folder/pulsar" "$folder/connectors"
tar -xzf "$folder/fetched/pulsar-server-distribution-$pulsar-bin.tar.gz" -C "$folder/pulsar" --strip-components=1 --no-same-owner
# An archive for Pulsar, though its name ends in .jar.
mv "$folder/fetched/pulsar-io-jdbc-clickhouse-$pulsar.jar" "$folder/connectors/pulsar-io-jdbc-clickhouse-$pulsar.nar"
mv "$folder/fetched/postgresql-$driver.jar" "$folder/postgresql.jar"
rm -r "$folder/fetched"
