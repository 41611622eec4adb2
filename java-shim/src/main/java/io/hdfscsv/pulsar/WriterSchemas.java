package io.hdfscsv.pulsar;

import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.pulsar.client.api.Message;

/**
 * The schemas that records were written with: each is announced at its first record in a ledger and
 * read beside, so that no other record waits for it.
 */
final class WriterSchemas {
    /** As many schemas are read at once, and as many threads are there while some are. */
    private static final int READERS = 8;

    private static final long IDLE_SECONDS = 10;

    private record Version(String topic, String version) {}

    private final NativeSink sink;
    private final SchemaReader reader;
    private final Consumer<Throwable> failed;
    private final ThreadPoolExecutor readers;

    /** The writing thread's. */
    private final Map<Version, Integer> encryptedIds = new HashMap<>();

    /**
     * @param failed told when a schema cannot be read
     */
    WriterSchemas(NativeSink sink, SchemaReader reader, Consumer<Throwable> failed) {
        this.sink = sink;
        this.reader = reader;
        this.failed = failed;
        readers =
                new ThreadPoolExecutor(
                        READERS,
                        READERS,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task -> {
                            Thread thread = new Thread(task, "hdfs-csv-schemas");
                            thread.setDaemon(true);
                            return thread;
                        });
        readers.allowCoreThreadTimeOut(true);
    }

    /** Of a message's schema, for the thread that writes. */
    int idOf(SourcePartition source, MessagePosition position, Message<byte[]> message) {
        byte[] version = message.getSchemaVersion();
        return version == null
                ? FrameWriter.NO_SCHEMA
                : source.schemaId(
                        position.ledger(), version, unknown -> announce(source, version, message));
    }

    /** Of messages that are encrypted, of which no row can be made. */
    int idOfEncrypted(SourcePartition source, byte[] version) {
        byte[] known = version == null ? new byte[0] : version;
        String text = HexFormat.of().formatHex(known);
        String topic = SourcePartition.wholeTopic(source.topic);
        int id =
                encryptedIds.computeIfAbsent(
                        new Version(topic, text),
                        unknown -> {
                            int announced = sink.announceSchema();
                            sink.writerSchema(announced, WriterSchema.encrypted(known));
                            return announced;
                        });
        if (version != null) {
            source.schemaVersions.put(id, text);
        }
        return id;
    }

    /** Ends what reads; it may still be under way. */
    void close() {
        readers.shutdownNow();
    }

    private int announce(SourcePartition source, byte[] version, Message<byte[]> message) {
        int id = sink.announceSchema();
        readers.execute(
                () -> {
                    try {
                        sink.writerSchema(
                                id, reader.read(source.topic, message.getMessageId(), version));
                    } catch (InterruptedException e) {
                        // The sink is being closed
                    } catch (RuntimeException | Error e) {
                        failed.accept(e);
                    }
                });
        return id;
    }
}
