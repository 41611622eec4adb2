package io.hdfscsv.pulsar;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * One daemon thread that does one thing again and again. It is never interrupted: its task must not
 * wait for long.
 */
final class Timer {
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final long periodMillis;
    private final Runnable task;
    private final Thread thread;

    Timer(String name, long periodMillis, Runnable task) {
        this.periodMillis = periodMillis;
        this.task = task;
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** After it the task is not begun again; waits that long at most for one that is under way. */
    void stop(long waitMillis) {
        stopped.countDown();
        if (waitMillis > 0 && thread != Thread.currentThread()) {
            try {
                thread.join(waitMillis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void run() {
        try {
            while (!stopped.await(periodMillis, TimeUnit.MILLISECONDS)) {
                task.run();
            }
        } catch (InterruptedException e) {
            // Someone wants this thread gone
        }
    }
}
