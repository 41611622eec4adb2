package io.hdfscsv.pulsar;

import java.util.concurrent.TimeUnit;

/**
 * Time in which the sink takes what the client has for it. It stands still while a write waits for
 * memory, and makes no leap when the process stood still: what had been sent for so long has come
 * by then, or never will.
 *
 * <p>Used under one lock.
 */
final class ReadingClock {
    private static final long LONGEST_STEP = TimeUnit.SECONDS.toNanos(1);

    private long seen;
    private long time;

    ReadingClock(long nanoTime) {
        seen = nanoTime;
    }

    /**
     * To be called again and again, far more often than once a second.
     *
     * @param takes whether records are taken now
     */
    void tick(long nanoTime, boolean takes) {
        if (takes) {
            time += Math.min(nanoTime - seen, LONGEST_STEP);
        }
        seen = nanoTime;
    }

    /** Nanoseconds since its beginning. */
    long time() {
        return time;
    }
}
