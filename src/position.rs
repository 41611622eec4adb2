//! The position of a record in its source partition.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a record stands in its source partition. Totally ordered there: by ledger, then entry, then batch index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Position {
    /// The BookKeeper ledger.
    pub ledger: u64,
    /// The entry in the ledger.
    pub entry: u64,
    /// The message in the entry's producer batch; 0 for a message that was not batched.
    pub batch_index: u32,
}

impl Position {
    /// Whether no entry can stand between this one and an earlier one. After a ledger's end nobody knows.
    pub(crate) fn is_next_to(self, earlier: Position) -> bool {
        self.ledger == earlier.ledger && self.entry.saturating_sub(1) <= earlier.entry
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.ledger, self.entry, self.batch_index)
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

/// A text that is not `ledger:entry:batch index`.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a position; one looks like `12:345:0` (ledger:entry:batch index)")]
pub struct InvalidPosition(String);

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let mut part = || parts.next().ok_or(());
        let parsed = (|| {
            let position = Position {
                ledger: part()?.parse().map_err(drop)?,
                entry: part()?.parse().map_err(drop)?,
                batch_index: part()?.parse().map_err(drop)?,
            };
            part().is_err().then_some(position).ok_or(())
        })();
        parsed.map_err(|()| InvalidPosition(text.to_owned()))
    }
}

impl TryFrom<String> for Position {
    type Error = InvalidPosition;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_position_comes_back_from_its_text(ledger: u64, entry: u64, batch_index: u32) {
            let position = Position { ledger, entry, batch_index };
            prop_assert_eq!(position.to_string().parse::<Position>().unwrap(), position);
        }
    }

    #[test]
    fn the_next_entry_is_next_to_one_also_at_the_end_of_all_numbers() {
        let at = |entry| Position { ledger: 1, entry, batch_index: 0 };
        for (later, earlier, is_next) in
            [(0, 0, true), (1, 0, true), (2, 0, false), (u64::MAX, u64::MAX, true), (u64::MAX, 0, false)]
        {
            assert_eq!(at(later).is_next_to(at(earlier)), is_next, "{later} {earlier}");
        }
    }

    #[test]
    fn a_text_with_too_few_or_too_many_parts_is_refused() {
        for text in ["", "1", "1:2", "1:2:3:4", "a:2:3", "1:2:-1"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
