//! One thin way through everything, on the versions that the environment names: `make matrix` runs it on one after another.

use std::collections::BTreeMap;
use std::env;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Row, Runtime, Stack};
use hdfs_csv_tests::{Comparison, LIMIT, QUICK_START, Services, Sink, until};
use hdfs_csv_tool::event::EventKind;
use serde_json::json;

const KINDS: [EventKind; 3] = [EventKind::Searching, EventKind::Filtering, EventKind::CartAdd];
/// Of each event, before and after the sink begins anew.
const EVENTS: u64 = 2_000;
/// Without it, a Java of version 24 or later warns of what loads a native library. Older ones take it, too.
const NATIVE_ACCESS: &str = "--enable-native-access=ALL-UNNAMED";
const WARNING: &str = "A restricted method in java.lang.System has been called";

#[test]
#[ignore = "the versions come from the environment: make matrix"]
fn rows_are_in_hive_once_on_these_versions_though_the_sink_begins_anew() -> Result<()> {
    for runtime in [Runtime::Process, Runtime::Thread] {
        let stack = Stack::builder().name("matrix").runtime(runtime).hive(true).function_java_option(QUICK_START);
        let services = Services::start(stack.function_java_option(NATIVE_ACCESS))?;
        services.run(|services| rows_are_in_hive_once(services).with_context(|| format!("{runtime:?}")))?;
    }
    Ok(())
}

fn rows_are_in_hive_once(services: &Services) -> Result<()> {
    println!("matrix: {}", json!(versions(services)?));
    let namespace = services.namespace("matrix")?;
    let hive = services.stack().hive()?;
    KINDS.iter().try_for_each(|&kind| namespace.fill(kind, EVENTS))?;
    let sink = Sink::new(&namespace, "cold", &KINDS)?.config("hiveMetastoreUris", json!(hive.metastore().uri()));
    let sink = sink.create()?;
    sink.wait_for_a_commit(LIMIT)?;
    let worker = services.stack().state().pids.get("pulsar").copied().context("Pulsar has no process")?;
    of_the_java_asked_for(worker)?;
    match sink.processes().first() {
        Some(&(_, pid)) => {
            of_the_java_asked_for(pid)?;
            sink.kill(pid).map(drop)?;
        }
        None => {
            // What comes to a sink that is ending would stop all sinks of the worker (apache/pulsar#8575).
            sink.wait_until_all_is_acknowledged(LIMIT)?;
            sink.stop()?;
            sink.wait_until_it_has_stopped()?;
            sink.start()?;
        }
    }
    KINDS.iter().try_for_each(|&kind| namespace.fill(kind, EVENTS))?;
    sink.wait_until_all_is_acknowledged(LIMIT)?;
    let summary = Comparison::of(&sink).after_crashes().run()?;
    let rows = 2 * EVENTS * KINDS.len() as u64;
    ensure!(summary["rows"] == rows, "{rows} events were sent: {summary}");
    for kind in KINDS {
        let count = format!(
            "SELECT COUNT(*), COUNT(DISTINCT `_ledger_id`, `_entry_id`, `_batch_index`) FROM `{}`",
            kind.name()
        );
        let expected: Row = vec![Some((2 * EVENTS).to_string()); 2];
        until(&count, LIMIT, || {
            let answer = hive.query(&[&count])?;
            ensure!(answer == [expected.clone()], "{answer:?}, not {expected:?}");
            Ok(())
        })?;
    }
    // What a process writes to its standard error is in its worker's log.
    let log = sink.worker_log();
    let warning = log.lines().find(|line| line.contains(WARNING));
    ensure!(warning.is_none(), "a JVM warns of native access: {warning:?}");
    sink.delete()
}

/// What the services say they are, by what the environment calls them.
fn versions(services: &Services) -> Result<BTreeMap<&'static str, String>> {
    let stack = services.stack();
    let pulsar = stack.admin().get("/admin/v2/brokers/version")?;
    let hdfs = stack.name_node()?.version().context("the NameNode names no version")?;
    let hive = stack.hive()?.query(&["SELECT version()"])?.into_iter().flatten().flatten().next();
    let hive = hive.context("Hive names no version")?;
    let found = BTreeMap::from([
        ("STACK_PULSAR_VERSION", pulsar.as_str().unwrap_or_default().to_owned()),
        ("STACK_HADOOP_VERSION", hdfs),
        ("STACK_HIVE_VERSION", hive.split(' ').next().unwrap_or_default().to_owned()),
    ]);
    for (variable, found) in &found {
        let wanted = env::var(variable).unwrap_or_else(|_| found.clone());
        ensure!(*found == wanted, "{variable} is {wanted}, and {found} runs");
    }
    Ok(found)
}

/// An error for a process whose Java is not that of `STACK_PULSAR_JAVA_HOME`.
fn of_the_java_asked_for(pid: u32) -> Result<()> {
    let Some(home) = env::var_os("STACK_PULSAR_JAVA_HOME") else { return Ok(()) };
    let (program, home) = (std::fs::read_link(format!("/proc/{pid}/exe"))?, std::fs::canonicalize(home)?);
    ensure!(program.starts_with(&home), "process {pid} runs on {}, not on {}", program.display(), home.display());
    Ok(())
}
