//! The native sink is closed within ten seconds of `sinks stop`, `delete`, or the worker's end, whatever HDFS does.

use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use hdfs_csv_stack::{Builder, Runtime, Stack};
use hdfs_csv_tests::{Comparison, Flow, LIMIT, Namespace, Outage, QUICK_START, Services, Sink, Traffic, until};
use hdfs_csv_tool::event::EventKind;
use serde_json::json;

const KIND: EventKind = EventKind::Searching;
const ALLOWED: Duration = Duration::from_secs(10);
const OPEN_TIMEOUT: Duration = Duration::from_secs(20);
/// More than fits into the smallest memory, at 2,000 bytes each.
const BULK: u64 = 8_000;
/// The connector's threads begin so: the native library's and the timer's.
const THREADS: &str = "hdfs-csv";
const OPENING: &str = "hdfs-csv-open";

/// What the sink does when it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has records to commit.
    Working,
    /// It holds as much as it may, and `write` waits.
    Full,
    /// It tries the directory.
    Opening,
}

const CASES: [(&str, State, Option<Outage>); 7] = [
    ("working", State::Working, None),
    ("gone", State::Working, Some(Outage::Gone)),
    ("hanging", State::Working, Some(Outage::Hanging)),
    ("no-blocks", State::Working, Some(Outage::DataNodesHanging)),
    ("full-gone", State::Full, Some(Outage::Gone)),
    ("full-hanging", State::Full, Some(Outage::Hanging)),
    ("opening", State::Opening, Some(Outage::Hanging)),
];

#[test]
fn in_the_thread_runtime_nothing_of_the_sink_is_left_ten_seconds_after_stop_or_delete() -> Result<()> {
    closes_in_time(Runtime::Thread)
}

#[test]
fn in_the_process_runtime_nothing_of_the_sink_is_left_ten_seconds_after_stop_or_delete() -> Result<()> {
    closes_in_time(Runtime::Process)
}

#[test]
fn a_worker_that_ends_takes_its_sinks_along_within_ten_seconds_though_hdfs_hangs() -> Result<()> {
    let services = Services::start(stack("worker-end", Runtime::Process))?;
    services.run(|services| {
        let namespace = services.namespace("workers")?;
        let _traffic = traffic(&namespace)?;
        let sink = sink(&namespace, "cold")?.create()?;
        bring_to(&sink, State::Working, Some(Outage::Hanging))?;
        let pid = sink.wait_for_process(0, None)?;
        thread::scope(|scope| {
            let began = Instant::now();
            let stopping = scope.spawn(|| services.stack().pulsar().stop());
            until("the instance's end", LIMIT, || {
                ensure!(!std::fs::exists(format!("/proc/{pid}/task"))?, "process {pid} is alive");
                Ok(())
            })?;
            let took = began.elapsed();
            println!("worker's end: the instance is gone after {:.1} s", took.as_secs_f64());
            joined(stopping)??;
            ensure!(took < ALLOWED, "it took {took:?}");
            Ok(())
        })
    })
}

fn closes_in_time(runtime: Runtime) -> Result<()> {
    let services = Services::start(stack("closing", runtime))?;
    services.run(|services| {
        for (number, (name, state, outage)) in CASES.into_iter().enumerate() {
            let deletes = number % 2 == 1;
            let namespace = services.namespace(&format!("closing-{name}"))?;
            let sink = sink(&namespace, name)?;
            let took =
                closes(&sink, runtime, deletes, (state, outage)).with_context(|| format!("{name}, {state:?}"))?;
            println!(
                "{runtime:?} runtime, {name}: nothing is left {:.1} s after {}",
                took.as_secs_f64(),
                if deletes { "delete" } else { "stop" }
            );
            ensure!(took < ALLOWED, "{name}: it took {took:?}");
        }
        Ok(())
    })
}

/// Lets a sink close in this state, and then write what is left: how long it took to close.
fn closes(
    sink: &Sink<'_>,
    runtime: Runtime,
    deletes: bool,
    (state, outage): (State, Option<Outage>),
) -> Result<Duration> {
    let stack = sink.namespace().services().stack();
    let traffic = traffic(sink.namespace())?;
    if state == State::Opening {
        outage.map_or(Ok(()), |outage| outage.begin(stack))?;
        sink.create_again()?;
        until("it tries the directory", LIMIT, || {
            let threads = threads(sink, runtime)?;
            ensure!(threads.iter().any(|name| name.starts_with(OPENING)), "its threads: {threads:?}");
            Ok(())
        })?;
    } else {
        sink.create_again()?;
        bring_to(sink, state, outage)?;
    }
    let took = ends_in(sink, runtime, deletes, state)?;
    outage.map_or(Ok(()), |outage| outage.end(stack))?;
    if deletes {
        sink.create_again()?;
    } else {
        sink.start()?;
    }
    sink.wait_for_a_commit(LIMIT)?;
    traffic.stop()?;
    sink.wait_until_all_is_acknowledged(LIMIT)?;
    Comparison::of(sink).run().with_context(|| sink.directory())?;
    // Before the next one, whose threads are counted.
    sink.stop()?;
    Ok(took)
}

