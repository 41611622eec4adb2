//! Send again: what becomes of records that the broker passed over when it sent others. It is asked to send them again, and all
//! behind them.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::hand_over::answers::Gap;
use crate::owner::left_out::{AskedFor, LeftOut};
use crate::owner::state::Owner;
use crate::position::Position;
use crate::safeguard::{Safeguard, is_on};
use crate::storage::Storage;

/// How long the broker has to send what it left out by itself, or when it was asked to. It goes back a second after it has
/// changed the active consumer (`activeConsumerFailoverDelayTimeMillis`), and the records that it sent before come first.
const PAUSE: Duration = Duration::from_secs(10);
/// So often it is asked to send again before this instance ends: to a new consumer it sends everything.
const MOST_ASKS: u32 = 30;
/// So many looks, and those that an acknowledgement may take, are enough for what never comes.
const FEWEST_LOOKS: u32 = 6;

impl<S: Storage> Owner<S> {
    /// Asks what stands between a record and what came before it, unless that is nothing: the batch waits for the answer.
    pub(super) fn ask_about_gap(&mut self, position: Position) {
        let behind = self.last_accepted.max(self.mark());
        if behind.is_some_and(|behind| position.is_next_to(behind)) || !is_on(Safeguard::Gaps) {
            return;
        }
        let number = self.shared.answers.gap(Gap { source_partition: self.id, behind, before: position });
        self.batch.unconfirmed.insert(number, position);
    }

    /// A dead letter is confirmed, or that nothing stands in a gap which still has to come.
    pub(crate) fn confirm(&mut self, number: u64) {
        if self.asked_for.is_some_and(|asked_for| asked_for.question == Some(number)) {
            self.take_again();
        }
        self.batch.unconfirmed.remove(&number);
    }

    /// Takes records again from behind what was left out. Those that came meanwhile were not taken.
    pub(super) fn take_again(&mut self) {
        if self.asked_for.take().is_some() {
            self.shared.answers.send_again(self.id, None);
        }
    }

    /// The same, if another instance has committed what was left out.
    pub(super) fn take_again_what_is_committed(&mut self) {
        let mark = self.mark();
        if self.asked_for.is_some_and(|asked_for| mark >= Some(asked_for.before)) {
            self.take_again();
        }
    }

    /// A record stands in the gap of this number that the broker has not sent.
    pub(crate) fn note_left_out(&mut self, number: u64) {
        let since = Instant::now();
        if let Some(asked_for) = self.asked_for.as_mut().filter(|asked_for| asked_for.question == Some(number)) {
            (asked_for.question, asked_for.since) = (None, since);
        }
        // Else the batch with the record behind it was dropped.
        let Some(&before) = self.batch.unconfirmed.get(&number) else { return };
        match &mut self.batch.left_out {
            Some(left_out) => left_out.before = left_out.before.min(before),
            None => {
                self.batch.left_out = Some(LeftOut { before, since });
                tracing::warn!(
                    topic = %self.topic, %before, "the broker left out records, and is waited for to send all of them again"
                );
            }
        }
    }

    /// When to look for what the broker left out; none while nothing is, an answer is waited for, or a commit is under way.
    pub(crate) fn left_out_due(&self) -> Option<Instant> {
        let asked_for = self.asked_for.filter(|asked_for| asked_for.question.is_none());
        let since = self.batch.left_out.map(|left_out| left_out.since).or(asked_for.map(|asked_for| asked_for.since));
        since.filter(|_| self.committing.is_none()).map(|since| since + PAUSE)
    }

    /// Asks the broker to send again what it left out, and what has become of that since.
    pub(crate) async fn look_for_left_out(&mut self) -> Result<()> {
        if let Some(LeftOut { before, .. }) = self.batch.left_out {
            self.drop_batch();
            return self.ask_to_send_again(before);
        }
        if self.batch.extent.is_none() {
            // Another instance perhaps gets what this one waits for.
            self.load().await?;
        }
        let Some(asked_for) = self.asked_for else { return Ok(()) };
        if !asked_for.comes_again || asked_for.looks >= asked_for.most_looks {
            self.ask_to_send_again(asked_for.before)?;
        }
        // Client and broker acknowledge for itself what never comes: it counts as soon as what precedes it does. Before the
        // broker has come to the gap, what stands before that is still on its way.
        let gap =
            Gap { source_partition: self.id, behind: self.last_accepted.max(self.mark()), before: asked_for.before };
        let question = asked_for.leaves.then(|| self.shared.answers.gap(gap));
        if let Some(asked_for) = &mut self.asked_for {
            (asked_for.question, asked_for.since) = (question, Instant::now());
            asked_for.looks += 1;
        }
        Ok(())
    }

    fn ask_to_send_again(&mut self, before: Position) -> Result<()> {
        let since = Instant::now();
        let began = self.asked_for.map_or(since, |asked_for| asked_for.began);
        let most_looks = match self.asked_for.filter(|asked_for| asked_for.before == before) {
            Some(asked_for) if asked_for.comes_again => asked_for.most_looks.saturating_mul(2),
            Some(asked_for) => asked_for.most_looks,
            None => FEWEST_LOOKS + (self.shared.acknowledgement_delay.as_secs() / PAUSE.as_secs()) as u32,
        };
        let unheard = self.asked_for.filter(|asked_for| !asked_for.comes_again);
        let asks = unheard.map_or(0, |asked_for| asked_for.asks + u32::from(asked_for.leaves));
        if asks >= MOST_ASKS {
            return Err(Error::new(
                ErrorKind::Storage,
                format_args!(
                    "the broker left out records of {} and sent others, from {before} on, and did not send all of them again when it \
                     was asked to, so this instance ends and the broker sends them to the next one; nothing is lost",
                    self.topic
                ),
            ));
        }
        self.asked_for = Some(AskedFor {
            before,
            began,
            since,
            asks,
            comes_again: false,
            leaves: false,
            looks: 0,
            most_looks,
            question: None,
        });
        self.shared.answers.send_again(self.id, Some(before));
        Ok(())
    }

    /// Whether a record is to be sent again, because it stands behind what was left out.
    pub(super) fn is_behind_left_out(&mut self, position: Position) -> bool {
        let Some(asked_for) = &mut self.asked_for else { return false };
        if position < asked_for.before {
            asked_for.comes_again = true;
            return false;
        }
        let has_come = asked_for.comes_again && self.last_accepted.is_some_and(|last| position.is_next_to(last));
        if has_come {
            self.asked_for = None;
        } else {
            asked_for.leaves = true;
        }
        !has_come
    }
}
