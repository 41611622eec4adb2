package io.hdfscsv.pulsar;

import java.nio.ByteBuffer;

/** An open sink of the native library. */
class NativeSink {
    private final long handle;

    NativeSink(long handle) {
        this.handle = handle;
    }

    /** Loads the library if need be, and opens a sink. */
    static NativeSink open(byte[] settings) {
        NativeLibrary.load();
        return new NativeSink(NativeMethods.open(settings));
    }

    /** In milliseconds. */
    long acknowledgementDelay() {
        return NativeMethods.acknowledgementDelay(handle);
    }

    int sourcePartition(byte[] topic) {
        return NativeMethods.sourcePartition(handle, topic);
    }

    /**
     * Up to where a topic or partition is committed: ledger, entry and batch index. Null for
     * nothing, and where records have no order.
     */
    long[] mark(byte[] topic) {
        byte[] mark = NativeMethods.mark(handle, topic);
        return mark == null ? null : Json.parseLongs(mark);
    }

    int announceSchema() {
        return NativeMethods.announceSchema(handle);
    }

    void writerSchema(int id, byte[] schema) {
        NativeMethods.writerSchema(handle, id, schema);
    }

    boolean handOver(long number, ByteBuffer records, int length) {
        return NativeMethods.handOver(handle, number, records, length);
    }

    int answers(ByteBuffer answers) {
        return NativeMethods.answers(handle, answers);
    }

    void leftOut(long number) {
        NativeMethods.leftOut(handle, number);
    }

    void confirmed(long number) {
        NativeMethods.confirmed(handle, number);
    }

    byte[] metrics() {
        return NativeMethods.metrics(handle);
    }

    byte[] logs() {
        return NativeMethods.logs(handle);
    }

    boolean close(long timeoutMillis) {
        return NativeMethods.close(handle, timeoutMillis);
    }
}
