package io.hdfscsv.pulsar;

import com.google.gson.JsonParser;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.pulsar.client.api.MessageIdAdv;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a record costs on its way from Java to Rust: packed as {@link RunningSink#write} packs it,
 * and handed over with the whole frame to a sink that is open on HDFS. The sink decodes and writes
 * meanwhile, in threads of its own; before each frame it gets the time to catch up, because it is
 * not its speed that is measured.
 *
 * <p>Properties: {@code hdfscsv.library}, the native library; {@code bench.hdfsConfigDir}; {@code
 * bench.schema}, an Avro schema's file; {@code bench.payloads}, a file of payloads of that schema,
 * each behind its length as a big-endian int.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class HandOverBenchmark {
    /** They fit into one frame. */
    static final int RECORDS = 8_000;

    private static final int HAND_OVER_BYTES = 1 << 20;
    private static final String TOPIC = "persistent://marketplace/events/searching";

    /** An open sink. */
    @State(Scope.Benchmark)
    public static class OpenSink {
        final FrameWriter frame = new FrameWriter(HAND_OVER_BYTES);
        final ByteBuffer answers = ByteBuffer.allocateDirect(1 << 16);
        private final MessagePosition position = new MessagePosition();
        private final Id id = new Id();
        private byte[][] payloads;
        private NativeSink sink;
        private int sourcePartition;
        private int schema;
        private long handOver = 1;
        private long publishTime;

        @Setup
        public void open() throws IOException {
            payloads = payloads(Path.of(System.getProperty("bench.payloads")));
            sink = NativeSink.open(settings());
            sourcePartition = sink.sourcePartition(TOPIC.getBytes(StandardCharsets.UTF_8));
            String avro = Files.readString(Path.of(System.getProperty("bench.schema")));
            schema = sink.announceSchema();
            sink.writerSchema(
                    schema, Json.bytes(Map.of("type", "AVRO", "schema", avro, "version", "00")));
            publishTime = System.currentTimeMillis();
        }

        @TearDown
        public void close() {
            sink.close(TimeUnit.SECONDS.toMillis(30));
        }

        void fill() {
            for (int i = 0; i < RECORDS; i++) {
                id.next();
                position.read(id);
                byte[] payload = payloads[i % payloads.length];
                if (!frame.append(
                        sourcePartition,
                        schema,
                        position,
                        publishTime,
                        0,
                        null,
                        false,
                        null,
                        payload)) {
                    throw new IllegalStateException(RECORDS + " records do not fit into a frame");
                }
            }
        }

        boolean handOver() {
            boolean taken = sink.handOver(handOver, frame.buffer(), frame.length());
            if (taken) {
                handOver++;
                frame.clear();
            }
            return taken;
        }

        int answers() {
            return sink.answers(answers);
        }

        /** Waits until the sink has memory for a frame, a quarter of its bound being in use. */
        void awaitRoom() throws InterruptedException {
            while (memory() > MAX_MEMORY / 4) {
                while (answers() > 0) {
                    // Commits: nothing waits for them here
                }
                TimeUnit.MICROSECONDS.sleep(100);
            }
        }

        private long memory() {
            String metrics = new String(sink.metrics(), StandardCharsets.UTF_8);
            return JsonParser.parseString(metrics)
                    .getAsJsonObject()
                    .get("memory_bytes")
                    .getAsLong();
        }

        private static final long MAX_MEMORY = 64 << 20;

        private static byte[] settings() {
            Map<String, Object> configs =
                    Map.of(
                            "directory",
                            "/jmh-" + ProcessHandle.current().pid(),
                            "hdfsConfigDir",
                            System.getProperty("bench.hdfsConfigDir"),
                            "maxMemory",
                            MAX_MEMORY);
            Map<String, Object> sink =
                    Map.ofEntries(
                            Map.entry("tenant", "marketplace"),
                            Map.entry("namespace", "events"),
                            Map.entry("name", "jmh"),
                            Map.entry("subscription", "marketplace/events/jmh"),
                            Map.entry("processingGuarantees", "EFFECTIVELY_ONCE"),
                            Map.entry("retainOrdering", false),
                            Map.entry("retainKeyOrdering", false),
                            Map.entry("cleanupSubscription", false),
                            Map.entry("subscriptionPosition", "Earliest"),
                            Map.entry("instance", 0),
                            Map.entry("instances", 1),
                            Map.entry("inputs", List.of(TOPIC)));
            return Json.bytes(Map.of("configs", configs, "sink", sink));
        }

        private static byte[][] payloads(Path file) throws IOException {
            List<byte[]> payloads = new ArrayList<>();
            try (InputStream bytes = Files.newInputStream(file);
                    DataInputStream data = new DataInputStream(bytes)) {
                for (int left = (int) Files.size(file); left > 0; ) {
                    byte[] payload = new byte[data.readInt()];
                    data.readFully(payload);
                    payloads.add(payload);
                    left -= Integer.BYTES + payload.length;
                }
            }
            return payloads.toArray(byte[][]::new);
        }
    }

    /** Lets the sink catch up, and hands over what a measurement has left in the frame. */
    @State(Scope.Benchmark)
    public static class EmptyFrame {
        @Setup(Level.Invocation)
        public void empty(OpenSink sink) throws InterruptedException {
            sink.frame.clear();
            sink.awaitRoom();
        }
    }

    /** Lets the sink catch up, and fills the frame. */
    @State(Scope.Benchmark)
    public static class FullFrame {
        @Setup(Level.Invocation)
        public void fill(OpenSink sink) throws InterruptedException {
            sink.frame.clear();
            sink.awaitRoom();
            sink.fill();
        }
    }

    /** A record, packed and handed over with its frame. */
    @Benchmark
    @OperationsPerInvocation(RECORDS)
    public boolean recordPackedAndHandedOver(OpenSink sink, EmptyFrame frame) {
        sink.fill();
        return sink.handOver();
    }

    /** A record, packed. */
    @Benchmark
    @OperationsPerInvocation(RECORDS)
    public int recordPacked(OpenSink sink) {
        sink.frame.clear();
        sink.fill();
        return sink.frame.length();
    }

    /** The call that hands over a whole frame. */
    @Benchmark
    public boolean frameHandedOver(OpenSink sink, FullFrame frame) {
        return sink.handOver();
    }

    /** A call that finds nothing to do: the crossing alone. */
    @Benchmark
    public int crossing(OpenSink sink) {
        return sink.answers();
    }

    /** The ids of one message after another, in entries of a thousand as producers batch them. */
    private static final class Id implements MessageIdAdv {
        private static final int BATCH = 1_000;

        private long entry;
        private int batchIndex;

        void next() {
            if (++batchIndex == BATCH) {
                batchIndex = 0;
                entry++;
            }
        }

        @Override
        public long getLedgerId() {
            return 1;
        }

        @Override
        public long getEntryId() {
            return entry;
        }

        @Override
        public int getBatchIndex() {
            return batchIndex;
        }

        @Override
        public byte[] toByteArray() {
            throw new UnsupportedOperationException();
        }
    }
}
