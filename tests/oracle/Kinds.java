import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pulsar.client.api.CompressionType;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.MessageIdAdv;
import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.ProducerBuilder;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Schema;
import org.apache.pulsar.client.api.TypedMessageBuilder;
import org.apache.pulsar.client.api.transaction.Transaction;
import org.apache.pulsar.client.impl.TypedMessageBuilderImpl;

/**
 * Sends Avro records of a long {@code id} and a string {@code text} as a kind of producer does that the tests' own client has not:
 * {@code java -cp 'pulsar/lib/*' Kinds.java pulsar://127.0.0.1:6650 persistent://t/n/topic KIND FIRST_ID COUNT [ARGUMENT]}.
 * Prints a line {@code sent ID LEDGER ENTRY BATCH_INDEX} for each record that a consumer should get.
 */
public class Kinds {
    private static final String KEY = "orders";

    public static void main(String[] args) throws Exception {
        String kind = args[2];
        long firstId = Long.parseLong(args[3]);
        int count = Integer.parseInt(args[4]);
        if (kind.equals("keys")) {
            keys(Path.of(args[1]));
            return;
        }
        try (PulsarClient client =
                PulsarClient.builder().serviceUrl(args[0]).enableTransaction(kind.equals("transactions")).build()) {
            ProducerBuilder<byte[]> builder = client.newProducer(Schema.AUTO_PRODUCE_BYTES()).topic(args[1]);
            builder.sendTimeout(0, TimeUnit.SECONDS).enableBatching(false);
            switch (kind) {
                case "compressed" -> builder.compressionType(CompressionType.valueOf(args[5]));
                case "compressed-batches" -> batches(builder).compressionType(CompressionType.valueOf(args[5]));
                case "encrypted" -> encrypted(builder, Path.of(args[5]));
                case "encrypted-batches" -> encrypted(batches(builder), Path.of(args[5]));
                case "compressed-chunks" ->
                        builder.compressionType(CompressionType.LZ4).enableChunking(true).chunkMaxMessageSize(1_000);
                case "encrypted-chunks" ->
                        encrypted(builder, Path.of(args[5])).enableChunking(true).chunkMaxMessageSize(1_000);
                default -> {}
            }
            try (Producer<byte[]> producer = builder.create()) {
                switch (kind) {
                    case "transactions" -> transactions(client, producer, firstId, count);
                    case "damaged" -> damaged(producer, count);
                    default -> send(producer, kind, firstId, count);
                }
            }
        }
    }

    private static ProducerBuilder<byte[]> batches(ProducerBuilder<byte[]> builder) {
        return builder.enableBatching(true).batchingMaxMessages(10).batchingMaxPublishDelay(1, TimeUnit.SECONDS);
    }

    private static ProducerBuilder<byte[]> encrypted(ProducerBuilder<byte[]> builder, Path publicKey) throws Exception {
        String key = Base64.getEncoder().encodeToString(Files.readAllBytes(publicKey));
        return builder.addEncryptionKey(KEY).defaultCryptoKeyReader("data:application/x-pem-file;base64," + key);
    }

    private static void send(Producer<byte[]> producer, String kind, long firstId, int count) throws Exception {
        List<CompletableFuture<MessageId>> sent = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            TypedMessageBuilder<byte[]> message = producer.newMessage().value(record(firstId + i, kind));
            if (kind.equals("delayed")) {
                message.deliverAfter(3, TimeUnit.SECONDS);
            } else if (kind.equals("keyed")) {
                // Two records of each key: a compaction removes the first one
                message.key("k" + i / 2);
            }
            sent.add(message.sendAsync());
        }
        producer.flush();
        for (int i = 0; i < count; i++) {
            say(firstId + i, sent.get(i).get());
        }
    }

    /** Messages that claim to be batches and are not: no client can take them apart. */
    private static void damaged(Producer<byte[]> producer, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            TypedMessageBuilder<byte[]> message = producer.newMessage().value(new byte[4]);
            ((TypedMessageBuilderImpl<byte[]>) message).getMetadataBuilder().setNumMessagesInBatch(3);
            message.send();
        }
    }

    /** Transactions of ten records, every other one aborted, with records outside of them between. */
    private static void transactions(PulsarClient client, Producer<byte[]> producer, long firstId, int count)
            throws Exception {
        for (long id = firstId; id < firstId + count; id += 10) {
            boolean commits = (id - firstId) / 10 % 2 == 0;
            Transaction transaction =
                    client.newTransaction().withTransactionTimeout(1, TimeUnit.MINUTES).build().get();
            List<MessageId> sent = new ArrayList<>();
            for (int i = 0; i < 9; i++) {
                sent.add(producer.newMessage(transaction).value(record(id + i, "")).send());
            }
            MessageId outside = producer.newMessage().value(record(id + 9, "")).send();
            (commits ? transaction.commit() : transaction.abort()).get();
            for (int i = 0; commits && i < 9; i++) {
                say(id + i, sent.get(i));
            }
            say(id + 9, outside);
        }
    }

    private static void keys(Path folder) throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        for (String name : List.of("own", "other")) {
            KeyPair pair = generator.generateKeyPair();
            pem(folder.resolve(name + "-public.pem"), "PUBLIC KEY", pair.getPublic().getEncoded());
            pem(folder.resolve(name + "-private.pem"), "PRIVATE KEY", pair.getPrivate().getEncoded());
        }
    }

    private static void pem(Path path, String type, byte[] key) throws Exception {
        String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key);
        Files.writeString(path, "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n");
    }

    /** Letters that cannot be compressed much. */
    private static byte[] text(long id, long letters) {
        StringBuilder text = new StringBuilder();
        long state = id;
        for (long i = 0; i < letters; i++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            text.append((char) ('a' + (state >>> 33) % 26));
        }
        return text.toString().getBytes();
    }

    /** Avro, written by hand. */
    private static byte[] record(long id, String kind) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] text = text(id, kind.endsWith("chunks") ? 5_000 : id % 50);
        number(out, id);
        number(out, text.length);
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

    private static void say(long id, MessageId sent) {
        MessageIdAdv at = (MessageIdAdv) sent;
        System.out.println(
                "sent " + id + " " + at.getLedgerId() + " " + at.getEntryId() + " " + Math.max(0, at.getBatchIndex()));
    }
}
