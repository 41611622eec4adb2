package io.hdfscsv.pulsar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyMap;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.RETURNS_SELF;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;
import static org.mockito.Mockito.when;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.apache.pulsar.client.api.Consumer;
import org.apache.pulsar.client.api.ConsumerBuilder;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.ProducerBuilder;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.PulsarClientException;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.SubscriptionInitialPosition;
import org.apache.pulsar.client.api.TypedMessageBuilder;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@SuppressWarnings("unchecked")
class DeadLettersTest {
    private final PulsarClient client = mock(PulsarClient.class);
    private final ProducerBuilder<byte[]> builder = mock(ProducerBuilder.class, RETURNS_SELF);
    private final Producer<byte[]> producer = mock(Producer.class);
    private final TypedMessageBuilder<byte[]> message =
            mock(TypedMessageBuilder.class, RETURNS_SELF);
    private final List<String> topics = new ArrayList<>();
    private final Map<String, String> properties = new HashMap<>();
    private final List<Object> keys = new ArrayList<>();
    private final List<byte[]> values = new ArrayList<>();
    private final List<CompletableFuture<MessageId>> sent = new ArrayList<>();
    private final List<Long> confirmed = new ArrayList<>();
    private final List<HdfsCsvException> fatal = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();
    private final ConsumerBuilder<byte[]> consumerBuilder =
            mock(ConsumerBuilder.class, RETURNS_SELF);
    private final Consumer<byte[]> consumer = mock(Consumer.class);
    private final DeadLetters letters =
            new DeadLetters(
                    client, topics(null), "replay", confirmed::add, fatal::add, warnings::add);
    private boolean refuseProducers;

    @BeforeEach
    void answerAsAClient() {
        when(client.newConsumer(Schema.BYTES)).thenReturn(consumerBuilder);
        when(consumerBuilder.subscribeAsync())
                .thenReturn(CompletableFuture.completedFuture(consumer));
        when(consumer.closeAsync()).thenReturn(CompletableFuture.completedFuture(null));
        when(client.newProducer(Schema.BYTES)).thenReturn(builder);
        when(builder.topic(anyString()))
                .thenAnswer(call -> note(topics, call.getArgument(0), builder));
        when(builder.enableBatching(false)).thenReturn(builder);
        when(builder.createAsync())
                .thenAnswer(
                        call ->
                                refuseProducers
                                        ? CompletableFuture.failedFuture(
                                                new IllegalStateException("not allowed"))
                                        : CompletableFuture.completedFuture(producer));
        when(producer.newMessage()).thenReturn(message);
        when(producer.isConnected()).thenReturn(true);
        when(message.value(any())).thenAnswer(call -> note(values, call.getArgument(0), message));
        when(message.key(any())).thenAnswer(call -> note(keys, call.getArgument(0), message));
        when(message.keyBytes(any())).thenAnswer(call -> note(keys, call.getArgument(0), message));
        when(message.properties(anyMap()))
                .thenAnswer(
                        call -> {
                            properties.putAll(call.getArgument(0));
                            return message;
                        });
        when(message.property(anyString(), anyString()))
                .thenAnswer(
                        call -> {
                            properties.put(call.getArgument(0), call.getArgument(1));
                            return message;
                        });
        when(message.sendAsync())
                .thenAnswer(
                        call -> {
                            sent.add(new CompletableFuture<>());
                            return sent.get(sent.size() - 1);
                        });
    }

    @Test
    void given_a_producer_that_opens_late_when_letters_wait_for_it_then_they_keep_their_order() {
        CompletableFuture<Producer<byte[]>> opening = new CompletableFuture<>();
        when(builder.createAsync()).thenReturn(opening);
        for (byte number = 1; number <= 5; number++) {
            letters.send(numbered(number), FakeMessages.TOPIC, null);
        }
        assertEquals(List.of(), values);
        opening.complete(producer);
        letters.send(numbered((byte) 6), FakeMessages.TOPIC, null);
        assertEquals(
                List.of(1, 2, 3, 4, 5, 6), values.stream().map(value -> (int) value[0]).toList());
    }

