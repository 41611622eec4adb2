package io.hdfscsv.pulsar;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/** A native library that notes what it is given and answers what it is told. */
class FakeNative extends NativeSink {
    final List<String> topics = Collections.synchronizedList(new ArrayList<>());
    final AtomicInteger announced = new AtomicInteger();
    final Map<Integer, String> schemas = new ConcurrentHashMap<>();
    final List<byte[]> handOvers = Collections.synchronizedList(new ArrayList<>());
    final List<Long> numbers = Collections.synchronizedList(new ArrayList<>());
    final List<Long> confirmed = Collections.synchronizedList(new ArrayList<>());
    final List<Long> leftOut = Collections.synchronizedList(new ArrayList<>());
    final Queue<byte[]> answers = new ConcurrentLinkedQueue<>();
    final Queue<byte[]> answersAtClose = new ConcurrentLinkedQueue<>();
    final Queue<String> logs = new ConcurrentLinkedQueue<>();
    volatile String settings;
    volatile String metrics = "{}";
    volatile long[] mark;
    volatile boolean full;
    volatile HdfsCsvException failure;
    volatile long acknowledgementDelay;
    volatile long handOverMillis;
    volatile long closeMillis;
    volatile long closeTimeout = -1;
    volatile int closes;
    volatile boolean leavesRecords;

    FakeNative() {
        super(7);
    }

    NativeSink opened(byte[] json) {
        throwFailure();
        settings = text(json);
        return this;
    }

    @Override
    long acknowledgementDelay() {
        return acknowledgementDelay;
    }

    @Override
    int sourcePartition(byte[] topic) {
        if (text(topic).contains("impossible")) {
            throw new HdfsCsvException("config", "this topic cannot have a table");
        }
        topics.add(text(topic));
        return 100 + topics.size();
    }

    @Override
    long[] mark(byte[] topic) {
        return mark;
    }

    @Override
    int announceSchema() {
        return 200 + announced.incrementAndGet();
    }

    @Override
    void writerSchema(int id, byte[] schema) {
        schemas.put(id, text(schema));
    }

    @Override
    boolean handOver(long number, ByteBuffer records, int length) {
        sleep(handOverMillis);
        throwFailure();
        if (full) {
            return false;
        }
        byte[] copy = new byte[length];
        records.duplicate().position(0).get(copy);
        numbers.add(number);
        handOvers.add(copy);
        return true;
    }

    @Override
    int answers(ByteBuffer buffer) {
        throwFailure();
        byte[] next = answers.peek();
        if (next == null) {
            return 0;
        }
        if (next.length > buffer.capacity()) {
            return -next.length;
        }
        buffer.duplicate().clear().put(next);
        answers.remove();
        return next.length;
    }

    @Override
    void leftOut(long number) {
        leftOut.add(number);
    }

    @Override
    void confirmed(long number) {
        confirmed.add(number);
    }

    @Override
    byte[] metrics() {
        return metrics.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    byte[] logs() {
        String next = logs.poll();
        return next == null ? null : next.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    boolean close(long timeoutMillis) {
        closes++;
        closeTimeout = timeoutMillis;
        answers.addAll(answersAtClose);
        long end = System.nanoTime() + timeoutMillis * 1_000_000;
        while (!answersAtClose.isEmpty() && !answers.isEmpty() && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        sleep(Math.min(closeMillis, timeoutMillis));
        return !leavesRecords && closeMillis <= timeoutMillis;
    }

    private void throwFailure() {
        if (failure != null) {
            throw failure;
        }
    }

    private static void sleep(long millis) {
        long end = System.nanoTime() + millis * 1_000_000;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
