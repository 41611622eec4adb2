package io.hdfscsv.pulsar;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongConsumer;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.TypedMessageBuilder;

/**
 * Publishes the records that cannot be written, as they came, with the reason. Nothing waits here:
 * what fails is sent again when it is due, and what keeps failing ends the sink.
 */
final class DeadLetters {
    static final String REASON = "hdfs-csv-reason";
    static final String TOPIC = "hdfs-csv-topic";
    static final String POSITION = "hdfs-csv-position";
    static final String SCHEMA_VERSION = "hdfs-csv-schema-version";

    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 10_000;

    /**
     * With the pauses above, a minute of refusals; each attempt may take the client's own send
     * time-out besides.
     */
    private static final int MOST_ATTEMPTS = 12;

    private record Letter(DeadLetter content, String topic, String schemaVersion) {}

    private record Retry(Letter letter, int attempt, long due) {}

    private final PulsarClient client;
    private final DeadLetterTopics topics;
    private final LongConsumer confirmed;
    private final Consumer<HdfsCsvException> fatal;
    private final Map<String, CompletableFuture<Producer<byte[]>>> producers =
            new ConcurrentHashMap<>();

    /** By destination: done when the last letter so far has been given to the producer. */
    private final Map<String, CompletableFuture<?>> turns = new ConcurrentHashMap<>();

    private final Queue<Retry> retries = new ConcurrentLinkedQueue<>();

    /**
     * @param topics where they go
     * @param confirmed told a dead letter's number when the broker has it
     */
    DeadLetters(
            PulsarClient client,
            DeadLetterTopics topics,
            LongConsumer confirmed,
            Consumer<HdfsCsvException> fatal) {
        this.client = client;
        this.topics = topics;
        this.confirmed = confirmed;
        this.fatal = fatal;
    }

    /**
     * @param topic the source partition's full name
     * @param schemaVersion in hexadecimal, null for none
     */
    void send(DeadLetter content, String topic, String schemaVersion) {
        send(new Letter(content, topic, schemaVersion), 1);
    }

    /** Sends again what failed and is due. */
    void retryDue(long now) {
        for (int left = retries.size(); left > 0; left--) {
            Retry retry = retries.poll();
            if (retry == null) {
                return;
            }
            if (retry.due - now <= 0) {
                send(retry.letter, retry.attempt);
            } else {
                retries.add(retry);
            }
        }
    }

    void close() {
        producers.values().forEach(producer -> producer.thenAccept(Producer::closeAsync));
        producers.clear();
    }

    private void send(Letter letter, int attempt) {
        String destination = topics.destination(letter.topic);
        CompletableFuture<Producer<byte[]>> opening = producer(destination);
        // What waits for one future goes on in the reverse order, so each letter waits for the one
        // before.
        CompletableFuture<?> before =
                turns.getOrDefault(destination, CompletableFuture.completedFuture(null));
        CompletableFuture<CompletableFuture<MessageId>> turn =
                before.handle((done, failure) -> opening)
                        .thenCompose(Function.identity())
                        .thenApply(producer -> message(producer, letter).sendAsync());
        turns.put(destination, turn);
        turn.thenCompose(Function.identity())
                .whenComplete(
                        (id, failure) -> {
                            if (failure == null) {
                                confirmed.accept(letter.content.number());
                            } else {
                                forget(destination, opening);
                                failed(letter, attempt, destination, failure);
                            }
                        });
    }

    private void failed(Letter letter, int attempt, String destination, Throwable failure) {
        if (attempt >= MOST_ATTEMPTS) {
            fatal.accept(
                    new HdfsCsvException(
                            "pulsar",
                            "A dead letter could not be published to "
                                    + destination
                                    + " in "
                                    + attempt
                                    + " attempts: "
                                    + failure.getMessage()
                                    + ". Let the sink's role produce there, or set deadLetterTopic, or"
                                    + " onBadRecord: skip.",
                            failure));
            return;
        }
        long pause = Math.min(FIRST_PAUSE_MILLIS << (attempt - 1), LONGEST_PAUSE_MILLIS);
        retries.add(
                new Retry(
                        letter,
                        attempt + 1,
                        System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(pause)));
    }

    private CompletableFuture<Producer<byte[]>> producer(String destination) {
        CompletableFuture<Producer<byte[]>> known = producers.get(destination);
        if (known == null) {
            known =
                    client.newProducer(Schema.BYTES)
                            .topic(destination)
                            // Of a batch, a client acknowledges and an operator skips the whole:
                            // a letter that is sent back would take the others with it
                            .enableBatching(false)
                            .createAsync();
            producers.put(destination, known);
        }
        return known;
    }

    /**
     * A producer that could not be opened, or is gone for good, is opened anew; another one
     * reconnects by itself.
     */
    private void forget(String destination, CompletableFuture<Producer<byte[]>> opening) {
        if (opening.isCompletedExceptionally() || !opening.join().isConnected()) {
            if (producers.remove(destination, opening)) {
                opening.thenAccept(Producer::closeAsync);
            }
        }
    }

    private static TypedMessageBuilder<byte[]> message(Producer<byte[]> producer, Letter letter) {
        DeadLetter content = letter.content;
        TypedMessageBuilder<byte[]> message =
                producer.newMessage()
                        .value(content.payload())
                        .properties(content.properties())
                        .property(REASON, content.reason())
                        .property(TOPIC, letter.topic)
                        .property(
                                POSITION,
                                content.ledger()
                                        + ":"
                                        + content.entry()
                                        + ":"
                                        + content.batchIndex());
        if (letter.schemaVersion != null) {
            message.property(SCHEMA_VERSION, letter.schemaVersion);
        }
        if (content.eventTime() != 0) {
            message.eventTime(content.eventTime());
        }
        if (content.key() != null && content.keyIsBytes()) {
            message.keyBytes(content.key());
        } else if (content.key() != null) {
            message.key(new String(content.key(), StandardCharsets.UTF_8));
        }
        return message;
    }
}
