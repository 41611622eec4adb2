//! Lost race: another owner's manifest counts. What is in memory is staged again; what is not is left to the other owner.

use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::owner::abandoned::Abandoned;
use crate::owner::accept::Interruption;
use crate::owner::batch::RetainedPart;
use crate::owner::commit_task::Committing;
use crate::owner::state::Owner;
use crate::position::Position;
use crate::safeguard::{Safeguard, is_on};
use crate::storage::Storage;

impl<S: Storage> Owner<S> {
    /// After a lost race: what was accepted above the new mark is staged again, in order, before any later record is
    /// taken, since the broker will not send it again.
    pub(super) async fn stage_again(&mut self, lost: Committing<S>) -> Result<()> {
        let later = self.batch.retained.take();
        let hand_over = lost.hand_over.max(self.batch.hand_over);
        let (Some(lost_parts), Some(later)) = (lost.retained, later) else {
            return self.abandon(lost.extent.first, hand_over).await;
        };
        self.drop_batch();
        self.load().await?;
        // All of it is staged, also what is behind a gap: that is asked about again.
        self.take_again();
        if !is_on(Safeguard::Restage) {
            return Ok(());
        }
        for retained in lost_parts.into_iter().chain(later) {
            Box::pin(self.accept_again(retained)).await?;
        }
        if self.batch.extent.is_none() {
            self.shared.answers.committed(self.id, hand_over);
        } else {
            self.batch.hand_over = hand_over;
        }
        Ok(())
    }

    async fn accept_again(&mut self, RetainedPart { part, first }: RetainedPart) -> Result<()> {
        let mut offset = first;
        while let Some(interruption) = self.add_records(&part.bytes, &mut offset)? {
            match interruption {
                // Nothing of these is written, not even a header.
                Interruption::UnknownSchema(schema) => drop(self.make_plan(schema).await?),
                Interruption::Grown => self.batch.count_memory(),
                Interruption::MadeAnew(error) => return Err(error),
                Interruption::Fail(bad, position) => return Err(self.fail(bad, position).await),
                Interruption::NotLoaded | Interruption::Redelivery(_) | Interruption::BehindAbandoned => {
                    return Err(Error::bug("records staged again are out of order"));
                }
            }
        }
        if self.batch.extent.is_some() {
            self.batch.retain(part, first);
        }
        Ok(())
    }

    /// Gives up all records from this one on: they cannot be staged again.
    pub(super) async fn abandon(&mut self, first: Position, hand_over: u64) -> Result<()> {
        if !self.shared.ordered {
            // The other owner's manifest says nothing of them.
            return Err(self.not_in_memory());
        }
        let last = self.last_accepted.ok_or_else(|| Error::bug("a race was lost without a record"))?;
        self.drop_batch();
        if !is_on(Safeguard::Abandon) {
            return self.load().await;
        }
        // What comes at or below it is sent again.
        self.last_accepted = Some(last);
        let now = Instant::now();
        let until = now + self.shared.abandoned_limit;
        self.abandoned = Some(Abandoned { first, last, hand_over, checks: 0, next_check: now, until });
        self.check_abandoned().await
    }

    /// When to check whether abandoned records are committed; none while there are none.
    pub(crate) fn abandoned_check_due(&self) -> Option<Instant> {
        self.abandoned.as_ref().map(|abandoned| abandoned.next_check)
    }

    /// Checks whether abandoned records are committed by now. The instance ends when they are not for too long.
    pub(crate) async fn check_abandoned(&mut self) -> Result<()> {
        if self.abandoned_are_committed().await? {
            return Ok(());
        }
        let now = Instant::now();
        let pause = self.shared.pause;
        match self.abandoned.as_mut().filter(|abandoned| now < abandoned.until) {
            Some(abandoned) => {
                abandoned.next_check = now + pause(abandoned.checks);
                abandoned.checks += 1;
                Ok(())
            }
            None => Err(self.not_in_memory()),
        }
    }

    /// Loads. If the other owner has committed what was abandoned, it is acknowledged and forgotten.
    pub(super) async fn abandoned_are_committed(&mut self) -> Result<bool> {
        self.load().await?;
        let mark = self.mark();
        match self.abandoned.take_if(|abandoned| mark >= Some(abandoned.last)) {
            Some(abandoned) => self.shared.answers.committed(self.id, abandoned.hand_over),
            None if self.abandoned.is_some() => return Ok(false),
            None => {}
        }
        Ok(true)
    }

    pub(super) fn not_in_memory(&self) -> Error {
        Error::new(
            ErrorKind::Storage,
            format_args!(
                "another instance committed {} first and the rows are not in memory any more, so this instance ends and the broker \
                 sends them again; nothing is lost",
                self.topic
            ),
        )
    }
}
