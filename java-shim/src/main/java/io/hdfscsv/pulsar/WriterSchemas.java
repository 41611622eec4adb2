package io.hdfscsv.pulsar;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.pulsar.client.api.Message;

/**
 * The schemas that records were written with: each is announced at its first record and read
 * beside, once, so that no other record waits for it.
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

    // The writing thread's
    private final Map<Version, Integer> ids = new HashMap<>();

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
    int idOf(SourcePartition source, Message<byte[]> message) {
        byte[] version = message.getSchemaVersion();
        if (version == null) {
            return FrameWriter.NO_SCHEMA;
        }
        if (!Arrays.equals(version, source.schemaVersion)) {
            source.schemaId = find(source, version, message);
            source.schemaVersion = version;
        }
        return source.schemaId;
    }

    /** Ends what reads; it may still be under way. */
    void close() {
        readers.shutdownNow();
    }

    private int find(SourcePartition source, byte[] version, Message<byte[]> message) {
        String text = HexFormat.of().formatHex(version);
        // The partitions of a topic share its versions
        String topic = SourcePartition.wholeTopic(source.topic);
        int id =
                ids.computeIfAbsent(
                        new Version(topic, text), unknown -> announce(source, version, message));
        source.schemaVersions.put(id, text);
        return id;
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
