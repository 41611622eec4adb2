//! HDFS through hdfs-native: every call with a time limit, every error by what it says about HDFS's state.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hdfs_native::client::{FileStatus as HdfsStatus, WriteOptions};
use hdfs_native::file::FileWriter;
use hdfs_native::{Client, HdfsError};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::storage::connection::Connection;
use crate::storage::hadoop::umask;
use crate::storage::{
    FileStatus, Operation, Overwrite, Storage, StorageError, StorageErrorKind, StorageResult, StorageWriter,
};

pub use crate::storage::connection::HdfsSettings;

/// HDFS.
pub struct Hdfs {
    umask: u32,
    connection: Arc<Connection>,
}

impl Hdfs {
    /// Connects lazily: only a configuration that cannot be used is an error here.
    pub fn new(settings: HdfsSettings) -> Result<Self, HdfsError> {
        let umask = settings.hadoop().and_then(|hadoop| umask(&hadoop)).map_err(HdfsError::InvalidArgument)?;
        Ok(Hdfs { umask, connection: Arc::new(Connection::new(settings)?) })
    }

    async fn call<T>(
        &self,
        operation: Operation,
        path: &str,
        call: impl AsyncFnOnce(&Arc<Client>) -> Result<T, HdfsError>,
    ) -> StorageResult<T> {
        let mut used = None;
        let answered = timeout(self.connection.limit(), async {
            let client = used.insert(self.connection.client().await);
            call(client).await
        });
        let answered = answered.await;
        if let Some(client) = &used {
            self.connection.note(client, path, &answered);
        }
        told(answered, self.connection.limit(), operation, path)
    }
}

/// What an answer means, or that none came within the limit.
fn told<T>(
    answered: Result<Result<T, HdfsError>, Elapsed>,
    limit: Duration,
    operation: Operation,
    path: &str,
) -> StorageResult<T> {
    match answered {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(translate(operation, path, &error)),
        Err(_) => Err(StorageError {
            kind: StorageErrorKind::Unknown,
            operation,
            path: path.to_owned(),
            message: format!(
                "no answer within {} s (operationTimeout); is the NameNode or a DataNode overloaded or hanging?",
                limit.as_secs_f64()
            ),
        }),
    }
}

/// Answers that an exception of the NameNode, and only such a one, proves to have changed nothing.
fn translate(operation: Operation, path: &str, error: &HdfsError) -> StorageError {
    let kind = match error {
        HdfsError::FileNotFound(_) => StorageErrorKind::NotFound,
        HdfsError::AlreadyExists(_) => StorageErrorKind::AlreadyExists,
        HdfsError::RPCError(class, _) | HdfsError::FatalRPCError(class, _) => match class.as_str() {
            "java.io.FileNotFoundException" => StorageErrorKind::NotFound,
            "org.apache.hadoop.fs.FileAlreadyExistsException" => StorageErrorKind::AlreadyExists,
            // The NameNode is changing state or too busy: whether it was done is not said.
            "org.apache.hadoop.ipc.RetriableException" | "org.apache.hadoop.ipc.StandbyException" => {
                StorageErrorKind::Unknown
            }
            _ => StorageErrorKind::Refused,
        },
        HdfsError::InvalidPath(_)
        | HdfsError::InvalidArgument(_)
        | HdfsError::IsADirectoryError(_)
        | HdfsError::UnsupportedFeature(_)
        | HdfsError::SASLError(_)
        | HdfsError::GSSAPIError(..)
        | HdfsError::NoSASLMechanism => StorageErrorKind::Refused,
        // It comes when each replica was tried: hdfs-native goes from one to the next by itself (block_reader.rs).
        HdfsError::DataTransferError(_) | HdfsError::ChecksumError | HdfsError::BlocksNotFound(_)
            if operation == Operation::Read =>
        {
            StorageErrorKind::Unreadable
        }
        _ => StorageErrorKind::Unknown,
    };
    // An RPC error carries the NameNode's Java stack: its first line is the message.
    let message = error.to_string().lines().next().unwrap_or_default().to_owned();
    StorageError { kind, operation, path: path.to_owned(), message }
}

fn status_of(status: HdfsStatus) -> FileStatus {
    let name = status.path.rsplit('/').next().unwrap_or_default().to_owned();
    FileStatus { name, length: status.length as u64, is_directory: status.isdir }
}

