package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.contains;
import static org.mockito.Mockito.RETURNS_SELF;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.verifyNoInteractions;
import static org.mockito.Mockito.when;
import static org.mockito.Mockito.withSettings;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Reader;
import org.apache.pulsar.client.api.ReaderBuilder;
import org.apache.pulsar.client.impl.BatchMessageIdImpl;
import org.apache.pulsar.client.impl.MessageIdImpl;
import org.apache.pulsar.common.functions.FunctionConfig.ProcessingGuarantees;
import org.apache.pulsar.common.io.SinkConfig;
import org.apache.pulsar.io.core.SinkContext;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.Logger;

@Timeout(30)
@SuppressWarnings("unchecked")
class TombstonesTest {
    private static final String TOPIC = "persistent://t/n/a";

    private final FakeNative library = new FakeNative();
    private final SinkConfig config = new SinkConfig();
    private final SinkContext context = mock(SinkContext.class);
    private final Logger logger = mock(Logger.class);
    private final PulsarClient client = mock(PulsarClient.class);
    private final Reader<byte[]> reader = mock(Reader.class);
    private final SubscriptionHead head = mock(SubscriptionHead.class);
    private final Deque<Message<byte[]>> topic = new ArrayDeque<>();

    @BeforeEach
    void open() throws Exception {
        config.setProcessingGuarantees(ProcessingGuarantees.EFFECTIVELY_ONCE);
        when(context.getSinkConfig()).thenReturn(config);
        when(context.getSinkName()).thenReturn("cold");
        when(context.getLogger()).thenReturn(logger);
        when(context.getPulsarClient()).thenReturn(client);
        ReaderBuilder<byte[]> builder = mock(ReaderBuilder.class, RETURNS_SELF);
        when(builder.create()).thenReturn(reader);
        when(client.newReader(any())).thenReturn((ReaderBuilder) builder);
        when(reader.hasMessageAvailable()).thenAnswer(call -> !topic.isEmpty());
        when(reader.readNext(anyInt(), any())).thenAnswer(call -> topic.removeFirst());
        topic.addAll(List.of(message(3, 1), message(4, 1), message(5, 0), message(6, 1)));
    }

    @Test
    void given_all_committed_when_passed_then_all_up_to_the_last_tombstone_is_acknowledged()
            throws Exception {
        pass(true);
        assertEquals(List.of(4L, 5L), entries());
        assertEquals(
                List.of(true, false),
                records().stream().map(packed -> packed.payload() != null).toList());
        verify(head).acknowledgeUpTo(TOPIC, id(5));
        verify(head, never()).acknowledge(any(), any());
        verify(context).recordMetric(Tombstones.PASSED, 1);
        assertEquals(1, library.closes);
        verify(reader).close();
    }

    @Test
    void given_not_all_committed_when_passed_then_nothing_is_acknowledged() throws Exception {
        pass(false);
        verifyNoInteractions(head);
        verify(context, never()).recordMetric(Tombstones.PASSED, 1);
    }

    @Test
    void given_entries_that_do_not_come_when_passed_then_only_the_tombstones_are_acknowledged()
            throws Exception {
        topic.clear();
        topic.addAll(List.of(message(3, 1), message(5, 0), message(6, 1)));
        pass(true);
        verify(head).acknowledge(TOPIC, List.of(id(5)));
        verify(head, never()).acknowledgeUpTo(any(), any());
    }

    @Test
    void given_a_batch_of_which_not_all_has_come_when_passed_then_it_is_not_acknowledged()
            throws Exception {
        topic.removeLast();
        topic.removeLast();
        topic.add(inBatch(5, 0, 3, 0));
        topic.add(inBatch(5, 1, 3, 1));
        when(reader.hasMessageAvailable()).thenReturn(true);
        when(reader.readNext(anyInt(), any())).thenAnswer(call -> topic.pollFirst());
        pass(true);
        assertEquals(List.of(4L, 5L, 5L), entries());
        verify(head).acknowledgeUpTo(TOPIC, id(4));
        verify(head, never()).acknowledge(any(), any());
    }

    @Test
    void given_a_whole_batch_at_the_end_when_passed_then_it_is_acknowledged() throws Exception {
        topic.removeLast();
        topic.removeLast();
        topic.add(inBatch(5, 0, 2, 0));
        topic.add(inBatch(5, 1, 2, 1));
        pass(true);
        verify(head).acknowledgeUpTo(TOPIC, id(5));
    }

