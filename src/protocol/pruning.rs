//! Pruning: old manifests go, and what they say of files is kept in lists per source partition and directory.
//!
//! Two owners may prune at the same time. So a list is never changed: a new one takes in those that were read
//! and are not full, and only these are deleted after it. What a reader wants is in all of them together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::protocol::failure::Failure;
use crate::protocol::layout::{SourcePartitionLayout, parent};
use crate::protocol::manifest::{Content, Manifest};
use crate::protocol::nonce::nonce;
use crate::protocol::put_if_absent::put_if_absent;
use crate::storage::{Storage, StorageErrorKind};

/// What a pruned manifest said of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Listed {
    /// The manifest's sequence. Of a file that grew, the latest one counts.
    pub sequence: u64,
    /// What was in the file.
    pub content: Content,
}

/// What pruned manifests said of files, by the files' names, relative to the table's directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RolledUp {
    files: BTreeMap<String, Listed>,
}

impl RolledUp {
    fn insert(&mut self, name: String, listed: Listed) {
        match self.files.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(listed);
            }
            Entry::Occupied(mut occupied) if occupied.get().sequence < listed.sequence => {
                occupied.insert(listed);
            }
            Entry::Occupied(_) => {}
        }
    }
}

/// What is known of a source partition's pruned manifests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The last manifest that was pruned, 0 for none. One that is there at or below it was put by a stale owner and never counted,
    /// or is about to go.
    pub through: u64,
    /// Their files.
    pub files: BTreeMap<String, Listed>,
}

/// The names of the lists by their directories, and how far was pruned.
struct Lists {
    through: u64,
    marks: Vec<u64>,
    by_directory: BTreeMap<String, Vec<List>>,
}

/// A list that is there.
struct List {
    path: String,
    length: u64,
}

/// A list of so many bytes is left as it is, and another one begins: what pruning reads and writes does not grow with the age of
/// a table. Some four thousand files.
const FULL: u64 = 1 << 20;

async fn lists<S: Storage>(storage: &S, layout: &SourcePartitionLayout) -> Result<Lists, Failure> {
    let mut found = Lists { through: 0, marks: Vec::new(), by_directory: BTreeMap::new() };
    for entry in storage.list(&layout.rolled_up_lists()).await? {
        if let Some(through) = SourcePartitionLayout::pruned_through(&entry.name) {
            found.through = found.through.max(through);
            found.marks.push(through);
        } else if let Some(directory) = SourcePartitionLayout::rolled_up_directory(&entry.name) {
            let path = format!("{}/{}", layout.rolled_up_lists(), entry.name);
            found.by_directory.entry(directory.to_owned()).or_default().push(List { path, length: entry.length });
        }
    }
    Ok(found)
}

/// Everything that is known of pruned manifests.
pub async fn read<S: Storage>(storage: &S, layout: &SourcePartitionLayout) -> Result<Pruned, Failure> {
    let found = lists(storage, layout).await?;
    let mut all = RolledUp::default();
    for list in found.by_directory.into_values().flatten() {
        take_in(storage, &list.path, &mut all).await?;
    }
    Ok(Pruned { through: found.through, files: all.files })
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
    if sequences.is_empty() {
        return Ok(0);
    }
    roll_up(storage, layout, &sequences, horizon).await?;
    for sequence in &sequences {
        storage.delete(&layout.manifest(*sequence)).await?;
    }
    Ok(sequences.len())
}

async fn roll_up<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    sequences: &[u64],
    horizon: u64,
) -> Result<(), Failure> {
    let mut found = lists(storage, layout).await?;
    let mut new: BTreeMap<String, RolledUp> = BTreeMap::new();
    for sequence in sequences.iter().copied().filter(|sequence| *sequence > found.through) {
        let path = layout.manifest(sequence);
        let bytes = match storage.read(&path).await {
            Ok(bytes) => bytes,
            // Another owner prunes at the same time: before it deleted this one, it had listed its files.
            Err(error) if error.kind == StorageErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        for file in Manifest::from_json(&bytes, &path, sequence)?.files {
            let directory = SourcePartitionLayout::rolled_up_name(parent(&file.name)).to_owned();
            new.entry(directory).or_default().insert(file.name, Listed { sequence, content: file.content });
        }
    }
    let mut merged = Vec::new();
    for (directory, mut list) in new {
        let known = found.by_directory.remove(&directory).into_iter().flatten();
        for List { path, .. } in known.filter(|list| list.length < FULL) {
            if take_in(storage, &path, &mut list).await? {
                merged.push(path);
            }
        }
        let json = serde_json::to_vec(&list)
            .map_err(|error| Error::bug(format_args!("a list of files cannot be written: {error}")))?;
        put(storage, layout, horizon, &layout.rolled_up(&directory, &nonce()), json).await?;
    }
    if horizon > found.through {
        put(storage, layout, horizon, &layout.pruned(horizon), b"{}".to_vec()).await?;
    }
    let lower = found.marks.into_iter().filter(|mark| *mark < horizon).map(|mark| layout.pruned(mark));
    for path in merged.into_iter().chain(lower) {
        storage.delete(&path).await?;
    }
    Ok(())
}

/// Adds a list to another; false when it is gone, since another owner has taken it into one of its own.
async fn take_in<S: Storage>(storage: &S, path: &str, into: &mut RolledUp) -> Result<bool, Failure> {
    let bytes = match storage.read(path).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let list: RolledUp = serde_json::from_slice(&bytes).map_err(|error| {
        Error::protocol(format_args!("{path}, which lists files of pruned manifests, cannot be read: {error}"))
    })?;
    for (name, listed) in list.files {
        into.insert(name, listed);
    }
    Ok(true)
}

async fn put<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    sequence: u64,
    path: &str,
    bytes: Vec<u8>,
) -> Result<(), Failure> {
    let temporary = layout.table.path(&layout.staged(sequence, &nonce(), "json"));
    Ok(put_if_absent(storage, &temporary, path, bytes.into()).await?)
}
