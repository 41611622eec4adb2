package io.hdfscsv.pulsar;

import io.hdfscsv.pulsar.ClientGetters.Subscriptions;
import io.hdfscsv.pulsar.TombstoneSearch.Bounds;
import io.hdfscsv.pulsar.TombstoneSearch.Found;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.PulsarClientException;
import org.apache.pulsar.client.api.Reader;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.common.functions.FunctionConfig.ProcessingGuarantees;
import org.apache.pulsar.io.core.SinkContext;

/**
 * Passes messages without a value. The functions worker ends an instance whose source gives it one
 * before the sink sees it, and gives it to the next instance again. But it opens the sink before
 * its source has a consumer (JavaInstanceRunnable.setup of 4.0.8). So the sink reads such messages
 * itself when it is opened, with all that precede them and are not acknowledged, commits them, and
 * acknowledges them.
 */
final class Tombstones {
    /** Counts entries with messages without a value that were passed. */
    static final String PASSED = "null_values_total";

    private static final int SEARCHES_AT_ONCE = 16;
    private static final long SEARCH_MILLIS = 10_000;
    private static final long MOST_ENTRIES = 50_000;
    private static final long MOST_BYTES = 64L << 20;
    private static final long COMMITTED_SEARCH_MILLIS = 300_000;
    private static final int READ_MILLIS = 10_000;
    private static final long COMMIT_MILLIS = 60_000;

    /** What was written of a topic. */
    private record Written(Found found, SourcePartition source, List<MessageId> entries) {}

    private final SinkContext context;
    private final OwnSubscriptions subscriptions;
    private final EntryReaders readers;
    private final boolean ordered;

    Tombstones(Map<String, Object> configs, SinkContext context) {
        this(
                configs,
                context,
                new EntryReaders(context.getPulsarClient(), OwnSubscriptions.of(configs)));
    }

    Tombstones(Map<String, Object> configs, SinkContext context, EntryReaders readers) {
        this.context = context;
        this.readers = readers;
        subscriptions = OwnSubscriptions.of(configs);
        ordered =
                context.getSinkConfig().getProcessingGuarantees()
                        == ProcessingGuarantees.EFFECTIVELY_ONCE;
    }

    /**
     * Passes those that the source would get first. What goes wrong is told: then the source gets
     * them, and the next instance tries again.
     *
     * @param sink one that has got no record yet
     * @return whether there were any: then the sink is closed
     */
    static boolean pass(RunningSink sink, Map<String, Object> configs, SinkContext context) {
        List<Found> found = List.of();
        try {
            Tombstones tombstones = new Tombstones(configs, context);
            try (SubscriptionHead head = SubscriptionHead.open(context)) {
                found = tombstones.search(sink, head);
                if (!found.isEmpty()) {
                    tombstones.pass(sink, found, head);
                }
            }
        } catch (InterruptedException e) {
            sink.close();
            Thread.currentThread().interrupt();
            throw new HdfsCsvException("closed", "The sink was interrupted while it was opened", e);
        } catch (ExecutionException | TimeoutException | RuntimeException | LinkageError e) {
            context.getLogger()
                    .warn(
                            "Messages without a value cannot be passed: {}. Pulsar ends the instance at"
                                    + " one if there is any, and the next instance tries again.",
                            e.toString());
        } finally {
            if (!found.isEmpty()) {
                sink.close();
            }
        }
        return !found.isEmpty();
    }

