package io.hdfscsv.pulsar;

import java.util.Map;
import org.apache.pulsar.client.api.Message;

/** A message's properties, as they are handed over. One for each sink, used by one thread. */
final class MessageProperties {
    private boolean begun;

    /** A JSON object of strings; null for a message without properties, as most are. */
    byte[] json(Message<byte[]> message) {
        if (!begun) {
            ClientGetters.findBy(message);
            begun = true;
        }
        Map<String, String> properties = withoutLock(message);
        if (properties == null) {
            properties = message.getProperties();
        }
        return properties.isEmpty() ? null : Json.bytes(properties);
    }

    /** What {@code getProperties} gives, which takes a lock to look; null if that must be asked. */
    @SuppressWarnings({"rawtypes", "unchecked"})
    static Map<String, String> withoutLock(Message<?> message) {
        if (ClientGetters.Messages.PROPERTIES == null) {
            return null;
        }
        try {
            Message plain = ClientGetters.Messages.plain(message);
            return plain == null
                    ? null
                    : (Map) ClientGetters.Messages.PROPERTIES.invokeExact(plain);
        } catch (Throwable e) {
            throw new HdfsCsvException("bug", "No properties in message " + message + ": " + e, e);
        }
    }
}
