package io.hdfscsv.pulsar;

import java.util.concurrent.CompletableFuture;
import org.apache.pulsar.client.api.ConsumerCryptoFailureAction;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.MessagePayloadProcessor;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.SubscriptionMode;

/** Opens readers of topics' entries. */
class EntryReaders {
    private static final int QUEUE = 100;

    private final PulsarClient client;
    private final OwnSubscriptions subscriptions;

    EntryReaders(PulsarClient client, OwnSubscriptions subscriptions) {
        this.client = client;
        this.subscriptions = subscriptions;
    }

    /**
     * Opens a reader that begins with an entry, or with the next one that is there. It leaves
     * nothing behind on the broker.
     */
    <T> CompletableFuture<EntryReader<T>> open(Schema<T> schema, String topic, MessageId first) {
        return open(schema, topic, first, QUEUE, new EntryReader.WholeEntries());
    }

    /** Opens one whose entries are as a processor makes them, and which fetches so many ahead. */
    <T> CompletableFuture<EntryReader<T>> open(
            Schema<T> schema,
            String topic,
            MessageId first,
            int ahead,
            MessagePayloadProcessor entries) {
        return client.newConsumer(schema)
                .topic(topic)
                .subscriptionName(subscriptions.ofReader())
                .subscriptionMode(SubscriptionMode.NonDurable)
                .startMessageIdInclusive()
                // A consumer has to be sent to where it begins
                .startPaused(true)
                .receiverQueueSize(ahead)
                .cryptoFailureAction(ConsumerCryptoFailureAction.CONSUME)
                .messagePayloadProcessor(entries)
                .subscribeAsync()
                .thenCompose(
                        consumer ->
                                consumer.seekAsync(first)
                                        .thenApply(
                                                done -> {
                                                    consumer.resume();
                                                    return new EntryReader<>(consumer);
                                                })
                                        .whenComplete(
                                                (reader, failure) -> {
                                                    if (failure != null) {
                                                        consumer.closeAsync();
                                                    }
                                                }));
    }

    /** Lets the client ask the broker for a topic's schemas again. */
    void forgetSchemas(String topic) {
        ClientGetters.Schemas.forget(client, topic);
    }
}
