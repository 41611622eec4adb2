package io.hdfscsv.pulsar;

/**
 * The reading clock as one source partition has it: it stands still while that one is paused, when
 * its records are not seen. Used under the sink's lock.
 */
final class SourceClock {
    private final ReadingClock clock;
    private long stood;
    private long pausedAt;
    private boolean paused;

    SourceClock(ReadingClock clock) {
        this.clock = clock;
    }

    /** In nanoseconds. */
    long time() {
        return (paused ? pausedAt : clock.time()) - stood;
    }

    void pause() {
        if (!paused) {
            pausedAt = clock.time();
            paused = true;
        }
    }

    void resume() {
        if (paused) {
            stood += clock.time() - pausedAt;
            paused = false;
        }
    }
}
