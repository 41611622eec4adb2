//! HDFS through hdfs-native: every call with a time limit, every error by what it says about HDFS's state.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hdfs_native::client::{FileStatus as HdfsStatus, WriteOptions};
use hdfs_native::file::FileWriter;
use hdfs_native::{Client, ClientBuilder, HdfsError};

use crate::storage::{
    FileStatus, Operation, Overwrite, Storage, StorageError, StorageErrorKind, StorageResult, StorageWriter, hadoop,
};

/// How to reach HDFS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HdfsSettings {
    /// The folder with core-site.xml and hdfs-site.xml; the environment's HADOOP_CONF_DIR when none.
    pub config_dir: Option<String>,
    /// `hdfs://…`; `fs.defaultFS` when none.
    pub url: Option<String>,
    /// The bound on one call.
    pub operation_timeout: Duration,
}

/// HDFS. After a time-out the client is built anew: a NameNode that accepts and never answers is not failed over
/// by hdfs-native itself.
pub struct Hdfs {
    settings: HdfsSettings,
    umask: u32,
    client: Mutex<Arc<Client>>,
}

impl Hdfs {
    /// Connects lazily: only a configuration that cannot be read is an error here.
    pub fn new(settings: HdfsSettings) -> Result<Self, HdfsError> {
        let umask = hadoop::umask(settings.config_dir.as_deref()).map_err(HdfsError::InvalidArgument)?;
        let client = Mutex::new(Arc::new(build(&settings)?));
        Ok(Hdfs { settings, umask, client })
    }

    fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn renew(&self, stale: &Arc<Client>) {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&client, stale) {
            match build(&self.settings) {
                Ok(new) => *client = Arc::new(new),
                Err(error) => tracing::warn!(%error, "the HDFS client could not be built anew; the old one stays"),
            }
        }
    }

    async fn call<T>(
        &self,
        operation: Operation,
        path: &str,
        call: impl AsyncFnOnce(&Client) -> Result<T, HdfsError>,
    ) -> StorageResult<T> {
        let client = self.client();
        let began = tokio::time::Instant::now();
        let result = bounded(self.settings.operation_timeout, operation, path, call(&client)).await;
        if result.is_err() && began.elapsed() >= self.settings.operation_timeout {
            self.renew(&client);
        }
        result
    }
}

fn build(settings: &HdfsSettings) -> Result<Client, HdfsError> {
    let mut builder = ClientBuilder::new();
    if let Some(config_dir) = &settings.config_dir {
        builder = builder.with_config_dir(config_dir);
    }
    if let Some(url) = &settings.url {
        builder = builder.with_url(url);
    }
    if let Ok(handle) = tokio::runtime::Handle::try_current() {
        builder = builder.with_io_runtime(handle);
    }
    builder.build()
}

async fn bounded<T>(
    limit: Duration,
    operation: Operation,
    path: &str,
    call: impl Future<Output = Result<T, HdfsError>>,
) -> StorageResult<T> {
    match tokio::time::timeout(limit, call).await {
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
        let writer = self.call(Operation::Create, path, async |client| client.create(path, &options).await).await?;
        Ok(HdfsWriter { writer: Some(writer), path: path.to_owned(), limit: self.settings.operation_timeout })
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
    limit: Duration,
}

impl HdfsWriter {
    fn writer(&mut self) -> Result<&mut FileWriter, HdfsError> {
        self.writer.as_mut().ok_or_else(|| HdfsError::OperationFailed("the file is closed".to_owned()))
    }
}

impl StorageWriter for HdfsWriter {
    async fn write(&mut self, bytes: Bytes) -> StorageResult<()> {
        let (limit, path) = (self.limit, self.path.clone());
        let written = async { self.writer()?.write_bytes(bytes).await };
        bounded(limit, Operation::Write, &path, written).await.map(drop)
    }

    async fn hsync(&mut self) -> StorageResult<()> {
        let (limit, path) = (self.limit, self.path.clone());
        bounded(limit, Operation::Hsync, &path, async { self.writer()?.hsync().await }).await
    }

    async fn close(mut self) -> StorageResult<()> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        // A close that takes too long goes on.
        let closing = tokio::spawn(async move { writer.close().await });
        let closed = async { closing.await.unwrap_or_else(|end| Err(HdfsError::OperationFailed(end.to_string()))) };
        bounded(self.limit, Operation::Close, &self.path, closed).await
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
