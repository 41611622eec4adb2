#!/usr/bin/env bash
# Makes the tenant, the namespace, a topic with its schema for each file in schemas/, and the sink to HDFS. It can be run again.
set -eu
. "$(dirname "$0")/rest.sh"

json=(--header 'Content-Type: application/json')

request PUT "v2/tenants/$tenant" "${json[@]}" --data '{"allowedClusters":["standalone"]}'
request PUT "v2/namespaces/$tenant/$namespace" "${json[@]}" --data '{}'
# What is acknowledged stays for as long: a sink that is added later still finds it.
request POST "v2/namespaces/$tenant/$namespace/retention" "${json[@]}" \
    --data "{\"retentionTimeInMinutes\":$RETENTION_MINUTES,\"retentionSizeInMB\":$RETENTION_MB}"

for file in /schemas/*.avsc; do
    topic=$(basename "$file" .avsc)
    request PUT "v2/persistent/$tenant/$namespace/$topic"
    # The schema is text within JSON.
    schema=$(sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' "$file" | sed -e ':all' -e 'N' -e '$!b all' -e 's/\n/\\n/g')
    request POST "v2/schemas/$tenant/$namespace/$topic/schema" "${json[@]}" \
        --data "{\"type\":\"AVRO\",\"schema\":\"$schema\",\"properties\":{}}" >/dev/null
    echo "topic $topic"
done

create_sinks /sinks/hdfs-csv.yaml
