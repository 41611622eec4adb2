package io.hdfscsv.pulsar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads packed records, written from docs/hand-over.md alone: it shares no code with the writer,
 * not even ByteBuffer's order.
 */
final class FrameReader {
    record Packed(
            long sourcePartition,
            long schema,
            long ledger,
            long entry,
            long batchIndex,
            long publishTime,
            long eventTime,
            byte[] key,
            boolean keyIsBytes,
            byte[] properties,
            byte[] payload) {}

    private FrameReader() {}

    static List<Packed> read(byte[] bytes) {
        List<Packed> records = new ArrayList<>();
        int start = 0;
        while (start < bytes.length) {
            int length = (int) number(bytes, start, 4);
            long flags = number(bytes, start + 12, 4);
            if ((flags & ~7) != 0) {
                throw new IllegalStateException("flags " + flags);
            }
            int at = start + 56;
            byte[] key = null;
            if ((flags & 1) != 0) {
                int keyLength = (int) number(bytes, at, 4);
                key = Arrays.copyOfRange(bytes, at + 4, at + 4 + keyLength);
                at += 4 + keyLength;
            }
            byte[] properties = null;
            if ((flags & 2) != 0) {
                int propertiesLength = (int) number(bytes, at, 4);
                properties = Arrays.copyOfRange(bytes, at + 4, at + 4 + propertiesLength);
                at += 4 + propertiesLength;
            }
            int payloadLength = (int) number(bytes, start + 36, 4);
            if (at + payloadLength != start + length) {
                throw new IllegalStateException(
                        "length " + length + ", end " + (at + payloadLength - start));
            }
            records.add(
                    new Packed(
                            number(bytes, start + 4, 4),
                            number(bytes, start + 8, 4),
                            number(bytes, start + 16, 8),
                            number(bytes, start + 24, 8),
                            number(bytes, start + 32, 4),
                            number(bytes, start + 40, 8),
                            number(bytes, start + 48, 8),
                            key,
                            (flags & 4) != 0,
                            properties,
                            Arrays.copyOfRange(bytes, at, at + payloadLength)));
            start += length;
        }
        return records;
    }

    private static long number(byte[] bytes, int at, int size) {
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            value = value << 8 | (bytes[at + i] & 0xff);
        }
        return value;
    }
}
