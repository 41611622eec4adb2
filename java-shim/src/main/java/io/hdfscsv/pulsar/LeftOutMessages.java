package io.hdfscsv.pulsar;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongConsumer;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Schema;

/**
 * Looks for messages in gaps: in entries that did not come between two that did. Mostly there are
 * none: what stands there are chunks, ends of transactions, or what was acknowledged without having
 * come, because somebody moved the subscription or it expired. Else to commit what is behind the
 * gap would lose them. One reader at a time for each topic goes through all gaps that wait.
 *
 * <ul>
 *   <li>A consumer that cannot decrypt a message keeps it, logs an error, and goes on with the next
 *       one. A reader without keys sees it.
 *   <li>A broker that changes the active consumer of a Failover subscription while it sends to the
 *       one before lets the new one begin behind what that one got. Mostly it goes back a second
 *       later, and not always (PersistentDispatcherSingleActiveConsumer of 4.0.8: the end of a
 *       write to the old consumer begins a read for the new one, before the cursor is rewound).
 * </ul>
 */
class LeftOutMessages {
    private static final long ATTEMPT_MILLIS = 10_000;
    private static final long ALL_MILLIS = 60_000;
    private static final long PAUSE_MILLIS = 500;

    /**
     * A message that stands in a gap.
     *
     * @param undecrypted whether the consumer keeps it, because it could not decrypt it
     */
    private record Found(MessageId message, boolean undecrypted) {}

    private final EntryReaders readers;
    private final Function<String, CompletableFuture<MessageId>> acknowledged;
    private final boolean givesCiphertext;
    private final LongConsumer confirmed;
    private final LongConsumer leftOut;
    private final Consumer<Throwable> failed;

    /** What waits while a reader is under way, by topic. */
    private final Map<String, List<Gap>> waiting = new HashMap<>();

    private volatile boolean closed;

    /**
     * @param acknowledged says up to where a topic's subscription is acknowledged, or null if that
     *     cannot be known: then a message that is not encrypted is taken for acknowledged
     * @param givesCiphertext whether the consumer gives messages that it cannot decrypt
     * @param confirmed told the number of a gap in which nothing stands that still has to come
     * @param leftOut told the number of one in which a message stands that the broker has not sent
     * @param failed told of an undecrypted message, and of a topic that cannot be read
     */
    LeftOutMessages(
            EntryReaders readers,
            Function<String, CompletableFuture<MessageId>> acknowledged,
            boolean givesCiphertext,
            LongConsumer confirmed,
            LongConsumer leftOut,
            Consumer<Throwable> failed) {
        this.readers = readers;
        this.acknowledged = acknowledged;
        this.givesCiphertext = givesCiphertext;
        this.confirmed = confirmed;
        this.leftOut = leftOut;
        this.failed = failed;
    }

    /** Looks into a gap, or notes it while another one of the topic is looked into. */
    void lookInto(String topic, Gap gap) {
        synchronized (waiting) {
            List<Gap> others = waiting.get(topic);
            if (others != null) {
                others.add(gap);
                return;
            }
            waiting.put(topic, new ArrayList<>());
        }
        search(topic, List.of(gap), deadline());
    }

    void close() {
        closed = true;
    }

