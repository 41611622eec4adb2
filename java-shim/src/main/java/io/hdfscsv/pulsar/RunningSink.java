package io.hdfscsv.pulsar;

import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Function;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.common.functions.FunctionConfig.ProcessingGuarantees;
import org.apache.pulsar.functions.api.Record;
import org.apache.pulsar.io.core.SinkContext;

/**
 * A sink between open and close: the thread that writes and the timer take turns, under one lock,
 * in handing records over and in doing what the answers say.
 */
final class RunningSink implements Answers.Receiver {
    private static final int HAND_OVER_BYTES = 1 << 20;
    private static final int ANSWER_BYTES = 1 << 16;
    private static final long TIMER_MILLIS = 20;
    private static final long OLD_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long FULL_PAUSE_MILLIS = 5;

    /** Pulsar gives up after 10 s, which the closing of the consumers and of the process share. */
    private static final long CLOSE_MILLIS = 6_500;

    private static final long CLOSE_LOCK_MILLIS = 1_000;
    private static final long CLOSE_HAND_OVER_MILLIS = 1_000;
    private static final long CLOSE_NATIVE_MILLIS = 6_000;
    private static final long CLOSE_TIMER_MILLIS = 500;

    private static final String NOT_ALL_COMMITTED =
            "Not all records were committed before the sink closed: they will be delivered again";

    private final NativeSink sink;
    private final SinkContext context;
    private final SourcePartitions sourcePartitions;
    private final WriterSchemas writerSchemas;
    private final DeadLetters deadLetters;
    private final Answers answers;
    private final Reports reports;
    private final Timer timer;

    private final MessagePosition position = new MessagePosition();
    private final MessageProperties messageProperties = new MessageProperties();

    /** Of the JDK's locks the one that costs least where each record takes it. */
    private final StampedLock lock = new StampedLock();

    private final AtomicBoolean failed = new AtomicBoolean();
    private final AtomicBoolean closing = new AtomicBoolean();

    // Under the lock
    private final FrameWriter frame = new FrameWriter(HAND_OVER_BYTES);
    private long handOver = 1;

    // The timer's
    private long reported = System.nanoTime();

    /**
     * Opens the native sink; what it throws is for the operator to read.
     *
     * @param opener opens a native sink by its settings
     */
    static RunningSink open(
            Function<byte[], NativeSink> opener, Map<String, Object> configs, SinkContext context) {
        byte[] settings = Settings.of(configs, context);
        NativeSink sink = InterruptibleOpen.open(() -> opener.apply(settings));
        try {
            RunningSink running = new RunningSink(sink, configs, context);
            running.timer.start();
            return running;
        } catch (RuntimeException | Error e) {
            sink.close(0);
            throw e;
        }
    }

    private RunningSink(NativeSink sink, Map<String, Object> configs, SinkContext context) {
        this.sink = sink;
        this.context = context;
        boolean cumulative =
                context.getSinkConfig().getProcessingGuarantees()
                        == ProcessingGuarantees.EFFECTIVELY_ONCE;
        DeadLetterTopics deadLetterTopics = DeadLetterTopics.of(configs, context.getSinkConfig());
        sourcePartitions = new SourcePartitions(sink, deadLetterTopics, cumulative);
        writerSchemas =
                new WriterSchemas(
                        sink,
                        new SchemaReader(context.getPulsarClient(), closing::get),
                        this::fail);
        deadLetters =
                new DeadLetters(
                        context.getPulsarClient(),
                        deadLetterTopics,
                        this::deadLetterConfirmed,
                        this::fail);
        answers = new Answers(sink, ANSWER_BYTES);
        reports = new Reports(sink, context);
        timer =
                new Timer(
                        "hdfs-csv-" + context.getSinkName() + "-" + context.getInstanceId(),
                        TIMER_MILLIS,
                        this::tick);
    }

    /** Called by one thread, as the functions worker does. */
    void write(Record<byte[]> record) throws InterruptedException {
        checkOpen();
        Message<byte[]> message =
                record.getMessage()
                        .orElseThrow(
                                () -> new HdfsCsvException("bug", "A record without a message"));
        SourcePartition source = sourcePartitions.ofTopic(message.getTopicName());
        position.read(message.getMessageId());
        if (!source.isInEntry(position)) {
            int schema = writerSchemas.idOf(source, message);
            source.beginEntry(position, schema, message.getPublishTime());
        }
        byte[] key = message.hasKey() ? message.getKeyBytes() : null;
        byte[] properties = messageProperties.json(message);
        while (!add(source, record, message, key, properties)) {
            // Until memory is free; the timer's turn
            TimeUnit.MILLISECONDS.sleep(FULL_PAUSE_MILLIS);
        }
    }

