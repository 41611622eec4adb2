//! Pruning: old manifests go, and what they say of files is kept in one list per source partition and directory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::layout::{SourcePartitionLayout, parent};
use crate::manifest::{Content, Manifest};
use crate::recovery::{Failure, nonce};
use crate::storage::{Overwrite, Storage, StorageErrorKind, StorageResult, write_whole};

/// What pruned manifests said of the files of one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RolledUp {
    /// The last manifest that is in it.
    pub through: u64,
    /// Files by their name, relative to the table's directory.
    pub files: BTreeMap<String, Content>,
}

/// Deletes all but the newest manifests, in ascending order, after their files are rolled up; how many. The newest one is
/// the mark and never goes. An owner that stops on the way leaves the rest to the next time.
pub async fn prune<S: Storage>(storage: &S, layout: &SourcePartitionLayout, keep: u64) -> Result<usize, Failure> {
    let listed = storage.list(&layout.manifests()).await?;
    let mut sequences: Vec<u64> =
        listed.iter().filter_map(|entry| SourcePartitionLayout::manifest_sequence(&entry.name)).collect();
    sequences.sort_unstable();
    let Some(horizon) = sequences.last().and_then(|newest| newest.checked_sub(keep.max(1))) else { return Ok(0) };
    sequences.retain(|sequence| *sequence <= horizon);
    roll_up(storage, layout, &sequences).await?;
    for sequence in &sequences {
        storage.delete(&layout.manifest(*sequence)).await?;
    }
    Ok(sequences.len())
}

async fn roll_up<S: Storage>(storage: &S, layout: &SourcePartitionLayout, sequences: &[u64]) -> Result<(), Failure> {
    let mut lists: BTreeMap<String, RolledUp> = BTreeMap::new();
    for sequence in sequences {
        let path = layout.manifest(*sequence);
        let bytes = match storage.read(&path).await {
            Ok(bytes) => bytes,
            // Another owner prunes at the same time: it has rolled it up.
            Err(error) if error.kind == StorageErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        for file in Manifest::from_json(&bytes, &path, *sequence)?.files {
            let list = layout.rolled_up(parent(&file.name));
            if !lists.contains_key(&list) {
                lists.insert(list.clone(), read(storage, &list).await?);
            }
            // What is in it already is of a time when this was tried before.
            if let Some(rolled_up) = lists.get_mut(&list).filter(|rolled_up| rolled_up.through < *sequence) {
                rolled_up.files.insert(file.name, file.content);
            }
        }
    }
    let Some(through) = sequences.last().copied() else { return Ok(()) };
    let pruned = layout.pruned();
    lists.insert(pruned.clone(), read(storage, &pruned).await?);
    for (path, mut rolled_up) in lists {
        rolled_up.through = through.max(rolled_up.through);
        let json = serde_json::to_vec(&rolled_up)
            .map_err(|error| Error::bug(format_args!("a list of files cannot be written: {error}")))?;
        replace(storage, layout, through, &path, json).await?;
    }
    Ok(())
}

/// A list of files; empty when there is none yet.
pub async fn read<S: Storage>(storage: &S, path: &str) -> Result<RolledUp, Failure> {
    match storage.read(path).await {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            Error::protocol(format_args!("{path}, which lists files of pruned manifests, cannot be read: {error}"))
                .into()
        }),
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(RolledUp::default()),
        Err(error) => Err(error.into()),
    }
}

async fn replace<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    sequence: u64,
    path: &str,
    json: Vec<u8>,
) -> StorageResult<()> {
    storage.mkdirs(parent(path)).await?;
    let temporary = layout.table.path(&layout.staged(sequence, &nonce(), "json"));
    write_whole(storage, &temporary, json.into()).await?;
    storage.rename(&temporary, path, Overwrite::Replace).await
}
