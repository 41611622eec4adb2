package io.hdfscsv.pulsar;

import java.nio.ByteBuffer;

/**
 * The native library's functions, as {@code docs/understand/hand-over.md} defines them. Each is
 * bounded in time and throws {@link HdfsCsvException}; all may be called from any thread.
 */
final class NativeMethods {
    private NativeMethods() {}

    static native void register(Class<?> methods);

    static native long open(byte[] settings);

    static native long acknowledgementDelay(long sink);

    static native int sourcePartition(long sink, byte[] topic);

    static native byte[] mark(long sink, byte[] topic);

    static native int announceSchema(long sink);

    static native void writerSchema(long sink, int id, byte[] schema);

    static native boolean handOver(long sink, long number, ByteBuffer records, int length);

    static native int answers(long sink, ByteBuffer answers);

    static native void confirmed(long sink, long number);

    static native void leftOut(long sink, long number);

    static native byte[] metrics(long sink);

    static native byte[] logs(long sink);

    static native boolean close(long sink, long timeoutMillis);
}
