package io.hdfscsv.pulsar;

import java.util.Optional;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.functions.api.Record;

/** A message that the sink has read itself. To acknowledge it does nothing. */
record ReadRecord(Message<byte[]> message) implements Record<byte[]> {
    @Override
    public byte[] getValue() {
        return message.getValue();
    }

    @Override
    public Optional<Message<byte[]>> getMessage() {
        return Optional.of(message);
    }
}
