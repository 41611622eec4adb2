//! Probe: the directory is tried when the sink opens, so that a wrong path, quota or permission fails at the start.

use bytes::Bytes;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::protocol::layout::parent;
use crate::storage::{Overwrite, Storage, StorageResult, write_whole};
use tokio::time::{Instant, timeout_at};

/// Tries the directory until the deadline, at which `openTimeout` ends. The error says what to look at.
pub(super) async fn probe<S: Storage>(storage: &S, config: &Config, deadline: Instant) -> Result<()> {
    match timeout_at(deadline, try_directory(storage, &probe_name(config))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(unusable(config, &error.to_string())),
        Err(_) => {
            let limit = config.open_timeout.as_secs_f64();
            Err(unusable(
                config,
                &format!("no answer within {limit} s (openTimeout); is the NameNode at the configured address up?"),
            ))
        }
    }
}

/// The name of the file to try the directory with: the same at each start of this instance, another for every other one.
pub(super) fn probe_name(config: &Config) -> String {
    let sink = &config.sink;
    let identity = crc32fast::hash(format!("{}/{}/{}", sink.tenant, sink.namespace, sink.name).as_bytes());
    format!("{}/_probe-{identity:08x}-{}", config.directory, sink.instance)
}

/// Writes, syncs, renames and deletes one file.
async fn try_directory<S: Storage>(storage: &S, name: &str) -> StorageResult<()> {
    storage.mkdirs(parent(name)).await?;
    let renamed = format!("{name}-renamed");
    let tried = async {
        // What an instance left that was killed while it tried.
        storage.delete(name).await?;
        storage.delete(&renamed).await?;
        write_whole(storage, name, Bytes::from_static(b"probe\n")).await?;
        storage.rename(name, &renamed, Overwrite::Never).await?;
        storage.delete(&renamed).await
    };
    let tried = tried.await;
    if tried.is_err() {
        // Whichever is there must not stay.
        let _ = storage.delete(name).await;
        let _ = storage.delete(&renamed).await;
    }
    tried.map(drop)
}

fn unusable(config: &Config, what: &str) -> Error {
    let settings = config.hdfs.config_dir.as_deref().unwrap_or("HADOOP_CONF_DIR");
    Error::new(
        ErrorKind::Storage,
        format_args!(
            "the directory {} cannot be used: {what}. The sink tried to write, sync, rename and delete a file there with the Hadoop \
             settings of {settings}: check the address in core-site.xml, the directory's owner, permissions and quotas, and that the \
             NameNode is not in safe mode",
            config.directory
        ),
    )
}
