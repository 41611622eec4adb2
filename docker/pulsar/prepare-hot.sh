#!/usr/bin/env bash
# Makes the sinks to ClickHouse, one for each file in conf/sinks/clickhouse. It can be run again.
set -eu
. "$(dirname "$0")/rest.sh"

create_sinks /sinks/clickhouse/*.yaml
