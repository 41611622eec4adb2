package io.hdfscsv.pulsar;

import java.util.Arrays;
import java.util.HexFormat;
import org.apache.pulsar.client.api.Message;

/**
 * The schemas that records were written with: each is fetched and registered once, when its first
 * record comes.
 */
final class WriterSchemas {
    private final NativeSink sink;
    private final SchemaReader reader;

    WriterSchemas(NativeSink sink, SchemaReader reader) {
        this.sink = sink;
        this.reader = reader;
    }

    /** For the thread that writes. Waits for the broker at a version's first record. */
    int idOf(SourcePartition source, Message<byte[]> message) throws InterruptedException {
        byte[] version = message.getSchemaVersion();
        if (version == null) {
            return FrameWriter.NO_SCHEMA;
        }
        if (!Arrays.equals(version, source.lastSchemaVersion)) {
            source.lastSchema = find(source, version, message);
            source.lastSchemaVersion = version;
        }
        return source.lastSchema;
    }

    private int find(SourcePartition source, byte[] version, Message<byte[]> message)
            throws InterruptedException {
        String text = HexFormat.of().formatHex(version);
        Integer known = source.schemas.get(text);
        if (known == null) {
            byte[] schema = reader.read(source.topic, message.getMessageId(), version);
            known = sink.writerSchema(source.id, schema);
            source.schemas.put(text, known);
            source.schemaVersions.put(known, text);
        }
        return known;
    }
}
