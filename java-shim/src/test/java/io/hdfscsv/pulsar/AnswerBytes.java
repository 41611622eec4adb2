package io.hdfscsv.pulsar;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes answers, from docs/understand/hand-over.md alone. */
final class AnswerBytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    static byte[] committed(int sourcePartition, long handOver) {
        return new AnswerBytes()
                .number(24, 4)
                .number(1, 4)
                .number(sourcePartition, 4)
                .number(0, 4)
                .number(handOver, 8)
                .bytes();
    }

    static byte[] deadLetter(
            int sourcePartition,
            int schema,
            long number,
            String reason,
            byte[] key,
            String properties,
            byte[] payload) {
        byte[] parts =
                new AnswerBytes()
                        .part(text(reason))
                        .part(key)
                        .part(properties == null ? null : text(properties))
                        .part(payload)
                        .bytes();
        AnswerBytes answer =
                new AnswerBytes()
                        .number(56 + parts.length, 4)
                        .number(2, 4)
                        .number(sourcePartition, 4)
                        .number(schema, 4)
                        .number(number, 8)
                        .number(11, 8)
                        .number(12, 8)
                        .number(13, 4)
                        .number(4, 4)
                        .number(14, 8);
        answer.out.writeBytes(parts);
        return answer.bytes();
    }

    /** A gap in ledger 1; one that begins with the topic has no entry before it. */
    static byte[] gap(int sourcePartition, long number, Integer entry, long nextEntry) {
        return new AnswerBytes()
                .number(56, 4)
                .number(3, 4)
                .number(sourcePartition, 4)
                .number(entry == null ? 0 : 1, 4)
                .number(number, 8)
                .number(entry == null ? 0 : 1, 8)
                .number(entry == null ? 0 : entry, 8)
                .number(1, 8)
                .number(nextEntry, 8)
                .bytes();
    }

    static byte[] pause(int sourcePartition, boolean paused) {
        return new AnswerBytes()
                .number(16, 4)
                .number(4, 4)
                .number(sourcePartition, 4)
                .number(paused ? 1 : 0, 4)
                .bytes();
    }

    static byte[] sendAgain(int sourcePartition, Division division) {
        return new AnswerBytes()
                .number(32, 4)
                .number(5, 4)
                .number(sourcePartition, 4)
                .number(division == null ? 0 : 1, 4)
                .number(division == null ? 0 : division.ledger(), 8)
                .number(division == null ? 0 : division.entry(), 8)
                .bytes();
    }

    static byte[] join(byte[]... answers) {
        AnswerBytes all = new AnswerBytes();
        for (byte[] answer : answers) {
            all.out.writeBytes(answer);
        }
        return all.bytes();
    }

    private AnswerBytes part(byte[] part) {
        if (part == null) {
            return number(0xffffffffL, 4);
        }
        number(part.length, 4);
        out.writeBytes(part);
        return this;
    }

    private AnswerBytes number(long value, int size) {
        for (int i = 0; i < size; i++) {
            out.write((int) (value >>> (8 * i)));
        }
        return this;
    }

    private byte[] bytes() {
        return out.toByteArray();
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
