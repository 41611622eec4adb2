//! A commit as a task beside its owner.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::owner::batch::{Extent, RetainedPart};
use crate::owner::health::Health;
use crate::owner::shared::Shared;
use crate::protocol::commit::{Commit, Outcome};
use crate::protocol::layout::SourcePartitionLayout;
use crate::protocol::manifests::newest_sequence;
use crate::storage::Storage;

/// How a commit ended.
pub(crate) struct CommitEnd<S: Storage> {
    pub(super) commit: Commit<S>,
    pub(super) outcome: Result<Outcome>,
}

/// A commit under way.
pub(super) struct Committing<S: Storage> {
    /// Dropping it ends the task.
    pub(super) end: oneshot::Receiver<CommitEnd<S>>,
    pub(super) began: Instant,
    /// Its records.
    pub(super) extent: Extent,
    /// Its records, to stage them again if the race is lost; none when rows were streamed.
    pub(super) retained: Option<Vec<RetainedPart>>,
    /// What is acknowledged when it is committed.
    pub(super) hand_over: u64,
}

impl<S: Storage> Committing<S> {
    /// Its end; it may be asked for again until it is there.
    pub(super) async fn end(&mut self) -> Result<CommitEnd<S>> {
        (&mut self.end).await.map_err(|_| Error::bug("a commit's task ended without an outcome"))
    }
}

impl<S: Storage> Shared<S> {
    /// Runs a commit to its end in the background, unless its owner goes away.
    pub(super) fn run_commit(
        self: &Arc<Self>,
        health: &Arc<Health>,
        mut commit: Commit<S>,
    ) -> oneshot::Receiver<CommitEnd<S>> {
        let (mut sender, end) = oneshot::channel();
        let (shared, health) = (Arc::clone(self), Arc::clone(health));
        (self.spawn)(Box::pin(async move {
            let outcome = tokio::select! {
                biased;
                outcome = shared.advance(&health, &mut commit) => outcome,
                () = sender.closed() => return,
            };
            // Nobody waits any more when the owner went away just now.
            let _ = sender.send(CommitEnd { commit, outcome });
        }));
        end
    }

    async fn advance(&self, health: &Health, commit: &mut Commit<S>) -> Result<Outcome> {
        let mut retry = self.retry(health, "committing");
        loop {
            let advanced = {
                // Given back before a pause: what cannot be committed must not keep others from it.
                let _slot = self.commits.take().await?;
                let _under_way = health.wait("committing");
                commit.advance(&self.storage).await
            };
            match advanced {
                Ok(outcome) => return Ok(outcome),
                Err(failure) => retry.after(failure).await?,
            }
        }
    }

    /// Whether another owner has put a manifest where this one was going to: then it may have deleted what was staged for that.
    pub(super) async fn is_overtaken(
        &self,
        health: &Health,
        layout: &SourcePartitionLayout,
        sequence: u64,
    ) -> Result<bool> {
        let newest = || async { Ok(newest_sequence(&self.storage, layout).await?) };
        Ok(self.repeat(health, "looking for a newer manifest", newest).await? >= Some(sequence))
    }
}
