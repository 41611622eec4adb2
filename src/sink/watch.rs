//! Watches which source partitions are held back or stopped: says so, and has Java fetch no more of their records meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, interval};

use crate::budget::Budget;
use crate::hand_over::answers::Answers;
use crate::owner::health::HeldBack;
use crate::owner::shared::Shared;
use crate::sink::ailing::Ailing;
use crate::sink::pace::Pace;
use crate::sink::status::StatusWriter;
use crate::sink::{Handle, SourcePartitions};
use crate::storage::Storage;

/// Calls that fail for less long are nobody's business: most succeed soon.
const FAILING: Duration = Duration::from_secs(5);
/// What neither fails nor ends for less long is only slow.
const WAITING: Duration = Duration::from_secs(10);
/// When half of the memory is used, the rest is for those that get on: those whose calls fail, or that wait, for so long get no
/// more records.
const FAILING_AT_HALF: Duration = Duration::from_millis(500);
const WAITING_AT_HALF: Duration = Duration::from_secs(2);
/// When only this part is left, nobody gets more who waits for anything: most commits end in time for it to matter to nobody.
const LAST_PART: usize = 4;
/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// How often it says again what has not changed.
const REMIND: Duration = Duration::from_secs(300);
/// In so many looks once it asks again for each pause: the client makes consumers anew.
const PAUSE_AGAIN: u32 = 10;
/// So many lines of one look are written, and of the others their number.
const MOST_LINES: usize = 20;

impl Handle {
    /// What holds it back, if that is worth a word.
    fn held_back(&self) -> Option<HeldBack> {
        let held_back = self.health.held_back()?;
        let limit = if held_back.next_attempt.is_some() { FAILING } else { WAITING };
        (held_back.since.elapsed() >= limit).then_some(held_back)
    }
}

impl SourcePartitions {
    /// Those that do not get on.
    pub(super) fn ailing(&self) -> Ailing {
        let held_back = self.handles.iter().filter_map(|handle| Some((handle.topic.clone(), handle.held_back()?)));
        Ailing { held_back: held_back.collect(), stopped: self.stopped.clone() }
    }

    /// Has Java fetch no more of those that do not get on, because memory is short: at half of the bound.
    pub(super) fn pause_waiting(&self, answers: &Answers, budget: &Budget) {
        let is_last = budget.bound() - budget.claimed().min(budget.bound()) < budget.bound() / LAST_PART;
        self.pause(answers, |handle| handle.health.held_back().is_some_and(|own| waits_for_long(&own, is_last)));
    }

    fn pause(&self, answers: &Answers, waits: impl Fn(&Handle) -> bool) {
        for (handle, id) in self.handles.iter().zip(0..) {
            if waits(handle) {
                handle.state.pause(true, id, answers);
            }
        }
    }

    /// Each does so by itself; but one that waits no longer can have been found to wait just before.
    fn resume(&self, answers: &Answers) {
        for (handle, id) in self.handles.iter().zip(0..) {
            if handle.health.held_back().is_none() {
                handle.state.pause(false, id, answers);
            }
        }
    }

    fn pause_again(&self, answers: &Answers) {
        for (handle, id) in self.handles.iter().zip(0..) {
            handle.state.pause_again(id, answers);
        }
    }
}

/// Whether it has waited for so long that the rest of the memory is for others. Of the last part nobody has more who waits.
pub(super) fn waits_for_long(own: &HeldBack, is_last: bool) -> bool {
    let is_failing = own.next_attempt.is_some();
    own.since.elapsed() >= if is_failing || is_last { FAILING_AT_HALF } else { WAITING_AT_HALF }
}

/// Watches for ever.
pub(super) async fn watch<S: Storage>(
    shared: Arc<Shared<S>>,
    all: Arc<Mutex<SourcePartitions>>,
    mut status: StatusWriter,
    pace: Pace,
) {
    let mut told = Told::default();
    let mut ticks = interval(EVERY);
    for look in 0u32.. {
        ticks.tick().await;
        let (topics, ailing) = {
            let all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.pause(&shared.answers, |handle| handle.held_back().is_some());
            all.resume(&shared.answers);
            if look.is_multiple_of(PAUSE_AGAIN) {
                all.pause_again(&shared.answers);
            }
            (all.handles.iter().map(|handle| handle.topic.clone()).collect::<Vec<_>>(), all.ailing())
        };
        told.tell(&ailing);
        status.write(&shared, &topics, &ailing);
        pace.look(&shared).await;
    }
}

/// What has been told, by topic.
#[derive(Debug, Default)]
struct Told {
    /// Since when each is held back, and when that was told last.
    held_back: HashMap<String, (Instant, Option<Instant>)>,
    stopped: HashMap<String, Option<Instant>>,
}

impl Told {
    fn tell(&mut self, ailing: &Ailing) {
        let now = Instant::now();
        let mut lines = Lines::default();
        for (topic, held_back) in &ailing.held_back {
            let (_, told) = self.held_back.entry(topic.clone()).or_insert((held_back.since, None));
            if is_due(told, now) {
                lines.held_back(topic, held_back);
            }
        }
        self.held_back.retain(|topic, (since, _)| {
            let is_held_back = ailing.held_back.contains_key(topic);
            if !is_held_back {
                lines.goes_on(topic, *since);
            }
            is_held_back
        });
        for (topic, reason) in &ailing.stopped {
            if is_due(self.stopped.entry(topic.clone()).or_default(), now) {
                lines.stopped(topic, reason);
            }
        }
    }
}

/// Whether it is to be told now, which is taken note of.
fn is_due(told: &mut Option<Instant>, now: Instant) -> bool {
    let is_due = told.is_none_or(|told| now - told >= REMIND);
    if is_due {
        *told = Some(now);
    }
    is_due
}

/// The lines of one look.
#[derive(Debug, Default)]
struct Lines {
    count: usize,
}

impl Lines {
    fn held_back(&mut self, topic: &str, held_back: &HeldBack) {
        let HeldBack { what, reason, since, .. } = held_back;
        let for_seconds = since.elapsed().as_secs();
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        self.write(|| {
            tracing::warn!(
                topic,
                for_seconds,
                "this source partition is held back, {what}{why}; nothing is lost, it goes on by itself, and the others go on"
            );
        });
    }

    fn goes_on(&mut self, topic: &str, since: Instant) {
        let after_seconds = since.elapsed().as_secs();
        self.write(|| tracing::info!(topic, after_seconds, "this source partition goes on"));
    }

    fn stopped(&mut self, topic: &str, reason: &str) {
        self.write(|| tracing::error!(topic, "this topic is left out, and the others go on: {reason}"));
    }

    fn write(&mut self, line: impl FnOnce()) {
        self.count += 1;
        if self.count <= MOST_LINES {
            line();
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Some(more @ 1..) = self.count.checked_sub(MOST_LINES) {
            tracing::warn!(
                more,
                "other source partitions are held back, left out, or go on, too: `hdfs-csv status` lists them"
            );
        }
    }
}
