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
        if (isKnownToHaveNone(message)) {
            return null;
        }
        Map<String, String> properties = message.getProperties();
        return properties.isEmpty() ? null : Json.bytes(properties);
    }

    /** Without the lock that {@code getProperties} takes. */
    @SuppressWarnings("rawtypes")
    static boolean isKnownToHaveNone(Message<?> message) {
        if (ClientGetters.Messages.PROPERTIES_COUNT == null) {
            return false;
        }
        try {
            Message plain = message;
            if (ClientGetters.Messages.WRAPPED != null
                    && ClientGetters.Messages.WRAPPER.isInstance(message)) {
                plain = (Message) ClientGetters.Messages.WRAPPED.invokeExact(plain);
            }
            return ClientGetters.Messages.OWNER.isInstance(plain)
                    && (int) ClientGetters.Messages.PROPERTIES_COUNT.invokeExact(plain) == 0;
        } catch (Throwable e) {
            throw new HdfsCsvException("bug", "No properties in message " + message + ": " + e, e);
        }
    }
}
