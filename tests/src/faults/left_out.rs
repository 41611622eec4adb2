//! Messages that are not to be rows: those without a value, and bad records.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::topic::StoredMessage;
use serde_json::json;

use crate::letters::all_letters;
use crate::namespace::Namespace;

/// What small bad records begin with: a number that does not end.
pub(super) const BAD: [u8; 16] = [0xff; 16];
/// Bytes of a large one: more than the broker takes, but for its compression.
pub(super) const TOO_LARGE: usize = 8_000_000;

/// The messages of a topic that are not to be rows.
pub struct LeftOut {
    /// Their positions, JSON lines, as the oracle reads them.
    pub positions: PathBuf,
    /// How many have no value.
    pub without_value: u64,
    /// The positions of the bad records.
    bad: BTreeSet<String>,
}

impl LeftOut {
    /// Those of an event's topic.
    pub fn of(namespace: &Namespace<'_>, kind: EventKind) -> Result<LeftOut> {
        let positions = namespace.services.scratch("left-out.jsonl");
        let mut file = BufWriter::new(File::create(&positions).with_context(|| format!("{}", positions.display()))?);
        let (mut without_value, mut bad) = (0, BTreeSet::new());
        for message in namespace.read(kind)? {
            let position = message.position;
            if message.payload.is_empty() {
                without_value += 1;
            } else if is_bad(&message) {
                bad.insert(format!("{}:{}:{}", position.ledger, position.entry, position.batch_index));
            } else {
                continue;
            }
            let line = json!({
                "topic": namespace.topic(kind),
                "ledger": position.ledger,
                "entry": position.entry,
                "batch_index": position.batch_index,
            });
            writeln!(file, "{line}")?;
        }
        file.flush()?;
        Ok(LeftOut { positions, without_value, bad })
    }

    /// How many are bad records.
    pub fn bad_records(&self) -> u64 {
        self.bad.len() as u64
    }

    /// How many bad records are not in the topic of a sink's dead letters.
    pub fn without_letter(&self, namespace: &Namespace<'_>, letters: &str) -> Result<u64> {
        if self.bad.is_empty() {
            return Ok(0);
        }
        let letters = all_letters(namespace.services, letters)?;
        let sent: BTreeSet<&str> = letters.iter().filter_map(|letter| letter.position()).collect();
        Ok(self.bad.iter().filter(|position| !sent.contains(position.as_str())).count() as u64)
    }
}

fn is_bad(message: &StoredMessage) -> bool {
    message.payload.starts_with(&BAD) || message.payload.len() == TOO_LARGE
}
