package io.hdfscsv.pulsar;

import com.google.gson.JsonObject;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.pulsar.client.api.ConsumerCryptoFailureAction;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.common.api.EncryptionContext;
import org.apache.pulsar.common.functions.ConsumerConfig;
import org.apache.pulsar.common.io.SinkConfig;

/**
 * What comes of encrypted messages. With keys the client decrypts them. Without, and told to {@code
 * CONSUME}, it gives their ciphertext, a whole batch of a producer as one message: those become bad
 * records, with all that is needed to decrypt them later.
 */
final class Encryption {
    /** The dead letter's property with the keys, the parameter and the rest. */
    static final String PROPERTY = "hdfs-csv-encryption";

    private static final String ACTION = "cryptoFailureAction";

    private Encryption() {}

    /**
     * Whether the client gives ciphertext. A message does not say whether it was decrypted, so this
     * must be the same for all.
     */
    static boolean givesCiphertext(SinkConfig config) {
        if (config.getInputSpecs() == null) {
            return false;
        }
        Collection<ConsumerConfig> specs = config.getInputSpecs().values();
        boolean consumes = false;
        boolean hasKeys = false;
        for (ConsumerConfig spec : specs) {
            ConsumerCryptoFailureAction action = action(spec);
            if (action == ConsumerCryptoFailureAction.DISCARD) {
                throw refused(
                        "DISCARD: messages that cannot be decrypted would be acknowledged and lost");
            }
            consumes |= action == ConsumerCryptoFailureAction.CONSUME;
            hasKeys |= spec.getCryptoConfig() != null;
        }
        if (consumes && hasKeys) {
            throw refused(
                    "CONSUME beside keys (cryptoConfig): a message does not say whether it was"
                            + " decrypted, and ciphertext would be taken for a record");
        }
        return consumes;
    }

    /** A message's properties, and what is needed to decrypt it. */
    static byte[] properties(Message<?> message, EncryptionContext context) {
        Map<String, String> all = new LinkedHashMap<>(message.getProperties());
        all.put(PROPERTY, json(context).toString());
        return Json.bytes(all);
    }

    private static JsonObject json(EncryptionContext context) {
        JsonObject json = new JsonObject();
        json.addProperty("algorithm", context.getAlgorithm());
        json.addProperty("parameter", base64(context.getParam()));
        json.addProperty("compression", String.valueOf(context.getCompressionType()));
        json.addProperty("uncompressedSize", context.getUncompressedMessageSize());
        context.getBatchSize().ifPresent(size -> json.addProperty("batchSize", size));
        JsonObject keys = new JsonObject();
        context.getKeys()
                .forEach(
                        (name, key) -> {
                            JsonObject one = new JsonObject();
                            one.addProperty("value", base64(key.getKeyValue()));
                            one.add("metadata", Json.tree(key.getMetadata()));
                            keys.add(name, one);
                        });
        json.add("keys", keys);
        return json;
    }

    private static String base64(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }

    private static ConsumerCryptoFailureAction action(ConsumerConfig spec) {
        if (spec.getCryptoConfig() != null) {
            return spec.getCryptoConfig().getConsumerCryptoFailureAction();
        }
        Map<String, String> properties = spec.getConsumerProperties();
        String given = properties == null ? null : properties.get(ACTION);
        return given == null
                ? ConsumerCryptoFailureAction.FAIL
                : ConsumerCryptoFailureAction.valueOf(given);
    }

    private static HdfsCsvException refused(String what) {
        return new HdfsCsvException(
                "config",
                "inputSpecs: cryptoFailureAction "
                        + what
                        + ". Give keys in cryptoConfig and let consumerCryptoFailureAction be FAIL, or"
                        + " give none and set consumerProperties: {"
                        + ACTION
                        + ": CONSUME}, which makes dead letters of what is encrypted.");
    }
}
