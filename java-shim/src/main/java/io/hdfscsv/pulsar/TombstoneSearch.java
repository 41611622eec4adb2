package io.hdfscsv.pulsar;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Schema;

/**
 * Looks for messages without a value in the first entries of a topic that are not acknowledged. The
 * bound is far above what an instance can have had that came to one and ended: what it has got it
 * acknowledges within a second.
 */
final class TombstoneSearch {
    private static final int MOST_ENTRIES = 50_000;
    private static final long MOST_BYTES = 64L << 20;
    private static final long ANSWER_MILLIS = 10_000;

    /**
     * Entries that hold a message without a value, of which there is at least one.
     *
     * @param acknowledged up to where the topic is acknowledged
     * @param entries in order
     * @param besideChunks whether chunks stand before the last one, perhaps of a message that ends
     *     behind it
     */
    record Found(
            String topic, MessageId acknowledged, List<MessageId> entries, boolean besideChunks) {
        MessageId last() {
            return entries.get(entries.size() - 1);
        }
    }

    private final EntryReaders readers;
    private final String topic;
    private final MessageId acknowledged;
    private final MessagePosition end = new MessagePosition();
    private final MessagePosition last = new MessagePosition();
    private final MessagePosition position = new MessagePosition();

    TombstoneSearch(
            EntryReaders readers, String topic, ClientGetters.Subscriptions.State subscription) {
        this.readers = readers;
        this.topic = topic;
        acknowledged = subscription.acknowledged();
        end.read(acknowledged);
        last.read(subscription.last());
    }

    /** Null where there is none. */
    Found run() throws InterruptedException, ExecutionException, TimeoutException {
        MessageId first = MessagePosition.id(end.ledger(), Math.max(end.entry(), 0));
        CompletableFuture<EntryReader<byte[]>> opening =
                readers.open(Schema.BYTES, topic, first, new EntryReader.TombstonesFirst());
        try {
            return search(opening.get(ANSWER_MILLIS, TimeUnit.MILLISECONDS));
        } finally {
            // Also one that opens too late
            opening.thenAccept(EntryReader::close);
        }
    }

    private Found search(EntryReader<byte[]> reader)
            throws InterruptedException, ExecutionException, TimeoutException {
        List<MessageId> entries = new ArrayList<>();
        boolean besideChunks = false;
        boolean chunks = false;
        long bytes = 0;
        for (int count = 0; count < MOST_ENTRIES && bytes < MOST_BYTES; count++) {
            Message<byte[]> message = reader.next().get(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
            if (message.getEncryptionCtx().isPresent()) {
                // The sink cannot read on
                break;
            }
            position.read(message.getMessageId());
            if (position.isBehind(end.ledger(), end.entry())) {
                bytes += message.size();
                chunks |= ClientGetters.Messages.isChunk(message);
                if (message.getValue() == null) {
                    entries.add(MessagePosition.id(position.ledger(), position.entry()));
                    besideChunks = chunks;
                }
            }
            if (position.isAtOrBehind(last.ledger(), last.entry())) {
                break;
            }
        }
        return entries.isEmpty() ? null : new Found(topic, acknowledged, entries, besideChunks);
    }
}
