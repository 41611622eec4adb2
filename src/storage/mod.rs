//! What the commit protocol needs of a file system, and no more.

use std::fmt;
use std::future::Future;

use bytes::Bytes;

use crate::error::{Error, ErrorKind};

mod apart;
mod connection;
mod creation;
pub(crate) mod file_system;
mod greeting;
pub(crate) mod hadoop;
pub mod hdfs;
mod identity;
mod keytab;
pub mod memory;
pub(crate) mod words;

/// What an error says about the file system's state: this decides what may be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageErrorKind {
    /// The source or its parent is missing; nothing was done.
    NotFound,
    /// The target exists; nothing was done.
    AlreadyExists,
    /// The file system refused; nothing was done. It may take the same call later (safe mode, quota).
    Refused,
    /// No DataNode gives the file's bytes, or not those that were written. Only a read says so.
    Unreadable,
    /// No answer, or one that says nothing: it may have been done, may still be done, or never. Look before deciding.
    Unknown,
}

/// A storage operation that did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("HDFS {operation} of {path} failed: {message}")]
pub struct StorageError {
    /// What is known of the file system's state.
    pub kind: StorageErrorKind,
    /// The operation's name.
    pub(crate) operation: Operation,
    /// The path it was about.
    pub(crate) path: String,
    /// What the file system answered.
    pub(crate) message: String,
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        Error::new(ErrorKind::Storage, error)
    }
}

/// The operations of a [`Storage`], to name them in errors, faults and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the method of that name")]
pub enum Operation {
    Create,
    Write,
    Hsync,
    Close,
    Rename,
    Read,
    List,
    Status,
    Delete,
    Mkdirs,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Create => "create",
            Operation::Write => "write",
            Operation::Hsync => "hsync",
            Operation::Close => "close",
            Operation::Rename => "rename",
            Operation::Read => "read",
            Operation::List => "list",
            Operation::Status => "status",
            Operation::Delete => "delete",
            Operation::Mkdirs => "mkdirs",
        })
    }
}

/// A result of a storage operation.
pub(crate) type StorageResult<T> = Result<T, StorageError>;

/// A name in a directory, or what a path stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// The name without its directory.
    pub name: String,
    /// Bytes; 0 for a directory.
    pub length: u64,
    /// Whether it is a directory.
    pub is_directory: bool,
}

/// Whether a rename may replace its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Put if absent: [`StorageErrorKind::AlreadyExists`] when the target is there.
    Never,
    /// Replace the target in one step.
    Replace,
}

/// A file system as the protocol sees it. Paths are absolute, without scheme. Every call is bounded in time.
pub trait Storage: Send + Sync + 'static {
    /// A file being written.
    type Writer: StorageWriter;

    /// Creates a file, and its parents where they are missing.
    fn create(&self, path: &str) -> impl Future<Output = StorageResult<Self::Writer>> + Send;
    /// Renames a file. The target's parent must exist.
    fn rename(&self, from: &str, to: &str, overwrite: Overwrite) -> impl Future<Output = StorageResult<()>> + Send;
    /// A whole file's visible bytes.
    fn read(&self, path: &str) -> impl Future<Output = StorageResult<Bytes>> + Send;
    /// What a directory holds, in no order; nothing when it is missing.
    fn list(&self, directory: &str) -> impl Future<Output = StorageResult<Vec<FileStatus>>> + Send;
    /// What stands at a path.
    fn status(&self, path: &str) -> impl Future<Output = StorageResult<Option<FileStatus>>> + Send;
    /// Deletes a file; whether it was there.
    fn delete(&self, path: &str) -> impl Future<Output = StorageResult<bool>> + Send;
    /// Creates a directory and its parents; nothing to do where they exist.
    fn mkdirs(&self, directory: &str) -> impl Future<Output = StorageResult<()>> + Send;
}

/// A file being written. After any error it must be dropped, never closed: HDFS can close a file that is not whole.
pub trait StorageWriter: Send + 'static {
    /// Queues bytes.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = StorageResult<()>> + Send;
    /// Makes what was written durable.
    fn hsync(&mut self) -> impl Future<Output = StorageResult<()>> + Send;
    /// Ends the file.
    fn close(self) -> impl Future<Output = StorageResult<()>> + Send;
}

/// Writes a small file whole: create, write, hsync, close, and a check of the length that the file system reports.
pub async fn write_whole<S: Storage>(storage: &S, path: &str, bytes: Bytes) -> StorageResult<()> {
    let length = bytes.len() as u64;
    let mut writer = storage.create(path).await?;
    writer.write(bytes).await?;
    writer.hsync().await?;
    writer.close().await?;
    check_length(storage, path, length).await
}

/// Checks that the file system reports this length for a closed file.
pub(crate) async fn check_length<S: Storage>(storage: &S, path: &str, length: u64) -> StorageResult<()> {
    let found = storage.status(path).await?.map(|status| status.length);
    if found == Some(length) {
        return Ok(());
    }
    let found = found.map_or("no file".to_owned(), |found| format!("{found} bytes"));
    Err(StorageError {
        kind: StorageErrorKind::Unknown,
        operation: Operation::Status,
        path: path.to_owned(),
        message: format!("{length} bytes were written and closed, but the NameNode reports {found}"),
    })
}
