//! Health: what keeps a source partition from getting on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// Why a source partition does not get on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeldBack {
    /// What it does again and again, or waits for.
    pub(crate) what: &'static str,
    /// Why that does not succeed; empty while it only waits.
    pub(crate) reason: String,
    /// Since when.
    pub(crate) since: Instant,
    /// When it is tried again; none while it only waits.
    pub(crate) next_attempt: Option<Instant>,
}

/// What a source partition waits for. Its owner and its commit can wait at the same time.
#[derive(Debug, Default)]
pub(crate) struct Health {
    waits: Mutex<BTreeMap<u64, HeldBack>>,
}

impl Health {
    /// Begins to wait, until the answer is dropped.
    pub(crate) fn wait(&self, what: &'static str) -> Wait<'_> {
        let since = Instant::now();
        let mut waits = self.waits();
        let number = waits.last_key_value().map_or(0, |(number, _)| number + 1);
        waits.insert(number, HeldBack { what, reason: String::new(), since, next_attempt: None });
        Wait { health: self, number, since }
    }

    /// The wait that has lasted longest, of the calls that fail if one does.
    pub(crate) fn held_back(&self) -> Option<HeldBack> {
        let waits = self.waits();
        waits.values().min_by_key(|held_back| (held_back.next_attempt.is_none(), held_back.since)).cloned()
    }

    /// Since when each of the calls fails that are tried again.
    pub(crate) fn failing_since(&self) -> Vec<Instant> {
        let waits = self.waits();
        waits.values().filter(|held_back| held_back.next_attempt.is_some()).map(|held_back| held_back.since).collect()
    }

    fn waits(&self) -> MutexGuard<'_, BTreeMap<u64, HeldBack>> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait, until it is dropped.
#[derive(Debug)]
pub(crate) struct Wait<'h> {
    health: &'h Health,
    number: u64,
    /// When it began.
    pub(crate) since: Instant,
}

impl Wait<'_> {
    /// What it waits for was tried and did not succeed.
    pub(crate) fn failed(&self, reason: String, next_attempt: Instant) {
        if let Some(held_back) = self.health.waits().get_mut(&self.number) {
            held_back.reason = reason;
            held_back.next_attempt = Some(next_attempt);
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.health.waits().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_waits_the_longest_holds_back_and_a_call_that_fails_before_one_that_does_not() {
        let health = Health::default();
        assert_eq!(health.held_back(), None);
        let [schema, loading, committing] = ["schema", "loading", "committing"].map(|what| health.wait(what));
        let later = health.wait("later");
        let what = || health.held_back().map(|held_back| held_back.what);
        assert!(health.failing_since().is_empty());
        later.failed("HDFS is away".to_owned(), Instant::now());
        assert_eq!((what(), health.failing_since()), (Some("later"), vec![later.since]));
        committing.failed("HDFS is away".to_owned(), Instant::now());
        assert_eq!(what(), Some("committing"));
        drop((committing, later));
        assert_eq!(what(), Some("schema"));
        drop((schema, loading));
        assert_eq!(what(), None);
    }
}
