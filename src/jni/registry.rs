//! Sinks by number: Java holds a number and never a pointer, so that a double close is an error and no crash.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::jni::log;
use crate::jni::proof::{ProofClass, proofs};
use crate::sink::{Sink, THREADS};
use crate::storage::hdfs::Hdfs;
use crate::storage::words::told;

/// A sink on HDFS.
pub(super) type HdfsSink = Sink<Hdfs>;

#[derive(Default)]
struct Registry {
    sinks: HashMap<u64, Arc<HdfsSink>>,
    last: u64,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a sink; its number.
pub(super) fn open(settings: &[u8], proof_class: ProofClass) -> Result<u64> {
    let config = Config::from_json(settings)?;
    let number = {
        let mut registry = registry();
        registry.last += 1;
        registry.last
    };
    let span = log::begin(number, config.log_level)?;
    let opened = open_on_hdfs(config, proof_class, span);
    match opened {
        Ok(sink) => {
            registry().sinks.insert(number, Arc::new(sink));
            Ok(number)
        }
        Err(error) => {
            // Nobody will fetch its log: what it said belongs to the error.
            let said = log::end(number);
            let said: String = said.iter().map(|line| format!("\n{} {}", line.level, line.message)).collect();
            Err(Error::new(error.kind, format_args!("{error}{said}")))
        }
    }
}

fn open_on_hdfs(config: Config, proof_class: ProofClass, span: tracing::Span) -> Result<HdfsSink> {
    let deadline = Instant::now() + config.open_timeout;
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("hdfs-csv")
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Storage, format_args!("threads cannot be started: {error}")))?;
    let storage = runtime.block_on(async { Hdfs::new(config.hdfs.clone()) }).map_err(|error| {
        let settings = config.hdfs.config_dir.as_deref().unwrap_or("HADOOP_CONF_DIR");
        let error = told(&error);
        Error::new(ErrorKind::Config, format_args!("the Hadoop settings of {settings} cannot be used: {error}"))
    })?;
    // The sink's threads serve the limits of calls, which this thread waits for.
    runtime.block_on(storage.greet(config.open_timeout / 2)).map_err(|what| {
        let settings = config.hdfs.config_dir.as_deref().unwrap_or("HADOOP_CONF_DIR");
        let says = "HDFS does not take this sink for who it is to be";
        Error::new(ErrorKind::Storage, format_args!("{says}: {what} (the Hadoop settings are those of {settings})"))
    })?;
    let metastore = config.hive.as_ref().and_then(|hive| hive.principal.as_deref());
    let proof = metastore.map(|service| proofs(proof_class, storage.identity(), service));
    Sink::open(config, deadline, runtime, storage, proof, span)
}

/// The sink of this number.
pub(super) fn get(number: u64) -> Result<Arc<HdfsSink>> {
    registry().sinks.get(&number).cloned().ok_or_else(|| Error::closed(number))
}

/// Ends the sink of this number within the limit; whether all was committed.
pub(super) fn close(number: u64, limit: Duration) -> Result<bool> {
    // It stays registered meanwhile: dead letters are confirmed and answers and logs fetched until it has ended.
    let committed = get(number)?.close(limit);
    registry().sinks.remove(&number);
    log::end(number);
    Ok(committed)
}
