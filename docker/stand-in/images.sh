# make_images: the stand-ins and the files that are built, as images. Sourced by prove.sh; wants $here, $repository, $work.

# jars PROFILE FOLDER: copies what a profile of pom.xml names.
jars() {
    local list=$work/$1.classpath
    mvn --quiet --batch-mode --no-transfer-progress -Dstyle.color=never --activate-profiles "$1" --file "$here/pom.xml" \
        dependency:build-classpath -Dmdep.outputFile="$list"
    mkdir -p "$2"
    tr ':' '\n' <"$list" | xargs cp -t "$2"
}

# image NAME DOCKERFILE CONTEXT
image() {
    say "stand-in for $1"
    docker build --quiet --tag "$1" --file "$here/$2" "$3" >"$work/image.log" 2>&1 || { cat "$work/image.log"; return 1; }
}

make_images() {
    local context=$work/context
    mkdir -p "$context"/{empty,hadoop,hive,postgres,made}

    say "stand-in for debian:bookworm-slim"
    mmdebstrap --quiet --variant=minbase bookworm "$work/debian.tar"
    docker import "$work/debian.tar" debian:bookworm-slim >/dev/null
    image eclipse-temurin:17-jre-noble temurin.Dockerfile "$context/empty"

    cp "$here/hdfs" "$here/starter.sh" "$context/hadoop"
    jars hadoop "$context/hadoop/hadoop-jars"
    image apache/hadoop:3.4.2 apache-hadoop.Dockerfile "$context/hadoop"

    cp -a "$here/hive-commands" "$here/entrypoint.sh" "$context/hive"
    javac --release 17 -d "$context/hive/hive-commands" "$here/Beeline.java"
    jars hive "$context/hive/hive-jars"
    # The metastore's own archive has schematool's scripts, and the library that runs them.
    mvn --quiet --batch-mode --no-transfer-progress -Dstyle.color=never dependency:copy -DoutputDirectory="$work" \
        -Dartifact=org.apache.hive:hive-standalone-metastore-server:4.0.1:tar.gz:bin
    mkdir -p "$work/metastore" "$context/hive/schematool-jars"
    tar -xzf "$work/hive-standalone-metastore-server-4.0.1-bin.tar.gz" -C "$work/metastore" --strip-components=1
    cp -a "$work/metastore/scripts" "$context/hive/hive-scripts"
    cp "$work"/metastore/lib/{sqlline,jline,commons-cli}*.jar "$context/hive/schematool-jars"
    image apache/hive:4.0.1 apache-hive.Dockerfile "$context/hive"

    cp "$here/postgres-entrypoint.sh" "$context/postgres"
    image postgres:16.4-bookworm postgres.Dockerfile "$context/postgres"

    say "what docker/Dockerfile would build and fetch"
    "$repository/docker/fetch.sh" 4.0.8 42.7.5 "$context/made"
    cp "$repository"/java-shim/target/pulsar-io-hdfs-csv-*.nar "$context/made/connectors"
    cp "$repository/target/release/hdfs-csv" "$context/made"
    tar -C "$context/made" -c . | docker import - stand-in/made >/dev/null
}
