//! Load: what a source partition's manifests say, and its last commit's renames finished.

use crate::protocol::failure::Failure;
use crate::protocol::identity::{claim, foreign, is_of};
use crate::protocol::layout::SourcePartitionLayout;
use crate::protocol::manifest::{Manifest, SinkIdentity};
use crate::protocol::manifests::newest_sequence;
use crate::protocol::publish::{Published, gone, publish};
use crate::safeguard::{Safeguard, is_on};
use crate::storage::{Operation, Storage, StorageError, StorageErrorKind, StorageResult};

/// How often a load starts over when the newest manifest changes under it, before it says so and pauses.
const LOAD_ATTEMPTS: usize = 20;

/// Reads the newest manifest and finishes its renames; none when the source partition has no commit yet.
///
/// It lists, reads, and lists again: a manifest that is not the newest any more must not become the mark.
pub async fn load<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    identity: &SinkIdentity,
) -> Result<Option<Manifest>, Failure> {
    claim(storage, &layout.table, identity).await?;
    for _ in 0..LOAD_ATTEMPTS {
        let Some(sequence) = newest_sequence(storage, layout).await? else { return Ok(None) };
        let path = layout.manifest(sequence);
        let bytes = match storage.read(&path).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind == StorageErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        if !is_still_newest(storage, layout, sequence).await? {
            continue;
        }
        let manifest = Manifest::from_json(&bytes, &path, sequence)?;
        if !is_of(&manifest.sink, identity) {
            return Err(foreign(&path, &manifest.sink, identity).into());
        }
        finish_renames(storage, layout, &manifest).await?;
        return Ok(Some(manifest));
    }
    Err(Failure::Again(StorageError {
        kind: StorageErrorKind::Unknown,
        operation: Operation::List,
        path: layout.manifests(),
        message: format!(
            "the newest manifest changed {LOAD_ATTEMPTS} times while it was read; another instance commits here"
        ),
    }))
}

async fn is_still_newest<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    sequence: u64,
) -> StorageResult<bool> {
    Ok(!is_on(Safeguard::Relist) || newest_sequence(storage, layout).await? == Some(sequence))
}

/// A file that is gone may have been published long ago: retention deletes days, and a late record makes one anew. So it keeps
/// nobody from going on.
async fn finish_renames<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    manifest: &Manifest,
) -> Result<(), Failure> {
    if is_on(Safeguard::Redo) {
        for file in &manifest.files {
            let published = match publish(storage, &layout.table, file).await {
                Err(Failure::Fatal(error)) if !manifest.ordered => {
                    if storage.status(&layout.table.path(&file.staged)).await?.is_some() {
                        return Err(error.into());
                    }
                    // It was published, and is gone since. No mark depends on it.
                    tracing::error!("{error}");
                    continue;
                }
                published => published?,
            };
            if published == Published::Gone {
                let path = layout.table.path(&file.name);
                tracing::error!(
                    "{} That is as it should be if its day was deleted and another source partition has made it anew",
                    gone(&path, file, None)
                );
            }
        }
    }
    Ok(())
}
