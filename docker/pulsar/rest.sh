# Pulsar's REST interface, for the scripts beside this one.

admin=${PULSAR_ADMIN_URL:-http://pulsar:8080/admin}
tenant=marketplace
namespace=events

# request METHOD PATH [curl's arguments]: prints the answer. What is there already (409) is fine; anything else ends the script.
request() {
    local method=$1 path=$2 answer code
    shift 2
    answer=$(curl --silent --show-error --max-time 60 --request "$method" --write-out '\n%{http_code}' "$@" "$admin/$path")
    code=${answer##*$'\n'}
    case $code in
        2??) echo "${answer%$'\n'*}" ;;
        409) ;;
        *)
            echo "$method $admin/$path: $code ${answer%$'\n'*}" >&2
            exit 1
            ;;
    esac
}

# exists PATH: whether a GET of it answers.
exists() {
    curl --silent --max-time 60 --output /dev/null --fail "$admin/$1"
}

# create_sinks FILE…: creates the sinks that are not there, and waits until all of them run. The name in FILE is the sink's.
create_sinks() {
    local file name names=() commands
    commands=$(mktemp)
    for file in "$@"; do
        name=$(sed -n 's/^name: *"\{0,1\}\([^"]*\)"\{0,1\} *$/\1/p' "$file")
        names+=("$name")
        if exists "v3/sinks/$tenant/$namespace/$name"; then
            echo "sink $name is there"
        else
            echo "admin sinks create --sink-config-file $file" >>"$commands"
        fi
    done
    # One JVM for all: pulsar-admin would start one for each.
    if [[ -s $commands ]]; then
        # Its exit code says nothing: it is 1 also when all went well.
        pulsar-shell --no-progress --filename="$commands" </dev/null || true
    fi
    for name in "${names[@]}"; do
        if ! exists "v3/sinks/$tenant/$namespace/$name"; then
            echo "sink $name was not created: see above" >&2
            exit 1
        fi
        await_sink "$name"
    done
}

# await_sink NAME: waits until every instance runs, two minutes at most.
await_sink() {
    local status deadline=$((SECONDS + 120))
    until
        status=$(curl --silent --max-time 60 "$admin/v3/sinks/$tenant/$namespace/$1/status")
        [[ $status =~ \"numInstances\":([0-9]+),\"numRunning\":([0-9]+) && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]]
    do
        if ((SECONDS > deadline)); then
            echo "sink $1 does not run: $status" >&2
            exit 1
        fi
        sleep 1
    done
    echo "sink $1 runs"
}
