package io.hdfscsv.pulsar;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Packs records into one direct buffer that is used again and again, those of one entry behind one
 * header. A record that is larger than the whole buffer travels alone, in a buffer of its own.
 */
final class FrameWriter {
    /** The schema id of a message without a schema version. */
    static final int NO_SCHEMA = 0xFFFFFFFF;

    /** The payload's length where the message has no value. */
    private static final int NULL_VALUE = 0xFFFFFFFF;

    private static final int ENTRY_HEADER = 40;
    private static final int RECORD_HEADER = 8;

    private static final int KEY_FOLLOWS = 1;
    private static final int PROPERTIES_FOLLOW = 2;
    private static final int KEY_IS_BYTES = 4;
    private static final int EVENT_TIME_FOLLOWS = 8;
    private static final int FLAG_BITS = 4;
    private static final int MOST_BATCH_INDEX = -1 >>> FLAG_BITS;

    private final ByteBuffer reused;
    private ByteBuffer buffer;
    private long begun;

    // The entry whose records are being added, if the buffer is not empty
    private int entryStart;
    private int entryRecords;
    private int entrySourcePartition;
    private int entrySchema;
    private long entryLedger;
    private long entryId;
    private long entryPublishTime;

    FrameWriter(int capacity) {
        reused = allocate(capacity);
        buffer = reused;
    }

    /**
     * Adds a record, unless there is no room for it: then hand over, {@link #clear()} and add it
     * again.
     *
     * @param eventTime 0 for none
     * @param key null for none
     * @param keyIsBytes whether the producer gave the key as bytes and not as text
     * @param properties a JSON object of strings, null for none
     * @param payload null for a message without a value
     */
    boolean append(
            int sourcePartition,
            int schema,
            MessagePosition position,
            long publishTime,
            long eventTime,
            byte[] key,
            boolean keyIsBytes,
            byte[] properties,
            byte[] payload) {
        boolean begins =
                isEmpty()
                        || position.entry() != entryId
                        || position.ledger() != entryLedger
                        || sourcePartition != entrySourcePartition
                        || schema != entrySchema
                        || publishTime != entryPublishTime;
        int length =
                Math.addExact(
                        (begins ? ENTRY_HEADER : 0)
                                + RECORD_HEADER
                                + (eventTime == 0 ? 0 : Long.BYTES),
                        Math.addExact(
                                partLength(key),
                                Math.addExact(
                                        partLength(properties),
                                        payload == null ? 0 : payload.length)));
        if (length > buffer.remaining()) {
            if (!isEmpty()) {
                return false;
            }
            buffer = allocate(length);
        }
        if (position.batchIndex() > MOST_BATCH_INDEX) {
            throw new HdfsCsvException(
                    "bug", "An entry of more than " + MOST_BATCH_INDEX + " messages");
        }
        if (begins) {
            beginEntry(sourcePartition, schema, position, publishTime);
        }
        int flags =
                (key == null ? 0 : KEY_FOLLOWS)
                        | (properties == null ? 0 : PROPERTIES_FOLLOW)
                        | (keyIsBytes ? KEY_IS_BYTES : 0)
                        | (eventTime == 0 ? 0 : EVENT_TIME_FOLLOWS);
        long batchIndexAndFlags = (long) position.batchIndex() << FLAG_BITS | flags;
        int payloadLength = payload == null ? NULL_VALUE : payload.length;
        buffer.putLong(batchIndexAndFlags << Integer.SIZE | Integer.toUnsignedLong(payloadLength));
        if (eventTime != 0) {
            buffer.putLong(eventTime);
        }
        putPart(key);
        putPart(properties);
        if (payload != null) {
            buffer.put(payload);
        }
        entryRecords++;
        return true;
    }

    ByteBuffer buffer() {
        return buffer;
    }

    /** Of all that was added, which is whole when this has been called. */
    int length() {
        endEntry();
        return buffer.position();
    }

    boolean isEmpty() {
        return buffer.position() == 0;
    }

    /** When the first record came, by {@link System#nanoTime()}. */
    long begun() {
        return begun;
    }

    void clear() {
        buffer = reused;
        buffer.clear();
    }

    private void beginEntry(
            int sourcePartition, int schema, MessagePosition position, long publishTime) {
        if (isEmpty()) {
            begun = System.nanoTime();
        } else {
            endEntry();
        }
        entryStart = buffer.position();
        entryRecords = 0;
        entrySourcePartition = sourcePartition;
        entrySchema = schema;
        entryLedger = position.ledger();
        entryId = position.entry();
        entryPublishTime = publishTime;
        buffer.position(entryStart + ENTRY_HEADER);
    }

    private void endEntry() {
        if (!isEmpty()) {
            buffer.putInt(entryStart, buffer.position() - entryStart)
                    .putInt(entryStart + 4, entryRecords)
                    .putInt(entryStart + 8, entrySourcePartition)
                    .putInt(entryStart + 12, entrySchema)
                    .putLong(entryStart + 16, entryLedger)
                    .putLong(entryStart + 24, entryId)
                    .putLong(entryStart + 32, entryPublishTime);
        }
    }

    private static int partLength(byte[] part) {
        return part == null ? 0 : Math.addExact(Integer.BYTES, part.length);
    }

    private void putPart(byte[] part) {
        if (part != null) {
            buffer.putInt(part.length).put(part);
        }
    }

    private static ByteBuffer allocate(int capacity) {
        return ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN);
    }
}