    private List<Found> search(RunningSink sink, SubscriptionHead head)
            throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(SEARCH_MILLIS);
        // Without order what is in flight is bounded by its number alone
        Bounds bounds = new Bounds(MOST_ENTRIES, ordered ? MOST_BYTES : Long.MAX_VALUE, end);
        List<Callable<Found>> searches = new ArrayList<>();
        head.backlogs()
                .forEach(
                        (topic, state) -> {
                            SourcePartition source = sink.sourcePartition(topic);
                            if (source.isWritten()) {
                                searches.add(() -> search(sink, source, state, bounds));
                            }
                        });
        if (searches.isEmpty()) {
            return List.of();
        }
        // Where the time is not enough for all, each gets its turn at one start or another
        Collections.shuffle(searches);
        int threads = Math.min(SEARCHES_AT_ONCE, searches.size());
        ExecutorService executor = Executors.newFixedThreadPool(threads, Tombstones::thread);
        List<Found> found = new ArrayList<>();
        try {
            for (Future<Found> search : executor.invokeAll(searches)) {
                add(search, found);
            }
        } finally {
            executor.shutdownNow();
        }
        return found;
    }

    private Found search(
            RunningSink sink, SourcePartition source, Subscriptions.State state, Bounds bounds)
            throws InterruptedException, ExecutionException {
        return System.nanoTime() - bounds.end() >= 0
                ? null
                : new TombstoneSearch(readers, source.topic, state, bounds).run(sink.mark(source));
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "hdfs-csv-tombstones");
        thread.setDaemon(true);
        return thread;
    }

    /** One topic that cannot be read keeps no other's from being passed. */
    private void add(Future<Found> search, List<Found> found) throws InterruptedException {
        try {
            Found result = search.get();
            if (result != null) {
                found.add(result);
            }
        } catch (ExecutionException e) {
            context.getLogger()
                    .warn(
                            "A topic cannot be searched for messages without a value: {}",
                            e.toString());
        }
    }

    /**
     * Writes those that were found with the sink, closes it, and acknowledges what is committed.
     */
    void pass(RunningSink sink, List<Found> found, SubscriptionHead head)
            throws InterruptedException {
        sink.takeGapsForEmpty();
        List<Written> written = new ArrayList<>();
        for (Found each : found) {
            SourcePartition source = sink.sourcePartition(each.topic());
            try {
                List<MessageId> entries = toAcknowledge(each);
                if (write(sink, each)) {
                    written.add(new Written(each, source, entries));
                }
            } catch (ExecutionException | IOException e) {
                warn(each, e);
            }
        }
        boolean allCommitted = sink.closeWithin(COMMIT_MILLIS);
        for (Written each : written) {
            if (!allCommitted && !sink.hasCommitted(each.source())) {
                warn(each.found(), "what precedes them is not committed");
                continue;
            }
            try {
                acknowledge(head, each);
            } catch (ExecutionException | TimeoutException e) {
                warn(each.found(), e);
            }
        }
    }

    private void warn(Found found, Object why) {
        context.getLogger()
                .warn(
                        "{}: messages without a value up to {} cannot be passed: {}",
                        found.topic(),
                        found.last(),
                        why);
    }

    /** With those that an instance has committed, which ended before it acknowledged them. */
    private List<MessageId> toAcknowledge(Found found)
            throws InterruptedException, ExecutionException {
        if (!found.beginsCommitted()) {
            return found.entries();
        }
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(COMMITTED_SEARCH_MILLIS);
        Bounds bounds = new Bounds(Long.MAX_VALUE, Long.MAX_VALUE, end);
        Subscriptions.State state = new Subscriptions.State(found.acknowledged(), found.last());
        Found all = new TombstoneSearch(readers, found.topic(), state, bounds).run(null);
        return all == null ? found.entries() : all.entries();
    }

    /**
     * Gives the sink what the source would give it: in order all up to the last one, else the
     * entries that hold one. Returns whether that was all.
     */
    private boolean write(RunningSink sink, Found found) throws IOException, InterruptedException {
        Set<MessageId> only = Set.copyOf(found.entries());
        MessagePosition acknowledged = new MessagePosition();
        acknowledged.read(found.acknowledged());
        MessagePosition last = new MessagePosition();
        last.read(found.last());
        MessagePosition position = new MessagePosition();
        try (Reader<byte[]> reader = reader(found.topic(), found.acknowledged())) {
            boolean hasLast = false;
            while (reader.hasMessageAvailable()) {
                Message<byte[]> message = reader.readNext(READ_MILLIS, TimeUnit.MILLISECONDS);
                if (message == null) {
                    // What is behind is not whole yet, or no client can take it apart
                    break;
                }
                position.read(message.getMessageId());
                if (position.isBehind(last.ledger(), last.entry())) {
                    break;
                }
                hasLast = position.isAtOrBehind(last.ledger(), last.entry());
                boolean comesToSource =
                        position.isBehind(acknowledged.ledger(), acknowledged.entry());
                MessageId entry = MessagePosition.id(position.ledger(), position.entry());
                if (comesToSource && (ordered || only.contains(entry))) {
                    sink.write(new ReadRecord(message));
                }
            }
            if (!hasLast) {
                warn(found, "the broker does not send them to a reader");
            }
            return hasLast;
        }
    }

    /** As the topic's other consumers it forgets no message whose chunks it has begun to get. */
    private Reader<byte[]> reader(String topic, MessageId behind) throws PulsarClientException {
        return context.getPulsarClient()
                .newReader(Schema.BYTES)
                .topic(topic)
                .startMessageId(behind)
                .subscriptionName(subscriptions.ofReader())
                .maxPendingChunkedMessage(Integer.MAX_VALUE)
                .expireTimeOfIncompleteChunkedMessage(0, TimeUnit.MILLISECONDS)
                .create();
    }

    private void acknowledge(SubscriptionHead head, Written written)
            throws InterruptedException, ExecutionException, TimeoutException {
        Found found = written.found();
        if (ordered && found.allSeen()) {
            head.acknowledgeUpTo(found.topic(), found.last());
        } else {
            head.acknowledge(found.topic(), written.entries());
        }
        context.recordMetric(PASSED, found.entries().size());
        context.getLogger()
                .info(
                        "{}: {} entries with messages without a value were passed, up to {}"
                                + " (onNullValue)",
                        found.topic(),
                        found.entries().size(),
                        found.last());
    }
}
