import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Schema;

/**
 * Sends a message without a value, as the Java client does for deleted keys: {@code java -cp
 * 'pulsar/lib/*' Tombstone.java pulsar://127.0.0.1:6650 persistent://t/n/topic}. Prints its position.
 */
public class Tombstone {
    public static void main(String[] args) throws Exception {
        try (PulsarClient client = PulsarClient.builder().serviceUrl(args[0]).build()) {
            // The topic's own schema, and no value of it
            Schema<byte[]> schema = Schema.AUTO_PRODUCE_BYTES();
            Producer<byte[]> producer = client.newProducer(schema).topic(args[1]).enableBatching(false).create();
            System.out.println("position " + producer.newMessage().key("gone").value(null).send());
            producer.close();
        }
    }
}
