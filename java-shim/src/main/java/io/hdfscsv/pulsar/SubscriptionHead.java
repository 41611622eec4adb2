package io.hdfscsv.pulsar;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pulsar.client.api.Consumer;
import org.apache.pulsar.client.api.ConsumerBuilder;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.SubscriptionInitialPosition;
import org.apache.pulsar.client.api.SubscriptionType;
import org.apache.pulsar.common.functions.FunctionConfig.ProcessingGuarantees;
import org.apache.pulsar.common.io.SinkConfig;
import org.apache.pulsar.io.core.SinkContext;

/**
 * The sink's own subscription, seen by a consumer that gets no messages: up to where each topic is
 * acknowledged, and a way to acknowledge more. Where another instance has a consumer, that one
 * stays the active one: this one's priority is lower.
 */
class SubscriptionHead implements AutoCloseable {
    private static final int LOW_PRIORITY = 1_000;
    private static final long SUBSCRIBE_MILLIS = 60_000;
    private static final long ANSWER_MILLIS = 10_000;

    private final Consumer<byte[]> consumer;
    private final Map<String, Consumer<?>> byTopic = new HashMap<>();

    SubscriptionHead(Consumer<byte[]> consumer) {
        this.consumer = consumer;
        ClientGetters.Subscriptions.each(consumer)
                .forEach(each -> byTopic.put(each.getTopic(), each));
    }

    /** Subscribes as the source will. */
    static SubscriptionHead open(SinkContext context)
            throws InterruptedException, ExecutionException, TimeoutException {
        SinkConfig config = context.getSinkConfig();
        SubscriptionInitialPosition position = config.getSourceSubscriptionPosition();
        ConsumerBuilder<byte[]> builder =
                context.getPulsarClient()
                        .newConsumer(Schema.BYTES)
                        .subscriptionName(Settings.subscription(config, context))
                        .subscriptionType(subscriptionType(config))
                        .subscriptionInitialPosition(
                                position == null ? SubscriptionInitialPosition.Latest : position)
                        .priorityLevel(LOW_PRIORITY)
                        .startPaused(true)
                        .autoUpdatePartitions(false)
                        .isAckReceiptEnabled(true)
                        .acknowledgmentGroupTime(0, TimeUnit.MILLISECONDS);
        String pattern = Settings.topicsPattern(config);
        if (pattern == null) {
            builder.topics(List.copyOf(Settings.inputs(config)));
        } else {
            builder.topicsPattern(pattern);
        }
        CompletableFuture<Consumer<byte[]>> subscribing = builder.subscribeAsync();
        try {
            return new SubscriptionHead(subscribing.get(SUBSCRIBE_MILLIS, TimeUnit.MILLISECONDS));
        } catch (InterruptedException | TimeoutException e) {
            subscribing.thenAccept(Consumer::closeAsync);
            throw e;
        }
    }

    /** As the functions worker chooses it for a sink (SinkConfigUtils of 4.0.8). */
    private static SubscriptionType subscriptionType(SinkConfig config) {
        if (Boolean.TRUE.equals(config.getRetainOrdering())
                || config.getProcessingGuarantees() == ProcessingGuarantees.EFFECTIVELY_ONCE) {
            return SubscriptionType.Failover;
        }
        return Boolean.TRUE.equals(config.getRetainKeyOrdering())
                ? SubscriptionType.Key_Shared
                : SubscriptionType.Shared;
    }

    /**
     * Topics and partitions that hold messages which are not acknowledged, as far as the broker
     * says, and what it says of them.
     */
    Map<String, ClientGetters.Subscriptions.State> backlogs()
            throws InterruptedException, ExecutionException, TimeoutException {
        Map<String, CompletableFuture<ClientGetters.Subscriptions.State>> asked = new HashMap<>();
        byTopic.forEach((topic, each) -> asked.put(topic, ClientGetters.Subscriptions.state(each)));
        Map<String, ClientGetters.Subscriptions.State> backlogs = new HashMap<>();
        for (Map.Entry<String, CompletableFuture<ClientGetters.Subscriptions.State>> one :
                asked.entrySet()) {
            ClientGetters.Subscriptions.State state =
                    one.getValue().get(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
            if (hasBacklog(state)) {
                backlogs.put(one.getKey(), state);
            }
        }
        return backlogs;
    }

    private static boolean hasBacklog(ClientGetters.Subscriptions.State state) {
        if (state.acknowledged() == null || state.last() == null) {
            return false;
        }
        MessagePosition acknowledged = new MessagePosition();
        acknowledged.read(state.acknowledged());
        MessagePosition last = new MessagePosition();
        last.read(state.last());
        return last.entry() >= 0 && last.isBehind(acknowledged.ledger(), acknowledged.entry());
    }

    /** Up to where everything of a topic is acknowledged; null if the broker does not say. */
    CompletableFuture<MessageId> acknowledged(String topic) {
        return ClientGetters.Subscriptions.state(byTopic.get(topic))
                .thenApply(ClientGetters.Subscriptions.State::acknowledged);
    }

    /** Acknowledges whole entries; returns when the broker has confirmed it. */
    void acknowledge(String topic, List<MessageId> entries)
            throws InterruptedException, ExecutionException, TimeoutException {
        confirm(byTopic.get(topic).acknowledgeAsync(entries));
    }

    /** Acknowledges an entry and all that precede it; returns when the broker has confirmed it. */
    void acknowledgeUpTo(String topic, MessageId entry)
            throws InterruptedException, ExecutionException, TimeoutException {
        confirm(byTopic.get(topic).acknowledgeCumulativeAsync(entry));
    }

    private static void confirm(CompletableFuture<Void> acknowledged)
            throws InterruptedException, ExecutionException, TimeoutException {
        acknowledged.get(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
    }

    /**
     * Ends the subscribing consumer; the source subscribes after it. Where that fails, its priority
     * still keeps it from getting messages.
     */
    @Override
    public void close() {
        try {
            confirm(consumer.closeAsync());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            // The connection is gone, or the client closes it later
        }
    }
}
