//! The memory of rows: records wait while those that are rows already have their share of it. A record of a few bytes can be a row
//! of many, so that what waits says nothing of what becomes of it.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::budget::Budget;

/// How much of the memory rows may take before records wait, in hundredths. Some is left for these.
const MOST: usize = 75;
/// The same for source partitions whose commits fail or do not end: their rows stay, and the rest is for those that get on.
const MOST_OF_WHO_WAITS: usize = 50;
/// How long to wait at most before looking again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Counts the rows of all batches until the DataNodes have them.
#[derive(Debug)]
pub(crate) struct RowMemory {
    budget: Budget,
    wanted: Notify,
}

impl RowMemory {
    /// A part of this budget.
    pub(crate) fn new(budget: &Budget) -> Self {
        RowMemory { budget: budget.part(), wanted: Notify::new() }
    }

    /// What counts them.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether the records of a source partition are to wait that gets on, or does not.
    pub(crate) fn is_short(&self, gets_on: bool) -> bool {
        self.budget.is_used_to(if gets_on { MOST } else { MOST_OF_WHO_WAITS })
    }

    /// Asks for memory, and waits until some is given back or it is time to look again. One that does not get on only looks again:
    /// it must be woken in the place of no other.
    pub(crate) async fn wait(&self, gets_on: bool) {
        if !gets_on {
            return sleep(LOOK_AGAIN).await;
        }
        self.wanted.notify_one();
        let _ = timeout(LOOK_AGAIN, self.budget.given_back()).await;
    }

    /// Lets the next one that waits look: there may be memory for that, too.
    pub(crate) fn pass_on(&self) {
        if !self.is_short(true) {
            self.budget.wake_one();
        }
    }

    /// Waits until somebody asks for memory.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }
}
