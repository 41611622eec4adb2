package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.impl.BatchMessageIdImpl;
import org.apache.pulsar.client.impl.ConsumerImpl;
import org.apache.pulsar.client.impl.MessageIdImpl;
import org.apache.pulsar.client.impl.MessageImpl;
import org.apache.pulsar.client.impl.TopicMessageImpl;
import org.apache.pulsar.common.api.proto.MessageMetadata;
import org.apache.pulsar.common.api.proto.SingleMessageMetadata;
import org.apache.pulsar.shade.io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;

class MessagePropertiesTest {
    private static final String TOPIC = "persistent://t/n/a-partition-2";

    private static final Map<String, String> SOME = Map.of("k", "v");

    private final MessageProperties properties = new MessageProperties();

    @Test
    void
            given_messages_of_one_topic_and_of_several_batched_and_not_then_their_properties_are_json() {
        byte[] json = "{\"k\":\"v\"}".getBytes(StandardCharsets.UTF_8);
        for (boolean wrapped : List.of(false, true)) {
            for (boolean batched : List.of(false, true)) {
                assertNull(properties.json(message(wrapped, batched, Map.of())));
                assertArrayEquals(json, properties.json(message(wrapped, batched, SOME)));
            }
        }
    }

    @Test
    void given_a_batched_message_then_its_lock_is_not_taken() {
        ClientGetters.findBy(message(false, true, SOME));
        for (boolean wrapped : List.of(false, true)) {
            for (Map<String, String> each : List.of(SOME, Map.<String, String>of())) {
                assertEquals(each, MessageProperties.withoutLock(message(wrapped, true, each)));
            }
        }
    }

    @Test
    void given_a_message_of_another_client_then_its_properties_are_asked_for() {
        Message<byte[]> other =
                FakeMessages.record(TOPIC, 1, new byte[0], null, SOME).getMessage().orElseThrow();
        assertArrayEquals(Json.bytes(SOME), properties.json(other));
        assertNull(MessageProperties.withoutLock(other));
    }

    /** As the client makes it of what the broker sends. */
    private static Message<byte[]> message(
            boolean wrapped, boolean batched, Map<String, String> properties) {
        MessageMetadata metadata = new MessageMetadata();
        SingleMessageMetadata single = new SingleMessageMetadata();
        properties.forEach(
                (key, value) -> {
                    if (batched) {
                        single.addProperty().setKey(key).setValue(value);
                    } else {
                        metadata.addProperty().setKey(key).setValue(value);
                    }
                });
        Message<byte[]> message =
                batched
                        ? MessageImpl.create(
                                TOPIC,
                                new BatchMessageIdImpl(1, 2, 2, 3),
                                metadata,
                                single,
                                Unpooled.EMPTY_BUFFER,
                                Optional.empty(),
                                null,
                                Schema.BYTES,
                                0,
                                false,
                                0)
                        : MessageImpl.create(
                                TOPIC,
                                new MessageIdImpl(1, 2, 2),
                                metadata,
                                Unpooled.EMPTY_BUFFER,
                                Optional.empty(),
                                null,
                                Schema.BYTES,
                                0,
                                false,
                                0);
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
