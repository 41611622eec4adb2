//! In doubt: whether a manifest was put is found out by reading.

use crate::protocol::failure::Failure;
use crate::protocol::layout::SourcePartitionLayout;
use crate::protocol::manifest::Manifest;
use crate::protocol::manifests::newest_sequence;
use crate::safeguard::{Safeguard, is_on};
use crate::storage::{Storage, StorageErrorKind};

/// What reading told.
pub(crate) enum Settled {
    /// The manifest is there.
    Put,
    /// It is not there: the rename may be done again.
    Absent,
    /// Another owner's is there, or a newer one.
    Other,
    /// It is not there, and its temporary file is gone too: something else deleted that.
    Deleted,
}

/// Finds out by reading whether the manifest was put: a request without an answer can still land.
pub(crate) async fn settle<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    manifest: &Manifest,
    temporary: &str,
    source_missing: bool,
) -> Result<Settled, Failure> {
    let path = layout.manifest(manifest.sequence);
    // Each turn but the last is one in which the rename landed between two looks.
    for _ in 0..3 {
        match storage.read(&path).await {
            Ok(bytes) => {
                let found = Manifest::from_json(&bytes, &path, manifest.sequence)?;
                return Ok(if is_same(&found, manifest) { Settled::Put } else { Settled::Other });
            }
            Err(error) if error.kind == StorageErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        match newest_sequence(storage, layout).await? {
            Some(newest) if newest == manifest.sequence => continue,
            Some(newest) if newest > manifest.sequence => return Ok(Settled::Other),
            _ => {}
        }
        if !source_missing {
            return Ok(Settled::Absent);
        }
        if storage.status(temporary).await?.is_some() {
            storage.mkdirs(&layout.manifests()).await?;
            return Ok(Settled::Absent);
        }
    }
    Ok(Settled::Deleted)
}

fn is_same(found: &Manifest, own: &Manifest) -> bool {
    found.nonce == own.nonce || !is_on(Safeguard::Nonce)
}