    @Test
    void given_a_source_partition_that_gets_on_no_more_when_passed_then_it_is_not_acknowledged()
            throws Exception {
        library.answers.add(AnswerBytes.pause(101, true));
        when(reader.readNext(anyInt(), any()))
                .thenAnswer(
                        call -> {
                            verify(context, timeout(5_000)).pause(TOPIC, 0);
                            return topic.removeFirst();
                        });
        pass(true);
        verifyNoInteractions(head);
    }

    @Test
    void given_at_least_once_when_passed_then_no_other_entries_are_read_or_acknowledged()
            throws Exception {
        config.setProcessingGuarantees(ProcessingGuarantees.ATLEAST_ONCE);
        pass(true);
        assertEquals(List.of(5L), entries());
        verify(head).acknowledge(TOPIC, List.of(id(5)));
    }

    @Test
    void given_a_topic_that_ends_in_what_nobody_can_read_when_passed_then_it_is_acknowledged()
            throws Exception {
        topic.removeLast();
        when(reader.hasMessageAvailable()).thenReturn(true);
        when(reader.readNext(anyInt(), any())).thenAnswer(call -> topic.pollFirst());
        pass(true);
        verify(head).acknowledgeUpTo(TOPIC, id(5));
    }

    @Test
    void given_a_reader_that_does_not_get_so_far_when_passed_then_no_tombstone_is_acknowledged()
            throws Exception {
        topic.removeLast();
        topic.removeLast();
        pass(true);
        verify(head).acknowledgeUpTo(TOPIC, id(4));
        verify(head, never()).acknowledge(any(), any());
        verify(logger)
                .warn(contains("cannot be passed"), any(), any(), contains("was read in time"));
    }

    @Test
    void given_others_that_are_not_committed_when_passed_then_what_is_committed_is_acknowledged()
            throws Exception {
        library.answersAtClose.add(AnswerBytes.committed(101, 1));
        library.leavesRecords = true;
        pass(true);
        verify(head).acknowledgeUpTo(TOPIC, id(5));
    }

    @Test
    void given_a_broker_that_refuses_when_opened_then_the_sink_opens_all_the_same() {
        config.setTopicsPattern("persistent://t/n/.*");
        when(client.newConsumer(any())).thenThrow(new IllegalStateException("no right to consume"));
        HdfsCsvSink sink = new HdfsCsvSink(library::opened);
        sink.open(Map.of("directory", "/events"), context);
        verify(logger)
                .warn(
                        contains("cannot be passed"),
                        contains("no right to consume"),
                        contains("permission to consume"));
        assertEquals(0, library.closes);
        sink.close();
        assertEquals(1, library.closes);
    }

    private void pass(boolean committed) throws Exception {
        library.full = !committed;
        Map<String, Object> configs = Map.of("directory", "/events");
        RunningSink sink = RunningSink.open(library::opened, configs, context);
        TombstoneSearch.Found found =
                new TombstoneSearch.Found(TOPIC, id(3), List.of(id(5)), false);
        new Tombstones(configs, context).pass(sink, List.of(found), head);
    }

    private List<FrameReader.Packed> records() {
        return library.handOvers.stream()
                .flatMap(bytes -> FrameReader.read(bytes).stream())
                .toList();
    }

    private List<Long> entries() {
        return records().stream().map(FrameReader.Packed::entry).toList();
    }

    private static MessageId id(long entry) {
        return new MessageIdImpl(1, entry, -1);
    }

    private static Message<byte[]> inBatch(long entry, int index, int size, int values) {
        Message<byte[]> message = message(entry, values);
        BatchMessageIdImpl id = new BatchMessageIdImpl(1, entry, -1, index, size, null);
        when(message.getMessageId()).thenReturn(id);
        return message;
    }

    private static Message<byte[]> message(long entry, int values) {
        Message<byte[]> message = mock(Message.class, withSettings().stubOnly());
        when(message.getTopicName()).thenReturn(TOPIC);
        when(message.getMessageId()).thenReturn(id(entry));
        when(message.getProperties()).thenReturn(Map.of());
        when(message.getValue()).thenReturn(values == 0 ? null : new byte[values]);
        return message;
    }
}
