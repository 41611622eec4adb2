package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import io.hdfscsv.pulsar.ClientGetters.Subscriptions.State;
import io.hdfscsv.pulsar.TombstoneSearch.Bounds;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.impl.BatchMessageIdImpl;
import org.apache.pulsar.client.impl.MessageIdImpl;
import org.apache.pulsar.client.impl.MessageImpl;
import org.apache.pulsar.common.api.EncryptionContext;
import org.apache.pulsar.common.api.proto.MessageMetadata;
import org.apache.pulsar.shade.io.netty.buffer.Unpooled;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TombstoneSearchTest {
    private static final String TOPIC = "persistent://t/n/a";

    private final EntryReaders readers = mock(EntryReaders.class);
    private final EntryReader<byte[]> reader = readerMock();
    private final List<Message<byte[]>> topic = new ArrayList<>();

    /** What the reader has still to give. */
    private final Deque<Message<byte[]>> rest = new ArrayDeque<>();

    @SuppressWarnings("unchecked")
    private static EntryReader<byte[]> readerMock() {
        return mock(EntryReader.class);
    }

    @BeforeEach
    void answer() {
        when(readers.open(eq(Schema.BYTES), eq(TOPIC), any(), anyInt(), any()))
                .thenAnswer(
                        call -> {
                            long first = entry(call.getArgument(2));
                            rest.clear();
                            topic.stream()
                                    .filter(each -> entry(each.getMessageId()) >= first)
                                    .forEach(rest::add);
                            return CompletableFuture.completedFuture(reader);
                        });
        when(reader.next())
                .thenAnswer(
                        call ->
                                rest.isEmpty()
                                        ? timedOut()
                                        : CompletableFuture.completedFuture(rest.poll()));
    }

    private static long entry(MessageId id) {
        MessagePosition position = new MessagePosition();
        position.read(id);
        return position.entry();
    }

    @Test
    void given_tombstones_behind_what_is_acknowledged_when_searched_then_their_entries_are_found()
            throws Exception {
        topic.addAll(List.of(tombstone(3), value(4), tombstone(5), tombstone(6), value(7)));
        TombstoneSearch.Found found = search(3, 7);
        assertEquals(List.of(id(5), id(6)), found.entries());
        assertEquals(id(6), found.last());
        assertFalse(found.isAtMark());
        verify(readers).open(eq(Schema.BYTES), eq(TOPIC), eq(id(3)), anyInt(), any());
        verify(reader).close();
    }

    @Test
    void given_a_topic_of_which_nothing_is_acknowledged_when_searched_then_it_begins_at_its_start()
            throws Exception {
        topic.addAll(List.of(tombstone(0), value(1)));
        assertEquals(List.of(id(0)), search(-1, 1).entries());
    }

    @Test
    void given_no_tombstone_up_to_the_last_entry_when_searched_then_there_is_none()
            throws Exception {
        topic.addAll(List.of(value(4), value(5), tombstone(6)));
        assertNull(search(3, 5));
        verify(reader).close();
    }

    @Test
    void given_an_encrypted_entry_when_searched_then_the_search_ends_before_it() throws Exception {
        topic.addAll(List.of(tombstone(4), message(5, false, true), tombstone(6)));
        assertEquals(List.of(id(4)), search(3, 6).entries());
    }

    @Test
    void given_a_mark_when_searched_then_tombstones_before_it_and_behind_it_are_found()
            throws Exception {
        topic.addAll(List.of(tombstone(4), value(5), tombstone(6), value(7)));
        TombstoneSearch.Found found = search(3, 7, 1, 5, 0);
        assertEquals(List.of(id(4), id(6)), found.entries());
        assertFalse(found.isAtMark());
        verify(readers).open(eq(Schema.BYTES), eq(TOPIC), eq(id(3)), anyInt(), any());
        verify(readers).open(eq(Schema.BYTES), eq(TOPIC), eq(id(5)), anyInt(), any());
    }

    @Test
    void given_more_than_its_bounds_before_the_mark_when_searched_then_it_looks_behind_it_too()
            throws Exception {
        for (long entry = 4; entry < 400; entry++) {
            topic.add(value(entry));
        }
        topic.add(tombstone(400));
        assertNull(search(3, 400));
        assertEquals(List.of(id(400)), search(3, 400, 1, 399, 0).entries());
    }

    @Test
    void given_a_mark_below_what_is_acknowledged_when_searched_then_that_counts() throws Exception {
        topic.addAll(List.of(tombstone(3), tombstone(4)));
        TombstoneSearch.Found found = search(3, 4, 1, 2, 0);
        assertEquals(List.of(id(4)), found.entries());
        verify(readers, never()).open(any(), any(), eq(id(2)), anyInt(), any());
    }

    @Test
    void
            given_a_tombstone_at_the_mark_when_searched_then_it_is_committed_if_the_mark_has_reached_it()
                    throws Exception {
        for (int reached = 0; reached < 3; reached++) {
            topic.clear();
            topic.addAll(List.of(tombstoneInBatch(5, 1), tombstone(6)));
            TombstoneSearch.Found found = search(3, 6, 1, 5, reached);
            assertEquals(List.of(id(5), id(6)), found.entries());
            assertEquals(reached >= 1, found.isAtMark(), "up to " + reached);
        }
    }

    @Test
    void given_a_topic_whose_end_no_client_gives_when_searched_then_what_was_found_counts()
            throws Exception {
        topic.add(tombstone(4));
        assertEquals(List.of(id(4)), search(3, 5).entries());
        verify(reader).close();
    }

    /** As one that nothing completes is after the time. */
    private static CompletableFuture<Message<byte[]>> timedOut() {
        return new CompletableFuture<>() {
            @Override
            public Message<byte[]> get(long time, TimeUnit unit) throws TimeoutException {
                throw new TimeoutException();
            }
        };
    }

    @Test
    void given_a_topic_without_tombstones_when_searched_then_not_all_of_it_is_read()
            throws Exception {
        Message<byte[]> large = mock(largeMessage());
        when(large.getMessageId()).thenReturn(id(4));
        when(large.getEncryptionCtx()).thenReturn(Optional.empty());
        when(large.getValue()).thenReturn(new byte[0]);
        when(large.size()).thenReturn(64 << 20);
        topic.addAll(List.of(large, tombstone(5)));
        assertNull(search(3, 1_000_000));
    }

    @SuppressWarnings("unchecked")
    private static Class<Message<byte[]>> largeMessage() {
        return (Class<Message<byte[]>>) (Class<?>) Message.class;
    }

    private TombstoneSearch.Found search(long acknowledged, long last, long... mark)
            throws Exception {
        State state = new State(id(acknowledged), id(last));
        Bounds bounds = new Bounds(100, 64 << 20, System.nanoTime() + 20_000_000_000L);
        return new TombstoneSearch(readers, TOPIC, state, bounds)
                .run(mark.length == 0 ? null : mark);
    }

    private static Message<byte[]> tombstoneInBatch(long entry, int index) {
        Message<byte[]> message = mock(largeMessage());
        when(message.getMessageId()).thenReturn(new BatchMessageIdImpl(1, entry, -1, index));
        when(message.getEncryptionCtx()).thenReturn(Optional.empty());
        return message;
    }

    private static MessageId id(long entry) {
        return new MessageIdImpl(1, entry, -1);
    }

    private static Message<byte[]> tombstone(long entry) {
        return message(entry, true, false);
    }

    private static Message<byte[]> value(long entry) {
        return message(entry, false, false);
    }

    private static Message<byte[]> message(long entry, boolean nullValue, boolean encrypted) {
        MessageMetadata metadata = new MessageMetadata();
        metadata.setProducerName("p").setSequenceId(1).setPublishTime(2).setNullValue(nullValue);
        return MessageImpl.create(
                TOPIC,
                new MessageIdImpl(1, entry, -1),
                metadata,
                Unpooled.EMPTY_BUFFER,
                encrypted ? Optional.of(new EncryptionContext()) : Optional.empty(),
                null,
                Schema.BYTES,
                0,
                false,
                0);
    }
}
