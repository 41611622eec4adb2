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

    // The entry seen last
    private long ledger = -1;
    private long entry = -1;
    private int schema = FrameWriter.NO_SCHEMA;
    private long publishTime;

    /** The schema version seen last: nearly every entry has the same as the one before. */
    byte[] schemaVersion;

    int schemaId;

    /** The versions, in hexadecimal, by schema id; the timer's thread reads it. */
    final Map<Integer, String> schemaVersions = new ConcurrentHashMap<>();

    SourcePartition(int id, String topic, Acknowledger acknowledger) {
        this.id = id;
        this.topic = topic;
        this.acknowledger = acknowledger;
    }

    /** Whether this message is of the entry seen last, whose messages share what it has. */
    boolean isInEntry(MessagePosition position) {
        return position.entry() == entry && position.ledger() == ledger;
    }

    /** Another entry, whose first message seen is at this position. */
    void beginEntry(MessagePosition position, int schema, long publishTime) {
        ledger = position.ledger();
        entry = position.entry();
        this.schema = schema;
        this.publishTime = publishTime;
    }

    /** The schema's id, of all messages of the entry seen last. */
    int schema() {
        return schema;
    }

    /** Of all messages of the entry seen last. */
    long publishTime() {
        return publishTime;
    }

    /**
     * The name of the topic that a partition is a part of; a topic without partitions keeps its
     * own.
     */
    static String wholeTopic(String topic) {
        return PARTITION.matcher(topic).replaceFirst("");
    }
}
