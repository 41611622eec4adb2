package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Constructor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.impl.ConsumerImpl;
import org.apache.pulsar.client.impl.MessageIdImpl;
import org.apache.pulsar.client.impl.MessageImpl;
import org.apache.pulsar.client.impl.TopicMessageImpl;
import org.apache.pulsar.common.api.proto.MessageMetadata;
import org.junit.jupiter.api.Test;

class MessagePropertiesTest {
    private static final String TOPIC = "persistent://t/n/a-partition-2";

    private final MessageProperties properties = new MessageProperties();

    @Test
    void given_messages_of_one_topic_and_of_several_then_their_properties_are_json() {
        byte[] json = "{\"k\":\"v\"}".getBytes(StandardCharsets.UTF_8);
        for (boolean wrapped : List.of(false, true, false)) {
            assertNull(properties.json(message(wrapped, Map.of())));
            assertArrayEquals(json, properties.json(message(wrapped, Map.of("k", "v"))));
        }
    }

    @Test
    void given_a_message_without_properties_then_its_lock_is_not_taken() {
        ClientGetters.findBy(message(false, Map.of()));
        for (boolean wrapped : List.of(false, true)) {
            assertTrue(MessageProperties.isKnownToHaveNone(message(wrapped, Map.of())));
            assertFalse(MessageProperties.isKnownToHaveNone(message(wrapped, Map.of("k", "v"))));
        }
    }

    @Test
    void given_a_message_of_another_client_then_its_properties_are_asked_for() {
        Map<String, String> some = Map.of("k", "v");
        Message<byte[]> other =
                FakeMessages.record(TOPIC, 1, new byte[0], null, some).getMessage().orElseThrow();
        assertFalse(MessageProperties.isKnownToHaveNone(other));
        assertArrayEquals(Json.bytes(some), properties.json(other));
    }

    private static Message<byte[]> message(boolean wrapped, Map<String, String> properties) {
        MessageMetadata metadata = new MessageMetadata();
        properties.forEach((key, value) -> metadata.addProperty().setKey(key).setValue(value));
        MessageImpl<byte[]> message =
                MessageImpl.create(metadata, ByteBuffer.allocate(0), Schema.BYTES, TOPIC);
        message.setMessageId(new MessageIdImpl(1, 2, 2));
        return wrapped ? wrap(message) : message;
    }

    /** As a consumer of several topics does; no other class may. */
    @SuppressWarnings("unchecked")
    private static Message<byte[]> wrap(Message<byte[]> message) {
        try {
            Constructor<?> constructor =
                    TopicMessageImpl.class.getDeclaredConstructor(
                            String.class, Message.class, ConsumerImpl.class);
            constructor.setAccessible(true);
            return (Message<byte[]>) constructor.newInstance(TOPIC, message, null);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }
}