    /** Returns false when there is no room for it now. */
    private boolean add(
            SourcePartition source,
            Record<byte[]> record,
            Message<byte[]> message,
            byte[] key,
            byte[] properties)
            throws InterruptedException {
        long turn = lock.writeLockInterruptibly();
        try {
            checkOpen();
            while (!frame.append(
                    source.id,
                    source.schema(),
                    position,
                    source.publishTime(),
                    message.getEventTime(),
                    key,
                    key != null && message.hasBase64EncodedKey(),
                    properties,
                    record.getValue())) {
                if (!tryHandOver()) {
                    return false;
                }
            }
            source.acknowledger.remember(handOver, record);
            return true;
        } finally {
            lock.unlockWrite(turn);
        }
    }

    @Override
    public void committed(int sourcePartition, long upTo) {
        sourcePartitions.ofId(sourcePartition).acknowledger.committed(upTo);
    }

    @Override
    public void deadLetter(DeadLetter letter) {
        SourcePartition source = sourcePartitions.ofId(letter.sourcePartition());
        deadLetters.send(letter, source.topic, source.schemaVersions.get(letter.schema()));
    }

    /**
     * Commits what it can, in less than 10 s whatever the other threads do. Answers are still
     * fetched meanwhile: a batch with dead letters is committed only when the broker has them.
     */
    void close() {
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CLOSE_MILLIS);
        // The thread that closes is often one that was interrupted to stop it
        boolean interrupted = Thread.interrupted();
        boolean complete = false;
        try {
            complete = handOverRest();
        } catch (InterruptedException e) {
            interrupted = true;
        }
        try {
            if (!(closeNative(end) && complete)) {
                context.getLogger().warn(NOT_ALL_COMMITTED);
            }
        } finally {
            timer.stop(CLOSE_TIMER_MILLIS);
            writerSchemas.close();
            deadLetters.close();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void checkOpen() {
        if (closing.get()) {
            throw new HdfsCsvException("closed", "The sink is closed");
        }
    }

    /** Does what has been answered since, too. Returns whether nothing is left to hand over. */
    private boolean tryHandOver() {
        if (!frame.isEmpty() && sink.handOver(handOver, frame.buffer(), frame.length())) {
            handOver++;
            frame.clear();
        }
        answers.fetch(this);
        return frame.isEmpty();
    }

    private void tick() {
        try {
            takeTurn();
            if (System.nanoTime() - reported >= REPORT_NANOS) {
                reported = System.nanoTime();
                reports.logs();
                reports.metrics();
            }
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    private void takeTurn() {
        long turn = lock.writeLock();
        try {
            if (!frame.isEmpty() && System.nanoTime() - frame.begun() >= OLD_NANOS) {
                tryHandOver();
            } else {
                answers.fetch(this);
            }
            deadLetters.retryDue(System.nanoTime());
        } finally {
            lock.unlockWrite(turn);
        }
    }

    /** Ends the instance; its restart is the way to try again. */
    private void fail(Throwable failure) {
        if (!closing.get() && failed.compareAndSet(false, true)) {
            timer.stop(0);
            context.fatal(failure);
        }
    }

    private void deadLetterConfirmed(long number) {
        try {
            sink.deadLetterConfirmed(number);
        } catch (HdfsCsvException e) {
            fail(e);
        }
    }

    private boolean handOverRest() throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CLOSE_HAND_OVER_MILLIS);
        do {
            long turn = lock.tryWriteLock(CLOSE_LOCK_MILLIS, TimeUnit.MILLISECONDS);
            if (turn == 0) {
                return false;
            }
            try {
                if (tryHandOver()) {
                    return true;
                }
            } catch (HdfsCsvException e) {
                // The sink has failed before, and has said so
                return false;
            } finally {
                lock.unlockWrite(turn);
            }
            TimeUnit.MILLISECONDS.sleep(FULL_PAUSE_MILLIS);
        } while (System.nanoTime() - end < 0);
        return false;
    }

    private boolean closeNative(long end) {
        reports.logs();
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        return sink.close(Math.max(0, Math.min(left, CLOSE_NATIVE_MILLIS)));
    }
}
