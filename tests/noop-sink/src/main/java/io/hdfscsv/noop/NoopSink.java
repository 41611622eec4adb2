package io.hdfscsv.noop;

import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.pulsar.functions.api.Record;
import org.apache.pulsar.io.core.Sink;
import org.apache.pulsar.io.core.SinkContext;

/** What any sink needs: acknowledges every 10,000th record, and the last one each second. */
public class NoopSink implements Sink<byte[]> {
    private static final int ACKNOWLEDGE_EVERY = 10_000;

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private Record<byte[]> last;
    private int count;

    @Override
    public void open(Map<String, Object> config, SinkContext context) {
        timer.scheduleWithFixedDelay(this::acknowledge, 1, 1, TimeUnit.SECONDS);
    }

    @Override
    public synchronized void write(Record<byte[]> record) {
        last = record;
        if (++count % ACKNOWLEDGE_EVERY == 0) {
            acknowledge();
        }
    }

    private synchronized void acknowledge() {
        if (last != null) {
            last.ack();
            last = null;
        }
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}