    @Test
    void given_a_letter_with_too_much_beside_its_payload_when_refused_then_its_head_is_sent() {
        byte[] payload = new byte[100_000];
        payload[0] = 7;
        letters.send(
                letter(payload, "key".getBytes(), Map.of("mine", "1")), FakeMessages.TOPIC, "00");
        verify(builder).enableChunking(true);
        properties.clear();
        keys.clear();
        sent.get(0)
                .completeExceptionally(
                        new PulsarClientException.InvalidMessageException("too large"));
        letters.retryDue(System.nanoTime() + 1_000_000_000L);
        assertArrayEquals(Arrays.copyOf(payload, 1 << 16), values.get(1));
        assertEquals(List.of(), keys);
        assertEquals(
                "the payload has 100000 bytes, of which the first are here; the key and 1 properties are"
                        + " left out",
                properties.remove("hdfs-csv-cut"));
        assertEquals(
                Set.of(
                        "hdfs-csv-reason",
                        "hdfs-csv-topic",
                        "hdfs-csv-position",
                        "hdfs-csv-schema-version"),
                properties.keySet());
        sent.get(1).complete(null);
        assertEquals(1, confirmed.size());
    }

    @Test
    void
            given_a_bad_record_when_sent_then_it_carries_all_and_is_confirmed_once_the_broker_has_it() {
        letters.send(
                letter("klein".getBytes(), Map.of("mine", "1", DeadLetters.REASON, "an older one")),
                FakeMessages.TOPIC,
                "0003");
        assertEquals(List.of("persistent://marketplace/events/page_visit-hdfs-csv-dlq"), topics);
        assertArrayEquals(new byte[] {9}, values.get(0));
        assertEquals(List.of("klein"), keys);
        assertEquals(
                Map.of(
                        "mine",
                        "1",
                        "hdfs-csv-reason",
                        "truncated",
                        "hdfs-csv-topic",
                        FakeMessages.TOPIC,
                        "hdfs-csv-position",
                        "11:12:13",
                        "hdfs-csv-schema-version",
                        "0003"),
                properties);
        assertEquals(List.of(), confirmed);
        sent.get(0).complete(MessageId.earliest);
        assertEquals(List.of(42L), confirmed);
    }

    @Test
    void given_a_letter_when_sent_then_a_subscription_keeps_it_until_it_is_sent_back() {
        letters.send(letter(null, Map.of()), FakeMessages.TOPIC, null);
        verify(consumerBuilder).topic("persistent://marketplace/events/page_visit-hdfs-csv-dlq");
        verify(consumerBuilder).subscriptionName("replay");
        verify(consumerBuilder).subscriptionInitialPosition(SubscriptionInitialPosition.Earliest);
        verify(consumer).closeAsync();
        verify(consumer, never()).unsubscribeAsync();
    }

    @Test
    void given_no_right_to_subscribe_when_sent_then_it_is_told_and_the_letter_is_sent() {
        when(consumerBuilder.subscribeAsync())
                .thenReturn(
                        CompletableFuture.failedFuture(new IllegalStateException("not allowed")));
        letters.send(letter(null, Map.of()), FakeMessages.TOPIC, null);
        assertEquals(1, sent.size());
        assertTrue(warnings.get(0).contains("give its namespace a retention"), warnings.get(0));
    }

    @Test
    void given_letters_that_are_being_sent_back_when_sent_then_the_subscription_is_there() {
        when(consumerBuilder.subscribeAsync())
                .thenReturn(
                        CompletableFuture.failedFuture(
                                new PulsarClientException.ConsumerBusyException("busy")));
        letters.send(letter(null, Map.of()), FakeMessages.TOPIC, null);
        assertEquals(1, sent.size());
        assertEquals(List.of(), warnings);
    }

    @Test
    void given_inputs_when_opened_then_their_topics_are_tried() {
        DeadLetters opened =
                new DeadLetters(
                        client,
                        new DeadLetterTopics(null, List.of("a", "persistent://t/n/b-partition-1")),
                        "replay",
                        confirmed::add,
                        fatal::add,
                        warnings::add);
        opened.tryTopics();
        assertEquals(
                List.of(
                        "persistent://public/default/a-hdfs-csv-dlq",
                        "persistent://t/n/b-hdfs-csv-dlq"),
                topics);
        verify(producer, never()).closeAsync();
    }