fn if_found<T>(result: StorageResult<T>) -> StorageResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Storage for Hdfs {
    type Writer = HdfsWriter;

    async fn create(&self, path: &str) -> StorageResult<HdfsWriter> {
        let options = WriteOptions::default().permission(0o666 & !self.umask);
        let create = async |client: &Arc<Client>| Ok((client.create(path, &options).await?, Arc::clone(client)));
        let (writer, client) = self.call(Operation::Create, path, create).await?;
        Ok(HdfsWriter { writer: Some(writer), path: path.to_owned(), client, connection: Arc::clone(&self.connection) })
    }

    async fn rename(&self, from: &str, to: &str, overwrite: Overwrite) -> StorageResult<()> {
        let replace = overwrite == Overwrite::Replace;
        self.call(Operation::Rename, from, async |client| client.rename(from, to, replace).await).await
    }

    async fn read(&self, path: &str) -> StorageResult<Bytes> {
        self.call(Operation::Read, path, async |client| {
            let mut reader = client.read(path).await?;
            let length = reader.file_length();
            reader.read_bytes(length).await
        })
        .await
    }

    async fn list(&self, directory: &str) -> StorageResult<Vec<FileStatus>> {
        let listed =
            self.call(Operation::List, directory, async |client| client.list_status(directory, false).await).await;
        Ok(if_found(listed)?.unwrap_or_default().into_iter().map(status_of).collect())
    }

    async fn status(&self, path: &str) -> StorageResult<Option<FileStatus>> {
        let found = self.call(Operation::Status, path, async |client| client.get_file_info(path).await).await;
        Ok(if_found(found)?.map(status_of))
    }

    async fn delete(&self, path: &str) -> StorageResult<bool> {
        self.call(Operation::Delete, path, async |client| client.delete(path, false).await).await
    }

    async fn mkdirs(&self, directory: &str) -> StorageResult<()> {
        let permission = 0o777 & !self.umask;
        self.call(Operation::Mkdirs, directory, async |client| client.mkdirs(directory, permission, true).await).await
    }
}

/// A file being written to HDFS. One that is dropped is given up, and closed in the background: hdfs-native leaves the
/// connections of a dropped writer open and alive, on which DataNodes have a limit (0.14.8: the task that sends heartbeats has a
/// sender of its own, and only `close` ends it). Nobody names such a file.
pub struct HdfsWriter {
    /// None once it is closed.
    writer: Option<FileWriter>,
    path: String,
    /// Its own: a file goes on with the client that created it.
    client: Arc<Client>,
    connection: Arc<Connection>,
}

impl HdfsWriter {
    fn writer(&mut self) -> Result<&mut FileWriter, HdfsError> {
        self.writer.as_mut().ok_or_else(|| HdfsError::OperationFailed("the file is closed".to_owned()))
    }

    /// What became of a call within its limit. That of a DataNode may be missing, too: the NameNode is looked at.
    async fn bounded<T>(
        &mut self,
        operation: Operation,
        call: impl AsyncFnOnce(&mut Self) -> Result<T, HdfsError>,
    ) -> StorageResult<T> {
        let limit = self.connection.limit();
        let answered = timeout(limit, call(self)).await;
        self.connection.note(&self.client, &self.path, &answered);
        told(answered, limit, operation, &self.path)
    }
}

impl StorageWriter for HdfsWriter {
    async fn write(&mut self, bytes: Bytes) -> StorageResult<()> {
        self.bounded(Operation::Write, async |own| own.writer()?.write_bytes(bytes).await).await.map(drop)
    }

    async fn hsync(&mut self) -> StorageResult<()> {
        self.bounded(Operation::Hsync, async |own| own.writer()?.hsync().await).await
    }

    async fn close(mut self) -> StorageResult<()> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        // A close that takes too long goes on.
        let closing = tokio::spawn(async move { writer.close().await });
        let closed =
            async |_: &mut Self| closing.await.unwrap_or_else(|end| Err(HdfsError::OperationFailed(end.to_string())));
        self.bounded(Operation::Close, closed).await
    }
}

impl Drop for HdfsWriter {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { writer.close().await });
        }
    }
}
