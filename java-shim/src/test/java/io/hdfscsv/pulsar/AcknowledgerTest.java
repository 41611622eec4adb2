package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyDouble;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.ArgumentMatchers.contains;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;
import static org.mockito.Mockito.withSettings;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.impl.BatchMessageIdImpl;
import org.apache.pulsar.client.impl.ChunkMessageIdImpl;
import org.apache.pulsar.client.impl.MessageIdImpl;
import org.apache.pulsar.client.impl.MessageImpl;
import org.apache.pulsar.common.api.proto.MessageMetadata;
import org.apache.pulsar.functions.api.Record;
import org.apache.pulsar.io.core.SinkContext;
import org.apache.pulsar.shade.io.netty.buffer.Unpooled;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;

class AcknowledgerTest {
    private static final long SECOND = 1_000_000_000;
    private static final long DELAY = 100 * SECOND;
    private static final String TOPIC = "persistent://t/n/a";

    private final List<String> acknowledged = new ArrayList<>();
    private final SinkContext context = mock(SinkContext.class);
    private final Logger logger = mock(Logger.class);
    private final ReadingClock clock = new ReadingClock(0);
    private final MessagePosition position = new MessagePosition();
    private final CumulativeAcknowledger cumulative =
            new CumulativeAcknowledger(clock, DELAY, new SkippedEntries(TOPIC, context));
    private long nanoTime;

    @BeforeEach
    void answer() {
        when(context.getLogger()).thenReturn(logger);
    }

    @Test
    void given_entries_without_a_gap_when_committed_then_the_last_record_is_acknowledged_at_once() {
        started();
        remember(cumulative, 2, entry(1));
        remember(cumulative, 2, entry(2));
        remember(cumulative, 3, entry(3));
        remember(cumulative, 5, batched(4, 0));
        remember(cumulative, 5, batched(4, 1));
        assertEquals(3, cumulative.size());

        cumulative.committed(4);
        assertEquals(List.of("1:3"), acknowledged);
        cumulative.committed(4);
        assertEquals(List.of("1:3"), acknowledged);
        cumulative.committed(5);
        assertEquals(List.of("1:3", "1:4:1"), acknowledged);
        assertEquals(0, cumulative.size());
    }

    @Test
    void
            given_individual_acknowledgement_when_committed_then_each_record_is_acknowledged_in_order() {
        Acknowledger individual = new IndividualAcknowledger();
        remember(individual, 1, entry(1));
        remember(individual, 1, entry(5));
        remember(individual, 2, chunked(3, 9, 2));

        individual.committed(1);
        assertEquals(List.of("1:1", "1:5"), acknowledged);
        assertEquals(1, individual.size());
        individual.committed(9);
        assertEquals(List.of("1:1", "1:5", "1:3;1:9"), acknowledged);
    }

    @Test
    void given_nothing_pending_when_committed_then_nothing_is_acknowledged() {
        cumulative.committed(5);
        remember(cumulative, 6, entry(1));
        cumulative.committed(5);
        pass(2 * DELAY);
        assertEquals(List.of(), acknowledged);
    }

    @Test
    void given_the_first_entry_when_committed_then_it_waits_for_what_may_stand_before_it() {
        remember(cumulative, 1, entry(7));
        cumulative.committed(1);
        pass(DELAY - SECOND);
        assertEquals(List.of(), acknowledged);
        pass(SECOND);
        assertEquals(List.of("1:7"), acknowledged);
    }

    @Test
    void
            given_a_skipped_entry_when_committed_then_what_is_before_it_is_acknowledged_and_what_is_behind_it_waits() {
        started();
        remember(cumulative, 2, entry(1));
        cumulative.committed(2);
        remember(cumulative, 3, entry(3));
        cumulative.committed(3);
        pass(DELAY / 2);
        remember(cumulative, 4, entry(4));
        cumulative.committed(4);
        assertEquals(List.of("1:1"), acknowledged);
        pass(DELAY / 2);
        assertEquals(List.of("1:1", "1:4"), acknowledged);
        remember(cumulative, 5, entry(5));
        cumulative.committed(5);
        assertEquals(List.of("1:1", "1:4", "1:5"), acknowledged);
        verify(context).recordMetric("entries_skipped_total", 1);
        verify(logger).warn(contains("were skipped"), eq(TOPIC), eq(1L), eq(1L), eq(3L));
    }

