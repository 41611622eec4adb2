//! What is known of records that the broker left out.

use tokio::time::Instant;

use crate::position::Position;

/// A batch has records from behind what the broker left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeftOut {
    /// The first of them.
    pub(super) before: Position,
    pub(super) since: Instant,
}

/// The broker was asked to send again. No record is taken from behind what it left out until that has come, or is known never to
/// come: the broker sends those again, too.
#[derive(Clone, Copy, Debug)]
pub(super) struct AskedFor {
    /// The first record that came behind what was left out.
    pub(super) before: Position,
    /// Since when no record is taken from behind it.
    pub(super) began: Instant,
    /// When the broker, or Java about the gap, was asked last.
    pub(super) since: Instant,
    /// How often the broker was asked, and sent only what is behind.
    pub(super) asks: u32,
    /// Whether it has begun to send again.
    pub(super) comes_again: bool,
    /// Whether a record from behind was left since: a consumer that is not the active one gets none.
    pub(super) leaves: bool,
    /// How often Java was asked about the gap since.
    pub(super) looks: u32,
    /// After so many the broker is asked again: perhaps it has left out the same once more. What never comes needs fewer, unless
    /// acknowledgements wait for long; so each time it is twice as many.
    pub(super) most_looks: u32,
    /// The number of a question what stands in the gap now.
    pub(super) question: Option<u64>,
}

/// Which records of a part were not taken, because the broker is to send them again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeftToBroker {
    pub(super) any: bool,
    pub(super) not_all: bool,
    pub(super) last: bool,
}

impl LeftToBroker {
    /// The next record is left, or not.
    pub(super) fn note(&mut self, is_left: bool) {
        (self.any, self.not_all, self.last) = (self.any | is_left, self.not_all | !is_left, is_left);
    }
}

#[cfg(test)]
impl LeftOut {
    /// What decides what follows, but for the time.
    pub(super) fn without_time(self) -> Position {
        self.before
    }
}

#[cfg(test)]
impl AskedFor {
    /// What decides what follows, but for the time.
    pub(super) fn without_time(self) -> (Position, [u32; 3], [bool; 2], Option<u64>) {
        let counts = [self.asks, self.looks, self.most_looks];
        (self.before, counts, [self.comes_again, self.leaves], self.question)
    }
}
