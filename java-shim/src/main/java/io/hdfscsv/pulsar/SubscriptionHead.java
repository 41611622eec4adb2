package io.hdfscsv.pulsar;

import io.hdfscsv.pulsar.ClientGetters.Subscriptions;
import java.util.ArrayList;
import java.util.Collection;
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
 * The sink's own subscription, seen by consumers that get no messages: up to where each topic is
 * acknowledged, and a way to acknowledge more. Under Failover, where another instance has a
 * consumer, that one stays the active one, because these have a lower priority.
 */
class SubscriptionHead implements AutoCloseable {
    private static final int LOW_PRIORITY = 1_000;
    private static final long SUBSCRIBE_MILLIS = 60_000;
    private static final long ANSWER_MILLIS = 10_000;

    private final SinkContext context;
    private final List<Consumer<byte[]>> consumers = new ArrayList<>();
    private final Map<String, Consumer<?>> byTopic = new HashMap<>();

    private SubscriptionHead(SinkContext context) {
        this.context = context;
    }

    /** Subscribes as the source will: to the topics by name, and to those of each pattern. */
    static SubscriptionHead open(SinkContext context)
            throws InterruptedException, ExecutionException, TimeoutException {
        SubscriptionHead head = new SubscriptionHead(context);
        try {
            Collection<String> inputs = Settings.inputs(context.getSinkConfig());
            if (!inputs.isEmpty()) {
                head.subscribe(head.consumer().topics(List.copyOf(inputs)));
            }
            for (String pattern : Settings.topicsPatterns(context.getSinkConfig())) {
                head.subscribe(head.consumer().topicsPattern(pattern));
            }
            return head;
        } catch (InterruptedException
                | ExecutionException
                | TimeoutException
                | RuntimeException
                | Error e) {
            head.close();
            throw e;
        }
    }

    private ConsumerBuilder<byte[]> consumer() {
        SinkConfig config = context.getSinkConfig();
        SubscriptionInitialPosition position = config.getSourceSubscriptionPosition();
        return context.getPulsarClient()
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

    private void subscribe(ConsumerBuilder<byte[]> builder)
            throws InterruptedException, ExecutionException, TimeoutException {
        CompletableFuture<Consumer<byte[]>> subscribing = builder.subscribeAsync();
        try {
            Consumer<byte[]> consumer = subscribing.get(SUBSCRIBE_MILLIS, TimeUnit.MILLISECONDS);
            consumers.add(consumer);
            // One topic without partitions has the name that it was given
            Subscriptions.each(consumer)
                    .forEach(each -> byTopic.put(DeadLetterTopics.fullName(each.getTopic()), each));
        } catch (InterruptedException | TimeoutException e) {
            subscribing.thenAccept(Consumer::closeAsync);
            throw e;
        }
    }

    /**
     * Topics and partitions that hold messages which are not acknowledged, as far as the broker
     * says, and what it says of them.
     */
    Map<String, Subscriptions.State> backlogs() throws InterruptedException {
        Map<String, CompletableFuture<Subscriptions.State>> asked = new HashMap<>();
        byTopic.forEach((topic, each) -> asked.put(topic, Subscriptions.state(each)));
        Map<String, Subscriptions.State> backlogs = new HashMap<>();
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ANSWER_MILLIS);
        for (Map.Entry<String, CompletableFuture<Subscriptions.State>> each : asked.entrySet()) {
            try {
                long left = Math.max(0, end - System.nanoTime());
                Subscriptions.State state = each.getValue().get(left, TimeUnit.NANOSECONDS);
                if (hasBacklog(state)) {
                    backlogs.put(each.getKey(), state);
                }
            } catch (ExecutionException | TimeoutException e) {
                context.getLogger()
                        .warn(
                                "{}: the broker does not say what is acknowledged ({}), so messages"
                                        + " without a value are not looked for",
                                each.getKey(),
                                e.toString());
            }
        }
        return backlogs;
    }

    private static boolean hasBacklog(Subscriptions.State state) {
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
        return Subscriptions.state(byTopic.get(topic)).thenApply(Subscriptions.State::acknowledged);
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

    private static void confirm(CompletableFuture<Void> done)
            throws InterruptedException, ExecutionException, TimeoutException {
        done.get(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** The source subscribes after it. A consumer that cannot be closed gets no messages. */
    @Override
    public void close() {
        for (Consumer<byte[]> consumer : consumers) {
            try {
                confirm(consumer.closeAsync());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (ExecutionException | TimeoutException e) {
                context.getLogger().info("A consumer could not be closed: {}", e.toString());
            }
        }
    }
}
