//! Commits: when one begins, and what its end means.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::owner::batch::Batch;
use crate::owner::commit_task::{CommitEnd, Committing};
use crate::owner::loaded::Loaded;
use crate::owner::schedule::Schedule;
use crate::owner::state::Owner;
use crate::protocol::commit::{Commit, Outcome};
use crate::protocol::layout::parent;
use crate::protocol::manifest::Manifest;
use crate::protocol::newest::Batched;
use crate::storage::Storage;

/// Publish times beyond this many milliseconds from now say nothing about the topic, only about a producer's clock: a day.
const MOST_AHEAD: i64 = 86_400_000;

/// Milliseconds since 1970.
pub(super) fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl<S: Storage> Owner<S> {
    /// When the batch must be committed though it is not full; none while there is nothing to commit, or a commit is under way.
    pub(crate) fn commit_due(&self, schedule: &Schedule) -> Option<Instant> {
        let extent = self.batch.extent.filter(|_| self.committing.is_none() && self.batch.unconfirmed.is_empty())?;
        Some(schedule.due(extent.began))
    }

    /// Begins to commit the batch, unless it is empty, waits for dead letters or gaps, or a commit is under way.
    pub(crate) fn begin_commit(&mut self) -> Result<()> {
        let Some(extent) = self.batch.extent.filter(|_| self.committing.is_none()) else { return Ok(()) };
        if !self.batch.unconfirmed.is_empty() {
            return Ok(());
        }
        let batched = Batched {
            first: extent.first,
            last: extent.last,
            largest_publish_time: extent.largest_publish_time,
            rows: self.batch.rows,
            dropped: self.batch.dropped,
            schema_version: self.batch.schema_version,
        };
        let newest = &self.loaded()?.newest;
        let ordered = self.shared.ordered;
        let mut manifest = newest.following(&self.layout.name, ordered, &self.identity, &batched);
        manifest.largest_publish_time = manifest.largest_publish_time.min(now_millis() + MOST_AHEAD);
        let (sequence, open_files) = (manifest.sequence, newest.open_files.clone());
        let mut batch =
            std::mem::replace(&mut self.batch, Batch::new(self.shared.row_memory.budget(), self.shared.streaming));
        let (retained, hand_over) = (batch.retained.take(), batch.hand_over);
        let partitioning = self.shared.rows.partitioning.as_ref();
        let directory = |key| partitioning.map_or_else(String::new, |partitioning| partitioning.directory(key));
        let compression = self.shared.rows.format.compression;
        let name = |directory: &str| self.layout.published(directory, sequence, compression.extension());
        let folding = &self.shared.folding;
        let open_file = |directory: &str| folding.target(&open_files, directory);
        let files = batch.into_files(directory, name, open_file, compression);
        let commit =
            Commit::new(self.layout.clone(), manifest, open_files, files, folding.clone(), self.shared.files.clone());
        let end = self.shared.run_commit(&self.health, commit);
        self.committing = Some(Committing { end, began: Instant::now(), extent, retained, hand_over });
        Ok(())
    }

    /// Waits until the commit under way has ended; for ever when there is none. It may be dropped and called again.
    pub(crate) async fn commit_end(&mut self) -> Result<CommitEnd<S>> {
        match &mut self.committing {
            Some(committing) => committing.end().await,
            None => std::future::pending().await,
        }
    }

    /// Waits for the commit under way, if there is one, and draws the conclusions.
    pub(crate) async fn end_commit(&mut self) -> Result<()> {
        match &mut self.committing {
            Some(committing) => {
                let end = committing.end().await?;
                self.conclude_commit(end).await
            }
            None => Ok(()),
        }
    }

    /// Commits everything that was accepted. Dead letters and gaps that are not confirmed hold it up.
    pub(crate) async fn commit_all(&mut self) -> Result<()> {
        self.end_commit().await?;
        self.begin_commit()?;
        self.end_commit().await
    }

    /// Draws the conclusions from a commit's end: the mark moves, or the race is lost and what was accepted is staged again.
    pub(crate) async fn conclude_commit(&mut self, end: CommitEnd<S>) -> Result<()> {
        match self.settle_commit(end).await? {
            None => {
                self.clean().await;
                self.prune().await;
                Ok(())
            }
            Some(lost) => {
                self.stage_again(lost).await?;
                if self.shared.ordered {
                    return Ok(());
                }
                // At once, or whoever commits oftener wins each time.
                self.begin_commit()
            }
        }
    }

    /// Waits for the commit under way, if there is one. Returns it when its race was lost.
    pub(super) async fn lost_commit(&mut self) -> Result<Option<Committing<S>>> {
        match &mut self.committing {
            Some(committing) => {
                let end = committing.end().await?;
                self.settle_commit(end).await
            }
            None => Ok(None),
        }
    }

    /// Moves the mark after a commit, and acknowledges it. Returns a commit whose race was lost.
    async fn settle_commit(&mut self, end: CommitEnd<S>) -> Result<Option<Committing<S>>> {
        let CommitEnd { commit, outcome } = end;
        self.unclean |= commit.has_poisoned();
        let committing = self.committing.take().ok_or_else(|| Error::bug("a commit ended that was not under way"))?;
        let sequence = commit.manifest().sequence;
        let outcome = match outcome {
            Err(_) if !commit.is_staged() && self.shared.is_overtaken(&self.health, &self.layout, sequence).await? => {
                Outcome::Lost
            }
            outcome => outcome?,
        };
        match outcome {
            Outcome::Committed => {
                self.committed(commit.manifest(), &committing);
                self.loaded = Some(Loaded { newest: commit.into_newest(), own: true });
                Ok(None)
            }
            Outcome::Lost => {
                self.shared.metrics.races_lost.add(1);
                self.unclean = true;
                tracing::warn!(topic = %self.topic, sequence, "another instance committed first");
                Ok(Some(committing))
            }
        }
    }

    fn committed(&mut self, manifest: &Manifest, committing: &Committing<S>) {
        let bytes: u64 = manifest.files.iter().map(|file| file.content.length).sum();
        let folded: u64 = manifest.files.iter().filter_map(|file| file.replaces.as_ref()).map(|old| old.length).sum();
        let metrics = &self.shared.metrics;
        metrics.commits.add(1);
        metrics.last_commit.set(now_millis().max(0) as u64 / 1_000);
        metrics.commit_millis.add(committing.began.elapsed().as_millis() as u64);
        metrics.rows_committed.add(manifest.rows);
        metrics.bytes_committed.add(bytes - folded);
        metrics.bytes_rewritten.add(folded);
        metrics.files_committed.add(manifest.files.iter().filter(|file| file.replaces.is_none()).count() as u64);
        tracing::debug!(topic = %self.topic, sequence = manifest.sequence, rows = manifest.rows, bytes, "committed");
        if let Some(hive) = self.shared.hive.as_ref().filter(|_| manifest.rows > 0) {
            let directories = manifest.files.iter().map(|file| parent(&file.name));
            hive.committed(&self.layout.table, manifest.schema_version, directories);
        }
        self.shared.answers.committed(self.id, committing.hand_over);
    }
}
