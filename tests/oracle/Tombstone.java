import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.pulsar.client.api.ClientBuilder;
import org.apache.pulsar.client.api.CompressionType;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Schema;

/**
 * Sends messages without a value, as the Java client does for deleted keys, and others beside them: {@code java -cp
 * 'pulsar/lib/*' Tombstone.java pulsar://127.0.0.1:6650 persistent://t/n/topic PAYLOAD...}. A payload is base64, {@code
 * none}, or {@code zeros:N}: N bytes without a schema, compressed, and alone. Several are one batch. Prints their positions.
 * Who it is, {@code -DauthParams=file:///path/of/a/token} says.
 */
public class Tombstone {
    public static void main(String[] args) throws Exception {
        List<String> payloads = List.of(args).subList(2, args.length);
        ClientBuilder builder = PulsarClient.builder().serviceUrl(args[0]);
        String token = System.getProperty("authParams");
        if (token != null) {
            builder.authentication("org.apache.pulsar.client.impl.auth.AuthenticationToken", token);
        }
        try (PulsarClient client = builder.build()) {
            // The topic's own schema, and no value of it
            boolean isCompressed = payloads.get(0).startsWith("zeros:");
            Schema<byte[]> schema = isCompressed ? Schema.BYTES : Schema.AUTO_PRODUCE_BYTES();
            Producer<byte[]> producer =
                    client.newProducer(schema)
                            .topic(args[1])
                            .compressionType(isCompressed ? CompressionType.LZ4 : CompressionType.NONE)
                            .enableBatching(payloads.size() > 1)
                            .batchingMaxMessages(1_000)
                            .batchingMaxPublishDelay(1, TimeUnit.HOURS)
                            .create();
            List<CompletableFuture<MessageId>> sent = new ArrayList<>();
            for (String payload : payloads) {
                byte[] value = value(payload);
                sent.add(producer.newMessage().key(value == null ? "gone" : "here").value(value).sendAsync());
            }
            producer.flush();
            for (CompletableFuture<MessageId> one : sent) {
                System.out.println("position " + one.get());
            }
            producer.close();
        }
    }

    private static byte[] value(String payload) {
        if (payload.equals("none")) {
            return null;
        }
        return payload.startsWith("zeros:")
                ? new byte[Integer.parseInt(payload.substring("zeros:".length()))]
                : Base64.getDecoder().decode(payload);
    }
}
