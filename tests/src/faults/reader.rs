//! A reader that reads the tables while everything else happens to them.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use hdfs_native::client::FileStatus;
use hdfs_native::{Client, ClientBuilder, HdfsError};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::seen::{Seen, Wrong};
use crate::random::Random;
use crate::services::Services;

/// Between two looks at all files.
const PAUSE: Duration = Duration::from_millis(300);
/// A file whose length is as before is read once in so many looks, to see whether its bytes are.
const AGAIN: u64 = 20;
/// For one answer of HDFS.
const PATIENCE: Duration = Duration::from_secs(10);
/// Three ids of a message; three fields of the event as it was first.
const FEWEST_FIELDS: usize = 6;

/// What a reader came to.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// Files that were read.
    pub reads: u64,
    /// Reads and listings that HDFS refused, or did not answer.
    pub failed: u64,
    /// Reads that showed a row that is not whole.
    pub torn: Vec<String>,
    /// Reads and listings that lacked what was there before.
    pub shrunk: Vec<String>,
}

/// A reader at work on the directory of one sink. It uses hdfs-native as it is, and nothing of the connector.
pub struct Reader {
    stop: Sender<()>,
    thread: JoinHandle<Observations>,
}

impl Reader {
    /// Begins to read the one table of a directory.
    pub fn start(services: &Services, table: &str) -> Result<Reader> {
        let config_dir = services.hadoop_conf()?;
        let runtime = services.tokio().handle().clone();
        let (stop, stopped) = channel();
        let mut work = Work {
            config_dir,
            runtime,
            table: table.to_owned(),
            seen: Seen::new(FEWEST_FIELDS),
            random: Random::of(0),
            observations: Observations::default(),
        };
        let thread = std::thread::spawn(move || {
            work.until(&stopped);
            work.observations
        });
        Ok(Reader { stop, thread })
    }

    /// Looks a last time, at every file, and ends.
    pub fn stop(self) -> Result<Observations> {
        drop(self.stop);
        let observations = self.thread.join().map_err(|_| anyhow!("the reader panicked"))?;
        ensure!(observations.reads > 0, "the reader saw no file");
        Ok(observations)
    }
}

struct Work {
    config_dir: String,
    runtime: Handle,
    table: String,
    seen: Seen,
    random: Random,
    observations: Observations,
}

impl Work {
    fn until(&mut self, stopped: &Receiver<()>) {
        let runtime = self.runtime.clone();
        loop {
            let last = stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Disconnected);
            if let Err(error) = runtime.block_on(self.look(last)) {
                self.failed(&error);
            }
            if last {
                return;
            }
        }
    }

    /// Lists all files and reads those that changed, and some others. An error is HDFS's own, and no finding.
    async fn look(&mut self, all: bool) -> Result<()> {
        // A new client each time: what one remembers of a NameNode that was away is not what is tested.
        let client =
            ClientBuilder::new().with_config_dir(&self.config_dir).with_io_runtime(self.runtime.clone()).build()?;
        let listed = visible(&client, &self.table).await?;
        let paths: BTreeSet<String> = listed.iter().map(|status| status.path.clone()).collect();
        let wrong = self.seen.listed(&paths);
        self.note(wrong);
        for status in listed {
            let changed = self.seen.length(&status.path) != Some(status.length);
            if changed || all || self.random.below(AGAIN) == 0 {
                let wrong = match read(&client, &status.path).await {
                    Ok(Some(bytes)) => self.seen.read(&status.path, bytes),
                    Ok(None) => vec![Wrong::Shrunk(format!("{} was listed and is gone", status.path))],
                    Err(error) => {
                        self.failed(&error);
                        continue;
                    }
                };
                self.observations.reads += 1;
                self.note(wrong);
            }
        }
        Ok(())
    }

    fn failed(&mut self, error: &anyhow::Error) {
        self.observations.failed += 1;
        if self.observations.failed.is_power_of_two() {
            // HDFS's errors carry a Java stack.
            let text = format!("{error:#}");
            let line = text.lines().next().unwrap_or_default();
            println!("  {}, read error {}: {line}", self.table, self.observations.failed);
        }
    }

    fn note(&mut self, wrong: Vec<Wrong>) {
        for wrong in wrong {
            println!("the reader of {}: {wrong:?}", self.table);
            match wrong {
                Wrong::Torn(what) => self.observations.torn.push(what),
                Wrong::Shrunk(what) => self.observations.shrunk.push(what),
            }
        }
    }
}

/// The files of a table that Hive would read: none when the table is not there yet.
pub(super) async fn visible(client: &Client, table: &str) -> Result<Vec<FileStatus>> {
    let hidden = |status: &FileStatus| {
        let name = status.path.rsplit('/').next().unwrap_or_default();
        name.starts_with(['_', '.'])
    };
    let mut files = Vec::new();
    for status in list(client, table).await? {
        if hidden(&status) {
            continue;
        }
        match status.isdir {
            true => files.extend(list(client, &status.path).await?.into_iter().filter(|status| !hidden(status))),
            false => files.push(status),
        }
    }
    Ok(files)
}

async fn list(client: &Client, directory: &str) -> Result<Vec<FileStatus>> {
    match timeout(PATIENCE, client.list_status(directory, false)).await.context("HDFS lists nothing")? {
        Err(error) if is_missing(&error) => Ok(Vec::new()),
        listed => Ok(listed?),
    }
}

/// A file's bytes; none when there is no such file.
async fn read(client: &Client, path: &str) -> Result<Option<bytes::Bytes>> {
    let reading = async {
        let mut reader = client.read(path).await?;
        let length = reader.file_length();
        reader.read_bytes(length).await
    };
    match timeout(PATIENCE, reading).await.with_context(|| format!("HDFS does not let {path} be read"))? {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {path}")),
    }
}

/// Whether the NameNode says that there is no such path.
fn is_missing(error: &HdfsError) -> bool {
    match error {
        HdfsError::FileNotFound(_) => true,
        HdfsError::RPCError(class, _) => class == "java.io.FileNotFoundException",
        _ => false,
    }
}
