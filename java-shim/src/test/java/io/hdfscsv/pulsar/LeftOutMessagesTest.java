package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;
import static org.mockito.Mockito.withSettings;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
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
class LeftOutMessagesTest {
    private static final String TOPIC = "persistent://t/n/a";
    private static final int SOON = 10_000;

    private final EntryReaders readers = mock(EntryReaders.class);
    private final BlockingQueue<Long> confirmed = new LinkedBlockingQueue<>();
    private final BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
    private final BlockingQueue<Long> leftOut = new LinkedBlockingQueue<>();
    private final LeftOutMessages messages = messages(false);
    private final EntryReader<byte[]> reader = readerMock();
    private final Deque<Message<byte[]>> topic = new ArrayDeque<>();

    /** Of the subscription; as if the client did not say it while null. */
    private volatile MessageId acknowledged = new MessageIdImpl(1, -1, -1);

    /** Why the broker does not say it. */
    private volatile Throwable unsaid;

    private LeftOutMessages messages(boolean givesCiphertext) {
        return new LeftOutMessages(
                readers,
                any ->
                        unsaid == null
                                ? CompletableFuture.completedFuture(acknowledged)
                                : CompletableFuture.failedFuture(unsaid),
                givesCiphertext,
                confirmed::add,
                leftOut::add,
                failures::add);
    }

    @SuppressWarnings("unchecked")
    private static EntryReader<byte[]> readerMock() {
        return mock(EntryReader.class);
    }

    @BeforeEach
    void answer() {
        when(readers.open(eq(Schema.BYTES), eq(TOPIC), any()))
                .thenAnswer(call -> CompletableFuture.completedFuture(reader));
        when(reader.last())
                .thenAnswer(
                        call ->
                                CompletableFuture.completedFuture(
                                        topic.isEmpty()
                                                ? new MessageIdImpl(1, -1, -1)
                                                : topic.peekLast().getMessageId()));
        when(reader.next())
                .thenAnswer(
                        call ->
                                topic.isEmpty()
                                        ? new CompletableFuture<>()
                                        : CompletableFuture.completedFuture(topic.poll()));
    }

    @Test
    void given_an_encrypted_message_in_a_gap_when_looked_into_then_the_sink_fails()
            throws Exception {
        topic.addAll(List.of(chunk(3, 0), message(4, true), message(5, false)));
        messages.lookInto(TOPIC, gap(1, 2, 5));
        String failure = failures.poll(SOON, TimeUnit.MILLISECONDS).getMessage();
        assertTrue(failure.contains("the message 1:4:-1 is encrypted"), failure);
        verify(readers).open(Schema.BYTES, TOPIC, MessagePosition.id(1, 2));
        verify(reader, timeout(SOON)).close();
        assertNull(confirmed.poll());
    }