    @Test
    void given_another_ledger_when_committed_then_it_waits() {
        started();
        remember(cumulative, 2, entry(2, 0));
        cumulative.committed(2);
        assertEquals(List.of(), acknowledged);
        pass(DELAY);
        assertEquals(List.of("2:0"), acknowledged);
        verify(logger, never()).warn(anyString(), any(), any(), any(), any());
    }

    @Test
    void
            given_a_message_in_chunks_when_others_stand_between_then_they_wait_for_its_commit_and_nothing_is_told() {
        started();
        remember(cumulative, 2, entry(2));
        cumulative.committed(2);
        pass(DELAY / 2);
        remember(cumulative, 3, chunked(1, 4, 3));
        remember(cumulative, 3, entry(5));
        pass(5 * DELAY);
        assertEquals(List.of(), acknowledged);
        cumulative.committed(3);
        assertEquals(List.of("1:5"), acknowledged);
        verify(context, never()).recordMetric(anyString(), anyDouble());
    }

    @Test
    void
            given_messages_in_chunks_that_always_overlap_when_they_are_committed_then_acknowledgements_follow() {
        started();
        remember(cumulative, 2, entry(2));
        for (long at = 0; at < 300; at++) {
            // Each begins before the one before it ends
            remember(cumulative, 3 + at, chunked(1 + 2 * at, 4 + 2 * at, 2));
            cumulative.committed(2 + at);
            pass(SECOND);
        }
        assertTrue(acknowledged.size() > 150, acknowledged.toString());
        assertTrue(cumulative.size() < 110, cumulative.size() + " are kept");
        verify(context, never()).recordMetric(anyString(), anyDouble());
    }

    @Test
    void given_a_message_that_comes_too_late_when_it_comes_then_that_is_told() {
        started();
        remember(cumulative, 2, entry(2));
        cumulative.committed(2);
        pass(DELAY);
        assertEquals(List.of("1:2"), acknowledged);
        verify(context).recordMetric("entries_skipped_total", 1);
        remember(cumulative, 3, chunked(1, 3, 2));
        verify(context).recordMetric("chunked_messages_late_total", 1);
        cumulative.committed(3);
        assertEquals(List.of("1:2", "1:1;1:3"), acknowledged);
    }

    @Test
    void
            given_more_skipped_entries_than_a_message_has_chunks_when_it_comes_then_the_others_are_told() {
        started();
        remember(cumulative, 2, entry(6));
        remember(cumulative, 2, chunked(2, 8, 4));
        pass(DELAY);
        // Five before 6 and one before 8; three are chunks of the message
        verify(context).recordMetric("entries_skipped_total", 3);
    }

    @Test
    void given_gaps_all_the_time_when_told_then_the_log_has_one_line_in_an_hour() {
        started();
        for (long at = 1; at <= 20; at++) {
            remember(cumulative, 1 + at, entry(2 * at));
            pass(DELAY);
        }
        verify(context, times(20)).recordMetric("entries_skipped_total", 1);
        verify(logger, times(1)).warn(anyString(), eq(TOPIC), eq(1L), any(), any());
    }

    @Test
    void given_a_pause_when_time_passes_then_what_may_stand_before_a_chunk_waits_for_it() {
        started();
        // Entry 1 is the first chunk of a message whose last one is not fetched
        remember(cumulative, 2, entry(2));
        pass(DELAY / 2);
        cumulative.pause(true);
        cumulative.pause(true);
        pass(10 * DELAY);
        cumulative.committed(2);
        assertEquals(List.of(), acknowledged);
        cumulative.pause(false);
        pass(DELAY / 4);
        remember(cumulative, 3, chunked(1, 3, 2));
        pass(DELAY);
        assertEquals(List.of(), acknowledged);
        cumulative.committed(3);
        assertEquals(List.of("1:1;1:3"), acknowledged);
    }

    @Test
    void given_entries_that_come_again_when_they_are_committed_then_no_stale_one_is_acknowledged() {
        started();
        remember(cumulative, 2, entry(1));
        remember(cumulative, 3, entry(2));
        // The broker sends again from 1, and what 3 brought is not committed
        remember(cumulative, 4, entry(1));
        cumulative.committed(4);
        pass(DELAY);
        assertEquals(List.of("1:1"), acknowledged);
    }

