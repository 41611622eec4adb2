package io.hdfscsv.pulsar;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.ToIntFunction;

/** One topic, or one partition of a partitioned topic, as this instance knows it. */
final class SourcePartition {
    private static final String PARTITION = "-partition-";

    /** Ids that a dead letter may still come for. */
    private static final int MOST_SCHEMA_VERSIONS = 1_000;

    /** Of one that is left out. */
    private static final int NO_ID = -1;

    /** Of one that cannot have a table. */
    private static final int STOPPED = -2;

    final int id;
    final String topic;
    final Acknowledger acknowledger;
    final ParkedRecords parked = new ParkedRecords();

    /** Of those that were parked; null while there were none. */
    RecordPacker packerOfParked;

    /** Of one that cannot have a table: the client was told to fetch none of its records. */
    boolean isPaused;

    /** Whether the sink's own reader has left out a message of it. */
    volatile boolean isLeftOutByReader;

    // The entry seen last
    private long ledger = -1;
    private long entry = -1;
    private int schema = FrameWriter.NO_SCHEMA;
    private long publishTime;

    /** The schema version seen last: nearly every entry has the same as the one before. */
    private byte[] schemaVersion;

    private int schemaId;

    /** The ids of the versions of the ledger seen last. */
    private final Map<String, Integer> schemaIds = new HashMap<>();

    private long schemaLedger = -1;

    /** The versions, in hexadecimal, by schema id, of the last ids; the timer's thread reads it. */
    final Map<Integer, String> schemaVersions =
            Collections.synchronizedMap(
                    new LinkedHashMap<>() {
                        private static final long serialVersionUID = 1L;

                        @Override
                        protected boolean removeEldestEntry(Map.Entry<Integer, String> eldest) {
                            return size() > MOST_SCHEMA_VERSIONS;
                        }
                    });

    SourcePartition(int id, String topic, Acknowledger acknowledger) {
        this.id = id;
        this.topic = topic;
        this.acknowledger = acknowledger;
    }

    /** One whose records are acknowledged and left out. */
    static SourcePartition leftOut(String topic) {
        return new SourcePartition(NO_ID, topic, null);
    }

    /** One whose records are neither written nor acknowledged. */
    static SourcePartition stopped(String topic) {
        return new SourcePartition(STOPPED, topic, null);
    }

    /** Whether its records are written. */
    boolean isWritten() {
        return id >= 0;
    }

    boolean isLeftOut() {
        return id == NO_ID;
    }

    boolean isStopped() {
        return id == STOPPED;
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

    /**
     * The id of a schema version in a ledger.
     *
     * <p>The versions of a topic begin anew when it is deleted and made again, and only its ledgers
     * tell: so each ledger's versions are ids of their own.
     *
     * @param announce makes the id of a version, given in hexadecimal
     */
    int schemaId(long ledger, byte[] version, ToIntFunction<String> announce) {
        if (ledger != schemaLedger) {
            schemaLedger = ledger;
            schemaIds.clear();
            schemaVersion = null;
        }
        if (!Arrays.equals(version, schemaVersion)) {
            String text = HexFormat.of().formatHex(version);
            Integer known = schemaIds.get(text);
            if (known == null) {
                known = announce.applyAsInt(text);
                schemaIds.put(text, known);
                schemaVersions.put(known, text);
            }
            schemaId = known;
            schemaVersion = version;
        }
        return schemaId;
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
     * own, also one that only looks like a partition: {@code orders-partition-01}.
     */
    static String wholeTopic(String topic) {
        int at = topic.lastIndexOf(PARTITION);
        if (at < 0) {
            return topic;
        }
        String digits = topic.substring(at + PARTITION.length());
        try {
            int index = Integer.parseInt(digits);
            boolean isPartition = index >= 0 && Integer.toString(index).equals(digits);
            return isPartition ? topic.substring(0, at) : topic;
        } catch (NumberFormatException e) {
            return topic;
        }
    }
}
