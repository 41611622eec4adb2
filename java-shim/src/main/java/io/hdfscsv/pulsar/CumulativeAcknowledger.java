package io.hdfscsv.pulsar;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.functions.api.Record;

/**
 * Acknowledges the last committed record, which speaks for all that precede it. A batch is
 * acknowledged up to a hand-over's edge, so the last record of each hand-over is enough.
 *
 * <p>It speaks for chunks, too, whose message has not come: they would not be sent again after a
 * crash, and the message would be lost. So nothing behind a message's first chunk is acknowledged
 * before the message is committed. A chunk that the client has, and the sink not yet, is an entry
 * that was skipped: behind such a one an acknowledgement waits as long as the rest of a message may
 * take. Without a gap it waits for nothing but the commit.
 */
final class CumulativeAcknowledger implements Acknowledger {
    /** Payloads of committed records that wait; the first and the last may be larger. */
    private static final long MOST_HELD_BYTES = 1 << 20;

    private static final class Pending {
        final long handOver;
        Record<byte[]> record;
        long ledger;
        long entry;

        /** What must be committed before: its hand-over, or that of a message begun before it. */
        long needs;

        /** When, on the reading clock, no message is left that may have begun before it. */
        long due;

        Pending(long handOver) {
            this.handOver = handOver;
            needs = handOver;
        }

        boolean isAtOrBehind(long otherLedger, long otherEntry) {
            return ledger > otherLedger || (ledger == otherLedger && entry >= otherEntry);
        }

        long bytes() {
            return record.getMessage().map(Message::size).orElse(0);
        }
    }

    private final SourceClock clock;
    private final long delay;
    private final SkippedEntries skipped;

    /** Not known to be committed. */
    private final Deque<Pending> pending = new ArrayDeque<>();

    /** Committed, but not yet acknowledged. */
    private final Deque<Pending> held = new ArrayDeque<>();

    private long heldBytes;
    private long committed;

    // The entry that came last
    private long ledger = -1;
    private long entry = -1;
    private long due;

    private Division division;

    // The entry acknowledged last
    private long acknowledgedLedger = -1;
    private long acknowledgedEntry = -1;

    /**
     * @param delay how long an acknowledgement waits behind an entry that was skipped, in
     *     nanoseconds of the clock
     * @param skipped is told of entries that were skipped, and of messages that fill gaps
     */
    CumulativeAcknowledger(ReadingClock clock, long delay, SkippedEntries skipped) {
        this.clock = new SourceClock(clock);
        this.delay = delay;
        this.skipped = skipped;
    }

    @Override
    public void remember(long handOver, Record<byte[]> record, MessagePosition position) {
        if (position.entry() != entry || position.ledger() != ledger) {
            beginEntry(handOver, position);
        }
        Pending last = pending.peekLast();
        if (last == null || last.handOver != handOver) {
            last = new Pending(handOver);
            pending.addLast(last);
        }
        last.record = record;
        last.ledger = ledger;
        last.entry = entry;
        last.due = due;
    }

    @Override
    public void divideAt(Division other) {
        division = other;
    }

    @Override
    public boolean isDivided(MessagePosition position) {
        return division != null
                && position.isAtOrBehind(division.ledger(), division.entry())
                && (ledger < division.ledger()
                        || ledger == division.ledger() && entry < division.entry());
    }

    @Override
    public void committed(long handOver) {
        committed = Math.max(committed, handOver);
        Pending last = null;
        while (!pending.isEmpty() && pending.peekFirst().handOver <= handOver) {
            // Only the last one: records before it may have come again since
            last = pending.removeFirst();
        }
        if (last != null) {
            hold(last);
        }
        acknowledgeDue();
    }

    @Override
    public void acknowledgeDue() {
        long now = clock.time();
        skipped.tellDue(now);
        Pending last = null;
        while (!held.isEmpty()
                && held.peekFirst().needs <= committed
                && held.peekFirst().due <= now) {
            last = held.removeFirst();
            heldBytes -= last.bytes();
        }
        if (last != null) {
            last.record.ack();
            acknowledgedLedger = last.ledger;
            acknowledgedEntry = last.entry;
        }
    }

    @Override
    public void pause(boolean paused) {
        if (paused) {
            clock.pause();
        } else {
            clock.resume();
        }
    }

    @Override
    public boolean isCommitted() {
        return pending.isEmpty();
    }

    @Override
    public int size() {
        return pending.size() + held.size();
    }

    private void beginEntry(long handOver, MessagePosition position) {
        if (position.ledger() != ledger || position.entry() != entry + 1) {
            due = clock.time() + delay;
            if (position.isBehind(ledger, entry)) {
                skipped.skipped(ledger, entry, position, due);
            } else {
                comesAgain();
            }
        }
        if (position.isChunked()) {
            needsMessage(position, handOver);
            skipped.cameInChunks(
                    position,
                    acknowledgedLedger > position.firstLedger()
                            || acknowledgedLedger == position.firstLedger()
                                    && acknowledgedEntry >= position.firstEntry());
        }
        ledger = position.ledger();
        entry = position.entry();
    }

    /**
     * The broker sends again what was not acknowledged: so do messages in chunks come again, which
     * were here and perhaps are not committed.
     */
    private void comesAgain() {
        held.clear();
        heldBytes = 0;
        pending.forEach(each -> each.due = due);
    }

    /** What stands behind a message's first chunk waits for the commit of the message. */
    private void needsMessage(MessagePosition chunked, long handOver) {
        for (Deque<Pending> all : List.of(held, pending)) {
            for (Pending each : all) {
                if (each.isAtOrBehind(chunked.firstLedger(), chunked.firstEntry())) {
                    each.needs = Math.max(each.needs, handOver);
                }
            }
        }
    }

    private void hold(Pending next) {
        Pending last = held.peekLast();
        if (last != null && (last.due == next.due || isTooMuchWith(next))) {
            held.removeLast();
            heldBytes -= last.bytes();
            next.needs = Math.max(next.needs, last.needs);
        }
        held.addLast(next);
        heldBytes += next.bytes();
    }

    /** The first one stays, or a steady stream would never be acknowledged. */
    private boolean isTooMuchWith(Pending next) {
        return held.size() > 1 && heldBytes + next.bytes() > MOST_HELD_BYTES;
    }
}
