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
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Reader;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.schema.GenericRecord;

/**
 * Fetches a message's schema. A {@code Sink<byte[]>} gets a message's schema version but not its
 * schema, and a connector sees no schema registry: but a reader that finds out schemas by itself
 * can read that one message again.
 */
final class SchemaReader {
    private static final long ATTEMPT_MILLIS = 10_000;
    private static final long ALL_MILLIS = 60_000;
    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 5_000;

    private final PulsarClient client;
    private final BooleanSupplier closing;

    SchemaReader(PulsarClient client, BooleanSupplier closing) {
        this.client = client;
        this.closing = closing;
    }

    /** Returns the schema in the hand-over's form. */
    byte[] read(String topic, MessageId id, byte[] version) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ALL_MILLIS);
        long pause = FIRST_PAUSE_MILLIS;
        while (true) {
            Exception failure;
            try {
                return attempt(topic, id, version);
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

    private byte[] attempt(String topic, MessageId id, byte[] version)
            throws InterruptedException, ExecutionException, TimeoutException, IOException {
        CompletableFuture<Reader<GenericRecord>> opening =
                client.newReader(Schema.AUTO_CONSUME())
                        .topic(topic)
                        // Without the name of the topic that a multi-topic consumer puts into its
                        // ids
                        .startMessageId(MessageId.fromByteArray(id.toByteArray()))
                        .startMessageIdInclusive()
                        .receiverQueueSize(1)
                        .createAsync();
        try {
            Reader<GenericRecord> reader = opening.get(ATTEMPT_MILLIS, TimeUnit.MILLISECONDS);
            Message<GenericRecord> message =
                    reader.readNextAsync().get(ATTEMPT_MILLIS, TimeUnit.MILLISECONDS);
            if (!Arrays.equals(message.getSchemaVersion(), version)) {
                throw new IOException(
                        "the message is gone (expired or trimmed?): the broker gave "
                                + message.getMessageId());
            }
            return WriterSchema.of(version, message.getReaderSchema().orElseThrow());
        } finally {
            // Also one that opens too late
            opening.thenAccept(Reader::closeAsync);
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
