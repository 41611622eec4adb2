//! Streaming: a large batch's rows leave memory before its commit.

use crate::error::Result;
use crate::owner::state::Owner;
use crate::storage::Storage;

impl<S: Storage> Owner<S> {
    /// Bytes of memory that its batch can give back when it is asked.
    pub(crate) fn held(&self) -> usize {
        let commits = self.committing.is_none() && self.batch.unconfirmed.is_empty();
        let gives = commits || self.batch.has_piece() || self.can_forget() && self.batch.keeps_records();
        if gives { self.batch.held() } else { 0 }
    }

    /// Whether a race is unlikely, for which records are kept.
    fn can_forget(&self) -> bool {
        self.shared.ordered && self.put_newest_manifest()
    }

    /// Gives memory back: a large batch streams; of a small one what is kept for a lost race goes first, where a race is unlikely,
    /// and then it is committed.
    pub(crate) async fn free_memory(&mut self) -> Result<()> {
        if self.batch.has_piece() {
            self.commit_or_stream().await?;
            // It is there still when too many files are streamed already.
            return if self.batch.has_piece() { self.begin_commit() } else { Ok(()) };
        }
        if self.can_forget() && self.batch.forget_records() {
            return Ok(());
        }
        self.begin_commit()
    }

    /// Counts rows in the midst of a hand-over, and gives their memory back if there is none for more. Returns whether none are
    /// left.
    pub(super) async fn free_grown(&mut self) -> Result<bool> {
        self.batch.count_memory();
        let batch = &self.batch;
        let is_full = batch.retained.is_none() && batch.is_full(self.shared.max_batch_rows, self.shared.max_file_size);
        let streams = batch.wants_streaming() && self.put_newest_manifest();
        if !is_full && !streams && !self.shared.budget.is_exhausted() {
            return Ok(false);
        }
        // In either way the batch cannot be staged again: what the hand-over has given so far is not kept.
        if batch.has_piece() && !(is_full && batch.unconfirmed.is_empty()) {
            self.batch.retained = None;
            self.commit_or_stream().await?;
            if !self.batch.has_piece() {
                return Ok(self.batch.extent.is_none());
            }
        }
        if self.batch.unconfirmed.is_empty() {
            self.batch.retained = None;
            self.end_commit().await?;
            self.begin_commit()?;
        }
        Ok(self.batch.extent.is_none())
    }

    /// Gives a large batch's memory back. What is streamed cannot be staged again after a lost race, and races are
    /// likely when the broker has just turned to another instance: so the first batch after a load is committed instead, and
    /// the next one waits for that.
    pub(super) async fn commit_or_stream(&mut self) -> Result<()> {
        if self.batch.unconfirmed.is_empty() && !self.put_newest_manifest() {
            self.end_commit().await?;
            if !self.put_newest_manifest() {
                return self.begin_commit();
            }
        }
        self.stream().await
    }

    fn put_newest_manifest(&self) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| loaded.own)
    }

    /// Streams the batch's large files.
    async fn stream(&mut self) -> Result<()> {
        let sequence = self.loaded()?.newest.sequence + 1 + u64::from(self.committing.is_some());
        let compression = self.shared.rows.format.compression;
        let mut retry = self.shared.retry(&self.health, "streaming rows");
        let error = loop {
            let shared = &self.shared;
            let streamed =
                self.batch.stream(&shared.storage, &self.layout, sequence, compression, &shared.streamed).await;
            let failure = match streamed {
                Ok(bytes) => {
                    self.shared.metrics.bytes_streamed.add(bytes);
                    return Ok(());
                }
                Err(failure) => failure,
            };
            if let Err(error) = retry.after(failure).await {
                break error;
            }
        };
        drop(retry);
        let Some(extent) = self.batch.extent else { return Err(error) };
        let (mut first, mut hand_over) = (extent.first, self.batch.hand_over);
        if let Some(lost) = self.lost_commit().await? {
            (first, hand_over) = (lost.extent.first, hand_over.max(lost.hand_over));
        }
        if self.shared.is_overtaken(&self.health, &self.layout, sequence).await? {
            self.abandon(first, hand_over).await
        } else {
            Err(error)
        }
    }
}
