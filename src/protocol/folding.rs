//! Folding: a small file grows by the next batch instead of leaving a heap of them.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::budget::{Budget, Charge};
use crate::error::Error;
use crate::protocol::failure::Failure;
use crate::protocol::layout::TableLayout;
use crate::protocol::manifest::{Content, OpenFile, RowFormat};
use crate::protocol::open_files::OpenFiles;
use crate::protocol::stage::checksum_text;
use crate::safeguard::{Safeguard, is_on};
use crate::storage::{Storage, StorageError, StorageErrorKind};

/// When a batch is folded into a file that is there.
#[derive(Clone, Debug)]
pub(crate) struct Folding {
    /// Files below this many bytes grow; 0 for none.
    pub(crate) below: u64,
    /// How rows are written: a file that was written otherwise does not grow.
    pub(crate) format: RowFormat,
    /// What files may take that are folded at the same time.
    pub(crate) memory: FoldingMemory,
}

/// A part of the memory that all commits of a sink share for the files that they read whole to fold them.
#[derive(Clone, Debug)]
pub(crate) struct FoldingMemory {
    budget: Budget,
    /// In units.
    share: u32,
    free: Arc<Semaphore>,
}

/// Room for one file, until its bytes are on the DataNodes again.
#[derive(Debug)]
pub(crate) struct FoldingRoom {
    _permit: OwnedSemaphorePermit,
    _charge: Charge,
}

/// A semaphore cannot count the bytes of the largest `maxMemory`.
const UNIT: u64 = 1 << 10;

impl FoldingMemory {
    /// Half of this budget, and always room for one file.
    pub(crate) fn new(budget: &Budget) -> Self {
        let share = u32::try_from(budget.bound() as u64 / 2 / UNIT).unwrap_or(u32::MAX).max(1);
        FoldingMemory { budget: budget.clone(), share, free: Arc::new(Semaphore::new(share as usize)) }
    }

    /// Waits for room for a file of this many bytes. Whoever has room waits for HDFS alone, and each call of that is bounded.
    async fn room(&self, bytes: u64) -> Result<FoldingRoom, Failure> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.share);
        let permit = Arc::clone(&self.free).acquire_many_owned(units).await.map_err(Error::bug)?;
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        Ok(FoldingRoom { _permit: permit, _charge: self.budget.charge(bytes) })
    }
}

/// From so many failed reads on it is not the NameNode that keeps an open file from being read, if that answers.
const MOST_FAILED_READS: u32 = 3;

impl Folding {
    /// The open file of a directory, if a batch may be folded into it.
    pub(crate) fn target(&self, open_files: &OpenFiles, directory: &str) -> Option<OpenFile> {
        let open = open_files.get(directory)?;
        (open.content.format == self.format && open.content.length < self.below).then(|| open.clone())
    }
}

/// The bytes of the file that a batch is folded into, with the room that they take until they are written again. None when it
/// is not what its manifest says, or cannot be read: then the batch begins a new file. Folding spares files, and must not hold up a commit.
pub(crate) async fn read_open_file<S: Storage>(
    storage: &S,
    table: &TableLayout,
    open: &OpenFile,
    failed_reads: u32,
    memory: &FoldingMemory,
) -> Result<Option<(Bytes, FoldingRoom)>, Failure> {
    let path = table.path(&open.name);
    let room = memory.room(open.content.length).await?;
    let found = match storage.read(&path).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind == StorageErrorKind::NotFound => {
            tracing::warn!(
                path,
                "the table's open file is gone; a new one begins. `hdfs-csv verify` says what is missing"
            );
            return Ok(None);
        }
        Err(error) if is_unreadable(storage, &path, &error, failed_reads).await => {
            tracing::warn!(
                "the table's open file cannot be read, and stays as it is; a new one begins. `hdfs fsck {path}` says what \
                 became of its blocks: {error}"
            );
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if is_unchanged(&found, &open.content) {
        return Ok(Some((found, room)));
    }
    tracing::warn!(
        path,
        "something else changed the table's open file; a new one begins. `hdfs-csv verify` says how it differs"
    );
    Ok(None)
}

/// Whether it is the file that cannot be read, and not HDFS that is away.
async fn is_unreadable<S: Storage>(storage: &S, path: &str, error: &StorageError, failed_reads: u32) -> bool {
    error.kind == StorageErrorKind::Unreadable
        || error.kind == StorageErrorKind::Unknown
            && failed_reads >= MOST_FAILED_READS
            && storage.status(path).await.is_ok()
}

fn is_unchanged(found: &[u8], content: &Content) -> bool {
    let is_equal = || found.len() as u64 == content.length && checksum_text(crc32fast::hash(found)) == content.checksum;
    !is_on(Safeguard::FoldCheck) || is_equal()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_file_is_unreadable_that_no_data_node_gives_or_many_reads_do_not_and_none_whose_key_is_denied() {
        let storage = crate::storage::memory::Memory::new();
        let unreadable = async |kind, failed_reads| {
            let (operation, path) = (crate::storage::Operation::Read, "/f".to_owned());
            let error = StorageError { kind, operation, path, message: String::new() };
            is_unreadable(&storage, "/f", &error, failed_reads).await
        };
        assert!(unreadable(StorageErrorKind::Unreadable, 0).await);
        assert!(unreadable(StorageErrorKind::Unknown, MOST_FAILED_READS).await);
        assert!(!unreadable(StorageErrorKind::Unknown, MOST_FAILED_READS - 1).await);
        assert!(!unreadable(StorageErrorKind::Refused, 10 * MOST_FAILED_READS).await);
    }

    #[test]
    fn files_that_are_folded_at_once_have_half_of_the_memory_and_one_that_is_larger_has_it_alone() {
        const KILOBYTE: usize = 1 << 10;
        let budget = Budget::new(20 * KILOBYTE);
        let memory = FoldingMemory::new(&budget);
        let room = |kilobytes: usize| memory.room((kilobytes * KILOBYTE) as u64).now_or_never().map(Result::unwrap);
        let (first, second) = (room(6).unwrap(), room(4).unwrap());
        assert!(room(1).is_none());
        assert_eq!(budget.used(), 10 * KILOBYTE);
        drop(first);
        assert!(room(100).is_none());
        drop(second);
        let larger = room(100).unwrap();
        assert!(room(1).is_none());
        assert_eq!(budget.used(), 100 * KILOBYTE);
        drop(larger);
        assert!(room(10).is_some());
        assert_eq!(budget.used(), 0);
        assert!(FoldingMemory::new(&Budget::new(0)).room(7).now_or_never().is_some());
    }
}
