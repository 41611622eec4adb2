package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.hdfscsv.pulsar.FrameReader.Packed;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.apache.pulsar.client.impl.BatchMessageIdImpl;
import org.junit.jupiter.api.Test;

class FrameWriterTest {
    private static final long SEED = 20261124;

    @Test
    void given_records_of_an_entry_when_packed_then_their_bytes_are_those_of_the_contract() {
        FrameWriter frame = new FrameWriter(1024);
        long ledger = 0x0102030405060708L;
        byte[] payload = {1, 2, 3};
        byte[] key = {'k'};
        append(
                frame,
                new Packed(5, 6, ledger, 9, 3, 1000, -2, key, true, "{}".getBytes(), payload));
        append(frame, new Packed(5, 6, ledger, 9, 4, 1000, 0, null, false, null, payload));
        assertEquals(
                "51000000" // length 81
                        + "02000000" // records
                        + "05000000" // source partition
                        + "06000000" // schema
                        + "0807060504030201" // ledger
                        + "0900000000000000" // entry
                        + "e803000000000000" // publish time
                        + "03000000" // payload length
                        + "3f000000" // batch index 3, flags 15
                        + "feffffffffffffff" // event time
                        + "01000000"
                        + "6b" // key
                        + "02000000"
                        + "7b7d" // properties
                        + "010203"
                        + "03000000" // payload length
                        + "40000000" // batch index 4
                        + "010203",
                HexFormat.of().formatHex(bytes(frame)));
    }

    @Test
    void given_random_records_when_packed_then_an_independent_reader_gets_the_same() {
        Random random = new Random(SEED);
        FrameWriter frame = new FrameWriter(4096);
        ByteBuffer reused = frame.buffer();
        List<Packed> written = new ArrayList<>();
        int handOvers = 0;
        int alone = 0;
        Packed record = random(random, null);
        for (int i = 0; i < 20_000; i++) {
            record = random(random, record);
            if (!append(frame, record)) {
                assertSameRecords(written, FrameReader.read(bytes(frame)));
                handOvers++;
                if (frame.buffer() != reused) {
                    alone++;
                    assertEquals(1, written.size());
                }
                written.clear();
                frame.clear();
                assertTrue(append(frame, record), "an empty frame takes any record");
            }
            written.add(record);
        }
        assertSameRecords(written, FrameReader.read(bytes(frame)));
        assertTrue(handOvers > 100 && alone > 10, handOvers + " hand-overs, " + alone + " alone");
        frame.clear();
        assertSame(reused, frame.buffer());
        assertTrue(frame.isEmpty());
    }

    @Test
    void
            given_a_record_that_fills_the_buffer_exactly_when_packed_then_it_needs_no_buffer_of_its_own() {
        FrameWriter frame = new FrameWriter(148);
        ByteBuffer reused = frame.buffer();
        Packed record = new Packed(1, 1, 1, 1, 0, 1, 0, null, false, null, new byte[100]);
        assertTrue(append(frame, record));
        assertSame(reused, frame.buffer());
        assertFalse(append(frame, new Packed(1, 1, 1, 2, 0, 1, 0, null, false, null, new byte[0])));
    }

    @Test
    void given_an_entry_of_more_messages_than_the_contract_has_room_for_then_an_error_says_so() {
        FrameWriter frame = new FrameWriter(1024);
        Packed record = new Packed(1, 1, 1, 1, 1 << 28, 1, 0, null, false, null, new byte[1]);
        assertThrows(HdfsCsvException.class, () -> append(frame, record));
        assertTrue(frame.isEmpty());
    }

    /** Mostly of the entry of the one before, or of one that differs in one thing only. */
    private static Packed random(Random random, Packed before) {
        boolean[] same = new boolean[5];
        for (int i = 0; i < same.length; i++) {
            same[i] = before != null && random.nextInt(10) > 0;
        }
        return new Packed(
                same[0] ? before.sourcePartition() : random.nextInt() & 0xffffffffL,
                same[1]
                        ? before.schema()
                        : random.nextInt(10) == 0 ? 0xffffffffL : random.nextInt(100),
                same[2] ? before.ledger() : random.nextLong() & Long.MAX_VALUE,
                same[3] ? before.entry() : random.nextLong() & Long.MAX_VALUE,
                random.nextInt() >>> (4 + random.nextInt(28)),
                same[4] ? before.publishTime() : random.nextLong(),
                random.nextBoolean() ? 0 : random.nextLong(),
                random.nextBoolean() ? null : bytes(random, random.nextInt(40)),
                random.nextBoolean(),
                random.nextInt(4) > 0 ? null : bytes(random, random.nextInt(60)),
                random.nextInt(10) == 0
                        ? null
                        : bytes(
                                random,
                                random.nextInt(100) == 0
                                        ? random.nextInt(20_000)
                                        : random.nextInt(300)));
    }

    private static byte[] bytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static boolean append(FrameWriter frame, Packed record) {
        MessagePosition position = new MessagePosition();
        position.read(
                new BatchMessageIdImpl(
                        record.ledger(), record.entry(), -1, (int) record.batchIndex()));
        return frame.append(
                (int) record.sourcePartition(),
                (int) record.schema(),
                position,
                record.publishTime(),
                record.eventTime(),
                record.key(),
                record.keyIsBytes(),
                record.properties(),
                record.payload());
    }

    private static byte[] bytes(FrameWriter frame) {
        byte[] bytes = new byte[frame.length()];
        frame.buffer().duplicate().flip().get(bytes);
        return bytes;
    }

    private static void assertSameRecords(List<Packed> expected, List<Packed> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            Packed e = expected.get(i);
            Packed a = actual.get(i);
            assertEquals(e.sourcePartition(), a.sourcePartition());
            assertEquals(e.schema(), a.schema());
            assertEquals(e.ledger(), a.ledger());
            assertEquals(e.entry(), a.entry());
            assertEquals(e.batchIndex(), a.batchIndex());
            assertEquals(e.keyIsBytes(), a.keyIsBytes());
            assertEquals(e.publishTime(), a.publishTime());
            assertEquals(e.eventTime(), a.eventTime());
            assertArrayEquals(e.key(), a.key());
            assertArrayEquals(e.properties(), a.properties());
            assertArrayEquals(e.payload(), a.payload());
        }
    }
}
