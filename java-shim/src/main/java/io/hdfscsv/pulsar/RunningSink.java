package io.hdfscsv.pulsar;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Function;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.PulsarClientException;
import org.apache.pulsar.client.api.SubscriptionInitialPosition;
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
    private static final long MOST_PARKED_BYTES = Runtime.getRuntime().maxMemory() / 4;
    private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long FULL_PAUSE_MILLIS = 5;
    private static final long DUE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** Pulsar gives up after 10 s, which the closing of the consumers and of the process share. */
    private static final long CLOSE_MILLIS = 6_500;

    private static final long CLOSE_LOCK_MILLIS = 1_000;
    private static final long CLOSE_HAND_OVER_MILLIS = 1_000;
    private static final long CLOSE_NATIVE_MILLIS = 6_000;
    private static final long CLOSE_TIMER_MILLIS = 500;

    private static final String NOT_ALL_COMMITTED =
            "Not all records were committed before the sink closed: they will be delivered again";

    private static final String REMEMBERS_SCHEMAS =
            "This Pulsar's client remembers topics' schemas for half an hour, and does not let them be"
                    + " forgotten: after a topic was deleted and made anew with another schema, restart"
                    + " the functions worker";

    private static final String HIDES_ACKNOWLEDGED =
            "This version of Pulsar does not say what is acknowledged: a record that the broker leaves"
                    + " out when it changes the active consumer cannot be told from one that was"
                    + " skipped on purpose, and is not written";

    private static final String IGNORED_KEYS =
            "The functions worker ignores unknown configs (ignoreUnknownConfigFields), so these have no"
                    + " effect: {}. Correct or remove them; the keys are in docs/use/configuration.md";

    private final NativeSink sink;
    private final SinkContext context;
    private final boolean givesCiphertext;
    private final SourcePartitions sourcePartitions;
    private final WriterSchemas writerSchemas;
    private final DeadLetters deadLetters;
    private final LeftOutMessages leftOutMessages;
    private final Answers answers;
    private final Reports reports;
    private final Timer timer;

    /** The writing thread's. */
    private final RecordPacker packer;

    /** Of the JDK's locks the one that costs least where each record takes it. */
    private final StampedLock lock = new StampedLock();

    private final AtomicBoolean failed = new AtomicBoolean();
    private final AtomicBoolean closing = new AtomicBoolean();

    // Under the lock
    private final FrameWriter frame = new FrameWriter(HAND_OVER_BYTES);
    private final ReadingClock clock = new ReadingClock(System.nanoTime());
    private long handOver = 1;
    private boolean full;

    /** Of the records of all source partitions that are parked. */
    private long parkedBytes;

    /** Says what is acknowledged of a topic before the source has a consumer; else null. */
    private volatile Function<String, CompletableFuture<MessageId>> acknowledged;

    // The timer's
    private long reported = System.nanoTime();
    private long acknowledgedDue;

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
            running.deadLetters.tryTopics();
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
        if (!ClientGetters.Schemas.canForget(context.getPulsarClient())) {
            context.getLogger().warn(REMEMBERS_SCHEMAS);
        }
        if (!ClientGetters.Subscriptions.areKnown(context)) {
            context.getLogger().warn(HIDES_ACKNOWLEDGED);
        }
        Set<String> ignored = Settings.ignoredKeys(configs, context.getSinkConfig());
        if (!ignored.isEmpty()) {
            context.getLogger().warn(IGNORED_KEYS, ignored);
        }
        DeadLetterTopics deadLetterTopics = DeadLetterTopics.of(configs, context.getSinkConfig());
        sourcePartitions =
                new SourcePartitions(
                        sink, deadLetterTopics, acknowledgers(), context.getLogger()::warn);
        OwnSubscriptions subscriptions = OwnSubscriptions.of(configs);
        EntryReaders readers = new EntryReaders(context.getPulsarClient(), subscriptions);
        writerSchemas =
                new WriterSchemas(
                        sink, new SchemaReader(readers), this::fail, context.getLogger()::warn);
        givesCiphertext = Encryption.givesCiphertext(context.getSinkConfig());
        packer = new RecordPacker(writerSchemas, givesCiphertext);
        deadLetters =
                new DeadLetters(
                        context.getPulsarClient(),
                        deadLetterTopics,
                        subscriptions.ofReplay(),
                        this::confirmed,
                        this::fail,
                        context.getLogger()::warn);
        leftOutMessages =
                new LeftOutMessages(
                        readers,
                        this::acknowledged,
                        givesCiphertext,
                        this::confirmed,
                        this::leftOut,
                        this::fail);
        answers = new Answers(sink, ANSWER_BYTES);
        reports = new Reports(sink, context);
        timer =
                new Timer(
                        "hdfs-csv-" + context.getSinkName() + "-" + context.getInstanceId(),
                        TIMER_MILLIS,
                        this::tick);
    }

    /** As the source of these guarantees acknowledges: all up to a record, or that record. */
    private Function<String, Acknowledger> acknowledgers() {
        if (context.getSinkConfig().getProcessingGuarantees()
                != ProcessingGuarantees.EFFECTIVELY_ONCE) {
            return topic -> new IndividualAcknowledger();
        }
        long delay = TimeUnit.MILLISECONDS.toNanos(sink.acknowledgementDelay());
        return topic ->
                new CumulativeAcknowledger(clock, delay, new SkippedEntries(topic, context));
    }

    /** For the thread that writes. */
    SourcePartition sourcePartition(String topic) {
        return sourcePartitions.ofTopic(topic);
    }

    /** See {@link NativeSink#mark}; for any thread. */
    long[] mark(String topic) {
        return sink.mark(topic.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * What is written comes from a reader of the sink's own, before the source has a consumer:
     * another one says what is acknowledged, and none can be asked to send again.
     */
    void readItself(Function<String, CompletableFuture<MessageId>> acknowledged) {
        this.acknowledged = acknowledged;
    }

    /** Whether all that was written of a topic is committed, as far as is known; once closed. */
    boolean hasCommitted(SourcePartition source) {
        long turn = lock.writeLock();
        try {
            return source.parked.isEmpty() && source.acknowledger.isCommitted();
        } finally {
            lock.unlockWrite(turn);
        }
    }

    /** Called by one thread, as the functions worker does. */
    void write(Record<byte[]> record) throws InterruptedException {
        checkOpen();
        Message<byte[]> message = message(record);
        SourcePartition source = sourcePartitions.ofTopic(message.getTopicName());
        if (source.isLeftOut()) {
            record.ack();
            return;
        }
        if (source.isStopped()) {
            if (!source.isPaused) {
                source.isPaused = true;
                pauseConsumer(source, true);
            }
            return;
        }
        while (!source.parked.isOpen()) {
            if (park(source, record)) {
                return;
            }
            TimeUnit.MILLISECONDS.sleep(FULL_PAUSE_MILLIS);
        }
        packer.read(source, record, message);
        while (!add(packer)) {
            // Until memory is free; the timer's turn
            TimeUnit.MILLISECONDS.sleep(FULL_PAUSE_MILLIS);
        }
    }

    /**
     * Whether the record waits until its source partition goes on. It may not, and all wait, when
     * so many do that the client seems not to pause.
     */
    private boolean park(SourcePartition source, Record<byte[]> record)
            throws InterruptedException {
        long turn = lock.writeLockInterruptibly();
        try {
            checkOpen();
            full = parkedBytes >= MOST_PARKED_BYTES;
            if (full) {
                return false;
            }
            long before = source.parked.bytes();
            boolean parks = source.parked.park(record);
            parkedBytes += source.parked.bytes() - before;
            return parks;
        } finally {
            lock.unlockWrite(turn);
        }
    }

    /** Returns false when there is no room for it now. */
    private boolean add(RecordPacker packed) throws InterruptedException {
        long turn = lock.writeLockInterruptibly();
        try {
            checkOpen();
            full = !append(packed);
            return !full;
        } finally {
            lock.unlockWrite(turn);
        }
    }

    private boolean append(RecordPacker packed) {
        if (packed.isDivided() && !frame.isEmpty() && !tryHandOver()) {
            return false;
        }
        while (!packed.appendTo(frame)) {
            if (!tryHandOver()) {
                return false;
            }
        }
        packed.remember(handOver);
        return true;
    }

    private boolean appendParked(SourcePartition source, Record<byte[]> record) {
        if (source.packerOfParked == null) {
            source.packerOfParked = new RecordPacker(writerSchemas, givesCiphertext);
        }
        if (!source.packerOfParked.isRead(record)) {
            source.packerOfParked.read(source, record, message(record));
        }
        return append(source.packerOfParked);
    }

    /** Hands over what was parked of those that go on, while there is room. */
    private void letParkedGo() {
        for (SourcePartition source : sourcePartitions.all()) {
            if (source.parked.isOpen()) {
                continue;
            }
            long before = source.parked.bytes();
            boolean hasRoom = source.parked.letGo(record -> appendParked(source, record));
            parkedBytes += source.parked.bytes() - before;
            source.acknowledger.pause(!source.parked.isOpen());
            if (!hasRoom) {
                return;
            }
        }
    }

    private static Message<byte[]> message(Record<byte[]> record) {
        return record.getMessage()
                .orElseThrow(() -> new HdfsCsvException("bug", "A record without a message"));
    }

    @Override
    public void pause(int sourcePartition, boolean paused) {
        SourcePartition source = sourcePartitions.ofId(sourcePartition);
        source.parked.pause(paused);
        source.acknowledger.pause(!source.parked.isOpen());
        pauseConsumer(source, paused);
    }

    /** What is fetched already still comes. */
    private void pauseConsumer(SourcePartition source, boolean paused) {
        try {
            // A partition's name is found among the consumers like a topic's
            if (paused) {
                context.pause(source.topic, 0);
            } else {
                context.resume(source.topic, 0);
            }
        } catch (PulsarClientException | RuntimeException e) {
            context.getLogger()
                    .warn(
                            "{}: its consumer cannot be {}: {}. Its records wait in memory.",
                            source.topic,
                            paused ? "paused" : "resumed",
                            e.toString());
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

    private CompletableFuture<MessageId> acknowledged(String topic) {
        Function<String, CompletableFuture<MessageId>> other = acknowledged;
        return other == null
                ? ClientGetters.Subscriptions.acknowledged(context, topic)
                : other.apply(topic);
    }

    @Override
    public void sendAgain(int sourcePartition, Division division) {
        SourcePartition source = sourcePartitions.ofId(sourcePartition);
        if (acknowledged != null) {
            source.isLeftOutByReader = true;
            context.getLogger()
                    .warn("{}: a message has not come to the sink's reader", source.topic);
            return;
        }
        if (closing.get()) {
            return;
        }
        source.acknowledger.divideAt(division);
        String topic = source.topic;
        context.getLogger().warn("{}: the broker is asked to send again what it left out", topic);
        try {
            ClientGetters.Subscriptions.sendAgain(context, topic);
        } catch (ReflectiveOperationException | RuntimeException e) {
            // To the next instance it sends them
            fail(new HdfsCsvException("pulsar", topic + ": the broker cannot be asked: " + e, e));
        }
    }

    @Override
    public void gap(int sourcePartition, Gap gap) {
        boolean isBeforeSubscription =
                !ClientGetters.Subscriptions.areKnown(context)
                        && !gap.hasBeginning()
                        && context.getSinkConfig().getSourceSubscriptionPosition()
                                != SubscriptionInitialPosition.Earliest;
        if (isBeforeSubscription) {
            confirmed(gap.number());
        } else {
            leftOutMessages.lookInto(sourcePartitions.ofId(sourcePartition).topic, gap);
        }
    }

    /**
     * Commits what it can, in less than 10 s whatever the other threads do. Answers are still
     * fetched meanwhile: a batch with dead letters is committed only when the broker has them.
     * Returns whether that is everything.
     */
    boolean close() {
        return close(CLOSE_MILLIS, CLOSE_NATIVE_MILLIS);
    }

    /** The same, with as much time as that where nobody waits. */
    boolean closeWithin(long nativeMillis) {
        return close(nativeMillis + CLOSE_HAND_OVER_MILLIS + CLOSE_LOCK_MILLIS, nativeMillis);
    }

    private boolean close(long millis, long nativeMillis) {
        if (!closing.compareAndSet(false, true)) {
            return false;
        }
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        // The thread that closes is often one that was interrupted to stop it
        boolean interrupted = Thread.interrupted();
        boolean complete = false;
        try {
            complete = handOverRest();
        } catch (InterruptedException e) {
            interrupted = true;
        }
        try {
            complete &= closeNative(end, nativeMillis);
            if (!complete) {
                context.getLogger().warn(NOT_ALL_COMMITTED);
            }
            return complete;
        } finally {
            timer.stop(CLOSE_TIMER_MILLIS);
            writerSchemas.close();
            deadLetters.close();
            leftOutMessages.close();
            reports.end();
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
            clock.tick(System.nanoTime(), !full);
            if (clock.time() - acknowledgedDue >= DUE_NANOS) {
                acknowledgedDue = clock.time();
                sourcePartitions.acknowledgeDue();
            }
            if (!frame.isEmpty() && System.nanoTime() - frame.begun() >= OLD_NANOS) {
                tryHandOver();
            } else {
                answers.fetch(this);
            }
            letParkedGo();
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

    private void confirmed(long number) {
        try {
            sink.confirmed(number);
        } catch (HdfsCsvException e) {
            fail(e);
        }
    }

    private void leftOut(long number) {
        try {
            sink.leftOut(number);
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
                    return sourcePartitions.all().stream().allMatch(each -> each.parked.isEmpty());
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

    private boolean closeNative(long end, long nativeMillis) {
        reports.logs();
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        return sink.close(Math.max(0, Math.min(left, nativeMillis)));
    }
}
