//! HDFS through hdfs-native: every call with a time limit, every error by what it says about HDFS's state.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hdfs_native::client::FileStatus as HdfsStatus;
use hdfs_native::file::FileWriter;
use hdfs_native::{Client, HdfsError};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::storage::connection::{Connection, panicked};
use crate::storage::creation::Creation;
use crate::storage::greeting::SILENT_KDC;
use crate::storage::words;
use crate::storage::{
    FileStatus, Operation, Overwrite, Storage, StorageError, StorageErrorKind, StorageResult, StorageWriter,
};

pub use crate::storage::connection::HdfsSettings;
pub use crate::storage::creation::Modes;
pub use crate::storage::identity::Identity;

/// HDFS.
pub struct Hdfs {
    creation: Arc<Creation>,
    connection: Arc<Connection>,
}

impl Hdfs {
    /// Connects lazily: only a configuration that cannot be used is an error here.
    pub fn new(settings: HdfsSettings) -> Result<Self, HdfsError> {
        let creation = settings.hadoop().and_then(|hadoop| Creation::of(&hadoop, settings.modes));
        let creation = Arc::new(creation.map_err(HdfsError::InvalidArgument)?);
        Ok(Hdfs { creation, connection: Arc::new(Connection::new(settings)?) })
    }

    /// Who this client is to be, with the machine's name for `_HOST`.
    pub(crate) fn identity(&self) -> &Identity {
        self.connection.identity()
    }

    /// Whether HDFS takes this client for who it is to be, if that can be told within the limit.
    ///
    /// # Errors
    /// In words: what is wrong, and what to do.
    pub async fn greet(&self, limit: Duration) -> Result<(), String> {
        self.connection.greet(limit).await
    }

    async fn call<T: Send + 'static, F: Future<Output = Result<T, HdfsError>> + Send + 'static>(
        &self,
        operation: Operation,
        path: &str,
        call: impl FnOnce(Arc<Client>, String) -> F,
    ) -> StorageResult<T> {
        let mut used = None;
        let answered = timeout(self.connection.limit(), async {
            let client = used.insert(self.connection.client().await);
            self.connection.run(call(Arc::clone(client), path.to_owned())).await
        });
        let answered = answered.await;
        if let Some(client) = &used {
            self.connection.note(client, path, &answered);
        }
        told(answered, &self.connection, operation, path).await
    }
}

/// What an answer means, or that none came within the limit.
async fn told<T>(
    answered: Result<Result<T, HdfsError>, Elapsed>,
    connection: &Connection,
    operation: Operation,
    path: &str,
) -> StorageResult<T> {
    match answered {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(translate(operation, path, &error)),
        Err(_) => {
            let perhaps = match connection.waits_for_kdc().await {
                true => SILENT_KDC,
                false => "is the NameNode or a DataNode overloaded or hanging?",
            };
            let limit = connection.limit().as_secs_f64();
            let message = format!("no answer within {limit} s (operationTimeout); {perhaps}");
            Err(StorageError { kind: StorageErrorKind::Unknown, operation, path: path.to_owned(), message })
        }
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
        // The file may be there already: what failed is to get its key.
        HdfsError::UnsupportedFeature(_)
        | HdfsError::SASLError(_)
        | HdfsError::GSSAPIError(..)
        | HdfsError::NoSASLMechanism
            if operation == Operation::Create =>
        {
            StorageErrorKind::Unknown
        }
        // Nothing is wrong with the file.
        HdfsError::OperationFailed(said) if operation == Operation::Read && words::is_of_key_server(said) => {
            StorageErrorKind::Refused
        }
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
    StorageError { kind, operation, path: path.to_owned(), message: words::told(error) }
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
        let (creation, connection) = (Arc::clone(&self.creation), Arc::clone(&self.connection));
        let create = |client: Arc<Client>, path: String| async move {
            let options = creation.of_file(&client, &path).await?;
            // Kept from the first moment on: nobody may wait for it any more.
            let file = OpenFile { writer: Some(client.create(&path, &options).await?), connection };
            Ok((file, client))
        };
        let (file, client) = self.call(Operation::Create, path, create).await?;
        Ok(HdfsWriter { file: Some(file), path: path.to_owned(), client, connection: Arc::clone(&self.connection) })
    }

    async fn rename(&self, from: &str, to: &str, overwrite: Overwrite) -> StorageResult<()> {
        let (to, replace) = (to.to_owned(), overwrite == Overwrite::Replace);
        let rename = |client: Arc<Client>, from: String| async move { client.rename(&from, &to, replace).await };
        self.call(Operation::Rename, from, rename).await
    }

    async fn read(&self, path: &str) -> StorageResult<Bytes> {
        let read = |client: Arc<Client>, path: String| async move {
            let mut reader = client.read(&path).await?;
            let length = reader.file_length();
            reader.read_bytes(length).await
        };
        self.call(Operation::Read, path, read).await
    }

    async fn list(&self, directory: &str) -> StorageResult<Vec<FileStatus>> {
        let list = |client: Arc<Client>, path: String| async move { client.list_status(&path, false).await };
        let listed = self.call(Operation::List, directory, list).await;
        Ok(if_found(listed)?.unwrap_or_default().into_iter().map(status_of).collect())
    }

    async fn status(&self, path: &str) -> StorageResult<Option<FileStatus>> {
        let look = |client: Arc<Client>, path: String| async move { client.get_file_info(&path).await };
        Ok(if_found(self.call(Operation::Status, path, look).await)?.map(status_of))
    }

    async fn delete(&self, path: &str) -> StorageResult<bool> {
        let delete = |client: Arc<Client>, path: String| async move { client.delete(&path, false).await };
        self.call(Operation::Delete, path, delete).await
    }

    async fn mkdirs(&self, directory: &str) -> StorageResult<()> {
        let creation = Arc::clone(&self.creation);
        let make = |client: Arc<Client>, path: String| async move {
            let permission = creation.of_directory(&client, &path).await?;
            client.mkdirs(&path, permission, true).await
        };
        self.call(Operation::Mkdirs, directory, make).await
    }
}