    @Test
    void given_a_division_when_the_first_record_at_or_behind_it_comes_then_it_is_divided() {
        started();
        assertFalse(isDivided(cumulative, entry(5)));
        cumulative.divideAt(new Division(1, 4));
        assertFalse(isDivided(cumulative, entry(3)));
        for (Message<byte[]> behind : List.of(entry(4), entry(5), entry(2, 0))) {
            assertTrue(isDivided(cumulative, behind));
        }
        remember(cumulative, 2, batched(5, 0));
        assertFalse(isDivided(cumulative, batched(5, 1)));
        assertFalse(isDivided(cumulative, entry(6)));
        // The broker sends again
        remember(cumulative, 3, entry(3));
        assertTrue(isDivided(cumulative, entry(5)));
        cumulative.divideAt(null);
        assertFalse(isDivided(cumulative, entry(5)));
        IndividualAcknowledger individual = new IndividualAcknowledger();
        individual.divideAt(new Division(1, 4));
        assertFalse(isDivided(individual, entry(7)));
    }

    @Test
    void
            given_a_message_in_chunks_that_comes_again_when_others_are_committed_then_they_wait_for_it() {
        started();
        remember(cumulative, 2, entry(2));
        cumulative.committed(2);
        remember(cumulative, 3, chunked(1, 3, 2));
        pass(DELAY);
        // A rewind: the message is not committed, and 2 is a duplicate now
        remember(cumulative, 4, entry(2));
        cumulative.committed(4);
        pass(DELAY / 2);
        remember(cumulative, 5, chunked(1, 3, 2));
        pass(DELAY);
        assertEquals(List.of(), acknowledged);
        cumulative.committed(5);
        assertEquals(List.of("1:1;1:3"), acknowledged);
    }

    @Test
    void given_large_records_that_wait_when_more_are_committed_then_few_are_kept() {
        for (long at = 0; at < 200; at++) {
            MessageIdImpl id = new MessageIdImpl(1, 2 * at, -1);
            remember(cumulative, 1 + at, message(id, 0, new byte[600_000]));
            cumulative.committed(1 + at);
            assertTrue(cumulative.size() <= 3, cumulative.size() + " are kept");
            pass(SECOND);
        }
        assertEquals(List.of("1:0"), acknowledged.subList(0, 1));
        pass(DELAY);
        assertEquals("1:398", acknowledged.get(acknowledged.size() - 1));
    }

    /** What the broker and the client do, with producers of chunks and a crash, at random. */
    @Test
    void given_random_traffic_and_crashes_when_all_is_sent_again_then_no_message_is_lost() {
        for (int seed = 0; seed < 300; seed++) {
            new Simulation(seed).run();
        }
    }

    private static final class Simulation {
        private final Random random;
        private final int seed;
        private final SinkContext context = mock(SinkContext.class, withSettings().stubOnly());

        /** Of each entry: the message's first chunk, itself when it is whole or the first one. */
        private final List<Integer> first = new ArrayList<>();

        /** Of each entry: whether its message ends with it. */
        private final List<Boolean> last = new ArrayList<>();

        private final boolean[] committed;
        private int cursor = -1;

        Simulation(int seed) {
            this.seed = seed;
            random = new Random(seed);
            when(context.getLogger()).thenReturn(mock(Logger.class, withSettings().stubOnly()));
            TreeMap<Integer, Integer> open = new TreeMap<>();
            while (first.size() < 60 || !open.isEmpty()) {
                int entry = first.size();
                boolean mayBegin = entry < 60;
                int what = random.nextInt(4);
                if (mayBegin && what == 0) {
                    open.put(entry, 1 + random.nextInt(3));
                    add(entry, false);
                } else if (!open.isEmpty() && (what > 1 || !mayBegin)) {
                    List<Integer> keys = List.copyOf(open.keySet());
                    int key = keys.get(random.nextInt(keys.size()));
                    int left = open.merge(key, -1, Integer::sum);
                    if (left == 0) {
                        open.remove(key);
                    }
                    add(key, left == 0);
                } else if (mayBegin) {
                    add(entry, true);
                }
            }
            committed = new boolean[first.size()];
        }

        private void add(int firstEntry, boolean ends) {
            first.add(firstEntry);
            last.add(ends);
        }

