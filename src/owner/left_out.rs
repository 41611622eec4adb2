//! Left out: records that the broker passed over when it sent others. Nothing behind them is committed; it is asked to send all
//! of them again.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::owner::state::Owner;
use crate::position::Position;
use crate::storage::Storage;

/// How long the broker has to send what it left out by itself, and then when it is asked to. It goes back a second after it has
/// changed the active consumer (`activeConsumerFailoverDelayTimeMillis`), and the records that it sent before come first.
const LIMIT: Duration = Duration::from_secs(10);

/// A batch waits for what the broker left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeftOut {
    /// The first record that came behind it.
    before: Position,
    /// Since when it is known, or asked for.
    since: Instant,
    /// Whether the broker was asked to send again.
    asked: bool,
}

#[cfg(test)]
impl LeftOut {
    /// What decides what follows, but for the time.
    pub(super) fn without_time(self) -> (Position, bool) {
        (self.before, self.asked)
    }
}

/// What the broker was asked to send again.
#[derive(Clone, Copy, Debug)]
pub(super) struct SentAgain {
    /// The first record that came behind what was left out.
    before: Position,
    /// Whether what precedes it has been committed apart, if that could be done.
    divided: bool,
}

impl<S: Storage> Owner<S> {
    /// Notes that a record stands in the gap of this number, unless the batch with the record behind it was dropped.
    pub(crate) fn note_left_out(&mut self, number: u64) {
        let Some(&before) = self.batch.unconfirmed.get(&number) else { return };
        match &mut self.batch.left_out {
            Some(left_out) => left_out.before = left_out.before.min(before),
            None => {
                self.batch.left_out = Some(LeftOut { before, since: Instant::now(), asked: false });
                tracing::warn!(
                    topic = %self.topic, %before, "the broker left out records, and is waited for to send all of them again"
                );
            }
        }
    }

    /// When the broker has had its time to send what it left out; none while nothing is.
    pub(crate) fn left_out_due(&self) -> Option<Instant> {
        let left_out = self.batch.left_out?;
        // What is kept from the subscription never comes. It counts as acknowledged once everything before it is, and that
        // waits as long as a message in chunks may take.
        let comes_never = !left_out.asked && self.sent_again.is_some_and(|again| again.before == left_out.before);
        let delay = if comes_never { self.shared.acknowledgement_delay } else { Duration::ZERO };
        Some(left_out.since + delay + LIMIT)
    }

    /// Asks the broker to send again from what is acknowledged on. If it does not, the instance ends: to a new consumer it does.
    pub(crate) fn ask_for_left_out(&mut self) -> Result<()> {
        let Some(left_out) = &mut self.batch.left_out else { return Ok(()) };
        if left_out.asked {
            return Err(Error::new(
                ErrorKind::Storage,
                format_args!(
                    "the broker left out records of {} and sent others, from {} on, and did not send all of them again when it was \
                     asked to, so this instance ends and the broker sends them to the next one; nothing is lost",
                    self.topic, left_out.before
                ),
            ));
        }
        (left_out.asked, left_out.since) = (true, Instant::now());
        self.sent_again = Some(SentAgain { before: left_out.before, divided: false });
        self.shared.answers.send_again(self.id);
        Ok(())
    }

    /// Whether what was left out before this record, at the end of a gap, keeps records from being committed that precede it.
    pub(super) fn is_to_divide(&self, position: Position) -> bool {
        self.sent_again.is_some_and(|again| !again.divided && position >= again.before) && self.batch.extent.is_some()
    }

    /// Commits what precedes what was left out, unless it waits for something else. Once that is acknowledged, so counts what the
    /// broker keeps from this subscription, or no client can take apart.
    pub(super) async fn divide(&mut self) -> Result<()> {
        if let Some(again) = &mut self.sent_again {
            again.divided = true;
        }
        self.end_commit().await?;
        self.begin_commit()
    }
}
