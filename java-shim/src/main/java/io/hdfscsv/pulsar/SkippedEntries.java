package io.hdfscsv.pulsar;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.apache.pulsar.io.core.SinkContext;

/**
 * Entries of one source partition that the client had and did not give to the sink. Chunks of a
 * message come with the message; what is left after a time is counted and told: it may be a record
 * that is lost. Used under one lock.
 */
final class SkippedEntries {
    /** Counts entries that never came. */
    static final String ENTRIES = "entries_skipped_total";

    /** Counts messages whose first chunk had been acknowledged when they came. */
    static final String LATE = "chunked_messages_late_total";

    private static final long BETWEEN_WARNINGS = TimeUnit.HOURS.toNanos(1);

    /** Gaps that fall due so close to each other are one. */
    private static final long TOGETHER = TimeUnit.SECONDS.toNanos(1);

    /** One gap, or several that fall due together. */
    private static final class Missing {
        final long due;
        long count;

        // The entry that came behind the last one
        long ledger;
        long entry;

        Missing(long due) {
            this.due = due;
        }
    }

    private final String topic;
    private final SinkContext context;
    private final Deque<Missing> gaps = new ArrayDeque<>();
    private long untold;
    private long nextWarning = Long.MIN_VALUE;

    /**
     * @param topic the source partition's
     */
    SkippedEntries(String topic, SinkContext context) {
        this.topic = topic;
        this.context = context;
    }

    /**
     * Entries between one that came and the next one.
     *
     * @param ledger of the one before; negative when none came before
     * @param next of the one that came behind them, read last
     * @param due when they are missing for good
     */
    void skipped(long ledger, long entry, MessagePosition next, long due) {
        // How many there are at a ledger's end, and before the first one, nobody says
        long count =
                ledger < 0 ? 0 : next.ledger() == ledger ? next.entry() - entry - 1 : next.entry();
        if (count == 0) {
            return;
        }
        Missing gap = gaps.peekLast();
        if (gap == null || due - gap.due >= TOGETHER) {
            gap = new Missing(due);
            gaps.addLast(gap);
        }
        gap.count += count;
        gap.ledger = next.ledger();
        gap.entry = next.entry();
    }

    /**
     * A message came whose chunks were skipped, all but the last one.
     *
     * @param position the message's, read last
     * @param late whether its first chunk has been acknowledged already
     */
    void cameInChunks(MessagePosition position, boolean late) {
        long others = position.chunks() - 1;
        for (Missing gap : gaps) {
            boolean isBehindFirst =
                    gap.ledger > position.firstLedger()
                            || gap.ledger == position.firstLedger()
                                    && gap.entry > position.firstEntry();
            if (isBehindFirst) {
                long explained = Math.min(gap.count, others);
                gap.count -= explained;
                others -= explained;
            }
        }
        if (late) {
            context.recordMetric(LATE, 1);
            context.getLogger()
                    .error(
                            "{}: the message in chunks {}:{} to {}:{} took so long to come that its"
                                    + " first chunk had been acknowledged before. It is not lost,"
                                    + " but would have been in a crash. Set chunkedMessageTimeout"
                                    + " above the time that a producer takes to send a message.",
                            topic,
                            position.firstLedger(),
                            position.firstEntry(),
                            position.ledger(),
                            position.entry());
        }
    }

    /** Tells what has not come in time. */
    void tellDue(long now) {
        while (!gaps.isEmpty() && gaps.peekFirst().due <= now) {
            Missing gap = gaps.removeFirst();
            if (gap.count > 0) {
                tell(gap, now);
            }
        }
    }

    private void tell(Missing gap, long now) {
        context.recordMetric(ENTRIES, gap.count);
        untold += gap.count;
        if (now < nextWarning) {
            return;
        }
        context.getLogger()
                .warn(
                        "{}: {} entries before {}:{} were skipped: no message has come that they are a"
                                + " part of. Where producers use transactions, or the topic was"
                                + " compacted, they are no records. Else a message in chunks can be"
                                + " missing: docs/operate/runbook.md, \"Entries were skipped\".",
                        topic,
                        untold,
                        gap.ledger,
                        gap.entry);
        untold = 0;
        nextWarning = now + BETWEEN_WARNINGS;
    }
}
