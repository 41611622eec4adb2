//! One sink empties one backlog.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{Sink, Watch, processor_time, until};
use hdfs_csv_tool::commits;
use hdfs_csv_tool::verify::tables;
use serde::Serialize;

/// For a start, and for the end of a process.
const LIMIT: Duration = Duration::from_secs(120);
/// No sink is slower than this many rows a second, or this many bytes.
const SLOWEST_ROWS: u64 = 10_000;
const SLOWEST_BYTES: u64 = 2 << 20;

/// What it took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Drain {
    /// Rows of the backlog.
    pub rows: u64,
    /// From the first record that counts to the last, in seconds, as if all records counted.
    pub seconds: f64,
    /// The same, and from the call to delete the sink to its last commit: all rows are in the table then.
    pub committed_seconds: Option<f64>,
    /// Processor time of the sink's processes, from the first record that counts to their end, in seconds.
    pub cpu_seconds: f64,
    /// The most memory that was resident in its processes, in bytes.
    pub peak_bytes: u64,
    /// Bytes of the files that it wrote.
    pub bytes_written: u64,
}

impl Drain {
    /// Rows a second while it took them.
    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.seconds
    }

    /// Rows a second, until all were in the table.
    pub fn committed_rows_per_second(&self) -> Option<f64> {
        Some(self.rows as f64 / self.committed_seconds?)
    }

    /// Processor time for a million rows, in seconds.
    pub fn cpu_seconds_per_million(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.rows as f64
    }
}

/// What a sink drains.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    /// Records.
    pub rows: u64,
    /// Their bytes, about.
    pub bytes: u64,
    /// So many are taken before the clock starts: the JVM compiles what is called often.
    pub warm_up: u64,
}

/// Whether all rows must be in the sink's tables at the end. Only this project's sink says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// They need not.
    None,
    /// They are once the sink is deleted: closing commits what it has.
    Closed,
    /// The sink is deleted when everything is acknowledged: closing has no time for very many commits.
    Acknowledged,
}

/// Creates a sink of so many instances, waits until it has taken the backlog, deletes it, and waits for its end.
pub fn drain(sink: &Sink<'_>, backlog: Backlog, instances: u32, proof: Proof) -> Result<Drain> {
    let Backlog { rows, bytes, warm_up } = backlog;
    let limit = LIMIT + Duration::from_secs(rows / SLOWEST_ROWS + bytes / SLOWEST_BYTES);
    sink.create_again()?;
    until("it takes records", limit, || {
        sink.give_ports()?;
        let taken = sink.taken()?;
        ensure!(taken > warm_up, "it has taken {taken} of {rows}");
        Ok(())
    })?;
    let (began, before) = (Instant::now(), sink.taken()?);
    let pids = (0..instances).map(|instance| sink.wait_for_process(instance, None)).collect::<Result<Vec<_>>>()?;
    let processors = pids.iter().map(|pid| processor_time(*pid)).sum::<Result<Duration>>()?;
    let watches: Vec<_> = pids.iter().map(|pid| Watch::start(*pid)).collect();
    let ended = until("it has taken all records", limit, || {
        let taken = sink.taken()?;
        ensure!(taken >= rows, "it has taken {taken}");
        Ok(Instant::now())
    })?;
    // What it took before the first look is left out of the count, and so is its time.
    let share = (rows - before.min(rows - 1)) as f64 / rows as f64;
    let seconds = (ended - began).as_secs_f64() / share;
    let alive: Vec<_> = sink.processes().into_iter().map(|(_, pid)| pid).collect();
    ensure!(alive == pids, "the processes {pids:?} have not lived on: {alive:?}");
    let closing = SystemTime::now();
    if proof == Proof::Acknowledged {
        sink.wait_until_all_is_acknowledged(limit)?;
    }
    sink.delete()?;
    until("the processes' end", LIMIT, || {
        ensure!(sink.processes().is_empty(), "{:?} are alive", sink.processes());
        Ok(())
    })?;
    let usages = watches.into_iter().map(Watch::stop).collect::<Result<Vec<_>>>()?;
    let mut committed_seconds = None;
    if proof != Proof::None {
        let (committed, last) = committed(sink)?;
        ensure!(committed == rows, "{committed} of {rows} rows are committed");
        let last = last.duration_since(closing).unwrap_or_default();
        committed_seconds = Some(seconds + last.as_secs_f64());
    }
    let used: Duration = usages.iter().map(|usage| usage.processor).sum();
    Ok(Drain {
        rows,
        seconds,
        committed_seconds,
        cpu_seconds: used.saturating_sub(processors).as_secs_f64() / share,
        peak_bytes: usages.iter().map(|usage| usage.peak).sum(),
        bytes_written: bytes_below(sink)?,
    })
}

/// The rows of a sink's tables, and when the last manifest was put.
fn committed(sink: &Sink<'_>) -> Result<(u64, SystemTime)> {
    let services = sink.namespace().services();
    let hdfs = services.hdfs()?;
    let client = hdfs_native::ClientBuilder::new().with_config_dir(services.hadoop_conf()?).build()?;
    services.wait_for(async {
        let (mut rows, mut last) = (0, UNIX_EPOCH);
        for table in tables(&hdfs, &sink.directory()).await? {
            for commits in commits::all(&hdfs, &table).await? {
                rows += commits.newest().map_or(0, |newest| newest.total_rows);
            }
            for entry in client.list_status(&table.commits(), true).await? {
                last = last.max(UNIX_EPOCH + Duration::from_millis(entry.modification_time));
            }
        }
        Ok((rows, last))
    })
}

/// The bytes of all files in a sink's directory.
fn bytes_below(sink: &Sink<'_>) -> Result<u64> {
    let services = sink.namespace().services();
    let client = hdfs_native::ClientBuilder::new().with_config_dir(services.hadoop_conf()?).build()?;
    services.wait_for(async {
        match client.list_status(&sink.directory(), true).await {
            Ok(all) => Ok(all.iter().map(|entry| entry.length as u64).sum()),
            // A sink that writes nothing has no directory.
            Err(hdfs_native::HdfsError::FileNotFound(_)) => Ok(0),
            Err(error) => Err(error).context(sink.directory()),
        }
    })
}
