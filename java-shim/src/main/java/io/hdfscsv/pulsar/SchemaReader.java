package io.hdfscsv.pulsar;

import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.schema.GenericRecord;

/**
 * Fetches a message's schema. A {@code Sink<byte[]>} gets a message's schema version but not its
 * schema, and a connector sees no schema registry: but a consumer that finds out schemas by itself
 * can read that one message again.
 */
final class SchemaReader {
    private static final long ATTEMPT_MILLIS = 10_000;
    private static final long ALL_MILLIS = 60_000;

    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 5_000;

    private final EntryReaders readers;
    private final BooleanSupplier closing;

    SchemaReader(EntryReaders readers, BooleanSupplier closing) {
        this.readers = readers;
        this.closing = closing;
    }

    /**
     * Returns the schema in the hand-over's form.
     *
     * <p>A topic that is made anew begins its versions anew. So what the client remembers of the
     * topic is forgotten first, and the message must still be there when its schema has been looked
     * up.
     */
    byte[] read(String topic, MessageId id, byte[] version) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ALL_MILLIS);
        long pause = FIRST_PAUSE_MILLIS;
        MessagePosition wanted = new MessagePosition();
        wanted.parse(id.toByteArray());
        while (true) {
            Exception failure;
            try {
                return attempt(topic, wanted, version);
            } catch (ExecutionException | TimeoutException | IOException | RuntimeException e) {
                String reason = WriterSchema.whyUnreadable(e);
                if (reason != null) {
                    return WriterSchema.unreadable(version, reason);
                }
                failure = e;
            }
            if (closing.getAsBoolean()) {
                throw new HdfsCsvException("closed", "The sink is being closed");
            }
            if (System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(pause) > end) {
                throw failed(topic, id, version, failure);
            }
            Thread.sleep(pause);
            pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
        }
    }

    private byte[] attempt(String topic, MessagePosition wanted, byte[] version)
            throws InterruptedException, ExecutionException, TimeoutException, IOException {
        readers.forgetSchemas(topic);
        Message<GenericRecord> message = find(Schema.AUTO_CONSUME(), topic, wanted, version);
        byte[] schema = WriterSchema.of(version, message.getReaderSchema().orElseThrow());
        find(Schema.BYTES, topic, wanted, version);
        return schema;
    }

    /** An entry of this version in the ledger of the one that is wanted. */
    private <T> Message<T> find(
            Schema<T> decoder, String topic, MessagePosition wanted, byte[] version)
            throws InterruptedException, ExecutionException, TimeoutException, IOException {
        MessageId first = MessagePosition.id(wanted.ledger(), wanted.entry());
        CompletableFuture<EntryReader<T>> opening = readers.open(decoder, topic, first);
        try {
            EntryReader<T> reader = opening.get(ATTEMPT_MILLIS, TimeUnit.MILLISECONDS);
            Message<T> message = reader.next().get(ATTEMPT_MILLIS, TimeUnit.MILLISECONDS);
            MessagePosition found = new MessagePosition();
            found.read(message.getMessageId());
            if (found.ledger() != wanted.ledger()
                    || !Arrays.equals(message.getSchemaVersion(), version)) {
                throw new IOException(
                        "the message is gone (expired, trimmed, or the topic was made anew?): the"
                                + " broker gave "
                                + message.getMessageId());
            }
            return message;
        } finally {
            // Also one that opens too late
            opening.thenAccept(EntryReader::close);
        }
    }

    private static HdfsCsvException failed(
            String topic, MessageId id, byte[] version, Exception failure) {
        Throwable cause = failure instanceof ExecutionException ? failure.getCause() : failure;
        return new HdfsCsvException(
                "pulsar",
                "The schema version "
                        + HexFormat.of().formatHex(version)
                        + " of "
                        + topic
                        + ", met at message "
                        + id
                        + ", could not be read within "
                        + ALL_MILLIS / 1000
                        + " s: "
                        + (cause instanceof TimeoutException ? "the broker did not answer" : cause)
                        + ". The sink's role needs permission to consume from the topic.",
                failure);
    }
}
