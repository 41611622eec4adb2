package io.hdfscsv.pulsar;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;

/**
 * Opens a native sink in a thread of its own: the native call cannot be interrupted while it tries
 * the directory, which takes up to {@code openTimeout} on an HDFS that does not answer, but whoever
 * waits for it can. What is opened when nobody waits any more is closed at once.
 */
final class InterruptibleOpen {
    private InterruptibleOpen() {}

    /** Throws what the opener throws. */
    static NativeSink open(Supplier<NativeSink> opener) {
        CompletableFuture<NativeSink> opening = new CompletableFuture<>();
        Thread thread = new Thread(() -> complete(opening, opener), "hdfs-csv-open");
        thread.setDaemon(true);
        thread.start();
        try {
            return opening.get();
        } catch (InterruptedException e) {
            opening.thenAccept(sink -> sink.close(0));
            Thread.currentThread().interrupt();
            throw new HdfsCsvException("closed", "The sink was stopped while it was being opened");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) e.getCause();
        }
    }

    private static void complete(
            CompletableFuture<NativeSink> opening, Supplier<NativeSink> opener) {
        try {
            opening.complete(opener.get());
        } catch (RuntimeException | Error e) {
            opening.completeExceptionally(e);
        }
    }
}
