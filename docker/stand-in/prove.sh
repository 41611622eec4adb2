#!/usr/bin/env bash
# Proves the wiring of docker/compose.yaml where no image can be pulled: builds images with the official ones' names and
# layout from what Debian's and Maven's archives have, runs the cold layer and Hive on them in a Docker daemon of its own,
# and compares, for each event, what was produced with what HDFS and Hive count. Removes what it made, but for the bridge and
# the packet filter rules that every Docker daemon leaves. Never for production.
#
# Needs root, docker.io, docker-compose and mmdebstrap (Debian), JDK 17, Maven, and `make nar` done before.
# prove.sh [--keep]: --keep leaves the services running and tells how to reach and how to end them.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=$(mktemp -d /tmp/hdfs-csv-stand-in.XXXXXX)
count=${EVENTS:-200000}
keep=${1:-}

export DOCKER_HOST=unix://$work/docker.sock
# The stages of docker/Dockerfile that others replace are left out only by this builder.
export DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
# Debian's own client: another one may want a plug-in to build.
export PATH=/usr/bin:/usr/sbin:$PATH
compose=(docker-compose --project-directory "$repository/docker" --file "$repository/docker/compose.yaml" --profile full)

say() { echo "[$(date +%T)] $*"; }

clean() {
    "${compose[@]}" down --volumes >"$work/down.log" 2>&1 || true
    kill "$(cat "$work/docker.pid")" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
    rm -rf "$work"
}

say "a Docker daemon of its own"
dockerd --host "$DOCKER_HOST" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/docker.pid" \
    >"$work/dockerd.log" 2>&1 &
daemon=$!
trap clean EXIT
timeout 60 sh -c 'until docker version >/dev/null 2>&1; do sleep 0.2; done' || { cat "$work/dockerd.log"; exit 1; }

. "$here/images.sh"
make_images

say "our images, by docker/Dockerfile, from what is built"
"${compose[@]}" build --build-arg MADE=stand-in/made pulsar metastore generator >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }

for profile in cold full load monitoring; do
    docker-compose --project-directory "$repository/docker" --file "$repository/docker/compose.yaml" --profile "$profile" config --quiet
done
say "docker-compose reads all profiles"

up() { "${compose[@]}" up --detach --no-build "$@" >"$work/up.log" 2>&1 || { cat "$work/up.log"; exit 1; }; }

# ended SERVICE: waits until a step has run to its end, ten minutes at most.
ended() {
    local container
    container=$("${compose[@]}" ps --quiet "$1")
    if [[ $(timeout 600 docker wait "$container") != 0 ]]; then
        docker logs "$container"
        exit 1
    fi
    say "$1 has ended well"
}

up pulsar-init
ended pulsar-init

say "produce $count events"
"${compose[@]}" --profile load run --rm --no-deps generator \
    produce --service-url pulsar://pulsar:6650 --count "$count" --json >"$work/produced.json" 2>"$work/produce.log"

up hive-init
ended hive-init

# One JVM for all: a line for each event, its name and how many rows its files have.
count_on_hdfs() {
    "${compose[@]}" run --rm --no-deps -T hdfs-init bash -c \
        'for table in $(hdfs dfs -ls -C /events); do echo "$(basename "$table") $(hdfs dfs -cat "$table/dt=*/*" | wc -l)"; done' \
        2>>"$work/count.log" | sort
}

count_in_hive() {
    local sql='' event
    for event in $events; do
        sql+="SELECT '$event', count(*) FROM marketplace.$event;"$'\n'
    done
    docker exec "$("${compose[@]}" ps --quiet hiveserver2)" beeline --silent=true --showHeader=false --outputformat=tsv2 \
        -n hive -u jdbc:hive2://hiveserver2:10000/default -e "$sql" 2>>"$work/count.log" | tr '\t' ' ' | sort
}

events=$(cd "$repository/schemas" && ls -- *.avsc | sed 's/\.avsc$//')
python3 -c 'import json, sys; [print(*pair) for pair in json.load(sys.stdin)["events"].items()]' \
    <"$work/produced.json" | sort >"$work/produced"

say "wait until the sink has committed everything, five minutes at most"
deadline=$((SECONDS + 300))
until count_on_hdfs >"$work/hdfs" && cmp --silent "$work/produced" "$work/hdfs"; do
    if ((SECONDS > deadline)); then
        diff "$work/produced" "$work/hdfs"
        exit 1
    fi
done
say "HDFS has what was produced, for each of $(wc -l <"$work/hdfs") events"

"${compose[@]}" run --rm --no-deps hive-init >"$work/repair.log" 2>&1 || { cat "$work/repair.log"; exit 1; }
count_in_hive >"$work/hive"
diff "$work/produced" "$work/hive"
say "Hive counts what was produced, for each of $(wc -l <"$work/hive") events"
column --table "$work/hive"

say "every step a second time"
for step in hdfs-init pulsar-init; do
    "${compose[@]}" run --rm --no-deps "$step" >"$work/again.log" 2>&1 || { cat "$work/again.log"; exit 1; }
done

say "all services anew, on their volumes"
"${compose[@]}" stop >"$work/stop.log" 2>&1
"${compose[@]}" rm --force >>"$work/stop.log" 2>&1
up pulsar-init hive-init
ended pulsar-init
ended hive-init
count_in_hive | diff "$work/produced" -
say "Hive counts the same"

if [[ $keep == --keep ]]; then
    trap - EXIT
    echo "DOCKER_HOST=$DOCKER_HOST; end it with: docker-compose down; kill $daemon; rm -rf $work"
fi
