//! What the sink's process needs with a large backlog, against a sink that does nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hdfs_csv_stack::{Runtime, Stack};
use hdfs_csv_tests::{LIMIT, Namespace, Services, Sink, Watch, backlog, until};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::{Event, EventKind, Value};
use hdfs_csv_tool::verify::{tables, verify};
use serde_json::json;

const KIND: EventKind = EventKind::PageVisit;
const RECORDS: u64 = 5_000_000;
const HEAP: u64 = 256 << 20;
const ALLOWED: u64 = 150 << 20;

#[test]
fn five_million_records_of_backlog_take_little_more_memory_than_a_sink_that_does_nothing() -> Result<()> {
    let noop = backlog::noop_connector(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("noop-sink"))?;
    // No instance is to end because the worker was too busy to ask after it.
    let stack = Stack::builder().name("memory").liveness_check(Duration::from_secs(30)).connector(noop);
    let stack = stack.runtime(Runtime::Process).peak_speed(true);
    let services = Services::start(stack)?;
    services.run(|services| {
        let namespace = services.namespace("backlog")?;
        let began = Instant::now();
        fill(&namespace)?;
        println!("{RECORDS} records produced in {:.1} s", began.elapsed().as_secs_f64());

        let resources = json!({ "ram": HEAP });
        let nothing = Sink::new(&namespace, "nothing", &[KIND])?.setting("archive", json!("builtin://noop"));
        let nothing = peak(&nothing.setting("configs", json!({})).setting("resources", resources.clone()))?;
        let ours = Sink::new(&namespace, "cold", &[KIND])?;
        let defaults = json!({ "directory": ours.directory(), "hdfsConfigDir": services.hadoop_conf()? });
        let ours = ours.setting("configs", defaults).setting("resources", resources);
        let peak = peak(&ours)?;

        let megabytes = |bytes: u64| bytes / (1 << 20);
        println!(
            "memory: peak RSS {} MB, {} MB for a sink that does nothing, both with -Xmx{}m: {} MB more",
            megabytes(peak),
            megabytes(nothing),
            megabytes(HEAP),
            megabytes(peak.saturating_sub(nothing)),
        );
        ensure!(peak <= nothing + ALLOWED, "{} MB against {} MB", megabytes(peak), megabytes(nothing));
        let rows = services.wait_for(committed(&ours))?;
        ensure!(rows == RECORDS, "{rows} rows are in the table");
        Ok(())
    })
}

/// Fills the topic.
fn fill(namespace: &Namespace<'_>) -> Result<()> {
    let catalogue = Catalogue::load()?;
    let encoder = Encoder::new(&catalogue)?;
    let payload = |number: i64| {
        let values =
            vec![Value::Timestamp(1_770_681_600_000 + number), Value::Long(number % 9_973), Value::Long(number)];
        Ok((0, encoder.encode(&Event { kind: KIND, values })?))
    };
    let topics = [(namespace.topic(KIND), Some(KIND.schema_text().to_owned()))];
    backlog::send(namespace.services(), &topics, (0..RECORDS as i64).map(payload))
}

/// Runs a sink over the backlog and deletes it when every record is handed to it: its process's peak resident memory.
fn peak(sink: &Sink<'_>) -> Result<u64> {
    sink.create_again()?;
    let began = Instant::now();
    let pid = sink.wait_for_process(0, None)?;
    let watch = Watch::start(pid);
    until("all records are taken", LIMIT, || {
        let taken = sink.taken()?;
        ensure!(taken >= RECORDS, "{taken} are");
        Ok(())
    })?;
    println!("{} takes all records within {:.1} s", sink.directory(), began.elapsed().as_secs_f64());
    ensure!(sink.processes() == [(0, pid)], "process {pid} has not lived on: {:?}", sink.processes());
    sink.delete()?;
    until("the process's end", LIMIT, || {
        ensure!(sink.processes().is_empty(), "{:?} are alive", sink.processes());
        Ok(())
    })?;
    Ok(watch.stop()?.peak)
}

async fn committed(sink: &Sink<'_>) -> Result<u64> {
    let hdfs = sink.namespace().services().hdfs()?;
    let mut rows = 0;
    for table in tables(&hdfs, &sink.directory()).await? {
        let report = verify(&hdfs, &table).await?;
        ensure!(report.findings.is_empty(), "{:?}", report.findings);
        rows += report.rows;
    }
    Ok(rows)
}