    @Test
    void given_a_topic_that_refuses_when_opened_then_it_is_told_and_no_producer_is_left() {
        when(builder.createAsync())
                .thenReturn(CompletableFuture.completedFuture(producer))
                .thenReturn(
                        CompletableFuture.failedFuture(new IllegalStateException("not allowed")));
        DeadLetters refused =
                new DeadLetters(
                        client,
                        new DeadLetterTopics(null, List.of("a", "b")),
                        "replay",
                        confirmed::add,
                        fatal::add,
                        warnings::add);
        HdfsCsvException failure = assertThrows(HdfsCsvException.class, refused::tryTopics);
        assertTrue(
                failure.getMessage().contains("/b-hdfs-csv-dlq: not allowed. Let the sink's role"),
                failure.getMessage());
        verify(producer).closeAsync();
    }

    @Test
    void given_a_key_of_bytes_when_sent_then_it_stays_bytes() {
        byte[] key = {(byte) 0xff, 0};
        letters.send(letter(key, Map.of()), "persistent://t/n/plain", null);
        assertArrayEquals(key, (byte[]) keys.get(0));
        assertEquals(List.of("persistent://t/n/plain-hdfs-csv-dlq"), topics);
        assertTrue(!properties.containsKey(DeadLetters.SCHEMA_VERSION));
    }

    @Test
    void given_a_configured_topic_when_sent_then_all_go_there() {
        DeadLetters configured =
                new DeadLetters(
                        client,
                        topics("persistent://t/n/bad"),
                        "replay",
                        confirmed::add,
                        fatal::add,
                        warnings::add);
        configured.send(letter(null, Map.of()), FakeMessages.TOPIC, null);
        configured.send(letter(null, Map.of()), "persistent://t/n/other", null);
        assertEquals(List.of("persistent://t/n/bad"), topics);
        assertEquals(2, sent.size());
    }

    @Test
    void given_a_refused_letter_when_due_then_it_is_sent_again_and_confirmed() {
        letters.send(letter(null, Map.of()), FakeMessages.TOPIC, null);
        sent.get(0).completeExceptionally(new IllegalStateException("away"));
        letters.retryDue(System.nanoTime());
        assertEquals(1, sent.size(), "not due yet");
        letters.retryDue(System.nanoTime() + 200_000_000L);
        assertEquals(2, sent.size());
        assertEquals(1, topics.size(), "the producer is connected and used again");
        sent.get(1).complete(MessageId.earliest);
        assertEquals(List.of(42L), confirmed);
        assertEquals(List.of(), fatal);
    }

    @Test
    void
            given_a_topic_that_refuses_producers_when_tried_for_a_minute_then_the_sink_ends_once_and_says_what_to_do() {
        refuseProducers = true;
        letters.send(letter(null, Map.of()), FakeMessages.TOPIC, null);
        for (int i = 0; i < 50; i++) {
            letters.retryDue(System.nanoTime() + 20_000_000_000L);
        }
        assertEquals(12, topics.size());
        assertEquals(1, fatal.size());
        String text = fatal.get(0).getMessage();
        assertTrue(text.contains("page_visit-hdfs-csv-dlq") && text.contains("not allowed"), text);
        assertEquals(List.of(), confirmed);
    }

    private static <T> Object note(List<? super T> list, T value, Object answer) {
        list.add(value);
        return answer;
    }

    private static DeadLetterTopics topics(String configured) {
        return new DeadLetterTopics(configured, List.of());
    }

    private static DeadLetter numbered(byte number) {
        byte[] payload = {number};
        return new DeadLetter(
                101, 201, number, 11, 12, 13, 0, false, "truncated", null, Map.of(), payload);
    }

    private static DeadLetter letter(byte[] key, Map<String, String> properties) {
        return letter(new byte[] {9}, key, properties);
    }

    private static DeadLetter letter(byte[] payload, byte[] key, Map<String, String> properties) {
        boolean keyIsBytes = key != null && key[0] < 0;
        return new DeadLetter(
                101, 201, 42, 11, 12, 13, 0, keyIsBytes, "truncated", key, properties, payload);
    }
}
