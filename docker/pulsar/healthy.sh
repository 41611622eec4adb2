#!/usr/bin/env bash
# Whether broker, bookie and functions worker work: the health check sends a message through the broker.
set -eu

for path in admin/v2/worker/cluster/leader/ready admin/v3/sinks/builtinsinks admin/v2/brokers/health; do
    answer=$(curl --silent --show-error --fail --max-time 20 "http://localhost:8080/$path")
    [[ $answer != false ]]
done