    @Test
    void given_encrypted_messages_beside_a_gap_when_looked_into_then_it_is_confirmed()
            throws Exception {
        topic.addAll(List.of(message(2, true), chunk(4, 0), message(5, true)));
        messages.lookInto(TOPIC, gap(7, 2, 5));
        assertEquals(7L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
    }

    @Test
    void given_nothing_left_of_a_topic_when_looked_into_then_the_gap_is_confirmed()
            throws Exception {
        acknowledged = new MessageIdImpl(-1, -1, -1);
        messages.lookInto(TOPIC, new Gap(7, false, 0, 0, 1, 5));
        assertEquals(7L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
        verify(readers).open(Schema.BYTES, TOPIC, MessageId.earliest);
    }

    @Test
    void given_encrypted_chunks_in_a_gap_when_looked_into_then_only_the_last_one_is_a_message()
            throws Exception {
        topic.addAll(List.of(chunk(3, 0), chunk(4, 1), message(5, false)));
        messages.lookInto(TOPIC, gap(7, 2, 5));
        assertEquals(7L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
        topic.addAll(List.of(chunk(6, 1), chunk(7, 2), message(8, false)));
        messages.lookInto(TOPIC, gap(8, 5, 8));
        String failure = failures.poll(SOON, TimeUnit.MILLISECONDS).getMessage();
        assertTrue(failure.contains("the message 1:7:-1 is encrypted"), failure);
    }

    @Test
    void given_a_gap_whose_end_expired_when_looked_into_then_it_is_confirmed() throws Exception {
        topic.addAll(List.of(chunk(3, 0), chunk(4, 1)));
        messages.lookInto(TOPIC, gap(7, 2, 9));
        assertEquals(7L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
    }

    @Test
    void given_gaps_that_come_while_one_is_looked_into_when_it_is_done_then_one_reader_does_them()
            throws Exception {
        CompletableFuture<EntryReader<byte[]>> opening = new CompletableFuture<>();
        when(readers.open(eq(Schema.BYTES), eq(TOPIC), any())).thenReturn(opening);
        messages.lookInto(TOPIC, gap(1, 2, 5));
        messages.lookInto(TOPIC, gap(2, 7, 9));
        messages.lookInto(TOPIC, gap(3, 6, 8));
        when(readers.open(eq(Schema.BYTES), eq(TOPIC), any()))
                .thenAnswer(
                        call -> {
                            topic.addAll(List.of(chunk(7, 0), message(9, false)));
                            return CompletableFuture.completedFuture(reader);
                        });
        topic.add(message(5, false));
        opening.complete(reader);
        for (long number = 1; number <= 3; number++) {
            assertEquals(number, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
        }
        verify(readers).open(Schema.BYTES, TOPIC, MessagePosition.id(1, 6));
        verify(reader, timeout(SOON).times(2)).close();
    }

    @Test
    void given_an_entry_that_cannot_be_judged_at_first_when_it_can_then_the_gap_is_confirmed()
            throws Exception {
        Message<byte[]> broken = message(5, false);
        when(broken.getMessageId())
                .thenThrow(new IllegalStateException("no id"))
                .thenReturn(new MessageIdImpl(1, 5, -1));
        when(reader.last())
                .thenReturn(CompletableFuture.completedFuture(new MessageIdImpl(1, 5, -1)));
        topic.addAll(List.of(broken, broken));
        messages.lookInto(TOPIC, gap(7, 2, 5));
        assertEquals(7L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
    }

    @Test
    void given_a_topic_that_cannot_be_read_at_first_when_it_can_then_the_gap_is_confirmed()
            throws Exception {
        when(readers.open(eq(Schema.BYTES), eq(TOPIC), any()))
                .thenReturn(CompletableFuture.failedFuture(new IllegalStateException("away")))
                .thenAnswer(call -> CompletableFuture.completedFuture(reader));
        topic.add(message(5, false));
        messages.lookInto(TOPIC, gap(7, 2, 5));
        assertEquals(7L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
        assertNull(failures.poll());
    }

    @Test
    void given_a_message_in_a_gap_that_is_not_acknowledged_when_looked_into_then_it_was_left_out()
            throws Exception {
        acknowledged = new MessageIdImpl(1, 3, -1);
        topic.addAll(List.of(message(4, false), message(9, false)));
        messages.lookInto(TOPIC, new Gap(7, false, 0, 0, 1, 9));
        assertEquals(7L, leftOut.poll(SOON, TimeUnit.MILLISECONDS));
        verify(readers).open(Schema.BYTES, TOPIC, MessagePosition.id(1, 3));
        assertNull(confirmed.poll());
    }

    @Test
    void given_messages_in_a_gap_that_are_acknowledged_when_looked_into_then_nothing_is_read()
            throws Exception {
        acknowledged = new MessageIdImpl(1, 8, -1);
        messages.lookInto(TOPIC, gap(7, 2, 9));
        assertEquals(7L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
        acknowledged = new MessageIdImpl(2, 5, -1);
        messages.lookInto(TOPIC, new Gap(8, true, 1, 10, 2, 3));
        assertEquals(8L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
        verify(readers, never()).open(any(), any(), any());
    }

    @Test
    void given_a_gap_behind_what_is_acknowledged_when_looked_into_then_all_of_it_is_read()
            throws Exception {
        acknowledged = new MessageIdImpl(1, 2, -1);
        topic.addAll(List.of(message(5, false), message(7, false), message(9, false)));
        messages.lookInto(TOPIC, gap(7, 5, 9));
        assertEquals(7L, leftOut.poll(SOON, TimeUnit.MILLISECONDS));
        verify(readers).open(Schema.BYTES, TOPIC, MessagePosition.id(1, 5));
    }

    @Test
    void given_a_client_that_does_not_say_what_is_acknowledged_then_only_ciphertext_counts()
            throws Exception {
        acknowledged = null;
        topic.addAll(List.of(message(3, false), message(5, false)));
        messages.lookInto(TOPIC, gap(7, 2, 5));
        assertEquals(7L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
        topic.addAll(List.of(message(6, true), message(8, false)));
        messages.lookInto(TOPIC, gap(8, 5, 8));
        assertTrue(failures.poll(SOON, TimeUnit.MILLISECONDS).getMessage().contains("1:6:-1"));
    }

    @Test
    void given_several_gaps_of_which_some_hold_a_message_when_looked_into_then_each_is_answered()
            throws Exception {
        CompletableFuture<EntryReader<byte[]>> opening = new CompletableFuture<>();
        when(readers.open(eq(Schema.BYTES), eq(TOPIC), any())).thenReturn(opening);
        messages.lookInto(TOPIC, gap(1, 0, 2));
        // As of a batch that was dropped, and of one in its place
        messages.lookInto(TOPIC, gap(2, 2, 4));
        messages.lookInto(TOPIC, gap(3, 5, 9));
        messages.lookInto(TOPIC, gap(4, 6, 9));
        messages.lookInto(TOPIC, gap(5, 10, 12));
        List<Message<byte[]>> second = List.of(chunk(3, 0), message(7, false), message(12, false));
        when(readers.open(eq(Schema.BYTES), eq(TOPIC), any()))
                .thenAnswer(
                        call -> {
                            topic.clear();
                            topic.addAll(second);
                            return CompletableFuture.completedFuture(reader);
                        });
        topic.add(message(2, false));
        opening.complete(reader);
        assertEquals(1L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
        assertEquals(2L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
        assertEquals(3L, leftOut.poll(SOON, TimeUnit.MILLISECONDS));
        assertEquals(4L, leftOut.poll(SOON, TimeUnit.MILLISECONDS));
        assertEquals(5L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
    }

    @Test
    void given_a_consumer_that_is_closed_when_nothing_stands_in_a_gap_then_it_is_confirmed()
            throws Exception {
        unsaid = new IllegalStateException("the consumer is closed");
        topic.addAll(List.of(chunk(3, 0), message(5, false)));
        messages.lookInto(TOPIC, gap(7, 2, 5));
        assertEquals(7L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
    }

    @Test
    void given_a_consumer_that_does_not_answer_when_it_does_then_a_message_was_left_out()
            throws Exception {
        unsaid = new IllegalStateException("away");
        Message<byte[]> message = message(3, false);
        when(reader.next())
                .thenAnswer(
                        call -> {
                            unsaid = null;
                            return CompletableFuture.completedFuture(message);
                        });
        topic.add(message);
        messages.lookInto(TOPIC, gap(7, 2, 5));
        assertEquals(7L, leftOut.poll(SOON, TimeUnit.MILLISECONDS));
        assertNull(confirmed.poll());
    }

    @Test
    void given_a_consumer_that_gives_ciphertext_when_some_is_in_a_gap_then_it_was_left_out()
            throws Exception {
        topic.addAll(List.of(message(3, true), message(5, false)));
        messages(true).lookInto(TOPIC, gap(7, 2, 5));
        assertEquals(7L, leftOut.poll(SOON, TimeUnit.MILLISECONDS));
        assertNull(failures.poll());
    }

    @Test
    void given_a_message_that_was_left_out_when_the_next_gap_comes_then_it_is_looked_into()
            throws Exception {
        topic.addAll(List.of(message(3, false)));
        messages.lookInto(TOPIC, gap(7, 2, 5));
        assertEquals(7L, leftOut.poll(SOON, TimeUnit.MILLISECONDS));
        topic.addAll(List.of(message(5, false)));
        messages.lookInto(TOPIC, gap(8, 2, 5));
        assertEquals(8L, confirmed.poll(SOON, TimeUnit.MILLISECONDS));
    }

    /** One of three, encrypted. */
    private static Message<byte[]> chunk(long entry, int chunk) {
        MessageMetadata metadata = new MessageMetadata();
        metadata.setProducerName("p").setSequenceId(1).setPublishTime(2);
        metadata.setNumChunksFromMsg(3).setChunkId(chunk);
        return MessageImpl.create(
                TOPIC,
                new MessageIdImpl(1, entry, -1),
                metadata,
                Unpooled.EMPTY_BUFFER,
                Optional.of(new EncryptionContext()),
                null,
                Schema.BYTES,
                0,
                false,
                0);
    }

    private static Gap gap(long number, long entry, long nextEntry) {
        return new Gap(number, true, 1, entry, 1, nextEntry);
    }

    @SuppressWarnings("unchecked")
    private static Message<byte[]> message(long entry, boolean encrypted) {
        Message<byte[]> message = mock(Message.class, withSettings().stubOnly());
        when(message.getMessageId()).thenReturn(new MessageIdImpl(1, entry, -1));
        when(message.getEncryptionCtx())
                .thenReturn(encrypted ? Optional.of(new EncryptionContext()) : Optional.empty());
        return message;
    }
}
