//! One sink empties one backlog.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{Sink, Watch, busy_time, processor_time, time_of_threads, until};
use hdfs_csv_tool::commits;
use hdfs_csv_tool::verify::tables;
use serde::Serialize;

/// For a start, and for the end of a process.
const LIMIT: Duration = Duration::from_secs(120);
/// No sink is slower than this many rows a second, or this many bytes.
const SLOWEST_ROWS: u64 = 10_000;
const SLOWEST_BYTES: u64 = 2 << 20;

/// What it took.
#[derive(Clone, Debug, Serialize)]
pub struct Drain {
    /// Rows of the backlog.
    pub rows: u64,
    /// From the first record that counts to the last, in seconds, as if all records counted.
    pub seconds: f64,
    /// The same, and from the call to delete the sink to its last commit: all rows are in the table then.
    pub committed_seconds: Option<f64>,
    /// Processor time of the sink's processes, from the first record that counts to their end, in seconds.
    pub cpu_seconds: f64,
    /// The same of its threads, by their names, up to the last record.
    pub threads_cpu_seconds: BTreeMap<String, f64>,
    /// Processor time of each service, by its name, in the same time.
    pub services_cpu_seconds: BTreeMap<String, f64>,
    /// The same of whatever else ran on the machine.
    pub others_cpu_seconds: f64,
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

    /// The same of each service, and of what else ran on the machine.
    pub fn beside_per_million(&self) -> BTreeMap<&str, f64> {
        let mut all = self.per_million(&self.services_cpu_seconds);
        all.insert("others", self.others_cpu_seconds * 1e6 / self.rows as f64);
        all
    }

    /// The same of the sink's threads, and of all that it does after the last record.
    pub fn threads_per_million(&self) -> BTreeMap<&str, f64> {
        let mut all = self.per_million(&self.threads_cpu_seconds);
        let until_the_last: f64 = all.values().sum();
        all.insert("(after the last record)", (self.cpu_seconds_per_million() - until_the_last).max(0.0));
        all
    }

    fn per_million<'a>(&self, seconds: &'a BTreeMap<String, f64>) -> BTreeMap<&'a str, f64> {
        seconds.iter().map(|(name, seconds)| (name.as_str(), seconds * 1e6 / self.rows as f64)).collect()
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
    let threads_before = of_threads(&pids)?;
    let services = sink.namespace().services().stack().state().pids;
    let (services_before, machine_before) = (processor_times(&services)?, busy_time()?);
    let watches: Vec<_> = pids.iter().map(|pid| Watch::start(*pid)).collect();
    let ended = until("it has taken all records", limit, || {
        let taken = sink.taken()?;
        ensure!(taken >= rows, "it has taken {taken}");
        Ok(Instant::now())
    })?;
    let threads = since(&threads_before, of_threads(&pids)?);
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
    let (services_after, machine_after) = (processor_times(&services)?, busy_time()?);
    let mut committed_seconds = None;
    if proof != Proof::None {
        let (committed, last) = committed(sink)?;
        ensure!(committed == rows, "{committed} of {rows} rows are committed");
        let last = last.duration_since(closing).unwrap_or_default();
        committed_seconds = Some(seconds + last.as_secs_f64());
    }
    let used: Duration = usages.iter().map(|usage| usage.processor).sum();
    let own = used.saturating_sub(processors);
    let of_services = since(&services_before, services_after);
    let known = own + of_services.values().sum::<Duration>();
    let of_all = |used: Duration| used.as_secs_f64() / share;
    Ok(Drain {
        rows,
        seconds,
        committed_seconds,
        cpu_seconds: of_all(own),
        others_cpu_seconds: of_all(machine_after.saturating_sub(machine_before).saturating_sub(known)),
        threads_cpu_seconds: threads.into_iter().map(|(name, used)| (name, of_all(used))).collect(),
        services_cpu_seconds: of_services.into_iter().map(|(name, used)| (name, of_all(used))).collect(),
        peak_bytes: usages.iter().map(|usage| usage.peak).sum(),
        bytes_written: bytes_below(sink)?,
    })
}

/// The processor time that each service has used.
fn processor_times(services: &BTreeMap<String, u32>) -> Result<BTreeMap<String, Duration>> {
    services.iter().map(|(name, pid)| Ok((name.clone(), processor_time(*pid)?))).collect()
}

/// The processor time that the threads of some processes have used, by their names.
fn of_threads(pids: &[u32]) -> Result<BTreeMap<String, Duration>> {
    let mut all = BTreeMap::new();
    for pid in pids {
        for (name, used) in time_of_threads(*pid)? {
            *all.entry(name).or_default() += used;
        }
    }
    Ok(all)
}

/// What was used since.
fn since(before: &BTreeMap<String, Duration>, after: BTreeMap<String, Duration>) -> BTreeMap<String, Duration> {
    let since = |name: &String, used: Duration| used.saturating_sub(before.get(name).copied().unwrap_or_default());
    after.into_iter().map(|(name, used)| (name.clone(), since(&name, used))).collect()
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
