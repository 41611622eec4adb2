package io.hdfscsv.pulsar;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Schema;

/**
 * Looks for encrypted messages in gaps. A consumer that cannot decrypt a message keeps it, logs an
 * error, and goes on with the next one: to commit that would lose the message. A reader without
 * keys sees it. One reader at a time for each topic goes through all gaps that wait.
 */
class UndecryptedMessages {
    private static final long ATTEMPT_MILLIS = 10_000;
    private static final long ALL_MILLIS = 60_000;
    private static final long PAUSE_MILLIS = 500;

    private final EntryReaders readers;
    private final LongConsumer confirmed;
    private final Consumer<Throwable> failed;

    /** What waits while a reader is under way, by topic. */
    private final Map<String, List<Gap>> waiting = new HashMap<>();

    private volatile boolean closed;

    /**
     * @param confirmed told the number of a gap in which there is none
     * @param failed told of one that was found, and of a topic that cannot be read
     */
    UndecryptedMessages(EntryReaders readers, LongConsumer confirmed, Consumer<Throwable> failed) {
        this.readers = readers;
        this.confirmed = confirmed;
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
                            if (found != null) {
                                failed.accept(isEncrypted(topic, found));
                            } else if (failure == null) {
                                gaps.forEach(gap -> confirmed.accept(gap.number()));
                                searchNext(topic);
                            } else if (System.nanoTime() - deadline < 0) {
                                pause().execute(() -> search(topic, gaps, deadline));
                            } else {
                                failed.accept(cannotBeRead(topic, failure));
                            }
                        });
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

    /** The first encrypted message in the gaps, or null. */
    private CompletableFuture<MessageId> attempt(String topic, List<Gap> gaps) {
        CompletableFuture<EntryReader<byte[]>> opening;
        try {
            opening = readers.open(Schema.BYTES, topic, beginning(gaps));
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
        CompletableFuture<MessageId> found =
                opening.copy()
                        .orTimeout(ATTEMPT_MILLIS, TimeUnit.MILLISECONDS)
                        .thenCompose(reader -> new Search(reader, gaps).run());
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
                ? MessagePosition.id(first.ledger(), first.entry())
                : MessageId.earliest;
    }

    /** One reader's way through gaps. */
    private static final class Search {
        private final EntryReader<byte[]> reader;
        private final List<Gap> gaps;
        private final MessagePosition position = new MessagePosition();
        private final MessagePosition last = new MessagePosition();
        private final CompletableFuture<MessageId> found = new CompletableFuture<>();

        Search(EntryReader<byte[]> reader, List<Gap> gaps) {
            this.reader = reader;
            this.gaps = gaps;
        }

        /** Ends at the last gap's end, or the topic's: what stood there may have expired. */
        CompletableFuture<MessageId> run() {
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
            // A message in chunks stands where its last one does
            if (message.getEncryptionCtx().isPresent()
                    && !ClientGetters.Messages.isChunkBeforeLast(message)
                    && gaps.stream().anyMatch(gap -> gap.holds(position))) {
                found.complete(message.getMessageId());
            } else if (position.isAtOrBehind(last.ledger(), last.entry())
                    || gaps.stream().allMatch(gap -> gap.endsAt(position))) {
                found.complete(null);
            } else {
                step();
            }
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
                        + " s it could not be read whether an encrypted message is among them: "
                        + failure
                        + ". The sink's role needs permission to consume from the topic.",
                failure);
    }
}
