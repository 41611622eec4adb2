package io.hdfscsv.pulsar;

import java.util.Optional;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.common.api.EncryptionContext;
import org.apache.pulsar.functions.api.Record;

/** Takes one record after another apart, and packs it into a frame. Each thread has its own. */
final class RecordPacker {
    private final WriterSchemas writerSchemas;
    private final boolean givesCiphertext;
    private final MessagePosition position = new MessagePosition();
    private final MessageProperties messageProperties = new MessageProperties();

    private SourcePartition source;
    private Record<byte[]> record;
    private Message<byte[]> message;
    private byte[] key;
    private byte[] properties;

    RecordPacker(WriterSchemas writerSchemas, boolean givesCiphertext) {
        this.writerSchemas = writerSchemas;
        this.givesCiphertext = givesCiphertext;
    }

    /** The next record; of a source partition they come in order, each once. */
    void read(SourcePartition source, Record<byte[]> record, Message<byte[]> message) {
        this.source = source;
        this.record = record;
        this.message = message;
        position.read(message.getMessageId());
        // Of what the client could not decrypt
        Optional<EncryptionContext> encryption =
                givesCiphertext ? message.getEncryptionCtx() : Optional.empty();
        if (!source.isInEntry(position)) {
            position.readChunks(message);
            int schema =
                    encryption.isPresent()
                            ? writerSchemas.idOfEncrypted(source, message.getSchemaVersion())
                            : writerSchemas.idOf(source, position, message);
            source.beginEntry(position, schema, message.getPublishTime());
        }
        key = message.hasKey() ? message.getKeyBytes() : null;
        properties =
                encryption.isPresent()
                        ? Encryption.properties(message, encryption.get())
                        : messageProperties.json(message);
    }

    /** Whether it is the one that was read last. */
    boolean isRead(Record<byte[]> other) {
        return record == other;
    }

    /** Packs the record that was read; false when the frame has no room for it. */
    boolean appendTo(FrameWriter frame) {
        return frame.append(
                source.id,
                source.schema(),
                position,
                source.publishTime(),
                message.getEventTime(),
                key,
                key != null && message.hasBase64EncodedKey(),
                properties,
                record.getValue());
    }

    /** Whether the record that was read must not go with the same hand-over as the one before. */
    boolean isDivided() {
        return source.acknowledger.isDivided(position);
    }

    /** The record that was read is in this hand-over. */
    void remember(long handOver) {
        source.acknowledger.remember(handOver, record, position);
    }
}
