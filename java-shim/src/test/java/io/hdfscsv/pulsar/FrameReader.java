package io.hdfscsv.pulsar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads packed records, written from docs/understand/hand-over.md alone: it shares no code with the
 * writer, not even ByteBuffer's order.
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
        for (int at = 0; at < bytes.length; ) {
            int end = at + (int) number(bytes, at, 4);
            long count = number(bytes, at + 4, 4);
            int before = records.size();
            readEntry(bytes, at, end, records);
            if (records.size() - before != count || count == 0) {
                throw new IllegalStateException(
                        count + " records said, " + (records.size() - before) + " found");
            }
            at = end;
        }
        return records;
    }

    private static void readEntry(byte[] bytes, int start, int end, List<Packed> records) {
        int at = start + 40;
        while (at < end) {
            long payloadLength = number(bytes, at, 4);
            boolean hasValue = payloadLength != 0xffffffffL;
            int payloadEnd = hasValue ? (int) payloadLength : 0;
            long flags = number(bytes, at + 4, 4);
            at += 8;
            long eventTime = 0;
            if ((flags & 8) != 0) {
                eventTime = number(bytes, at, 8);
                at += 8;
            }
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
            records.add(
                    new Packed(
                            number(bytes, start + 8, 4),
                            number(bytes, start + 12, 4),
                            number(bytes, start + 16, 8),
                            number(bytes, start + 24, 8),
                            flags >>> 4,
                            number(bytes, start + 32, 8),
                            eventTime,
                            key,
                            (flags & 4) != 0,
                            properties,
                            hasValue ? Arrays.copyOfRange(bytes, at, at + payloadEnd) : null));
            at += payloadEnd;
        }
        if (at != end) {
            throw new IllegalStateException("ends at " + at + " and not at " + end);
        }
    }

    private static long number(byte[] bytes, int at, int size) {
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            value = value << 8 | (bytes[at + i] & 0xff);
        }
        return value;
    }
}
