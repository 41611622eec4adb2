//! Another version of the connector and this one, side by side: `make upgrade` builds the other one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Runtime, Stack};
use hdfs_csv_tests::{Comparison, Flow, LIMIT, QUICK_START, Services, Sink, Traffic, connector, until};
use hdfs_csv_tool::event::EventKind;
use serde_json::{Value, json};

const KIND: EventKind = EventKind::Searching;
const PARTITIONS: usize = 4;
const INSTANCES: u32 = 2;

fn flows() -> [Flow; 3] {
    [(1, 20), (7, 70), (100, 2_000)].map(|(batch, every)| Flow {
        kind: KIND,
        batch,
        every: Duration::from_millis(every),
    })
}

/// The archive that comes before.
fn older() -> Result<PathBuf> {
    let nar =
        std::env::var_os("HDFS_CSV_OLDER_NAR").context("HDFS_CSV_OLDER_NAR names no archive: run make upgrade")?;
    Ok(PathBuf::from(nar).canonicalize()?)
}

#[test]
#[ignore = "it needs the archive of another version: make upgrade"]
fn nothing_is_lost_or_doubled_while_two_instances_get_another_version_one_by_one_and_the_old_one_back() -> Result<()> {
    let (newer, older) = (connector()?, older()?);
    let stack = Stack::builder().name("upgrade").runtime(Runtime::Process).liveness_check(Duration::from_secs(10));
    let services = Services::start(stack.function_java_option(QUICK_START))?;
    services.run(|services| {
        install(services, &older)?;
        let namespace = services.namespace("upgrade")?;
        services.stack().admin().create_partitioned_topic(&namespace.topic(KIND), PARTITIONS as u32)?;
        let traffic = Traffic::start(&namespace, &flows())?;
        traffic.wait_for_more(100, LIMIT)?;
        let sink = Sink::new(&namespace, "rolling", &[KIND])?.setting("parallelism", json!(INSTANCES)).create()?;
        sink.wait_for_commits_of_each(PARTITIONS, 2, LIMIT, || Ok(()))?;
        let first = archives(&sink)?;
        ensure!(first.len() == 1, "both instances are of one archive: {first:?}");
        let mut seen = vec![first];
        for archive in [&newer, &older] {
            install(services, archive)?;
            for instance in 0..INSTANCES {
                let old = sink.wait_for_process(instance, None)?;
                sink.kill(old).map(drop)?;
                sink.wait_for_process(instance, Some(old))?;
                sink.wait_until_it_runs()?;
                sink.wait_for_commits_of_each(PARTITIONS, 2, LIMIT, || Ok(()))?;
                seen.push(archives(&sink)?);
                println!("{}: instance {instance} of it; both run {:?}", archive.display(), seen.last());
            }
        }
        let sizes: Vec<_> = seen.iter().map(BTreeSet::len).collect();
        ensure!(sizes == [1, 2, 1, 2, 1] && seen[0] != seen[2] && seen[0] == seen[4], "the archives were {seen:?}");
        let sent = traffic.stop()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let summary = Comparison::of(&sink).with_records(&sent.records).after_crashes().run()?;
        println!("{summary}");
        ensure!(summary["rows"] == sent.messages, "{} messages were confirmed: {summary}", sent.messages);
        sink.delete()
    })
}

/// Puts an archive in the place of the one that is installed. Processes that run keep theirs.
fn install(services: &Services, archive: &Path) -> Result<()> {
    let folder = services.stack().connectors();
    let installed = folder.join(connector()?.file_name().context("an archive without a name")?);
    let arriving = folder.join("arriving");
    std::fs::copy(archive, &arriving).with_context(|| archive.display().to_string())?;
    std::fs::rename(arriving, installed)?;
    services.stack().admin().post("/admin/v3/sinks/reloadBuiltInSinks", &Value::Null).map(drop)?;
    Ok(())
}

/// The folders that Pulsar has unpacked the archives of the instances into: their names are the archives' digests. One that has
/// just begun has not yet opened its own.
fn archives(sink: &Sink<'_>) -> Result<BTreeSet<String>> {
    until("each instance has an archive open", LIMIT, || {
        let processes = sink.processes();
        ensure!(processes.len() == INSTANCES as usize, "the processes are {processes:?}");
        let folder = |(instance, pid)| archive_of(pid)?.with_context(|| format!("instance {instance} has none"));
        processes.into_iter().map(folder).collect()
    })
}

fn archive_of(pid: u32) -> Result<Option<String>> {
    for file in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        // One can be closed meanwhile.
        let Ok(path) = std::fs::read_link(file?.path()) else { continue };
        let path = path.to_string_lossy();
        if let Some((_, inside)) = path.split_once(".nar-unpacked/") {
            return Ok(inside.split('/').next().map(str::to_owned));
        }
    }
    Ok(None)
}
