package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.contains;
import static org.mockito.Mockito.doReturn;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import io.hdfscsv.pulsar.FakeMessages.FakeRecord;
import io.hdfscsv.pulsar.FrameReader.Packed;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.pulsar.client.api.Consumer;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.impl.BatchMessageIdImpl;
import org.apache.pulsar.common.functions.FunctionConfig.ProcessingGuarantees;
import org.apache.pulsar.common.io.SinkConfig;
import org.apache.pulsar.io.core.SinkContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.Logger;

@Timeout(30)
class RunningSinkTest {
    private static final byte[] LARGE = new byte[300_000];

    private final FakeNative library = new FakeNative();
    private final SinkConfig config = new SinkConfig();
    private final SinkContext context = mock(SinkContext.class);
    private final Logger logger = mock(Logger.class);
    private final HdfsCsvSink sink = new HdfsCsvSink(library::opened);

    @BeforeEach
    void open() {
        config.setProcessingGuarantees(ProcessingGuarantees.EFFECTIVELY_ONCE);
        when(context.getSinkConfig()).thenReturn(config);
        when(context.getSinkName()).thenReturn("cold");
        when(context.getLogger()).thenReturn(logger);
        when(context.getPulsarClient()).thenReturn(mock(PulsarClient.class));
        sink.open(Map.of("directory", "/events"), context);
    }

    @AfterEach
    void close() {
        Thread.interrupted();
        sink.close();
        await(
                () ->
                        Thread.getAllStackTraces().keySet().stream()
                                .noneMatch(t -> t.getName().startsWith("hdfs-csv-")));
    }

    @Test
    void given_one_record_when_time_passes_then_it_is_handed_over_and_acknowledged_without_another()
            throws Exception {
        FakeRecord record =
                FakeMessages.record(
                        FakeMessages.TOPIC, 5, new byte[] {1, 2}, new byte[] {3}, Map.of("a", "b"));
        sink.write(record);
        await(() -> library.handOvers.size() == 1);
        Packed packed = FrameReader.read(library.handOvers.get(0)).get(0);
        assertEquals(101, packed.sourcePartition());
        assertEquals(0xffffffffL, packed.schema());
        assertEquals(
                List.of(1L, 5L, 0L), List.of(packed.ledger(), packed.entry(), packed.batchIndex()));
        assertEquals(1005, packed.publishTime());
        assertArrayEquals(new byte[] {3}, packed.key());
        assertEquals("{\"a\":\"b\"}", new String(packed.properties(), StandardCharsets.UTF_8));
        assertArrayEquals(new byte[] {1, 2}, packed.payload());
        assertEquals(List.of(FakeMessages.TOPIC), library.topics);
        assertEquals(0, record.acks.get());

        library.answers.add(AnswerBytes.committed(101, 1));
        assertTrue(record.acknowledged.await(5, TimeUnit.SECONDS));
        verify(context, never()).fatal(any());
    }

    @Test
    void
            given_a_dead_letter_that_a_pattern_takes_in_when_written_then_it_is_left_out_and_acknowledged()
                    throws Exception {
        FakeRecord letter =
                FakeMessages.record(
                        FakeMessages.TOPIC + "-hdfs-csv-dlq", 5, new byte[1], null, Map.of());
        sink.write(letter);
        assertEquals(1, letter.acks.get());
        sink.write(FakeMessages.record(6, new byte[1]));
        await(() -> library.handOvers.size() == 1);
        assertEquals(List.of(FakeMessages.TOPIC), library.topics);
        assertEquals(List.of(6L), entries());
    }

