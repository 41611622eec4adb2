package io.hdfscsv.pulsar;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Predicate;
import org.apache.pulsar.functions.api.Record;

/**
 * What the client had fetched of a source partition before it was paused: it waits here, where it
 * takes no memory that others need, until the source partition goes on. There are no more than the
 * client's queue held.
 *
 * <p>Used under the sink's lock, but for {@link #isOpen}.
 */
final class ParkedRecords {
    /** Measured: docs/operate/memory.md. */
    private static final long RECORD_BYTES = 650;

    private final Deque<Record<byte[]>> records = new ArrayDeque<>();
    private long bytes;
    private boolean paused;
    private volatile boolean open = true;

    /** Whether records that come need not wait. */
    boolean isOpen() {
        return open;
    }

    /** Records that come wait here from now on; or go on as soon as those that wait have. */
    void pause(boolean paused) {
        this.paused = paused;
        open = !paused && records.isEmpty();
    }

    /** Takes a record, if records wait here; otherwise it may go on. */
    boolean park(Record<byte[]> record) {
        if (open) {
            return false;
        }
        records.addLast(record);
        bytes += size(record);
        return true;
    }

    /** Whether none wait here. */
    boolean isEmpty() {
        return records.isEmpty();
    }

    /** What they take of the heap, about. */
    long bytes() {
        return bytes;
    }

    private static long size(Record<byte[]> record) {
        byte[] value = record.getValue();
        return RECORD_BYTES + (value == null ? 0 : value.length);
    }

    /**
     * Lets those that wait go on, in order.
     *
     * @param taken whether there was room for one
     * @return false when there was none
     */
    boolean letGo(Predicate<Record<byte[]>> taken) {
        if (paused) {
            return true;
        }
        // To hand over can bring a pause
        while (!paused && !records.isEmpty()) {
            if (!taken.test(records.peekFirst())) {
                return false;
            }
            bytes -= size(records.removeFirst());
        }
        open = !paused && records.isEmpty();
        return true;
    }
}
