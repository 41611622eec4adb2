package io.hdfscsv.pulsar;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Fetches what the native library has to say, into a buffer that grows to what the largest answer
 * needs.
 */
final class Answers {
    /** Takes the answers, in order. */
    interface Receiver {
        void committed(int sourcePartition, long handOver);

        void deadLetter(DeadLetter letter);

        void gap(int sourcePartition, Gap gap);

        void pause(int sourcePartition, boolean paused);

        /**
         * @param division the entry that begins a hand-over when it or one behind it comes; null
         *     for none
         */
        void sendAgain(int sourcePartition, Division division);
    }

    private static final int COMMITTED = 1;
    private static final int DEAD_LETTER = 2;
    private static final int GAP = 3;
    private static final int PAUSE = 4;
    private static final int SEND_AGAIN = 5;
    private static final int HAS_BEGINNING = 1;
    private static final int HAS_DIVISION = 1;
    private static final int NONE = 0xFFFFFFFF;
    private static final int KEY_IS_BYTES = 4;

    /** A call leaves the lock now and then, however much there is to say. */
    private static final int MOST_FETCHES = 16;

    private final NativeSink sink;
    private ByteBuffer buffer;

    Answers(NativeSink sink, int capacity) {
        this.sink = sink;
        buffer = allocate(capacity);
    }

    void fetch(Receiver receiver) {
        for (int fetches = 0; fetches < MOST_FETCHES; fetches++) {
            int length = sink.answers(buffer);
            if (length == 0) {
                return;
            }
            if (length < 0) {
                buffer = allocate(Math.negateExact(length));
            } else {
                buffer.clear().limit(length);
                while (buffer.hasRemaining()) {
                    next(receiver);
                }
            }
        }
    }

    int capacity() {
        return buffer.capacity();
    }

    private void next(Receiver receiver) {
        int start = buffer.position();
        int length = buffer.remaining() < 8 ? buffer.remaining() : buffer.getInt(start);
        if (length < 8 || length > buffer.remaining()) {
            throw new HdfsCsvException(
                    "bug",
                    "An answer of " + length + " bytes where " + buffer.remaining() + " are left");
        }
        int kind = buffer.getInt(start + 4);
        switch (kind) {
            case COMMITTED ->
                    receiver.committed(buffer.getInt(start + 8), buffer.getLong(start + 16));
            case DEAD_LETTER -> receiver.deadLetter(deadLetter(start));
            case PAUSE -> receiver.pause(buffer.getInt(start + 8), buffer.getInt(start + 12) != 0);
            case SEND_AGAIN -> receiver.sendAgain(buffer.getInt(start + 8), division(start));
            case GAP -> receiver.gap(buffer.getInt(start + 8), gap(start));
            default -> throw new HdfsCsvException("bug", "An answer of the unknown kind " + kind);
        }
        buffer.position(start + length);
    }

    private Division division(int start) {
        boolean hasDivision = (buffer.getInt(start + 12) & HAS_DIVISION) != 0;
        return hasDivision
                ? new Division(buffer.getLong(start + 16), buffer.getLong(start + 24))
                : null;
    }

    private Gap gap(int start) {
        return new Gap(
                buffer.getLong(start + 16),
                (buffer.getInt(start + 12) & HAS_BEGINNING) != 0,
                buffer.getLong(start + 24),
                buffer.getLong(start + 32),
                buffer.getLong(start + 40),
                buffer.getLong(start + 48));
    }

    private DeadLetter deadLetter(int start) {
        buffer.position(start + 56);
        String reason = text(part());
        byte[] key = part();
        byte[] properties = part();
        byte[] payload = part();
        return new DeadLetter(
                buffer.getInt(start + 8),
                buffer.getInt(start + 12),
                buffer.getLong(start + 16),
                buffer.getLong(start + 24),
                buffer.getLong(start + 32),
                buffer.getInt(start + 40),
                buffer.getLong(start + 48),
                (buffer.getInt(start + 44) & KEY_IS_BYTES) != 0,
                reason,
                key,
                properties == null ? Map.of() : Json.parseStrings(properties),
                payload);
    }

    private byte[] part() {
        int length = buffer.getInt();
        if (length == NONE) {
            return null;
        }
        byte[] part = new byte[length];
        buffer.get(part);
        return part;
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static ByteBuffer allocate(int capacity) {
        return ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN);
    }
}
