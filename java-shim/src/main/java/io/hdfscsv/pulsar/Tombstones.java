package io.hdfscsv.pulsar;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
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
    /** Counts messages without a value that were passed. */
    static final String PASSED = "null_values_total";

    private static final int SEARCHES_AT_ONCE = 16;
    private static final long SEARCH_MILLIS = 10_000;
    private static final int READ_MILLIS = 10_000;

    private final SinkContext context;
    private final OwnSubscriptions subscriptions;
    private final EntryReaders readers;
    private final boolean ordered;

    Tombstones(Map<String, Object> configs, SinkContext context) {
        this.context = context;
        subscriptions = OwnSubscriptions.of(configs);
        readers = new EntryReaders(context.getPulsarClient(), subscriptions);
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
        List<TombstoneSearch.Found> found = List.of();
        try {
            Tombstones tombstones = new Tombstones(configs, context);
            try (SubscriptionHead head = SubscriptionHead.open(context)) {
                found = tombstones.search(head);
                if (!found.isEmpty()) {
                    tombstones.pass(sink, found, head);
                }
            }
        } catch (InterruptedException e) {
            sink.close();
            Thread.currentThread().interrupt();
            throw new HdfsCsvException("closed", "The sink was interrupted while it was opened", e);
        } catch (ExecutionException
                | TimeoutException
                | PulsarClientException
                | RuntimeException e) {
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

    private List<TombstoneSearch.Found> search(SubscriptionHead head)
            throws InterruptedException, ExecutionException, TimeoutException {
        List<Callable<TombstoneSearch.Found>> searches = new ArrayList<>();
        head.backlogs()
                .forEach(
                        (topic, state) ->
                                searches.add(new TombstoneSearch(readers, topic, state)::run));
        if (searches.isEmpty()) {
            return List.of();
        }
        // Where the time is not enough for all, each gets its turn at one start or another
        Collections.shuffle(searches);
        int threads = Math.min(SEARCHES_AT_ONCE, searches.size());
        ExecutorService executor = Executors.newFixedThreadPool(threads, Tombstones::thread);
        List<TombstoneSearch.Found> found = new ArrayList<>();
        try {
            for (Future<TombstoneSearch.Found> search :
                    executor.invokeAll(searches, SEARCH_MILLIS, TimeUnit.MILLISECONDS)) {
                add(search, found);
            }
        } finally {
            executor.shutdownNow();
        }
        return found;
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "hdfs-csv-tombstones");
        thread.setDaemon(true);
        return thread;
    }

    /** One topic that cannot be read keeps no other's from being passed. */
    private void add(Future<TombstoneSearch.Found> search, List<TombstoneSearch.Found> found)
            throws InterruptedException {
        try {
            TombstoneSearch.Found result = search.get();
            if (result != null) {
                found.add(result);
            }
        } catch (CancellationException e) {
            context.getLogger().info("Not all topics were searched for messages without a value");
        } catch (ExecutionException e) {
            context.getLogger()
                    .warn(
                            "A topic cannot be searched for messages without a value: {}",
                            e.toString());
        }
    }

    /** Writes those that were found with the sink, closes it, and acknowledges them. */
    void pass(RunningSink sink, List<TombstoneSearch.Found> found, SubscriptionHead head)
            throws InterruptedException,
                    ExecutionException,
                    TimeoutException,
                    PulsarClientException {
        sink.ask(head::acknowledged);
        List<TombstoneSearch.Found> taken = new ArrayList<>();
        int passed = 0;
        for (TombstoneSearch.Found each : found) {
            if (sink.takes(each.topic())) {
                taken.add(each);
                passed += write(sink, each);
            } else {
                context.getLogger()
                        .error(
                                "{} cannot have a table and holds messages without a value: leave it"
                                        + " out of the sink, or Pulsar ends the instance at each start",
                                each.topic());
            }
        }
        if (!sink.close()) {
            return;
        }
        for (TombstoneSearch.Found each : taken) {
            if (ordered && !each.besideChunks()) {
                head.acknowledgeUpTo(each.topic(), each.last());
            } else {
                head.acknowledge(each.topic(), each.entries());
            }
            context.getLogger()
                    .info(
                            "{}: {} entries with messages without a value were passed, up to {}"
                                    + " (onNullValue)",
                            each.topic(),
                            each.entries().size(),
                            each.last());
        }
        context.recordMetric(PASSED, passed);
    }

    /**
     * Gives the sink what the source would give it: in order all up to the last one, else the
     * entries that hold one. Returns how many there are.
     */
    private int write(RunningSink sink, TombstoneSearch.Found found)
            throws PulsarClientException, InterruptedException {
        Set<MessageId> only = Set.copyOf(found.entries());
        MessagePosition acknowledged = new MessagePosition();
        acknowledged.read(found.acknowledged());
        MessagePosition last = new MessagePosition();
        last.read(found.last());
        MessagePosition position = new MessagePosition();
        int tombstones = 0;
        try (Reader<byte[]> reader = reader(found.topic(), found.acknowledged())) {
            while (reader.hasMessageAvailable()) {
                Message<byte[]> message = reader.readNext(READ_MILLIS, TimeUnit.MILLISECONDS);
                if (message == null) {
                    throw new HdfsCsvException(
                            "pulsar", found.topic() + " cannot be read: no message has come");
                }
                position.read(message.getMessageId());
                if (position.isBehind(last.ledger(), last.entry())) {
                    break;
                }
                boolean comesToSource =
                        position.isBehind(acknowledged.ledger(), acknowledged.entry());
                MessageId entry = MessagePosition.id(position.ledger(), position.entry());
                if (comesToSource && (ordered || only.contains(entry))) {
                    sink.write(new ReadRecord(message));
                    tombstones += message.getValue() == null ? 1 : 0;
                }
            }
        } catch (IOException e) {
            throw new PulsarClientException(e);
        }
        return tombstones;
    }

    private Reader<byte[]> reader(String topic, MessageId behind) throws PulsarClientException {
        return context.getPulsarClient()
                .newReader(Schema.BYTES)
                .topic(topic)
                .startMessageId(behind)
                .subscriptionName(subscriptions.ofReader())
                .create();
    }
}
