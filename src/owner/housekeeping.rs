//! Load, and what is put in order after it: staged files that failures left, old manifests.

use crate::error::{Error, Result};
use crate::owner::loaded::Loaded;
use crate::owner::state::Owner;
use crate::position::Position;
use crate::protocol::cleaning::clean;
use crate::protocol::load::load;
use crate::protocol::newest::Newest;
use crate::protocol::open_files::OpenFiles;
use crate::protocol::pruning::prune;
use crate::storage::Storage;

/// Manifests are pruned once in this many commits.
pub(super) const PRUNE_EVERY: u64 = 64;

impl<S: Storage> Owner<S> {
    /// What was loaded; only a batch needs it, and there is none before.
    pub(super) fn loaded(&self) -> Result<&Loaded> {
        self.loaded.as_ref().ok_or_else(|| Error::bug("a batch without a loaded manifest"))
    }

    pub(super) fn mark(&self) -> Option<Position> {
        self.loaded.as_ref().and_then(|loaded| loaded.newest.mark)
    }

    pub(super) async fn load(&mut self) -> Result<()> {
        let (shared, layout, identity) = (&self.shared, &self.layout, &self.identity);
        let newest = async || {
            let Some(manifest) = load(&shared.storage, layout, identity).await? else { return Ok(Newest::default()) };
            let open_files = OpenFiles::read(&shared.storage, layout, &manifest).await?;
            Ok(Newest::new(&manifest, open_files))
        };
        let newest = shared.repeat(&self.health, "loading", newest).await?;
        let loaded = Loaded { newest, own: false };
        tracing::debug!(topic = %self.topic, sequence = loaded.newest.sequence, mark = ?loaded.newest.mark, "loaded");
        self.loaded = Some(loaded);
        self.take_again_what_is_committed();
        self.clean().await;
        Ok(())
    }

    /// Deletes what failures left. A failure here is no harm: the next one tries again.
    pub(super) async fn clean(&mut self) {
        let Some(loaded) = self.loaded.as_ref().filter(|_| self.unclean) else { return };
        match clean(&self.shared.storage, &self.layout, loaded.newest.sequence).await {
            Ok(cleaned) => {
                self.shared.metrics.files_cleaned.add(cleaned.deleted);
                self.unclean = cleaned.left > 0;
            }
            Err(error) => tracing::warn!("cleaning of staged files failed: {error}; it is tried again later"),
        }
    }

    /// Deletes old manifests now and then. A failure here is no harm: the next time takes more.
    pub(super) async fn prune(&mut self) {
        let keep = self.shared.keep_manifests;
        let due = self
            .loaded
            .as_ref()
            .is_some_and(|loaded| loaded.newest.sequence > keep && loaded.newest.sequence % PRUNE_EVERY.min(keep) == 0);
        if !due {
            return;
        }
        if let Err(failure) = prune(&self.shared.storage, &self.layout, keep).await {
            tracing::warn!("pruning of old manifests failed: {failure}; it is tried again later");
            self.unclean = true;
        }
    }
}
