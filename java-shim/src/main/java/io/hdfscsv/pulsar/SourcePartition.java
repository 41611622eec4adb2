package io.hdfscsv.pulsar;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/** One topic, or one partition of a partitioned topic, as this instance knows it. */
final class SourcePartition {
    private static final Pattern PARTITION = Pattern.compile("-partition-\\d+$");

    final int id;
    final String topic;
    final Acknowledger acknowledger;

    /** The entry seen last; the messages of an entry have one schema. */
    long lastLedger = -1;

    long lastEntry = -1;

    /**
     * The schema version seen last, and its id: nearly every message has the same as the one
     * before.
     */
    byte[] lastSchemaVersion;

    int lastSchema = FrameWriter.NO_SCHEMA;

    /** The versions, in hexadecimal, by schema id; the timer's thread reads it. */
    final Map<Integer, String> schemaVersions = new ConcurrentHashMap<>();

    SourcePartition(int id, String topic, Acknowledger acknowledger) {
        this.id = id;
        this.topic = topic;
        this.acknowledger = acknowledger;
    }

    /**
     * The name of the topic that a partition is a part of; a topic without partitions keeps its
     * own.
     */
    static String wholeTopic(String topic) {
        return PARTITION.matcher(topic).replaceFirst("");
    }
}
