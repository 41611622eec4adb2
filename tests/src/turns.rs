//! Whose turn it is. All tests on real services are threads of one process and come at once; this lets as many run as the
//! machine bears, the longest first, and writes down how long each took.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::shared::Shared;

/// What runs at the same time: two cores are busy with it, and services of this many stacks fit into 24 GiB.
const SHARES: u32 = 4;

/// The harness starts all threads within a moment. Nobody begins before all have come.
const ARRIVAL: Duration = Duration::from_millis(300);

/// How many of the slowest tests are told at the end.
const SLOWEST: usize = 10;

/// How much of the machine a test needs, and how long it takes there alone.
struct Known {
    /// What its name begins with.
    name: &'static str,
    seconds: u32,
    shares: u32,
}

const fn known(name: &'static str, seconds: u32, shares: u32) -> Known {
    Known { name, seconds, shares }
}

/// The long ones, and those that are more than a share. Only the order of the seconds matters.
const KNOWN: [Known; 30] = [
    known("faults::", 400, 2),
    known("cluster::", 380, 3),
    known("queries::queries", 360, 1),
    known("crashes::", 290, 1),
    known("outages::", 280, 1),
    known("closing::in_the_process", 270, 1),
    known("stack::services", 250, 1),
    known("stack::superset", 220, 1),
    known("closing::in_the_thread", 200, 1),
    known("memory::", 180, 3),
    known("kerberos::", 300, 1),
    known("high_availability::", 170, 1),
    known("kinds_of_topics::compressed", 150, 1),
    known("stack::hive::hive_gives", 150, 1),
    known("replication::", 130, 2),
    known("partitions::", 120, 1),
    known("scale::many", 120, 1),
    known("layers::", 110, 1),
    known("encryption_zones::", 100, 1),
    known("permissions::", 100, 1),
    known("isolation::", 100, 4),
    known("tombstones::", 100, 1),
    known("kinds_of_topics::messages_that", 100, 1),
    known("hive::tables", 90, 1),
    known("kinds_of_topics::encrypted", 90, 1),
    known("chunked::", 80, 1),
    known("pulsar_security::", 70, 1),
    known("secured_cluster::", 70, 1),
    known("freshness::", 10, 4),
    known("scale::a_source_partition", 5, 4),
];

/// A test's claim on services that others use, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) shared: Shared,
    /// Whether nobody else may use them meanwhile.
    pub(crate) alone: bool,
}

/// A test that waits or runs.
#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    seconds: u32,
    shares: u32,
    claim: Option<Claim>,
}

/// How long a test took.
#[derive(Clone, Debug, Serialize)]
struct Time {
    target: String,
    test: String,
    /// Without the start of services, and without the wait for its turn.
    seconds: f64,
    /// That it waited for services to start.
    start_seconds: f64,
}

#[derive(Default)]
struct Turns {
    next: u64,
    last_arrival: Option<Instant>,
    waiting: Vec<Entry>,
    running: Vec<Entry>,
    times: BTreeMap<String, Time>,
}

static TURNS: Mutex<Turns> =
    Mutex::new(Turns { next: 0, last_arrival: None, waiting: Vec::new(), running: Vec::new(), times: BTreeMap::new() });
static CHANGED: Condvar = Condvar::new();

fn turns() -> MutexGuard<'static, Turns> {
    TURNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test that starts its own services, or none, when it is its turn.
pub fn in_turn(test: impl FnOnce() -> Result<()>) -> Result<()> {
    let turn = Turn::take(None);
    let began = Instant::now();
    test().and(turn.took(Duration::ZERO, began.elapsed()))
}

/// The right to use the machine, until it is dropped.
pub(crate) struct Turn {
    number: u64,
    name: String,
}

impl Turn {
    /// Waits until it is this thread's test's turn.
    pub(crate) fn take(claim: Option<Claim>) -> Turn {
        // The harness names a test's thread after it.
        let name = thread::current().name().unwrap_or("main").to_owned();
        let known = KNOWN.iter().find(|known| name.starts_with(known.name));
        let (seconds, shares) = known.map_or((0, 1), |known| (known.seconds, known.shares));
        let mut turns = turns();
        let number = turns.next;
        turns.next += 1;
        turns.last_arrival = Some(Instant::now());
        turns.waiting.push(Entry { number, seconds, shares, claim });
        while turns.first() != Some(number) {
            turns = CHANGED.wait_timeout(turns, ARRIVAL).unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(at) = turns.waiting.iter().position(|entry| entry.number == number) {
            let entry = turns.waiting.remove(at);
            turns.running.push(entry);
        }
        drop(turns);
        CHANGED.notify_all();
        Turn { number, name }
    }

    /// The test's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Adds to what this test took, and writes all times to `target/test-times.json`.
    pub(crate) fn took(&self, start: Duration, test: Duration) -> Result<()> {
        let mut turns = turns();
        let (target, test_name) = self.name.split_once("::").unwrap_or((&self.name, ""));
        let (target, test_name) = (target.to_owned(), test_name.to_owned());
        let time = Time { target, test: test_name, seconds: 0.0, start_seconds: 0.0 };
        let time = turns.times.entry(self.name.clone()).or_insert(time);
        time.seconds += test.as_secs_f64();
        time.start_seconds += start.as_secs_f64();
        turns.write()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = turns();
        turns.running.retain(|entry| entry.number != self.number);
        if turns.running.is_empty() && turns.waiting.is_empty() && turns.times.len() > 1 {
            // Not with `println`, whose text the harness keeps to itself. Nobody may read it: no error.
            let _ = std::io::stdout().write_all(turns.slowest().as_bytes());
        }
        drop(turns);
        CHANGED.notify_all();
    }
}

impl Turns {
    /// Who may begin now: the longest of those for whom there is room.
    fn first(&self) -> Option<u64> {
        if self.last_arrival.is_some_and(|last| last.elapsed() < ARRIVAL) {
            return None;
        }
        let taken: u32 = self.running.iter().map(|entry| entry.shares).sum();
        let fits = |entry: &&Entry| self.running.is_empty() || taken + entry.shares <= SHARES;
        let agrees = |entry: &&Entry| {
            entry.claim.is_none_or(|own| {
                let others = self.running.iter().filter_map(|other| other.claim);
                others.filter(|other| other.shared == own.shared).all(|other| !own.alone && !other.alone)
            })
        };
        let first = self.waiting.iter().filter(fits).filter(agrees).max_by_key(|entry| {
            let shared = entry.claim.is_none_or(|claim| !claim.alone);
            // One that wants to be alone comes when it keeps nobody away.
            (shared, entry.seconds, std::cmp::Reverse(entry.number))
        });
        first.map(|entry| entry.number)
    }

    fn write(&self) -> Result<()> {
        let path = path();
        let times: Vec<&Time> = self.times.values().collect();
        let text = serde_json::to_string_pretty(&times)?;
        std::fs::write(&path, text + "\n").with_context(|| format!("{}", path.display()))
    }

    fn slowest(&self) -> String {
        let mut times: Vec<&Time> = self.times.values().collect();
        times.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
        let mut text = "\nthe slowest tests, and how long their services took to start:\n".to_owned();
        for Time { target, test, seconds, start_seconds } in times.into_iter().take(SLOWEST) {
            text += &format!("{seconds:7.1} s {start_seconds:6.1} s  {target}::{test}\n");
        }
        text
    }
}

/// Beside the stacks' folders.
fn path() -> PathBuf {
    hdfs_csv_stack::stacks_dir().with_file_name("test-times.json")
}
