package io.hdfscsv.pulsar;

import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;

/**
 * The schemas that records were written with: each is announced at its first record in a ledger and
 * read beside, so that no other record waits for it.
 */
final class WriterSchemas {
    /** As many schemas are read at once, and as many threads are there while some are. */
    private static final int READERS = 8;

    private static final long IDLE_SECONDS = 10;
    private static final long FIRST_PAUSE_MILLIS = 50;
    private static final long LONGEST_PAUSE_MILLIS = 30_000;

    /** A broker that has said so for so long is believed that the message is gone. */
    private static final long GONE_NANOS = TimeUnit.SECONDS.toNanos(60);

    /** Where a reader has got nothing for so long, nothing is there any more. */
    private static final long SILENT_NANOS = TimeUnit.SECONDS.toNanos(600);

    /**
     * So many attempts take less than ten seconds if the broker answers, and are not worth a word.
     */
    private static final int QUIET_ATTEMPTS = 6;

    private record Version(String topic, String version) {}

    /** A schema that is looked for, by one thread at a time. */
    private static final class Wanted {
        final int id;
        final String topic;
        final MessageId message;
        final byte[] version;

        // Since when each attempt has ended so; 0 when the last one did not
        private long goneSince;
        private long silentSince;

        Wanted(int id, String topic, MessageId message, byte[] version) {
            this.id = id;
            this.topic = topic;
            this.message = message;
            this.version = version;
        }

        /** Whether there is nothing to wait for any more. */
        boolean isGone(HdfsCsvException failure) {
            long now = System.nanoTime();
            goneSince = SchemaReader.isGone(failure) ? since(goneSince, now) : 0;
            silentSince = SchemaReader.isSilence(failure) ? since(silentSince, now) : 0;
            return goneSince != 0 && now - goneSince >= GONE_NANOS
                    || silentSince != 0 && now - silentSince >= SILENT_NANOS;
        }

        private static long since(long known, long now) {
            return known == 0 ? now : known;
        }
    }

    private final NativeSink sink;
    private final SchemaReader reader;
    private final Consumer<Throwable> failed;
    private final Consumer<String> warn;
    private final ScheduledThreadPoolExecutor readers;

    private final Map<Version, Integer> encryptedIds = new ConcurrentHashMap<>();

    /**
     * @param failed told when a schema that was read cannot be given
     * @param warn told when one cannot be read, now and then: it is tried again without end
     */
    WriterSchemas(
            NativeSink sink,
            SchemaReader reader,
            Consumer<Throwable> failed,
            Consumer<String> warn) {
        this.sink = sink;
        this.reader = reader;
        this.failed = failed;
        this.warn = warn;
        readers =
                new ScheduledThreadPoolExecutor(
                        READERS,
                        task -> {
                            Thread thread = new Thread(task, "hdfs-csv-schemas");
                            thread.setDaemon(true);
                            return thread;
                        });
        readers.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
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
        Wanted wanted = new Wanted(id, source.topic, message.getMessageId(), version);
        readers.execute(() -> read(wanted, 1));
        return id;
    }

    /**
     * Tries again later, behind the schemas of other topics, until it is read or the sink closes.
     * But a message that is gone does not come back: then the instance ends, and gets what is left.
     */
    private void read(Wanted wanted, int attempt) {
        try {
            sink.writerSchema(wanted.id, reader.read(wanted.topic, wanted.message, wanted.version));
        } catch (InterruptedException e) {
            // The sink is being closed
        } catch (HdfsCsvException e) {
            if (wanted.isGone(e) || !e.kind().equals(SchemaReader.NOT_NOW)) {
                failed.accept(e);
                return;
            }
            if (attempt == QUIET_ATTEMPTS
                    || attempt > QUIET_ATTEMPTS && Integer.bitCount(attempt) == 1) {
                warn.accept(e.getMessage() + " It is tried again; other topics go on.");
            }
            readLater(wanted, attempt + 1);
        } catch (RuntimeException | Error e) {
            failed.accept(e);
        }
    }

    private void readLater(Wanted wanted, int attempt) {
        long pause = Math.min(FIRST_PAUSE_MILLIS << Math.min(attempt, 10), LONGEST_PAUSE_MILLIS);
        try {
            readers.schedule(() -> read(wanted, attempt), pause, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // The sink is being closed
        }
    }
}