    @Test
    void given_a_pause_when_written_then_its_records_wait_in_order_and_others_go_on()
            throws Exception {
        String other = FakeMessages.TOPIC + "-other";
        sink.write(FakeMessages.record(1, new byte[1]));
        sink.write(FakeMessages.record(other, 1, new byte[1], null, Map.of()));
        await(() -> entries().size() == 2);
        library.answers.add(AnswerBytes.pause(101, true));
        verify(context, timeout(5_000)).pause(FakeMessages.TOPIC, 0);
        for (int entry = 2; entry <= 5; entry++) {
            sink.write(FakeMessages.record(entry, new byte[1]));
            sink.write(FakeMessages.record(other, entry, new byte[1], null, Map.of()));
        }
        await(() -> entries().size() == 6);
        assertEquals(List.of(1L), entriesOf(101));
        assertEquals(List.of(1L, 2L, 3L, 4L, 5L), entriesOf(102));

        // They go on without another record, as soon as there is room
        library.full = true;
        library.answers.add(AnswerBytes.pause(101, false));
        verify(context, timeout(5_000)).resume(FakeMessages.TOPIC, 0);
        FakeRecord last = FakeMessages.record(6, new byte[1]);
        sink.write(last);
        library.full = false;
        await(() -> entriesOf(101).size() == 6);
        assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 6L), entriesOf(101));
        library.answers.add(
                AnswerBytes.committed(101, library.numbers.get(library.numbers.size() - 1)));
        assertTrue(last.acknowledged.await(5, TimeUnit.SECONDS));
    }

    @Test
    void given_a_topic_that_cannot_have_a_table_when_written_then_it_is_paused_and_others_go_on()
            throws Exception {
        String impossible = FakeMessages.TOPIC + "-impossible";
        FakeRecord stopped = FakeMessages.record(impossible, 1, new byte[1], null, Map.of());
        sink.write(stopped);
        verify(context).pause(impossible, 0);
        sink.write(FakeMessages.record(2, new byte[1]));
        sink.write(FakeMessages.record(impossible, 2, new byte[1], null, Map.of()));
        await(() -> entries().equals(List.of(2L)));
        assertEquals(0, stopped.acks.get());
        verify(context, never()).fatal(any());
    }

    @Test
    void given_a_gap_when_committed_then_it_is_acknowledged_later_though_nothing_else_happens()
            throws Exception {
        sink.close();
        library.topics.clear();
        library.acknowledgementDelay = 300;
        sink.open(Map.of(), context);
        FakeRecord record = FakeMessages.record(5, new byte[1]);
        long start = System.nanoTime();
        sink.write(record);
        await(() -> !library.numbers.isEmpty());
        library.answers.add(AnswerBytes.committed(101, library.numbers.get(0)));
        assertTrue(record.acknowledged.await(5, TimeUnit.SECONDS));
        long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        assertTrue(took >= 300, took + " ms");
    }

    /** The functions worker's context has this method, and the interface has not. */
    abstract static class WorkersContext implements SinkContext {
        abstract Consumer<?> getConsumer(String topic, int partition);
    }

    @Test
    void
            given_records_that_the_broker_left_out_when_they_are_wanted_then_its_consumer_asks_for_them()
                    throws Exception {
        sink.close();
        library.topics.clear();
        WorkersContext workers = mock(WorkersContext.class);
        Consumer<?> consumer = mock(Consumer.class);
        when(workers.getSinkConfig()).thenReturn(config);
        when(workers.getSinkName()).thenReturn("cold");
        when(workers.getLogger()).thenReturn(logger);
        when(workers.getPulsarClient()).thenReturn(mock(PulsarClient.class));
        doReturn(consumer).when(workers).getConsumer(FakeMessages.TOPIC, 0);
        sink.open(Map.of(), workers);
        sink.write(FakeMessages.record(5, new byte[1]));
        library.answers.add(AnswerBytes.sendAgain(101, new Division(1, 4)));
        verify(consumer, timeout(5_000)).redeliverUnacknowledgedMessages();
        await(() -> !frames().isEmpty());
        int before = frames().size();
        for (long entry : new long[] {1, 2, 5, 6}) {
            sink.write(FakeMessages.record(entry, new byte[1]));
        }
        await(() -> entries().size() == 5);
        for (List<Long> frame : frames().subList(before, frames().size())) {
            assertFalse(frame.contains(2L) && frame.contains(5L), frame.toString());
        }
        verify(workers, never()).fatal(any());
    }

    @Test
    void
            given_many_records_when_written_then_hand_overs_are_numbered_and_nothing_is_lost_or_reordered()
                    throws Exception {
        List<FakeRecord> records = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            FakeRecord record = FakeMessages.record(i, LARGE);
            records.add(record);
            sink.write(record);
        }
        FakeRecord alone = FakeMessages.record(40, new byte[3_000_000]);
        sink.write(alone);
        sink.write(FakeMessages.record(41, new byte[1]));
        await(() -> entries().size() == 42);
        for (int i = 0; i < 42; i++) {
            assertEquals(i, entries().get(i));
        }
        for (int i = 0; i < library.numbers.size(); i++) {
            assertEquals(i + 1, library.numbers.get(i));
        }

        library.answers.add(AnswerBytes.committed(101, library.numbers.size()));
        await(() -> library.answers.isEmpty());
        assertEquals(0, records.stream().mapToInt(r -> r.acks.get()).sum() + alone.acks.get());
    }

    @Test
    void given_messages_of_one_entry_when_written_then_what_they_share_is_asked_for_once()
            throws Exception {
        Message<byte[]> first = message(new BatchMessageIdImpl(7, 8, 3, 0), 500);
        Message<byte[]> second = message(new BatchMessageIdImpl(7, 8, 3, 1), 500);
        Message<byte[]> next = message(new BatchMessageIdImpl(8, 8, 3, 0), 501);
        for (Message<byte[]> message : List.of(first, second, next)) {
            sink.write(new FakeRecord(message, new byte[1]));
        }
        await(() -> packed().size() == 3);
        List<List<Long>> found = new ArrayList<>();
        for (Packed each : packed()) {
            found.add(List.of(each.ledger(), each.batchIndex(), each.publishTime()));
        }
        assertEquals(
                List.of(List.of(7L, 0L, 500L), List.of(7L, 1L, 500L), List.of(8L, 0L, 501L)),
                found);
        verify(second, never()).getSchemaVersion();
        verify(second, never()).getPublishTime();
    }

    @Test
    void given_individual_acknowledgement_when_committed_then_every_record_is_acknowledged()
            throws Exception {
        sink.close();
        config.setProcessingGuarantees(ProcessingGuarantees.ATLEAST_ONCE);
        library.topics.clear();
        sink.open(Map.of(), context);
        FakeRecord first = FakeMessages.record(1, new byte[1]);
        FakeRecord second = FakeMessages.record(2, new byte[1]);
        sink.write(first);
        sink.write(second);
        await(() -> entries().size() == 2);
        library.answers.add(
                AnswerBytes.committed(101, library.numbers.get(library.numbers.size() - 1)));
        assertTrue(first.acknowledged.await(5, TimeUnit.SECONDS));
        assertTrue(second.acknowledged.await(5, TimeUnit.SECONDS));
    }

    @Test
    void given_the_memory_bound_when_written_then_write_waits_acknowledges_meanwhile_and_goes_on()
            throws Exception {
        FakeRecord first = FakeMessages.record(0, new byte[1]);
        sink.write(first);
        await(() -> library.handOvers.size() == 1);
        library.full = true;
        CompletableFuture<Void> writing = writeUntilBlocked();
        library.answers.add(AnswerBytes.committed(101, 1));
        assertTrue(first.acknowledged.await(5, TimeUnit.SECONDS));
        assertFalse(writing.isDone());
        library.full = false;
        writing.get(5, TimeUnit.SECONDS);
        await(() -> entries().size() == 9);
        assertEquals(List.of(0L, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L), entries());
    }

    @Test
    void given_a_waiting_write_when_interrupted_then_it_ends_and_the_sink_closes()
            throws Exception {
        library.full = true;
        CompletableFuture<Void> writing = writeUntilBlocked();
        writer.interrupt();
        ExecutionException e =
                assertThrows(ExecutionException.class, () -> writing.get(5, TimeUnit.SECONDS));
        assertTrue(e.getCause() instanceof InterruptedException, e.toString());
        assertCloses(3_000);
        verify(logger).warn(contains("delivered again"));
    }

    @Test
    void given_a_waiting_write_when_closed_from_another_thread_then_both_end() throws Exception {
        library.full = true;
        CompletableFuture<Void> writing = writeUntilBlocked();
        assertCloses(3_000);
        ExecutionException e =
                assertThrows(ExecutionException.class, () -> writing.get(5, TimeUnit.SECONDS));
        assertEquals("closed", ((HdfsCsvException) e.getCause()).kind());
    }

    @Test
    void given_slow_native_calls_and_a_waiting_write_when_closed_then_it_takes_less_than_8_seconds()
            throws Exception {
        library.full = true;
        library.handOverMillis = 100;
        library.closeMillis = 60_000;
        CompletableFuture<Void> writing = writeUntilBlocked();
        assertCloses(8_000);
        assertTrue(
                library.closeTimeout <= 6_000 && library.closeTimeout > 4_000,
                library.closeTimeout + " ms");
        assertThrows(ExecutionException.class, () -> writing.get(5, TimeUnit.SECONDS));
    }

    @Test
    void
            given_an_interrupted_thread_when_it_closes_then_the_rest_is_handed_over_and_the_interrupt_kept()
                    throws Exception {
        sink.write(FakeMessages.record(1, new byte[1]));
        Thread.currentThread().interrupt();
        assertCloses(2_000);
        assertTrue(Thread.interrupted());
        assertEquals(List.of(1L), entries());
        assertEquals(1, library.closes);
    }

    @Test
    void given_an_interrupted_thread_when_it_writes_then_the_write_ends() {
        Thread.currentThread().interrupt();
        assertThrows(
                InterruptedException.class, () -> sink.write(FakeMessages.record(1, new byte[1])));
    }

    @Test
    void given_a_sink_when_closed_again_and_again_then_only_the_first_counts_and_it_opens_anew()
            throws Exception {
        sink.close();
        sink.close();
        assertEquals(1, library.closes);
        assertThrows(HdfsCsvException.class, () -> sink.write(FakeMessages.record(1, new byte[1])));
        for (int i = 0; i < 20; i++) {
            sink.open(Map.of(), context);
            sink.write(FakeMessages.record(i, new byte[1]));
            sink.close();
        }
        assertEquals(21, library.closes);
        assertEquals(20, entries().size());
        new HdfsCsvSink(library::opened).close();
    }

    @Test
    void given_a_sink_that_fails_when_nothing_is_written_then_the_instance_ends_once()
            throws Exception {
        library.logs.add("[{\"level\":\"ERROR\",\"target\":\"t\",\"message\":\"why\"}]");
        library.failure = new HdfsCsvException("storage", "HDFS is away");
        verify(context, timeout(5_000)).fatal(library.failure);
        Thread.sleep(100);
        verify(context).fatal(any());
        assertCloses(2_000);
        verify(logger).error("{}: {}", "t", "why");
    }

    @Test
    void given_a_sink_that_fails_when_written_then_write_throws_its_error() throws Exception {
        sink.write(FakeMessages.record(0, LARGE));
        library.failure = new HdfsCsvException("storage", "HDFS is away");
        HdfsCsvException e =
                assertThrows(
                        HdfsCsvException.class,
                        () -> {
                            for (int i = 0; i < 8; i++) {
                                sink.write(FakeMessages.record(i, LARGE));
                            }
                        });
        assertSame(library.failure, e);
    }

    @Test
    void given_an_open_that_fails_when_opened_then_its_message_is_thrown_and_close_is_harmless() {
        library.failure = new HdfsCsvException("config", "directory: missing. Example: /events");
        HdfsCsvSink other = new HdfsCsvSink(library::opened);
        HdfsCsvException e =
                assertThrows(HdfsCsvException.class, () -> other.open(Map.of(), context));
        assertEquals("directory: missing. Example: /events", e.getMessage());
        other.close();
        library.failure = null;
    }

    @Test
    void given_a_context_without_a_client_when_opened_then_the_native_sink_does_not_stay() {
        when(context.getPulsarClient()).thenThrow(new UnsupportedOperationException());
        HdfsCsvSink other = new HdfsCsvSink(library::opened);
        assertThrows(UnsupportedOperationException.class, () -> other.open(Map.of(), context));
        assertEquals(1, library.closes);
    }

    @Test
    void given_log_lines_and_metrics_when_a_second_passes_then_they_are_reported() {
        library.logs.add("[{\"level\":\"INFO\",\"target\":\"t\",\"message\":\"hello\"}]");
        library.metrics = "{\"open_files\":3}";
        verify(logger, timeout(5_000)).info("{}: {}", "t", "hello");
        verify(context, timeout(5_000)).recordMetric("open_files", 3);
        assertNull(library.failure);
    }

    private Thread writer;

    private CompletableFuture<Void> writeUntilBlocked() {
        CompletableFuture<Void> writing = new CompletableFuture<>();
        List<FakeRecord> records = new ArrayList<>();
        for (int i = 1; i <= 8; i++) {
            records.add(FakeMessages.record(i, LARGE));
        }
        writer =
                new Thread(
                        () -> {
                            try {
                                for (FakeRecord record : records) {
                                    sink.write(record);
                                }
                                writing.complete(null);
                            } catch (Throwable e) {
                                writing.completeExceptionally(e);
                            }
                        });
        writer.start();
        await(() -> writer.getState() == Thread.State.TIMED_WAITING);
        return writing;
    }

    private List<Packed> packed() {
        List<Packed> packed = new ArrayList<>();
        for (byte[] handOver : List.copyOf(library.handOvers)) {
            packed.addAll(FrameReader.read(handOver));
        }
        return packed;
    }

    /** The entries of each hand-over. */
    private List<List<Long>> frames() {
        return library.handOvers.stream()
                .map(frame -> FrameReader.read(frame).stream().map(Packed::entry).toList())
                .toList();
    }

    private List<Long> entries() {
        return packed().stream().map(Packed::entry).toList();
    }

    private List<Long> entriesOf(int sourcePartition) {
        return packed().stream()
                .filter(each -> each.sourcePartition() == sourcePartition)
                .map(Packed::entry)
                .toList();
    }

    @SuppressWarnings("unchecked")
    private static Message<byte[]> message(MessageId id, long publishTime) {
        Message<byte[]> message = mock(Message.class);
        when(message.getTopicName()).thenReturn(FakeMessages.TOPIC);
        when(message.getMessageId()).thenReturn(id);
        when(message.getPublishTime()).thenReturn(publishTime);
        return message;
    }

    private void assertCloses(long withinMillis) {
        long start = System.nanoTime();
        sink.close();
        long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
        assertTrue(took < withinMillis, took + " ms");
        assertEquals(1, library.closes);
    }

    private static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, "waited in vain");
            try {
                Thread.sleep(2);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
