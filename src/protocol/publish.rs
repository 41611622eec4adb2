//! Publish: committed files get their final names, which readers see.

use crate::error::Error;
use crate::protocol::failure::Failure;
use crate::protocol::layout::{TableLayout, parent};
use crate::protocol::manifest::FileEntry;
use crate::storage::{Operation, Overwrite, Storage, StorageError, StorageErrorKind};

/// Where a committed file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// Under its final name, or it went with its whole partition directory.
    Done,
    /// Neither where it was staged nor under its final name, in a partition directory that is there.
    Gone,
}

/// Renames a committed file to its final name. Each rename moves a unique name once, so repeating it is harmless.
pub(crate) async fn publish<S: Storage>(
    storage: &S,
    table: &TableLayout,
    file: &FileEntry,
) -> Result<Published, Failure> {
    let from = table.path(&file.staged);
    let to = table.path(&file.name);
    let overwrite = if file.replaces.is_some() { Overwrite::Replace } else { Overwrite::Never };
    for _ in 0..2 {
        let error = match storage.rename(&from, &to, overwrite).await {
            Ok(()) => return Ok(Published::Done),
            Err(error) => error,
        };
        if !matches!(error.kind, StorageErrorKind::NotFound | StorageErrorKind::AlreadyExists) {
            return Err(error.into());
        }
        // HDFS says "not found" for a missing source and for a missing parent alike.
        let source = storage.status(&from).await?;
        let target = storage.status(&to).await?;
        match (source, target) {
            (None, Some(target)) if target.length >= file.content.length => return Ok(Published::Done),
            // Only this rename can have taken the staged file away, so the file was there and went with its whole directory.
            (None, None) if deleted_by_retention(storage, table, &to).await? => {
                tracing::warn!(path = to, "the committed file's whole partition directory was deleted");
                return Ok(Published::Done);
            }
            (None, None) if parent(&to) != table.root() => return Ok(Published::Gone),
            (None, found) => return Err(gone(&to, file, found.map(|found| found.length)).into()),
            (Some(_), Some(_)) if overwrite == Overwrite::Replace => return Err(error.into()),
            // Someone else publishes the same commit: the directory was missing a moment ago.
            (Some(_), Some(_)) if error.kind == StorageErrorKind::NotFound => {}
            (Some(_), Some(_)) => {
                return Err(Error::protocol(format_args!(
                    "{to} is there before its commit published it: something else wrote it. Move it away, and the commit goes on"
                ))
                .into());
            }
            (Some(_), None) => storage.mkdirs(parent(&to)).await?,
        }
    }
    Err(StorageError {
        kind: StorageErrorKind::Unknown,
        operation: Operation::Rename,
        path: to,
        message: "its directory comes and goes; something else makes and deletes directories here".to_owned(),
    }
    .into())
}

/// Whether a partition directory is gone as a whole, as retention deletes days.
async fn deleted_by_retention<S: Storage>(storage: &S, table: &TableLayout, path: &str) -> Result<bool, Failure> {
    let directory = parent(path);
    Ok(directory != table.root() && storage.status(directory).await?.is_none())
}

/// What is wrong with a committed file that is not there, or of which only so many bytes are.
pub(crate) fn gone(path: &str, file: &FileEntry, found: Option<u64>) -> Error {
    let found = found.map_or("there is no such file".to_owned(), |length| format!("there are {length} bytes"));
    Error::protocol(format_args!(
        "the committed file {path} should have {} bytes in {} rows, but {found}. Restore it from a snapshot or the trash; \
         `hdfs-csv verify` says what else is missing",
        file.content.length, file.content.rows
    ))
}
