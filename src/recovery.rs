//! Load: what a source partition's manifests say, and its last commit's renames finished.

use bytes::Bytes;

use crate::commit::publish;
use crate::error::{Error, Result};
use crate::layout::{SourcePartitionLayout, TableLayout};
use crate::manifest::{Manifest, SinkIdentity};
use crate::safeguard::{Safeguard, is_on};
use crate::storage::{Overwrite, Storage, StorageError, StorageErrorKind, StorageResult, write_whole};

/// Why a step of the protocol did not end, and what follows.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Call the same again after a pause: nothing is lost.
    #[error("{0}")]
    Again(#[from] StorageError),
    /// The instance must end, so that the broker sends again what is not acknowledged.
    #[error("{0}")]
    Fatal(#[from] Error),
}

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
        if is_on(Safeguard::Relist) && newest_sequence(storage, layout).await? != Some(sequence) {
            continue;
        }
        let manifest = Manifest::from_json(&bytes, &path, sequence)?;
        if manifest.sink != *identity && is_on(Safeguard::Identity) {
            return Err(foreign(&path, &manifest.sink, identity).into());
        }
        for file in manifest.files.iter().filter(|_| is_on(Safeguard::Redo)) {
            publish(storage, &layout.table, file).await?;
        }
        return Ok(Some(manifest));
    }
    Err(Failure::Again(StorageError {
        kind: StorageErrorKind::Unknown,
        operation: crate::storage::Operation::List,
        path: layout.manifests(),
        message: format!(
            "the newest manifest changed {LOAD_ATTEMPTS} times while it was read; another instance commits here"
        ),
    }))
}

/// The largest sequence among a source partition's manifests.
pub async fn newest_sequence<S: Storage>(storage: &S, layout: &SourcePartitionLayout) -> StorageResult<Option<u64>> {
    let listed = storage.list(&layout.manifests()).await?;
    Ok(listed.iter().filter_map(|entry| SourcePartitionLayout::manifest_sequence(&entry.name)).max())
}

/// Makes the table this sink's if it is nobody's yet, and checks that it is this sink's.
async fn claim<S: Storage>(storage: &S, table: &TableLayout, identity: &SinkIdentity) -> Result<(), Failure> {
    let path = table.identity();
    if let Some(owner) = read_identity(storage, &path).await? {
        return if owner == *identity || !is_on(Safeguard::Identity) {
            Ok(())
        } else {
            Err(foreign(&path, &owner, identity).into())
        };
    }
    let json = serde_json::to_vec_pretty(identity)
        .map_err(|error| Error::bug(format_args!("an identity cannot be written: {error}")))?;
    put_if_absent(storage, &table.temporary("sink", &nonce()), &path, json.into()).await?;
    match read_identity(storage, &path).await? {
        Some(owner) if owner == *identity || !is_on(Safeguard::Identity) => Ok(()),
        Some(owner) => Err(foreign(&path, &owner, identity).into()),
        None => Err(Failure::Again(StorageError {
            kind: StorageErrorKind::Unknown,
            operation: crate::storage::Operation::Read,
            path,
            message: "it was put but cannot be read back".to_owned(),
        })),
    }
}

/// The identity that a table's file names, if the table is anybody's.
pub async fn read_identity<S: Storage>(storage: &S, path: &str) -> Result<Option<SinkIdentity>, Failure> {
    let bytes = match storage.read(path).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let identity = serde_json::from_slice(&bytes).map_err(|error| {
        Error::protocol(format_args!("{path}, which says whose the table is, cannot be read: {error}"))
    })?;
    Ok(Some(identity))
}

/// Writes bytes under a temporary name and renames it into place unless something is there already. Whoever was
/// first: the caller reads back what counts. Nothing is left under the temporary name, which is nobody else's: while HDFS
/// refuses writes, each attempt would leave a file until the next start.
pub async fn put_if_absent<S: Storage>(storage: &S, temporary: &str, path: &str, bytes: Bytes) -> StorageResult<()> {
    storage.mkdirs(crate::layout::parent(path)).await?;
    let put = async {
        write_whole(storage, temporary, bytes).await?;
        storage.rename(temporary, path, Overwrite::Never).await
    };
    let Err(error) = put.await else { return Ok(()) };
    // A rename that is still under way finds no source after this.
    let deleted = storage.delete(temporary).await;
    if error.kind == StorageErrorKind::AlreadyExists { deleted.map(drop) } else { Err(error) }
}

/// A name part that no one else has.
pub fn nonce() -> String {
    #[cfg(test)]
    if let Some(nonce) = crate::source_partition::systematic::nonce() {
        return nonce;
    }
    format!("{:016x}", rand::random::<u64>())
}

fn foreign(path: &str, owner: &SinkIdentity, identity: &SinkIdentity) -> Error {
    Error::protocol(format_args!(
        "the table belongs to another sink: {path} names sink `{}`, subscription `{}`, topic `{}`, but this is sink `{}`, \
         subscription `{}`, topic `{}`. Give this sink a `directory` or a `tableNamePattern` of its own, or name and subscribe it as the first one",
        owner.sink, owner.subscription, owner.topic, identity.sink, identity.subscription, identity.topic
    ))
}
