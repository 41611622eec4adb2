//! What the protocol does to be safe, by name: a test that switches one of them off shows what it is good for
//! (`owner::systematic`). Outside of tests all are on, and the compiler sees nothing of this. Those that are a property of storage
//! calls are switched off in that test's storage; the others in a small predicate with a name, beside the code that asks it.

/// A safeguard of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safeguard {
    /// A staged file is hsynced before it is closed.
    #[cfg(test)]
    Hsync,
    /// A staged file whose writing failed is never written again.
    Poisoning,
    /// The length that the NameNode reports is checked after the close.
    #[cfg(test)]
    Length,
    /// The manifest's rename does not overwrite.
    #[cfg(test)]
    PutIfAbsent,
    /// A manifest's rename without an answer is settled by reading.
    Settle,
    /// A manifest at one's sequence is one's own only if its nonce is.
    Nonce,
    /// A manifest counts only if it is the newest after it was put.
    Check,
    /// The next commit waits until the renames of the one before are done.
    #[cfg(test)]
    Publish,
    /// After a lost race what lies above the new mark is staged again.
    Restage,
    /// What is not in memory any more is left to the owner that won the race, and waited for.
    Abandon,
    /// A load lists again after it has read.
    Relist,
    /// A load finishes the newest manifest's renames.
    Redo,
    /// Cleaning leaves files of later sequences alone.
    CleanBySequence,
    /// Records at or below the mark are dropped.
    Drop,
    /// Dropped duplicates are acknowledged.
    AcknowledgeDuplicates,
    /// A record at or below the last one accepted is a rewind.
    Rewind,
    /// A record whose predecessor was dropped is not accepted.
    FirstDropped,
    /// Nothing behind a gap is committed before it is known what stands in it.
    Gaps,
    /// The old bytes of a fold are what the manifest says.
    FoldCheck,
    /// A table of another sink is refused.
    Identity,
}

/// Whether it is on.
#[cfg(not(test))]
pub(crate) const fn is_on(_: Safeguard) -> bool {
    true
}

#[cfg(test)]
pub(crate) use switch::{is_on, without};

#[cfg(test)]
mod switch {
    use crate::safeguard::Safeguard;
    use std::cell::Cell;

    thread_local! {
        static OFF: Cell<&'static [Safeguard]> = const { Cell::new(&[]) };
    }

    pub(crate) fn is_on(safeguard: Safeguard) -> bool {
        !OFF.get().contains(&safeguard)
    }

    /// Does something with these off, in this thread.
    pub(crate) fn without<T>(safeguards: &'static [Safeguard], what: impl FnOnce() -> T) -> T {
        OFF.set(safeguards);
        let done = what();
        OFF.set(&[]);
        done
    }
}