/// A file that is open at the DataNodes. One that is dropped is given up, and closed in the background: hdfs-native leaves the
/// connections of a dropped writer open and alive, on which DataNodes have a limit (0.14.8: the task that sends heartbeats has a
/// sender of its own, and only `close` ends it). Nobody names such a file.
struct OpenFile {
    /// None once it is closed.
    writer: Option<FileWriter>,
    connection: Arc<Connection>,
}

impl OpenFile {
    async fn write(&mut self, bytes: Bytes) -> Result<(), HdfsError> {
        self.writer()?.write_bytes(bytes).await.map(drop)
    }

    async fn hsync(&mut self) -> Result<(), HdfsError> {
        self.writer()?.hsync().await
    }

    fn writer(&mut self) -> Result<&mut FileWriter, HdfsError> {
        self.writer.as_mut().ok_or_else(is_closed)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            // Without a runtime everything ends.
            drop(self.connection.begin(async move { writer.close().await }));
        }
    }
}

fn is_closed() -> HdfsError {
    HdfsError::OperationFailed("the file is closed".to_owned())
}

/// A file being written to HDFS.
pub struct HdfsWriter {
    /// None once it is closed, or given up.
    file: Option<OpenFile>,
    path: String,
    /// Its own: a file goes on with the client that created it.
    client: Arc<Client>,
    connection: Arc<Connection>,
}

impl HdfsWriter {
    /// What became of a call on the file within its limit. The file goes along, and comes back unless it is given up.
    async fn on_file<F: Future<Output = (OpenFile, Result<(), HdfsError>)> + Send + 'static>(
        &mut self,
        operation: Operation,
        call: impl FnOnce(OpenFile) -> F,
    ) -> StorageResult<()> {
        let Some(file) = self.file.take() else { return Err(translate(operation, &self.path, &is_closed())) };
        let call = call(file);
        let answered = timeout(self.connection.limit(), self.connection.run(async { Ok(call.await) })).await;
        let done = answered.map(|answer| {
            let (file, result) = answer?;
            self.file = Some(file);
            result
        });
        self.told(operation, done).await
    }

    /// What an answer means. That of a DataNode may be missing, too: the NameNode is looked at.
    async fn told(&self, operation: Operation, answered: Result<Result<(), HdfsError>, Elapsed>) -> StorageResult<()> {
        self.connection.note(&self.client, &self.path, &answered);
        told(answered, &self.connection, operation, &self.path).await
    }
}

impl StorageWriter for HdfsWriter {
    async fn write(&mut self, bytes: Bytes) -> StorageResult<()> {
        let write = |mut file: OpenFile| async move {
            let written = file.write(bytes).await;
            (file, written)
        };
        self.on_file(Operation::Write, write).await
    }

    async fn hsync(&mut self) -> StorageResult<()> {
        let hsync = |mut file: OpenFile| async move {
            let synced = file.hsync().await;
            (file, synced)
        };
        self.on_file(Operation::Hsync, hsync).await
    }

    async fn close(mut self) -> StorageResult<()> {
        let Some(mut writer) = self.file.as_mut().and_then(|file| file.writer.take()) else { return Ok(()) };
        // A close that takes too long goes on.
        let closing = self.connection.begin(async move { writer.close().await });
        let closed = async {
            let ended = closing.ok_or_else(|| HdfsError::OperationFailed("there is no runtime".to_owned()))?.await;
            ended.unwrap_or_else(|_| Err(panicked()))
        };
        let closed = timeout(self.connection.limit(), closed).await;
        self.told(Operation::Close, closed).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_key_server_says_is_neither_the_files_nor_proof_that_no_file_was_made() {
        let kind = |operation, error: HdfsError| translate(operation, "/f", &error).kind;
        let failed = |said: &str| HdfsError::OperationFailed(said.to_owned());
        let sasl = || HdfsError::SASLError("Server not found in Kerberos database".to_owned());
        assert_eq!(kind(Operation::Read, failed("KMS HTTP error: refused")), StorageErrorKind::Refused);
        assert_eq!(kind(Operation::Read, failed("Failed to read")), StorageErrorKind::Unknown);
        assert_eq!(kind(Operation::Create, failed("KMS HTTP error: refused")), StorageErrorKind::Unknown);
        assert_eq!(kind(Operation::Create, sasl()), StorageErrorKind::Unknown);
        assert_eq!(kind(Operation::Status, sasl()), StorageErrorKind::Refused);
    }
}
