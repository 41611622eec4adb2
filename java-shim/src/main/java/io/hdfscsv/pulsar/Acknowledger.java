package io.hdfscsv.pulsar;

import java.util.ArrayDeque;
import java.util.Deque;
import org.apache.pulsar.functions.api.Record;

/**
 * The records of one source partition that a later commit acknowledges. A cumulative
 * acknowledgement speaks for all that precede it, and a batch ends at a hand-over's edge: so the
 * last record of each hand-over is enough. Otherwise each record is kept.
 */
final class Acknowledger {
    private static final class Pending {
        final long handOver;
        Record<byte[]> record;

        Pending(long handOver, Record<byte[]> record) {
            this.handOver = handOver;
            this.record = record;
        }
    }

    private final boolean cumulative;
    private final Deque<Pending> pending = new ArrayDeque<>();

    Acknowledger(boolean cumulative) {
        this.cumulative = cumulative;
    }

    /** Notes a record that goes with the hand-over of that number. */
    void remember(long handOver, Record<byte[]> record) {
        Pending last = pending.peekLast();
        if (cumulative && last != null && last.handOver == handOver) {
            last.record = record;
        } else {
            pending.addLast(new Pending(handOver, record));
        }
    }

    /** Acknowledges all that went with the hand-overs up to this one. */
    void committed(long handOver) {
        Record<byte[]> last = null;
        while (!pending.isEmpty() && pending.peekFirst().handOver <= handOver) {
            last = pending.removeFirst().record;
            if (!cumulative) {
                last.ack();
            }
        }
        if (cumulative && last != null) {
            last.ack();
        }
    }

    int size() {
        return pending.size();
    }
}
