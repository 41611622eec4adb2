package io.hdfscsv.pulsar;

import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;
import static org.mockito.Mockito.withSettings;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.impl.MessageIdImpl;
import org.apache.pulsar.functions.api.Record;

/** Records as the functions worker gives them, of one topic, one entry after another. */
final class FakeMessages {
    static final String TOPIC = "persistent://marketplace/events/page_visit-partition-3";

    private FakeMessages() {}

    static final class FakeRecord implements Record<byte[]> {
        final AtomicInteger acks = new AtomicInteger();
        final CountDownLatch acknowledged = new CountDownLatch(1);
        private final Message<byte[]> message;
        private final byte[] value;

        FakeRecord(Message<byte[]> message, byte[] value) {
            this.message = message;
            this.value = value;
        }

        @Override
        public byte[] getValue() {
            return value;
        }

        @Override
        public Optional<Message<byte[]>> getMessage() {
            return Optional.of(message);
        }

        @Override
        public void ack() {
            acks.incrementAndGet();
            acknowledged.countDown();
        }
    }

    static FakeRecord record(long entry, byte[] value) {
        return record(TOPIC, entry, value, null, Map.of());
    }

    @SuppressWarnings("unchecked")
    static FakeRecord record(
            String topic, long entry, byte[] value, byte[] key, Map<String, String> properties) {
        Message<byte[]> message = mock(Message.class, withSettings().stubOnly());
        when(message.getTopicName()).thenReturn(topic);
        when(message.getMessageId()).thenReturn(new MessageIdImpl(1, entry, -1));
        when(message.getPublishTime()).thenReturn(1000 + entry);
        when(message.hasKey()).thenReturn(key != null);
        when(message.getKeyBytes()).thenReturn(key);
        when(message.getProperties()).thenReturn(properties);
        return new FakeRecord(message, value);
    }
}
