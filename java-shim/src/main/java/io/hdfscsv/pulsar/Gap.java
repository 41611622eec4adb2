package io.hdfscsv.pulsar;

import java.util.Optional;

/**
 * Entries of a source partition that did not come, between two that did. Nothing behind it is
 * committed before it is confirmed that no message stands there which still has to come.
 *
 * @param number what it is confirmed under
 * @param hasBeginning whether anything came before it; without, it begins with the topic
 * @param ledger of the entry that came before
 * @param nextLedger of the entry that came behind
 */
record Gap(
        long number,
        boolean hasBeginning,
        long ledger,
        long entry,
        long nextLedger,
        long nextEntry) {
    /** Whether a position is in it. */
    boolean holds(MessagePosition position) {
        return (!hasBeginning || position.isBehind(ledger, entry))
                && !position.isAtOrBehind(nextLedger, nextEntry);
    }

    /** What of it is behind a position; nothing if no entry is. */
    Optional<Gap> behind(MessagePosition position) {
        if (position.isAtOrBehind(nextLedger, nextEntry)) {
            return Optional.empty();
        }
        if (position.ledger() < 0 || !holds(position)) {
            return Optional.of(this);
        }
        boolean isLast = position.ledger() == nextLedger && position.entry() + 1 == nextEntry;
        return isLast
                ? Optional.empty()
                : Optional.of(
                        new Gap(
                                number,
                                true,
                                position.ledger(),
                                position.entry(),
                                nextLedger,
                                nextEntry));
    }

    /** Whether it ends at or before a position. */
    boolean endsAt(MessagePosition position) {
        return position.isAtOrBehind(nextLedger, nextEntry);
    }
}