/// No instance is to end because the worker was too busy to ask after it.
fn stack(name: &str, runtime: Runtime) -> Builder {
    Stack::builder()
        .name(name)
        .runtime(runtime)
        .liveness_check(Duration::from_secs(10))
        .function_java_option(QUICK_START)
}

fn traffic<'a>(namespace: &Namespace<'a>) -> Result<Traffic<'a>> {
    let flow = Flow { kind: KIND, batch: 7, every: Duration::from_millis(200) };
    let traffic = Traffic::start(namespace, &[flow])?;
    traffic.wait_for_more(10, LIMIT)?;
    Ok(traffic)
}

fn sink<'a>(namespace: &'a Namespace<'a>, name: &str) -> Result<Sink<'a>> {
    let sink = Sink::new(namespace, name, &[KIND])?.config("maxMemory", json!("8MB"));
    Ok(sink.config("openTimeout", json!(format!("{}s", OPEN_TIMEOUT.as_secs()))))
}

/// Lets a sink that was created come into this state, and takes HDFS away.
fn bring_to(sink: &Sink<'_>, state: State, outage: Option<Outage>) -> Result<()> {
    let services = sink.namespace().services();
    // The batch that ends with the first may stream what it caught up with, into a file that would take more without HDFS.
    sink.wait_for_a_commit(LIMIT)?;
    sink.wait_for_a_commit(LIMIT)?;
    outage.map_or(Ok(()), |outage| outage.begin(services.stack()))?;
    let before = sink.taken()?;
    if state == State::Full {
        sink.namespace().fill_wide(BULK)?;
        // From then on it asks for no more of what it cannot write.
        until("half of its memory is used", LIMIT, || {
            let used = sink.gauge("memory_bytes")?;
            ensure!(used >= f64::from(4 << 20), "{used} bytes are used");
            Ok(())
        })
    } else {
        until("it has records that are not committed", LIMIT, || {
            let taken = sink.taken()?;
            ensure!(taken > before, "it has taken {taken} records, as before");
            Ok(())
        })
    }
}

/// Stops or deletes a sink: the time until nothing of it is left.
fn ends_in(sink: &Sink<'_>, runtime: Runtime, deletes: bool, state: State) -> Result<Duration> {
    thread::scope(|scope| {
        let began = Instant::now();
        let ending = scope.spawn(|| if deletes { sink.delete() } else { sink.stop() });
        let left = || -> Result<Vec<String>> {
            let mut left = threads(sink, runtime)?;
            if state == State::Opening && runtime == Runtime::Thread {
                // There is no native sink yet. The call that tries the directory goes on to its own limit, for nobody.
                left.retain(|name| !name.starts_with(THREADS));
            }
            Ok(left)
        };
        until("nothing of it is left", LIMIT, || {
            let left = left()?;
            ensure!(left.is_empty(), "{left:?} is left");
            Ok(())
        })?;
        let took = began.elapsed();
        joined(ending)??;
        until("the opening's end", OPEN_TIMEOUT + ALLOWED, || {
            let left = threads(sink, runtime)?;
            ensure!(left.is_empty(), "{left:?} is left");
            Ok(())
        })?;
        Ok(took)
    })
}

/// The threads that the only sink of the services has: all of its process, or what is named so in Pulsar's.
fn threads(sink: &Sink<'_>, runtime: Runtime) -> Result<Vec<String>> {
    let names_of = |pid: u32| -> Result<Vec<String>> {
        let tasks = match std::fs::read_dir(format!("/proc/{pid}/task")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            tasks => tasks?,
        };
        // A thread may end while its name is read.
        let name =
            |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.ok()?.path().join("comm")).ok();
        Ok(tasks.filter_map(name).map(|name| name.trim_end().to_owned()).collect())
    };
    match runtime {
        Runtime::Process => sink
            .processes()
            .into_iter()
            .map(|(_, pid)| names_of(pid))
            .collect::<Result<Vec<_>>>()
            .map(|all| all.concat()),
        Runtime::Thread => {
            let pulsar = sink.namespace().services().stack().pulsar().pid().context("Pulsar does not run")?;
            // The kernel keeps 15 characters of a name; an instance's begins with its tenant and namespace.
            let instance = &sink.namespace().full_name()[..15];
            let mut all = names_of(pulsar)?;
            all.retain(|name| name.starts_with(THREADS) || name.starts_with(instance));
            Ok(all)
        }
    }
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))
}
