//! Cleaning: what crashed or lost commits left in `_staging/`.

use crate::layout::SourcePartitionLayout;
use crate::storage::{Storage, StorageResult};

/// Deletes the staged files of this source partition whose sequence is at or below that of the newest manifest, whose
/// renames must be done. No clock is asked: a file of a later sequence may be another owner's that is still being
/// written, one at or below it can never be committed. Returns how many were deleted.
pub async fn clean<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    newest_sequence: u64,
) -> StorageResult<usize> {
    let directory = layout.staging();
    let mut deleted = 0;
    for entry in storage.list(&directory).await? {
        let old =
            SourcePartitionLayout::staged_sequence(&entry.name).is_some_and(|sequence| sequence <= newest_sequence);
        if old && storage.delete(&format!("{directory}/{}", entry.name)).await? {
            deleted += 1;
        }
    }
    Ok(deleted)
}
