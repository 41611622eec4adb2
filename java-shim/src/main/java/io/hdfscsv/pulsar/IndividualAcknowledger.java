package io.hdfscsv.pulsar;

import java.util.ArrayDeque;
import java.util.Deque;
import org.apache.pulsar.functions.api.Record;

/**
 * Keeps each record and acknowledges each, once it is committed. For a message that came in chunks
 * the client acknowledges its chunks and no others.
 */
final class IndividualAcknowledger implements Acknowledger {
    private record Pending(long handOver, Record<byte[]> record) {}

    private final Deque<Pending> pending = new ArrayDeque<>();

    @Override
    public void remember(long handOver, Record<byte[]> record, MessagePosition position) {
        pending.addLast(new Pending(handOver, record));
    }

    @Override
    public void divideAt(Division division) {
        // Each record is acknowledged for itself
    }

    @Override
    public boolean isDivided(MessagePosition position) {
        return false;
    }

    @Override
    public void committed(long handOver) {
        while (!pending.isEmpty() && pending.peekFirst().handOver <= handOver) {
            pending.removeFirst().record.ack();
        }
    }

    @Override
    public void acknowledgeDue() {
        // Nothing waits
    }

    @Override
    public void pause(boolean paused) {
        // Nothing waits
    }

    @Override
    public boolean isCommitted() {
        return pending.isEmpty();
    }

    @Override
    public int size() {
        return pending.size();
    }
}
