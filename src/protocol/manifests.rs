//! The manifests of a source partition, as a listing shows them.

use crate::protocol::layout::SourcePartitionLayout;
use crate::storage::{Storage, StorageResult};

/// The largest sequence among a source partition's manifests.
pub async fn newest_sequence<S: Storage>(storage: &S, layout: &SourcePartitionLayout) -> StorageResult<Option<u64>> {
    let listed = storage.list(&layout.manifests()).await?;
    Ok(listed.iter().filter_map(|entry| SourcePartitionLayout::manifest_sequence(&entry.name)).max())
}
