import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.impl.TypedMessageBuilderImpl;
import org.apache.pulsar.common.api.proto.MessageMetadata;

/**
 * Sends Avro records of a long {@code id} and a string {@code text} in chunks, as slowly as it is told, which the client's own
 * chunking cannot: {@code java -cp 'pulsar/lib/*' Chunks.java pulsar://127.0.0.1:6650 persistent://t/n/topic 0000000000000000}.
 * The last argument is the schema's version.
 *
 * <p>Each line of the input asks for a record: its id, the letters of its text, into how many chunks, how many milliseconds apart.
 * With 1 chunk the client itself cuts the record into pieces, with no pause. With -1 milliseconds the last chunk waits for a line
 * that is the record's id alone. Lines do not wait for each other. It prints {@code begun ID} when the broker has the
 * first chunk, and {@code sent ID LEDGER ENTRY}, the last chunk's position. At the end of the input it ends when all is sent.
 */
public class Chunks {
    private static final int CLIENTS_CHUNK = 100_000;

    /** The last chunks that may go, by their records. */
    private static final Map<Long, CountDownLatch> RELEASED = new ConcurrentHashMap<>();

    public static void main(String[] args) throws Exception {
        byte[] version = HexFormat.of().parseHex(args[2]);
        ExecutorService senders = Executors.newCachedThreadPool();
        try (PulsarClient client = PulsarClient.builder().serviceUrl(args[0]).build()) {
            BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                long[] numbers = Arrays.stream(line.split(" ")).mapToLong(Long::parseLong).toArray();
                if (numbers.length == 1) {
                    released(numbers[0]).countDown();
                    continue;
                }
                senders.submit(() -> {
                    try {
                        byte[] payload = record(numbers[0], (int) numbers[1]);
                        int chunks = (int) numbers[2];
                        if (chunks == 1) {
                            byTheClient(client, args[1], numbers[0], payload);
                        } else {
                            byHand(client, args[1], version, numbers[0], payload, chunks, numbers[3]);
                        }
                    } catch (Exception e) {
                        e.printStackTrace();
                        System.exit(1);
                    }
                });
            }
            senders.shutdown();
            while (!senders.isTerminated()) {
                senders.awaitTermination(1, java.util.concurrent.TimeUnit.SECONDS);
            }
        }
    }

    private static void byHand(
            PulsarClient client, String topic, byte[] version, long id, byte[] payload, int chunks, long pause)
            throws Exception {
        // Of bytes: a part of a record is no record
        try (Producer<byte[]> producer = client.newProducer(Schema.BYTES).topic(topic).enableBatching(false).create()) {
            String uuid = UUID.randomUUID().toString();
            int length = (payload.length + chunks - 1) / chunks;
            MessageId last = null;
            for (int chunk = 0; chunk < chunks; chunk++) {
                if (pause < 0 && chunk == chunks - 1) {
                    released(id).await();
                } else if (chunk > 0 && pause > 0) {
                    Thread.sleep(pause);
                }
                int from = Math.min(payload.length, chunk * length);
                byte[] part = Arrays.copyOfRange(payload, from, Math.min(payload.length, from + length));
                TypedMessageBuilderImpl<byte[]> message = (TypedMessageBuilderImpl<byte[]>) producer.newMessage();
                message.value(part);
                MessageMetadata metadata = message.getMetadataBuilder();
                metadata.setSchemaVersion(version);
                metadata.setUuid(uuid).setChunkId(chunk).setNumChunksFromMsg(chunks).setTotalChunkMsgSize(payload.length);
                last = message.send();
                if (chunk == 0) {
                    say("begun " + id);
                }
            }
            sent(id, last);
        }
    }

    private static CountDownLatch released(long id) {
        return RELEASED.computeIfAbsent(id, any -> new CountDownLatch(1));
    }

    private static void byTheClient(PulsarClient client, String topic, long id, byte[] payload) throws Exception {
        try (Producer<byte[]> producer =
                client.newProducer(Schema.AUTO_PRODUCE_BYTES())
                        .topic(topic)
                        .enableBatching(false)
                        .enableChunking(true)
                        .chunkMaxMessageSize(CLIENTS_CHUNK)
                        .create()) {
            say("begun " + id);
            sent(id, producer.send(payload));
        }
    }

    /** Avro, written by hand. */
    private static byte[] record(long id, int letters) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        number(out, id);
        number(out, letters);
        byte[] text = new byte[letters];
        Arrays.fill(text, (byte) ('a' + id % 26));
        out.writeBytes(text);
        return out.toByteArray();
    }

    private static void number(ByteArrayOutputStream out, long value) {
        long rest = (value << 1) ^ (value >> 63);
        while ((rest & ~0x7fL) != 0) {
            out.write((int) (rest & 0x7f | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }

    private static void sent(long id, MessageId last) {
        // Of a message in chunks: first;last, each ledger:entry:partition
        String[] ids = last.toString().split(";");
        String[] parts = ids[ids.length - 1].split(":");
        say("sent " + id + " " + parts[0] + " " + parts[1]);
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
