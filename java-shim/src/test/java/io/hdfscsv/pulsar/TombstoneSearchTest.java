package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import io.hdfscsv.pulsar.ClientGetters.Subscriptions.State;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Schema;
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
    private static final int NO_CHUNK = -1;

    private final EntryReaders readers = mock(EntryReaders.class);
    private final EntryReader<byte[]> reader = readerMock();
    private final Deque<Message<byte[]>> topic = new ArrayDeque<>();

    @SuppressWarnings("unchecked")
    private static EntryReader<byte[]> readerMock() {
        return mock(EntryReader.class);
    }

    @BeforeEach
    void answer() {
        when(readers.open(eq(Schema.BYTES), eq(TOPIC), any(), any()))
                .thenReturn(CompletableFuture.completedFuture(reader));
        when(reader.next())
                .thenAnswer(call -> CompletableFuture.completedFuture(topic.removeFirst()));
    }

    @Test
    void given_tombstones_behind_what_is_acknowledged_when_searched_then_their_entries_are_found()
            throws Exception {
        topic.addAll(List.of(tombstone(3), value(4), tombstone(5), tombstone(6), value(7)));
        TombstoneSearch.Found found = search(3, 7);
        assertEquals(List.of(id(5), id(6)), found.entries());
        assertEquals(id(6), found.last());
        assertFalse(found.besideChunks());
        verify(readers).open(eq(Schema.BYTES), eq(TOPIC), eq(id(3)), any());
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
        topic.addAll(List.of(tombstone(4), message(5, false, NO_CHUNK, true), tombstone(6)));
        assertEquals(List.of(id(4)), search(3, 6).entries());
    }

    @Test
    void given_chunks_before_a_tombstone_when_searched_then_that_is_said() throws Exception {
        topic.addAll(List.of(tombstone(4), message(5, false, 0, false), value(6)));
        assertFalse(search(3, 6).besideChunks());
        topic.addAll(List.of(message(7, false, 0, false), tombstone(8)));
        assertTrue(search(6, 8).besideChunks());
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

    private TombstoneSearch.Found search(long acknowledged, long last) throws Exception {
        State state = new State(new MessageIdImpl(1, acknowledged, -1), id(last));
        return new TombstoneSearch(readers, TOPIC, state).run();
    }

    private static MessageId id(long entry) {
        return new MessageIdImpl(1, entry, -1);
    }

    private static Message<byte[]> tombstone(long entry) {
        return message(entry, true, NO_CHUNK, false);
    }

    private static Message<byte[]> value(long entry) {
        return message(entry, false, NO_CHUNK, false);
    }

    private static Message<byte[]> message(
            long entry, boolean nullValue, int chunk, boolean encrypted) {
        MessageMetadata metadata = new MessageMetadata();
        metadata.setProducerName("p").setSequenceId(1).setPublishTime(2).setNullValue(nullValue);
        if (chunk != NO_CHUNK) {
            metadata.setNumChunksFromMsg(3).setChunkId(chunk);
        }
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
