package io.hdfscsv.pulsar;

import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
    /** The kind of an error after which it may be tried again. */
    static final String NOT_NOW = "pulsar";

    private static final long ATTEMPT_MILLIS = 10_000;

    /** The topic holds the message no more. */
    private static final class GoneException extends IOException {
        private static final long serialVersionUID = 1L;

        GoneException(String message) {
            super(message);
        }
    }

    /** The broker has opened the topic, and gives no message. */
    private static final class SilenceException extends IOException {
        private static final long serialVersionUID = 1L;

        SilenceException() {
            super("no message came");
        }
    }

    private final EntryReaders readers;

    SchemaReader(EntryReaders readers) {
        this.readers = readers;
    }

    /**
     * Tries once, for 40 s at most, and returns the schema in the hand-over's form.
     *
     * <p>A topic that is made anew begins its versions anew. So what the client remembers of the
     * topic is forgotten first, and the message must still be there when its schema has been looked
     * up.
     *
     * @throws HdfsCsvException when it could not be read now
     */
    byte[] read(String topic, MessageId id, byte[] version) throws InterruptedException {
        MessagePosition wanted = new MessagePosition();
        wanted.parse(id.toByteArray());
        try {
            return attempt(topic, wanted, version);
        } catch (ExecutionException | TimeoutException | IOException | RuntimeException e) {
            String reason = WriterSchema.whyUnreadable(e);
            if (reason != null) {
                return WriterSchema.unreadable(version, reason);
            }
            throw failed(topic, id, version, e);
        }
    }

    /** Whether the broker said that the message is gone. */
    static boolean isGone(HdfsCsvException failure) {
        return failure.getCause() instanceof GoneException;
    }

    /** Whether a reader was there and no message came. */
    static boolean isSilence(HdfsCsvException failure) {
        return failure.getCause() instanceof SilenceException;
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
            Message<T> message = next(reader);
            MessagePosition found = new MessagePosition();
            found.read(message.getMessageId());
            if (found.ledger() != wanted.ledger()
                    || !Arrays.equals(message.getSchemaVersion(), version)) {
                throw new GoneException(
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

    private static <T> Message<T> next(EntryReader<T> reader)
            throws InterruptedException, ExecutionException, SilenceException {
        try {
            return reader.next().get(ATTEMPT_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new SilenceException();
        }
    }

    private static HdfsCsvException failed(
            String topic, MessageId id, byte[] version, Exception failure) {
        Throwable cause = failure instanceof ExecutionException ? failure.getCause() : failure;
        return new HdfsCsvException(
                NOT_NOW,
                "The schema version "
                        + HexFormat.of().formatHex(version)
                        + " of "
                        + topic
                        + ", met at message "
                        + id
                        + ", cannot be read: "
                        + (cause instanceof TimeoutException ? "the broker did not answer" : cause)
                        + ". The sink's role needs "
                        + OwnSubscriptions.NEEDED_RIGHTS
                        + ".",
                failure);
    }
}