    private static long deadline() {
        return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ALL_MILLIS);
    }

    private void search(String topic, List<Gap> gaps, long deadline) {
        attempt(topic, gaps)
                .whenComplete(
                        (found, failure) -> {
                            if (closed) {
                                return;
                            }
                            if (failure == null) {
                                tell(topic, gaps, found);
                            } else if (System.nanoTime() - deadline < 0) {
                                pause().execute(() -> search(topic, gaps, deadline));
                            } else {
                                failed.accept(cannotBeRead(topic, failure));
                            }
                        });
    }

    private void tell(String topic, List<Gap> gaps, Found found) {
        if (found == null) {
            gaps.forEach(gap -> confirmed.accept(gap.number()));
        } else if (found.undecrypted()) {
            failed.accept(isEncrypted(topic, found.message()));
            return;
        } else {
            tellEach(topic, gaps, found);
        }
        searchNext(topic);
    }

    /**
     * Gaps of a batch that was dropped can be among them, and hold the message, too. Those behind
     * it are looked into next.
     */
    private void tellEach(String topic, List<Gap> gaps, Found found) {
        MessagePosition position = new MessagePosition();
        position.read(found.message());
        List<Gap> rest = new ArrayList<>();
        for (Gap gap : gaps) {
            if (gap.holds(position)) {
                leftOut.accept(gap.number());
            } else if (gap.endsAt(position)) {
                confirmed.accept(gap.number());
            } else {
                rest.add(gap);
            }
        }
        synchronized (waiting) {
            waiting.get(topic).addAll(0, rest);
        }
    }

    private void searchNext(String topic) {
        List<Gap> gaps;
        synchronized (waiting) {
            gaps = waiting.remove(topic);
            if (gaps.isEmpty()) {
                return;
            }
            waiting.put(topic, new ArrayList<>());
        }
        search(topic, gaps, deadline());
    }

    private static Executor pause() {
        return CompletableFuture.delayedExecutor(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** The first message in the gaps that is not acknowledged, or null. */
    private CompletableFuture<Found> attempt(String topic, List<Gap> gaps) {
        CompletableFuture<MessageId> asked;
        try {
            asked = acknowledged.apply(topic).copy();
        } catch (RuntimeException e) {
            asked = CompletableFuture.failedFuture(e);
        }
        // While the sink closes its consumer is gone. Where nothing stands in the gaps, that is
        // enough.
        return asked.orTimeout(ATTEMPT_MILLIS, TimeUnit.MILLISECONDS)
                .handle((upTo, failure) -> read(topic, gaps, upTo, failure))
                .thenCompose(read -> read);
    }

    /**
     * @param unsaid why it is not known what is acknowledged, or null
     */
    private CompletableFuture<Found> read(
            String topic, List<Gap> gaps, MessageId acknowledgedUpTo, Throwable unsaid) {
        List<Gap> rest = gaps;
        if (acknowledgedUpTo != null) {
            MessagePosition position = new MessagePosition();
            position.read(acknowledgedUpTo);
            rest = gaps.stream().flatMap(gap -> gap.behind(position).stream()).toList();
        }
        if (rest.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        List<Gap> unacknowledged = rest;
        CompletableFuture<EntryReader<byte[]>> opening =
                readers.open(Schema.BYTES, topic, beginning(unacknowledged));
        CompletableFuture<Found> found =
                opening.copy()
                        .orTimeout(ATTEMPT_MILLIS, TimeUnit.MILLISECONDS)
                        .thenCompose(
                                reader ->
                                        new Search(
                                                        reader,
                                                        unacknowledged,
                                                        acknowledgedUpTo != null || unsaid != null,
                                                        unsaid)
                                                .run());
        // Also one that opens too late
        found.whenComplete((id, failure) -> opening.thenAccept(EntryReader::close));
        return found;
    }

    /** They are in order, but for what was sent again. */
    private static MessageId beginning(List<Gap> gaps) {
        Gap first = gaps.get(0);
        for (Gap gap : gaps) {
            boolean isEarlier =
                    gap.ledger() < first.ledger()
                            || gap.ledger() == first.ledger() && gap.entry() < first.entry();
            if (!gap.hasBeginning() || first.hasBeginning() && isEarlier) {
                first = gap;
            }
        }
        return first.hasBeginning()
                ? MessagePosition.id(first.ledger(), Math.max(first.entry(), 0))
                : MessageId.earliest;
    }

    /** One reader's way through gaps. */
    private final class Search {
        private final EntryReader<byte[]> reader;
        private final List<Gap> gaps;
        private final boolean findsPlain;
        private final Throwable unsaid;
        private final MessagePosition position = new MessagePosition();
        private final MessagePosition last = new MessagePosition();
        private final CompletableFuture<Found> found = new CompletableFuture<>();

        /**
         * @param findsPlain whether messages count that are not encrypted
         * @param unsaid why it is not known whether those are acknowledged, or null
         */
        Search(EntryReader<byte[]> reader, List<Gap> gaps, boolean findsPlain, Throwable unsaid) {
            this.reader = reader;
            this.gaps = gaps;
            this.findsPlain = findsPlain;
            this.unsaid = unsaid;
        }

        /** Ends at the last gap's end, or the topic's: what stood there may have expired. */
        CompletableFuture<Found> run() {
            within(reader.last())
                    .thenAccept(
                            id -> {
                                last.read(id);
                                if (last.entry() < 0) {
                                    found.complete(null);
                                } else {
                                    step();
                                }
                            })
                    .whenComplete(this::endIfFailed);
            return found;
        }

        /** One message at a time, none within the other: the way may be long. */
        private void step() {
            within(reader.next()).thenAcceptAsync(this::judge).whenComplete(this::endIfFailed);
        }

        private void endIfFailed(Void done, Throwable failure) {
            if (failure != null) {
                found.completeExceptionally(failure);
            }
        }

        private void judge(Message<byte[]> message) {
            position.read(message.getMessageId());
            if (isMissing(message)) {
                boolean undecrypted = message.getEncryptionCtx().isPresent() && !givesCiphertext;
                if (unsaid != null) {
                    found.completeExceptionally(unsaid);
                } else {
                    found.complete(new Found(message.getMessageId(), undecrypted));
                }
            } else if (position.isAtOrBehind(last.ledger(), last.entry())
                    || gaps.stream().allMatch(each -> each.endsAt(position))) {
                found.complete(null);
            } else {
                step();
            }
        }

        /** Whether an entry is a message, and in one of the gaps. */
        private boolean isMissing(Message<byte[]> entry) {
            boolean isMessage =
                    entry.getEncryptionCtx().isPresent()
                            // A message in chunks stands where its last one does
                            ? !ClientGetters.Messages.isChunkBeforeLast(entry)
                            // One whose chunks did not come in time is told by SkippedEntries
                            : findsPlain && !ClientGetters.Messages.isChunk(entry);
            return isMessage && gaps.stream().anyMatch(gap -> gap.holds(position));
        }

        private static <T> CompletableFuture<T> within(CompletableFuture<T> future) {
            return future.orTimeout(ATTEMPT_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private static HdfsCsvException isEncrypted(String topic, MessageId found) {
        return new HdfsCsvException(
                "pulsar",
                topic
                        + ": the message "
                        + found
                        + " is encrypted, and the consumer could not decrypt it. Nothing behind it"
                        + " is committed. Give its key in the sink's cryptoConfig, or give no keys"
                        + " and set consumerProperties: {cryptoFailureAction: CONSUME}, which makes"
                        + " dead letters of what is encrypted.");
    }

    private static HdfsCsvException cannotBeRead(String topic, Throwable failure) {
        return new HdfsCsvException(
                "pulsar",
                topic
                        + ": entries did not come, and for "
                        + ALL_MILLIS / 1000
                        + " s it could not be read whether a message is among them: "
                        + failure
                        + ". The sink's role needs "
                        + OwnSubscriptions.NEEDED_RIGHTS
                        + ".",
                failure);
    }
}
