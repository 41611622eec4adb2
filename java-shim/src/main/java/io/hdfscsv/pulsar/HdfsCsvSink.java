package io.hdfscsv.pulsar;

import java.util.Map;
import java.util.function.Function;
import org.apache.pulsar.functions.api.Record;
import org.apache.pulsar.io.core.Sink;
import org.apache.pulsar.io.core.SinkContext;
import org.apache.pulsar.io.core.annotations.Connector;
import org.apache.pulsar.io.core.annotations.IOType;

/**
 * Writes typed topics as CSV to HDFS, exactly once. The work is the native library's; this class
 * takes no payload apart, so its type is bytes whatever the topics' schemas are.
 */
@Connector(
        name = "hdfs-csv",
        type = IOType.SINK,
        help = "Writes typed topics as CSV to HDFS, exactly once",
        configClass = HdfsCsvSinkConfig.class)
public class HdfsCsvSink implements Sink<byte[]> {
    private final Function<byte[], NativeSink> opener;
    private volatile RunningSink running;

    /** For Pulsar, which makes one for each instance. */
    public HdfsCsvSink() {
        this(NativeSink::open);
    }

    HdfsCsvSink(Function<byte[], NativeSink> opener) {
        this.opener = opener;
    }

    @Override
    public void open(Map<String, Object> config, SinkContext context) {
        if (running != null) {
            throw new IllegalStateException("The sink is open");
        }
        RunningSink opened = RunningSink.open(opener, config, context);
        if (Tombstones.pass(opened, config, context)) {
            opened = RunningSink.open(opener, config, context);
        }
        running = opened;
    }

    @Override
    public void write(Record<byte[]> record) throws InterruptedException {
        RunningSink current = running;
        if (current == null) {
            throw new HdfsCsvException("closed", "The sink is not open");
        }
        current.write(record);
    }

    @Override
    public void close() {
        RunningSink current = running;
        running = null;
        if (current != null) {
            current.close();
        }
    }
}
