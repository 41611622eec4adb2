package io.hdfscsv.pulsar;

import io.hdfscsv.pulsar.ClientGetters.Subscriptions;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Schema;

/**
 * Looks for messages without a value in a topic, in the first entries behind what is acknowledged,
 * and in the first ones from the mark on: an instance that ended at one had committed what precedes
 * it, or most of that, and perhaps not acknowledged it.
 */
final class TombstoneSearch {
    private static final int AHEAD = 20;
    private static final long ANSWER_MILLIS = 10_000;

    /** How far it looks: entries and bytes, and when it ends by {@link System#nanoTime()}. */
    record Bounds(long entries, long bytes, long end) {}

    /**
     * Entries that hold a message without a value, of which there is at least one.
     *
     * @param acknowledged up to where the topic is acknowledged
     * @param entries in order
     * @param isAtMark whether one is at the mark, and committed: it is the last that an instance
     *     has passed, which perhaps ended before it acknowledged it and those before it
     */
    record Found(String topic, MessageId acknowledged, List<MessageId> entries, boolean isAtMark) {
        MessageId last() {
            return entries.get(entries.size() - 1);
        }
    }

    private final EntryReaders readers;
    private final String topic;
    private final MessageId acknowledgedId;
    private final Bounds bounds;
    private final MessagePosition acknowledged = new MessagePosition();
    private final MessagePosition last = new MessagePosition();
    private final MessagePosition position = new MessagePosition();

    private final Set<MessageId> entries = new LinkedHashSet<>();
    private boolean isAtMark;

    TombstoneSearch(
            EntryReaders readers, String topic, Subscriptions.State subscription, Bounds bounds) {
        this.readers = readers;
        this.topic = topic;
        this.bounds = bounds;
        acknowledgedId = subscription.acknowledged();
        acknowledged.read(acknowledgedId);
        last.read(subscription.last());
    }

    /**
     * Null where there is none.
     *
     * @param mark ledger, entry and batch index; null for none
     */
    Found run(long[] mark) throws InterruptedException, ExecutionException {
        long ledger = acknowledged.ledger();
        long entry = acknowledged.entry();
        read(ledger, entry, entry, null);
        if (mark != null && (mark[0] > ledger || mark[0] == ledger && mark[1] > entry)) {
            // Of a batch at the mark not all need be committed
            read(mark[0], mark[1], mark[1] - 1, mark);
        }
        return entries.isEmpty()
                ? null
                : new Found(topic, acknowledgedId, List.copyOf(entries), isAtMark);
    }

    /**
     * Reads from an entry on, and notes what stands behind another one of its ledger. It ends at
     * the topic's last one, at its bounds, and when nothing comes: what was found until then
     * counts.
     */
    private void read(long ledger, long entry, long behind, long[] mark)
            throws InterruptedException, ExecutionException {
        CompletableFuture<EntryReader<byte[]>> opening =
                readers.open(
                        Schema.BYTES,
                        topic,
                        MessagePosition.id(ledger, Math.max(entry, 0)),
                        AHEAD,
                        new EntryReader.TombstonesFirst());
        try {
            EntryReader<byte[]> reader = opening.get(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
            long bytes = 0;
            for (long count = 0; count < bounds.entries() && bytes < bounds.bytes(); count++) {
                Message<byte[]> message = reader.next().get(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
                if (message.getEncryptionCtx().isPresent()) {
                    // The sink cannot read on
                    return;
                }
                position.read(message.getMessageId());
                if (position.isBehind(last.ledger(), last.entry())) {
                    // The last one is deleted already
                    return;
                }
                if (position.isBehind(ledger, behind)) {
                    bytes += message.size();
                    note(message, mark);
                }
                if (position.isAtOrBehind(last.ledger(), last.entry())
                        || System.nanoTime() - bounds.end() >= 0) {
                    return;
                }
            }
        } catch (TimeoutException e) {
            // The topic's last entries are none that a client can take apart, or the broker is slow
        } finally {
            // Also one that opens too late
            opening.thenAccept(EntryReader::close);
        }
    }

    private void note(Message<byte[]> message, long[] mark) {
        if (message.getValue() == null) {
            isAtMark |=
                    mark != null
                            && position.ledger() == mark[0]
                            && position.entry() == mark[1]
                            && position.batchIndex() <= mark[2];
            entries.add(MessagePosition.id(position.ledger(), position.entry()));
        }
    }
}
