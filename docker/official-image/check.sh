#!/bin/sh
# Loads the native library of a released archive into this machine's or image's JVM, as the sink does, and drives it up to the
# network. In the official Pulsar image, from the repository's root:
#
#   docker run --rm --volume "$PWD/target/release-files:/release:ro" --volume "$PWD/docker/official-image:/check:ro" \
#       apachepulsar/pulsar:4.0.8 /check/check.sh
#
# check.sh [ARCHIVE]: without it, the one in /release. It needs a JDK.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
archive=${1:-$(ls /release/pulsar-io-hdfs-csv-*.nar)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
archive=$(cd "$(dirname "$archive")" && pwd)/$(basename "$archive")
mkdir "$work/archive" "$work/classes"
(cd "$work/archive" && jar --extract --file "$archive")
javac -cp "$work/archive" -d "$work/classes" "$here/LoadCheck.java"
java -cp "$work/archive:$work/classes" io.hdfscsv.pulsar.LoadCheck
