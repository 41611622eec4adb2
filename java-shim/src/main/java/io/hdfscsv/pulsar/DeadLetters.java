package io.hdfscsv.pulsar;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongConsumer;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.PulsarClientException;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.SubscriptionInitialPosition;
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

    /** What a letter lacks that could not be sent whole. */
    static final String CUT = "hdfs-csv-cut";

    private static final int CUT_BYTES = 1 << 16;

    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 10_000;

    /**
     * With the pauses above, a minute of refusals; each attempt may take the client's own send
     * time-out besides.
     */
    private static final int MOST_ATTEMPTS = 12;

    private static final long TRY_MILLIS = 30_000;

    /**
     * @param isCut it is sent without what made it too large
     */
    private record Letter(DeadLetter content, String topic, String schemaVersion, boolean isCut) {}

    private record Retry(Letter letter, int attempt, long due) {}

    private final PulsarClient client;
    private final DeadLetterTopics topics;
    private final String subscription;
    private final LongConsumer confirmed;
    private final Consumer<HdfsCsvException> fatal;
    private final Consumer<String> warn;
    private final Map<String, CompletableFuture<Producer<byte[]>>> producers =
            new ConcurrentHashMap<>();

    /** By destination: done when the last letter so far has been given to the producer. */
    private final Map<String, CompletableFuture<?>> turns = new ConcurrentHashMap<>();

    private final Queue<Retry> retries = new ConcurrentLinkedQueue<>();

    /**
     * @param topics where they go
     * @param subscription what keeps them there
     * @param confirmed told a dead letter's number when the broker has it
     */
    DeadLetters(
            PulsarClient client,
            DeadLetterTopics topics,
            String subscription,
            LongConsumer confirmed,
            Consumer<HdfsCsvException> fatal,
            Consumer<String> warn) {
        this.client = client;
        this.topics = topics;
        this.subscription = subscription;
        this.confirmed = confirmed;
        this.fatal = fatal;
        this.warn = warn;
    }

    /**
     * Fails when dead letters of the topics that the sink reads by name cannot be published, and
     * leaves no producer then.
     */
    void tryTopics() {
        try {
            openAll();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void openAll() {
        for (String destination : topics.ofInputs()) {
            producer(destination);
        }
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(TRY_MILLIS);
        producers.forEach(
                (destination, opening) -> {
                    try {
                        opening.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        throw new HdfsCsvException("closed", "The sink's start was interrupted", e);
                    } catch (ExecutionException | TimeoutException e) {
                        Throwable cause = e instanceof ExecutionException ? e.getCause() : e;
                        throw unpublished(
                                "Dead letters could not be published to "
                                        + destination
                                        + ": "
                                        + (cause instanceof TimeoutException
                                                ? "the broker did not answer"
                                                : cause.getMessage()),
                                e);
                    }
                });
    }

    /**
     * @param topic the source partition's full name
     * @param schemaVersion in hexadecimal, null for none
     */
    void send(DeadLetter content, String topic, String schemaVersion) {
        send(new Letter(content, topic, schemaVersion, false), 1);
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
                                failed(
                                        cutIfTooLarge(letter, failure),
                                        attempt,
                                        destination,
                                        failure);
                            }
                        });
    }

    private void failed(Letter letter, int attempt, String destination, Throwable failure) {
        if (attempt >= MOST_ATTEMPTS) {
            fatal.accept(
                    unpublished(
                            "A dead letter could not be published to "
                                    + destination
                                    + " in "
                                    + attempt
                                    + " attempts: "
                                    + failure.getMessage(),
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
                    keep(destination)
                            .thenCompose(
                                    done ->
                                            client.newProducer(Schema.BYTES)
                                                    .topic(destination)
                                                    // Of a batch, a client acknowledges and an
                                                    // operator skips the whole: a letter that is
                                                    // sent back would take the others with it
                                                    .enableBatching(false)
                                                    // A record that was sent in chunks, or
                                                    // compressed,
                                                    // can be larger than one message
                                                    .enableChunking(true)
                                                    .createAsync());
            producers.put(destination, known);
        }
        return known;
    }

    /**
     * Keeps letters until they are sent back: without a subscription the broker deletes them within
     * minutes, if the namespace has no retention.
     */
    private CompletableFuture<?> keep(String destination) {
        return client.newConsumer(Schema.BYTES)
                .topic(destination)
                .subscriptionName(subscription)
                .subscriptionInitialPosition(SubscriptionInitialPosition.Earliest)
                .startPaused(true)
                .subscribeAsync()
                .thenCompose(org.apache.pulsar.client.api.Consumer::closeAsync)
                .exceptionally(
                        failure -> {
                            if (!isInUse(failure)) {
                                warn.accept(
                                        "No subscription "
                                                + subscription
                                                + " could be made on "
                                                + destination
                                                + ", so the broker keeps dead letters for its retention"
                                                + " only: "
                                                + failure
                                                + ". The sink's role needs "
                                                + OwnSubscriptions.NEEDED_RIGHTS
                                                + ". Or give its namespace a retention.");
                            }
                            return null;
                        });
    }

    /** It is there, and {@code hdfs-csv replay} reads. */
    private static boolean isInUse(Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        return cause instanceof PulsarClientException.ConsumerBusyException;
    }

    private static HdfsCsvException unpublished(String what, Throwable failure) {
        return new HdfsCsvException(
                "pulsar",
                what
                        + ". Let the sink's role produce there, or set deadLetterTopic, or onBadRecord:"
                        + " skip.",
                failure);
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

    /**
     * Its properties and its key go with each chunk: with too many of them no chunk fits, however
     * small.
     */
    private static Letter cutIfTooLarge(Letter letter, Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
        boolean isTooLarge = cause instanceof PulsarClientException.InvalidMessageException;
        return new Letter(
                letter.content, letter.topic, letter.schemaVersion, letter.isCut || isTooLarge);
    }

    private static TypedMessageBuilder<byte[]> message(Producer<byte[]> producer, Letter letter) {
        TypedMessageBuilder<byte[]> message =
                letter.isCut ? cut(producer, letter.content) : whole(producer, letter.content);
        return mark(message, letter);
    }

    private static TypedMessageBuilder<byte[]> whole(
            Producer<byte[]> producer, DeadLetter content) {
        TypedMessageBuilder<byte[]> message =
                producer.newMessage().value(content.payload()).properties(content.properties());
        if (content.key() != null && content.keyIsBytes()) {
            message.keyBytes(content.key());
        } else if (content.key() != null) {
            message.key(new String(content.key(), StandardCharsets.UTF_8));
        }
        return message;
    }

    private static TypedMessageBuilder<byte[]> cut(Producer<byte[]> producer, DeadLetter content) {
        byte[] payload = content.payload();
        return producer.newMessage()
                .value(Arrays.copyOf(payload, Math.min(payload.length, CUT_BYTES)))
                .property(
                        CUT,
                        "the payload has "
                                + payload.length
                                + " bytes, of which the first are here; the key and "
                                + content.properties().size()
                                + " properties are left out");
    }

    private static TypedMessageBuilder<byte[]> mark(
            TypedMessageBuilder<byte[]> message, Letter letter) {
        DeadLetter content = letter.content;
        message.property(REASON, content.reason())
                .property(TOPIC, letter.topic)
                .property(
                        POSITION,
                        content.ledger() + ":" + content.entry() + ":" + content.batchIndex());
        if (letter.schemaVersion != null) {
            message.property(SCHEMA_VERSION, letter.schemaVersion);
        }
        if (content.eventTime() != 0) {
            message.eventTime(content.eventTime());
        }
        return message;
    }
}
