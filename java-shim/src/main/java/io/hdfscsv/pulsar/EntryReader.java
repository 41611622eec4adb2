package io.hdfscsv.pulsar;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.apache.pulsar.client.api.Consumer;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.MessagePayload;
import org.apache.pulsar.client.api.MessagePayloadContext;
import org.apache.pulsar.client.api.MessagePayloadProcessor;
import org.apache.pulsar.client.api.Schema;

/**
 * Reads a topic as it is stored: each entry is one message, be it a batch, a chunk, or encrypted.
 *
 * <p>Pulsar's own reader puts chunks together first. Where they are encrypted and it has no key,
 * its buffer is too small for the ciphertext, and the client closes the connection, which the
 * sink's consumer shares (ConsumerImpl.processMessageChunk of 4.0.8).
 */
class EntryReader<T> {
    private static final int MOST_LOOKS = 200;
    private static final Executor LATER =
            CompletableFuture.delayedExecutor(50, TimeUnit.MILLISECONDS);

    private final Consumer<T> consumer;

    EntryReader(Consumer<T> consumer) {
        this.consumer = consumer;
    }

    /** The next entry, once there is one. */
    CompletableFuture<Message<T>> next() {
        return consumer.receiveAsync();
    }

    /** The topic's last entry; its number is negative when there is none. */
    CompletableFuture<MessageId> last() {
        // Of each topic that a consumer has
        return consumer.getLastMessageIdsAsync().thenApply(ids -> ids.get(0));
    }

    /**
     * Closes it once it is connected, or after ten seconds. It connects anew when it is sent to
     * where it begins; where a consumer is closed meanwhile, the client closes the connection, and
     * takes those of all its consumers away (ConsumerImpl.connectionOpened of 4.0.8).
     */
    void close() {
        closeOnceConnected(MOST_LOOKS);
    }

    private void closeOnceConnected(int looks) {
        if (looks == 0 || consumer.isConnected()) {
            consumer.closeAsync();
        } else {
            LATER.execute(() -> closeOnceConnected(looks - 1));
        }
    }

    /** Makes one message of an entry. */
    static final class WholeEntries implements MessagePayloadProcessor {
        @Override
        public <V> void process(
                MessagePayload payload,
                MessagePayloadContext context,
                Schema<V> schema,
                java.util.function.Consumer<Message<V>> messages) {
            give(context.asSingleMessage(payload, schema), context, messages);
        }

        /** The broker counts what it may send by messages: the others of a batch are skipped. */
        private static <V> void give(
                Message<V> message,
                MessagePayloadContext context,
                java.util.function.Consumer<Message<V>> messages) {
            messages.accept(message);
            for (int other = 1; other < context.getNumMessages(); other++) {
                messages.accept(null);
            }
        }
    }

    /** Makes one message of an entry: its first one without a value, if there is one. */
    static final class TombstonesFirst implements MessagePayloadProcessor {
        @Override
        public <V> void process(
                MessagePayload payload,
                MessagePayloadContext context,
                Schema<V> schema,
                java.util.function.Consumer<Message<V>> messages) {
            Message<V> whole = context.asSingleMessage(payload, schema);
            Message<V> tombstone =
                    context.isBatch() && whole.getEncryptionCtx().isEmpty()
                            ? tombstone(payload, context, schema)
                            : null;
            WholeEntries.give(tombstone == null ? whole : tombstone, context, messages);
        }

        private static <V> Message<V> tombstone(
                MessagePayload payload, MessagePayloadContext context, Schema<V> schema) {
            int count = context.getNumMessages();
            Message<V> found = null;
            try {
                // They are read one after another
                for (int index = 0; index < count && found == null; index++) {
                    Message<V> message = context.getMessageAt(index, count, payload, true, schema);
                    if (message != null && message.getValue() == null) {
                        found = message;
                    }
                }
            } catch (RuntimeException e) {
                // A batch that no client can take apart: the source will not give it
            }
            return found;
        }
    }
}
