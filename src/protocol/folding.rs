//! Folding: a small file grows by the next batch instead of leaving a heap of them.

use bytes::Bytes;

use crate::protocol::failure::Failure;
use crate::protocol::layout::TableLayout;
use crate::protocol::manifest::{Content, OpenFile, RowFormat};
use crate::protocol::open_files::OpenFiles;
use crate::protocol::stage::checksum_text;
use crate::safeguard::{Safeguard, is_on};
use crate::storage::{Storage, StorageError, StorageErrorKind};

/// When a batch is folded into a file that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folding {
    /// Files below this many bytes grow; 0 for none.
    pub(crate) below: u64,
    /// How rows are written: a file that was written otherwise does not grow.
    pub(crate) format: RowFormat,
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

/// The bytes of the file that a batch is folded into; none when it is not what its manifest says, or cannot be read: then the
/// batch begins a new file. Folding spares files, and must not hold up a commit.
pub(crate) async fn read_open_file<S: Storage>(
    storage: &S,
    table: &TableLayout,
    open: &OpenFile,
    failed_reads: u32,
) -> Result<Option<Bytes>, Failure> {
    let path = table.path(&open.name);
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
        return Ok(Some(found));
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
        || failed_reads >= MOST_FAILED_READS && storage.status(path).await.is_ok()
}

fn is_unchanged(found: &[u8], content: &Content) -> bool {
    let is_equal = || found.len() as u64 == content.length && checksum_text(crc32fast::hash(found)) == content.checksum;
    !is_on(Safeguard::FoldCheck) || is_equal()
}