        void run() {
            for (int runs = 0; runs < 1_000 && cursor < first.size() - 1; runs++) {
                life(runs < 20 ? random.nextInt(2 * first.size()) : Integer.MAX_VALUE);
            }
            assertEquals(first.size() - 1, cursor, "seed " + seed);
            for (int entry = 0; entry < committed.length; entry++) {
                assertTrue(
                        committed[entry] || !last.get(entry), "seed " + seed + ": lost " + entry);
            }
        }

        /** One process, from the cursor on, killed after so many steps. */
        private void life(int steps) {
            ReadingClock clock = new ReadingClock(0);
            // No message takes longer than it has entries, a second each
            CumulativeAcknowledger acknowledger =
                    new CumulativeAcknowledger(
                            clock, 200 * SECOND, new SkippedEntries(TOPIC, context));
            MessagePosition position = new MessagePosition();
            List<Integer> begun = new ArrayList<>();
            List<Integer> uncommitted = new ArrayList<>();
            int start = cursor + 1;
            long handOver = 1;
            long time = 0;
            for (int step = 0; step < steps && cursor < first.size() - 1; step++) {
                time += SECOND;
                clock.tick(time, true);
                int entry = start + step;
                if (entry < first.size()) {
                    int from = first.get(entry);
                    if (from == entry) {
                        begun.add(entry);
                    }
                    if (last.get(entry) && begun.contains(from)) {
                        Message<byte[]> message =
                                from == entry ? entry(entry) : chunked(from, entry, 2);
                        position.read(message.getMessageId());
                        position.readChunks(message);
                        acknowledger.remember(
                                handOver,
                                record(message, () -> cursor = Math.max(cursor, entry)),
                                position);
                        uncommitted.add(entry);
                    }
                }
                if (random.nextInt(4) == 0) {
                    uncommitted.forEach(each -> committed[each] = true);
                    uncommitted.clear();
                    acknowledger.committed(handOver++);
                }
                acknowledger.acknowledgeDue();
            }
        }
    }

    /** An entry that came and was acknowledged, so that entry 1 follows. */
    private void started() {
        remember(cumulative, 1, entry(0));
        cumulative.committed(1);
        pass(DELAY);
        assertEquals(List.of("1:0"), acknowledged);
        acknowledged.clear();
    }

    private void pass(long nanos) {
        for (long left = nanos; left > 0; left -= SECOND) {
            nanoTime += SECOND;
            clock.tick(nanoTime, true);
        }
        cumulative.acknowledgeDue();
    }

    private void remember(Acknowledger acknowledger, long handOver, Message<byte[]> message) {
        MessageId id = message.getMessageId();
        position.read(id);
        position.readChunks(message);
        // Each ledger:entry:partition, of a batch with its index
        String name = id.toString().replaceAll(":-1", "");
        acknowledger.remember(handOver, record(message, () -> acknowledged.add(name)), position);
    }

    private boolean isDivided(Acknowledger acknowledger, Message<byte[]> message) {
        position.read(message.getMessageId());
        return acknowledger.isDivided(position);
    }

    private static Message<byte[]> entry(long entry) {
        return entry(1, entry);
    }

    private static Message<byte[]> entry(long ledger, long entry) {
        return message(new MessageIdImpl(ledger, entry, -1), 0);
    }

    private static Message<byte[]> batched(long entry, int index) {
        return message(new BatchMessageIdImpl(1, entry, -1, index), 0);
    }

    private static Message<byte[]> chunked(long first, long last, int chunks) {
        return message(
                new ChunkMessageIdImpl(
                        new MessageIdImpl(1, first, -1), new MessageIdImpl(1, last, -1)),
                chunks);
    }

    private static Message<byte[]> message(MessageIdImpl id, int chunks, byte... payload) {
        MessageMetadata metadata = new MessageMetadata();
        metadata.setProducerName("p").setSequenceId(1).setPublishTime(2);
        if (chunks > 0) {
            metadata.setNumChunksFromMsg(chunks);
        }
        return MessageImpl.create(
                TOPIC,
                id,
                metadata,
                Unpooled.wrappedBuffer(payload),
                Optional.empty(),
                null,
                Schema.BYTES,
                0,
                false,
                0);
    }

    private static Record<byte[]> record(Message<byte[]> message, Runnable ack) {
        return new Record<>() {
            @Override
            public byte[] getValue() {
                return message.getValue();
            }

            @Override
            public Optional<Message<byte[]>> getMessage() {
                return Optional.of(message);
            }

            @Override
            public void ack() {
                ack.run();
            }
        };
    }
}
