//! Rewind: a record at or below the last one accepted means that the broker redelivers.

use crate::error::{Error, ErrorKind, Result};
use crate::owner::batch::Batch;
use crate::owner::state::Owner;
use crate::position::Position;
use crate::safeguard::{Safeguard, is_on};
use crate::storage::Storage;

impl<S: Storage> Owner<S> {
    /// The broker redelivers from this position on: settle what is in doubt, drop what is not committed, load again.
    pub(super) async fn rewind(&mut self, position: Position) -> Result<()> {
        self.shared.metrics.rewinds.add(1);
        tracing::info!(topic = %self.topic, %position, last_accepted = ?self.last_accepted, "the broker sends records again");
        let abandoned = self.abandoned.take().map(|abandoned| abandoned.first);
        let mut first_dropped = abandoned.or(self.batch.extent.map(|extent| extent.first));
        if let Some(lost) = self.lost_commit().await? {
            first_dropped = Some(lost.extent.first);
        }
        self.drop_batch();
        self.load().await?;
        match first_dropped.filter(|first| self.is_left_out(*first, position)) {
            None => Ok(()),
            Some(first) => Err(Error::new(
                ErrorKind::Storage,
                format_args!(
                    "{} is sent again from {position} on, but {first} before it is not committed either, so this instance ends and the \
                     broker sends both again; nothing is lost",
                    self.topic
                ),
            )),
        }
    }

    /// Whether a record that was dropped is neither committed nor sent again.
    fn is_left_out(&self, dropped: Position, sent_again_from: Position) -> bool {
        Some(dropped) > self.mark() && sent_again_from > dropped && is_on(Safeguard::FirstDropped)
    }

    /// Forgets everything that was accepted and is not committed.
    pub(super) fn drop_batch(&mut self) {
        self.unclean |= !self.batch.streamed_paths().is_empty();
        self.batch = Batch::new(self.shared.row_memory.budget(), self.shared.streaming);
        self.loaded = None;
        self.last_accepted = None;
    }
}
