//! Which tables the metastore must be told of, and when.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::layout::TableLayout;

/// Connections at a time: so many tables, less one, can take long without holding up the others.
const AT_ONCE: usize = 8;

/// What the metastore was told of a table.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) version: u64,
    pub(super) directories: HashSet<String>,
    /// When.
    pub(super) told: Option<Instant>,
}

/// A table that the metastore must be told of.
#[derive(Debug)]
pub(super) struct Pending {
    /// How often it was marked: a mark that comes while the table is compared is not lost.
    pub(super) marks: u64,
    pub(super) attempts: u32,
    pub(super) due: Instant,
}

/// What the metastore knows, and what it must be told of.
#[derive(Debug)]
pub(super) struct State {
    pub(super) known: HashMap<TableLayout, Known>,
    pub(super) pending: BTreeMap<TableLayout, Pending>,
    /// Those of them that are being compared, and when one was begun last.
    pub(super) under_way: HashSet<TableLayout>,
    pub(super) begun: Instant,
    /// Whether a connection is being made.
    pub(super) connecting: bool,
    /// Attempts in a row that did not reach a metastore, and when the next one is made.
    pub(super) unreached: u32,
    pub(super) not_before: Instant,
}

impl State {
    /// Nothing is known yet, and nothing is to be told.
    pub(super) fn new(now: Instant) -> Self {
        State {
            known: HashMap::new(),
            pending: BTreeMap::new(),
            under_way: HashSet::new(),
            begun: now,
            connecting: false,
            unreached: 0,
            not_before: now,
        }
    }

    /// When a round is to begin beside so many others; none when nothing is to be done.
    pub(super) fn next_round(&self, others: usize, patience: Duration) -> Option<Instant> {
        if self.connecting || others == AT_ONCE {
            return None;
        }
        let waiting = self.pending.iter().filter(|(table, _)| !self.under_way.contains(*table));
        let due = waiting.map(|(_, pending)| pending.due).min()?.max(self.not_before);
        Some(if others == 0 { due } else { due.max(self.begun + patience) })
    }

    /// Begins with the table that has been due for longest, and says how often it was marked. One that was tried and failed
    /// comes behind those that wait.
    pub(super) fn begin(&mut self, now: Instant) -> Option<(TableLayout, u64)> {
        let waiting = self.pending.iter().filter(|(table, _)| !self.under_way.contains(*table));
        let due = waiting.filter(|(_, pending)| pending.due <= now).min_by_key(|(_, pending)| pending.due);
        let (table, marks) = due.map(|(table, pending)| (table.clone(), pending.marks))?;
        self.under_way.insert(table.clone());
        self.begun = now;
        Some((table, marks))
    }
}
