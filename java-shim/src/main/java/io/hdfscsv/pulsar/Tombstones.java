package io.hdfscsv.pulsar;

import io.hdfscsv.pulsar.ClientGetters.Subscriptions;
import io.hdfscsv.pulsar.TombstoneSearch.Bounds;
import io.hdfscsv.pulsar.TombstoneSearch.Found;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

    /** At first a few of each topic, then more. */
    private static final long[] MOST_ENTRIES = {100, 50_000};

    private static final long MOST_BYTES = 64L << 20;
    private static final long COMMITTED_SEARCH_MILLIS = 300_000;
    private static final int READ_MILLIS = 10_000;
    private static final long WRITE_MILLIS = 120_000;
    private static final long COMMIT_MILLIS = 60_000;

    /** Entries that are acknowledged by one command: a broker takes none of more than 5 MiB. */
    private static final int AT_ONCE = 10_000;

    /**
     * What was written of a topic.
     *
     * @param upTo the last entry that was written whole; null for none
     * @param isAll whether that is the last one that was found
     * @param isWhole whether all that follow what is acknowledged were written up to there, none of
     *     them a chunk: so that no message in chunks may end behind it
     */
    private record Written(
            Found found, SourcePartition source, MessageId upTo, boolean isAll, boolean isWhole) {}

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
                                    + " one if there is any, and the next instance tries again. If a"
                                    + " right is missing: the sink's role needs {}.",
                            e.toString(),
                            OwnSubscriptions.NEEDED_RIGHTS);
        } finally {
            if (!found.isEmpty()) {
                sink.close();
            }
        }
        return !found.isEmpty();
    }

    private List<Found> search(RunningSink sink, SubscriptionHead head)
            throws InterruptedException {
        Map<String, Subscriptions.State> left = new LinkedHashMap<>();
        List<Map.Entry<String, Subscriptions.State>> backlogs =
                new ArrayList<>(head.backlogs().entrySet());
        // Where the time is not enough for all, each gets its turn at one start or another
        Collections.shuffle(backlogs);
        backlogs.forEach(backlog -> left.put(backlog.getKey(), backlog.getValue()));
        List<Found> found = new ArrayList<>();
        if (!left.isEmpty()) {
            int threads = Math.min(SEARCHES_AT_ONCE, left.size());
            ExecutorService executor = Executors.newFixedThreadPool(threads, Tombstones::thread);
            try {
                long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(SEARCH_MILLIS);
                for (long entries : MOST_ENTRIES) {
                    search(sink, left, entries, end, executor, found);
                }
            } finally {
                executor.shutdownNow();
            }
        }
        return found;
    }

    /** Takes away those in which some are found. */
    private void search(
            RunningSink sink,
            Map<String, Subscriptions.State> left,
            long entries,
            long end,
            ExecutorService executor,
            List<Found> found)
            throws InterruptedException {
        // Without order what is in flight is bounded by its number alone
        Bounds bounds =
                ordered
                        ? new Bounds(entries, MOST_BYTES, end)
                        : new Bounds(Long.MAX_VALUE, Long.MAX_VALUE, end);
        Map<String, Future<Found>> searches = new LinkedHashMap<>();
        left.forEach(
                (topic, state) ->
                        searches.put(
                                topic, executor.submit(() -> search(sink, topic, state, bounds))));
        for (Map.Entry<String, Future<Found>> search : searches.entrySet()) {
            try {
                Found result = search.getValue().get();
                if (result != null) {
                    found.add(result);
                    left.remove(search.getKey());
                }
            } catch (ExecutionException e) {
                left.remove(search.getKey());
                context.getLogger()
                        .warn(
                                "{}: messages without a value cannot be looked for: {}. The sink's"
                                        + " role needs {}.",
                                search.getKey(),
                                e.toString(),
                                OwnSubscriptions.NEEDED_RIGHTS);
            }
        }
    }

    private Found search(RunningSink sink, String topic, Subscriptions.State state, Bounds bounds)
            throws InterruptedException, ExecutionException {
        return System.nanoTime() - bounds.end() >= 0
                ? null
                : new TombstoneSearch(readers, topic, state, bounds).run(sink.mark(topic));
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "hdfs-csv-tombstones");
        thread.setDaemon(true);
        return thread;
    }

    /**
     * Writes those that were found with the sink, closes it, and acknowledges what is committed.
     */
    void pass(RunningSink sink, List<Found> found, SubscriptionHead head)
            throws InterruptedException {
        sink.readItself(head::acknowledged);
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(WRITE_MILLIS);
        List<Written> written = new ArrayList<>();
        for (Found each : found) {
            if (!sink.sourcePartition(each.topic()).isWritten()) {
                warn(each, "the topic has no table");
                continue;
            }
            try {
                written.add(write(sink, each, end));
            } catch (IOException | RuntimeException e) {
                warn(each, e);
            }
        }
        boolean allCommitted = sink.closeWithin(COMMIT_MILLIS);
        for (Written each : written) {
            SourcePartition source = each.source();
            if (source.isLeftOutByReader || !allCommitted && !sink.hasCommitted(source)) {
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

    /**
     * Gives the sink what the source would give it: in order all up to the last one, else the
     * entries that hold one. It ends before, when its time does, and when the source partition gets
     * on no more.
     */
    private Written write(RunningSink sink, Found found, long end)
            throws IOException, InterruptedException {
        SourcePartition source = sink.sourcePartition(found.topic());
        Set<MessageId> only = Set.copyOf(found.entries());
        MessagePosition acknowledged = new MessagePosition();
        acknowledged.read(found.acknowledged());
        MessagePosition last = new MessagePosition();
        last.read(found.last());
        MessagePosition position = new MessagePosition();
        MessageId upTo = null;
        boolean isAll = false;
        boolean isWhole = true;
        long ledger = acknowledged.ledger();
        long entry = acknowledged.entry();
        try (Reader<byte[]> reader = reader(found.topic(), found.acknowledged())) {
            while (!isAll && System.nanoTime() - end < 0 && reader.hasMessageAvailable()) {
                Message<byte[]> message = reader.readNext(READ_MILLIS, TimeUnit.MILLISECONDS);
                if (message == null || !source.parked.isOpen()) {
                    break;
                }
                position.read(message.getMessageId());
                position.readChunks(message);
                if (!position.isBehind(acknowledged.ledger(), acknowledged.entry())) {
                    continue;
                }
                if (position.isBehind(last.ledger(), last.entry())) {
                    // A client that does not say where a batch ends
                    isAll = ledger == last.ledger() && entry == last.entry();
                    break;
                }
                isWhole &=
                        !position.isChunked()
                                && position.ledger() == ledger
                                && (position.entry() == entry || position.entry() == entry + 1);
                ledger = position.ledger();
                entry = position.entry();
                MessageId id = MessagePosition.id(ledger, entry);
                if (ordered || only.contains(id)) {
                    sink.write(new ReadRecord(message));
                }
                if (ClientGetters.Ids.isLastOfEntry(message.getMessageId())) {
                    upTo = id;
                    isAll = position.isAtOrBehind(last.ledger(), last.entry());
                }
            }
        }
        return new Written(found, source, upTo, isAll, isWhole && ordered);
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
        if (written.isWhole() && written.upTo() != null) {
            // Also where it has not come so far: the next instance begins there
            head.acknowledgeUpTo(found.topic(), written.upTo());
        } else if (written.isAll()) {
            List<MessageId> entries = List.copyOf(toAcknowledge(found));
            for (int from = 0; from < entries.size(); from += AT_ONCE) {
                int to = Math.min(from + AT_ONCE, entries.size());
                head.acknowledge(found.topic(), entries.subList(from, to));
            }
        }
        if (!written.isAll()) {
            warn(found, "not all that precedes them was read in time");
            return;
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

    /** With those that an instance has committed, which ended before it acknowledged them. */
    private Set<MessageId> toAcknowledge(Found found)
            throws InterruptedException, ExecutionException {
        Set<MessageId> entries = new LinkedHashSet<>(found.entries());
        if (found.isAtMark()) {
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(COMMITTED_SEARCH_MILLIS);
            Bounds bounds = new Bounds(Long.MAX_VALUE, Long.MAX_VALUE, end);
            Subscriptions.State state = new Subscriptions.State(found.acknowledged(), found.last());
            Found all = new TombstoneSearch(readers, found.topic(), state, bounds).run(null);
            if (all != null) {
                entries.addAll(all.entries());
            }
        }
        return entries;
    }
}
