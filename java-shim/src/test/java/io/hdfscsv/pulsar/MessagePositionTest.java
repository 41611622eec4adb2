package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.MessageIdAdv;
import org.apache.pulsar.client.impl.BatchMessageIdImpl;
import org.apache.pulsar.client.impl.ChunkMessageIdImpl;
import org.apache.pulsar.client.impl.MessageIdImpl;
import org.apache.pulsar.client.impl.TopicMessageIdImpl;
import org.junit.jupiter.api.Test;

class MessagePositionTest {
    /** An id of another client: only its bytes are there. */
    private record Opaque(MessageId id) implements MessageId {
        private static final long serialVersionUID = 1L;

        @Override
        public byte[] toByteArray() {
            return id.toByteArray();
        }

        @Override
        public int compareTo(MessageId other) {
            throw new UnsupportedOperationException();
        }
    }

    private final MessagePosition position = new MessagePosition();

    @Test
    void given_an_unbatched_message_when_read_then_its_batch_index_is_0() {
        assertPosition(3, 4, 0, new MessageIdImpl(3, 4, -1));
        assertPosition(3, 4, 0, new MessageIdImpl(3, 4, 7));
    }

    @Test
    void given_a_message_of_a_topic_among_several_when_read_then_its_position_is_the_inner_one() {
        String topic = "persistent://t/n/a-partition-2";
        assertPosition(3, 4, 5, new TopicMessageIdImpl(topic, new BatchMessageIdImpl(3, 4, 2, 5)));
        assertPosition(3, 4, 0, new TopicMessageIdImpl(topic, new MessageIdImpl(3, 4, 2)));
    }

    @Test
    void given_random_ids_of_mixed_kinds_when_read_then_getters_and_bytes_agree() {
        Random random = new Random(7);
        for (int i = 0; i < 10_000; i++) {
            long ledger = random.nextLong() >>> (1 + random.nextInt(63));
            long entry = random.nextLong() >>> (1 + random.nextInt(63));
            int batchIndex = random.nextInt() >>> (1 + random.nextInt(31));
            int partition = random.nextInt(5) - 1;
            assertPosition(
                    ledger,
                    entry,
                    batchIndex,
                    new BatchMessageIdImpl(ledger, entry, partition, batchIndex));
            assertPosition(ledger, entry, 0, new MessageIdImpl(ledger, entry, partition));
        }
    }

    @Test
    void
            given_a_message_in_chunks_when_read_then_it_has_its_last_chunks_position_and_the_first_ones() {
        MessageIdImpl last = new MessageIdImpl(3, 9, 2);
        MessageId id = new ChunkMessageIdImpl(new MessageIdImpl(2, 4, 2), last);
        for (MessageId each :
                List.of(id, new TopicMessageIdImpl("persistent://t/n/a-partition-2", id(id)))) {
            assertPosition(3, 9, 0, each);
            for (MessageId read : List.of(each, new Opaque(each))) {
                Message<byte[]> message = message(read);
                position.read(read);
                position.readChunks(message);
                assertTrue(position.isChunked());
                assertEquals(
                        List.of(2L, 4L), List.of(position.firstLedger(), position.firstEntry()));
                assertEquals(Integer.MAX_VALUE, position.chunks(), "no client's message");
                position.read(last);
                position.readChunks(message(last));
                assertFalse(position.isChunked());
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static Message<byte[]> message(MessageId id) {
        Message<byte[]> message = mock(Message.class);
        when(message.getMessageId()).thenReturn(id);
        return message;
    }

    private static MessageIdAdv id(MessageId id) {
        return (MessageIdAdv) id;
    }

    @Test
    void
            given_every_field_of_a_protobuf_id_when_parsed_then_others_than_the_position_are_passed_over() {
        // 1: 300, 2: 7, 3: -1 (ten bytes), 4: 2, 5: packed list, 6: 9, 7: a message, 8: fixed32, 9:
        // fixed64
        position.parse(
                new byte[] {
                    0x08,
                    (byte) 0xac,
                    0x02,
                    0x10,
                    7,
                    0x18,
                    -1,
                    -1,
                    -1,
                    -1,
                    -1,
                    -1,
                    -1,
                    -1,
                    -1,
                    1,
                    0x20,
                    2,
                    0x2a,
                    2,
                    1,
                    2,
                    0x30,
                    9,
                    0x3a,
                    4,
                    0x08,
                    1,
                    0x10,
                    1,
                    0x45,
                    1,
                    2,
                    3,
                    4,
                    0x49,
                    1,
                    2,
                    3,
                    4,
                    5,
                    6,
                    7,
                    8
                });
        assertEquals(
                List.of(300L, 7L, 2),
                List.of(position.ledger(), position.entry(), position.batchIndex()));
    }

    @Test
    void given_bytes_that_are_no_id_when_parsed_then_an_error_says_so() {
        for (byte[] bytes :
                new byte[][] {
                    {8}, {8, -1}, {0x0b}, {8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}
                }) {
            assertThrows(HdfsCsvException.class, () -> position.parse(bytes));
        }
    }

    private void assertPosition(long ledger, long entry, int batchIndex, MessageId id) {
        List<Number> expected = List.of(ledger, entry, batchIndex);
        for (MessageId each : List.of(id, new Opaque(id))) {
            position.read(each);
            List<Number> actual = new ArrayList<>();
            actual.add(position.ledger());
            actual.add(position.entry());
            actual.add(position.batchIndex());
            assertEquals(expected, actual, each.getClass().getSimpleName());
        }
    }
}
