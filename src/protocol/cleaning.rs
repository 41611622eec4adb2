//! Cleaning: what crashed or lost commits left in `_staging/`.

use crate::protocol::layout::{SourcePartitionLayout, TableLayout};
use crate::safeguard::{Safeguard, is_on};
use crate::storage::{Storage, StorageResult};

/// What a cleaning came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleaned {
    /// Files that were deleted.
    pub(crate) deleted: u64,
    /// Files of later sequences, which stay: a crash before the commit of this sequence, or another owner at work. They
    /// can go after that commit.
    pub(crate) left: u64,
}

/// Deletes the staged files of this source partition whose sequence is at or below that of the newest manifest, whose
/// renames must be done. No clock is asked: a file of a later sequence may be another owner's that is still being
/// written, one at or below it can never be committed.
pub(crate) async fn clean<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    newest_sequence: u64,
) -> StorageResult<Cleaned> {
    let directory = layout.staging();
    let mut cleaned = Cleaned::default();
    for entry in storage.list(&directory).await? {
        let Some(sequence) = SourcePartitionLayout::staged_sequence(&entry.name) else { continue };
        if may_be_committed(sequence, newest_sequence) {
            cleaned.left += 1;
        } else if storage.delete(&format!("{directory}/{}", entry.name)).await? {
            cleaned.deleted += 1;
        }
    }
    Ok(cleaned)
}

fn may_be_committed(sequence: u64, newest_sequence: u64) -> bool {
    sequence > newest_sequence && is_on(Safeguard::CleanBySequence)
}

/// Deletes what the table's own small files (its identity, its columns) were staged as; how many. An owner that is about
/// to put one finds it missing, and writes it again.
pub(crate) async fn clean_table<S: Storage>(storage: &S, table: &TableLayout) -> StorageResult<u64> {
    let directory = table.staging();
    let mut deleted = 0;
    for entry in storage.list(&directory).await?.into_iter().filter(|entry| !entry.is_directory) {
        deleted += u64::from(storage.delete(&format!("{directory}/{}", entry.name)).await?);
    }
    Ok(deleted)
}
