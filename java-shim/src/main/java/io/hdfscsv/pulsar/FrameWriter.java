package io.hdfscsv.pulsar;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Packs records into one direct buffer that is used again and again. A record that is larger than
 * the whole buffer travels alone, in a buffer of its own.
 */
final class FrameWriter {
    /** The schema id of a message without a schema version. */
    static final int NO_SCHEMA = 0xFFFFFFFF;

    private static final int HEADER = 56;
    private static final int KEY_FOLLOWS = 1;
    private static final int PROPERTIES_FOLLOW = 2;
    private static final int KEY_IS_BYTES = 4;

    private final ByteBuffer reused;
    private ByteBuffer buffer;
    private long begun;

    FrameWriter(int capacity) {
        reused = allocate(capacity);
        buffer = reused;
    }

    /**
     * Adds a record, unless there is no room for it: then hand over, {@link #clear()} and add it
     * again.
     *
     * @param key null for none
     * @param keyIsBytes whether the producer gave the key as bytes and not as text
     * @param properties a JSON object of strings, null for none
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
        int length =
                Math.addExact(
                        HEADER,
                        Math.addExact(
                                partLength(key),
                                Math.addExact(partLength(properties), payload.length)));
        if (length > buffer.remaining()) {
            if (!isEmpty()) {
                return false;
            }
            buffer = allocate(length);
        }
        if (isEmpty()) {
            begun = System.nanoTime();
        }
        int flags =
                (key == null ? 0 : KEY_FOLLOWS)
                        | (properties == null ? 0 : PROPERTIES_FOLLOW)
                        | (keyIsBytes ? KEY_IS_BYTES : 0);
        int at = buffer.position();
        buffer.putInt(at, length)
                .putInt(at + 4, sourcePartition)
                .putInt(at + 8, schema)
                .putInt(at + 12, flags)
                .putLong(at + 16, position.ledger())
                .putLong(at + 24, position.entry())
                .putInt(at + 32, position.batchIndex())
                .putInt(at + 36, payload.length)
                .putLong(at + 40, publishTime)
                .putLong(at + 48, eventTime)
                .position(at + HEADER);
        putPart(key);
        putPart(properties);
        buffer.put(payload);
        return true;
    }

    ByteBuffer buffer() {
        return buffer;
    }

    int length() {
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
