//! What the sink's process needs with a large backlog, and with all that it reads or holds whole, against a sink that does nothing.
//!
//! `BACKLOG_RECORDS` (5,000,000), `BAD_RECORDS` (100,000), `OPEN_FILES` (40) and `OUTAGE_RECORDS` (1,000,000) say how large the
//! cases are.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hdfs_csv_stack::{Runtime, Stack};
use hdfs_csv_tests::{Namespace, Outage, Services, Sink, Watch, backlog, letters, long, setting, until};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::{Event, EventKind, Value};
use hdfs_csv_tool::verify::{tables, verify};
use serde_json::json;

const KIND: EventKind = EventKind::PageVisit;
const RECORDS: u64 = 5_000_000;
const HEAP: u64 = 256 << 20;
/// The default.
const MAX_MEMORY: u64 = 64 << 20;
/// `maxMemory`, and what Rust and the HDFS client need beside it.
const ALLOWED: u64 = 150 << 20;

/// A task, its channels, plans, and what is known of its files.
const OF_A_SOURCE_PARTITION: u64 = 25 << 10;

/// Late events come for so many days, each of which has an open file of so many bytes: together far more than may be used.
const DAYS: u64 = 60;
const OPEN_FILE: usize = 4 << 20;
const LATE_TEXT: usize = 4 << 10;
const DAY: i64 = 86_400_000;
/// 2026-02-10.
const LAST_DAY: i64 = 1_770_681_600_000;
/// Rows of 120,000 bytes, of records of four: an array of nulls takes none.
const GROWING: u64 = 4_000;
const NULLS: i64 = 20_000;
const NULLS_SCHEMA: &str =
    r#"{"type":"record","name":"Nulls","fields":[{"name":"n","type":{"type":"array","items":"null"}}]}"#;
/// Of 60 bytes each.
const BAD: u64 = 100_000;
/// So many source partitions have an open file each, of so many such rows: four megabytes.
const OPEN_FILES: u32 = 40;
const ROWS_OF_A_FILE: u64 = 35;
/// HDFS sets the space of a block aside for each file that is being written.
const BLOCK: u64 = 16 << 20;
/// What comes while HDFS is away: an hour of 5,000 a second is 18 million.
const OUTAGE_RECORDS: u64 = 1_000_000;
/// It says that something is stuck; the larger forms of the cases take many minutes.
const LIMIT: Duration = Duration::from_secs(1_800);

#[test]
fn a_backlog_late_days_bad_records_and_rows_that_grow_take_little_more_memory_than_a_sink_that_does_nothing()
-> Result<()> {
    let noop = backlog::noop_connector(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("noop-sink"))?;
    // No instance is to end because the worker was too busy to ask after it.
    let stack = Stack::builder().name("memory").liveness_check(Duration::from_secs(30)).connector(noop);
    // How much of its heap a JVM uses says when it collects garbage, not what a sink needs: each has all of it from the start.
    let stack = stack.function_java_option(&format!("-Xms{HEAP}")).function_java_option("-XX:+AlwaysPreTouch");
    let stack = stack.runtime(Runtime::Process).peak_speed(true);
    let services = Services::start(stack)?;
    services.run(|services| {
        let namespace = services.namespace("backlog")?;
        let began = Instant::now();
        let records = setting("BACKLOG_RECORDS", RECORDS)?;
        fill(services, &namespace.topic(KIND), records)?;
        println!("{records} records produced in {:.1} s", began.elapsed().as_secs_f64());

        let nothing = peak(&that_does_nothing(Sink::new(&namespace, "nothing", &[KIND])?), records)?;
        let ours = Sink::new(&namespace, "cold", &[KIND])?;
        let defaults = json!({ "directory": ours.directory(), "hdfsConfigDir": services.hadoop_conf()? });
        let ours = ours.setting("configs", defaults);
        let peak = peak(&ours, records)?;
        within("a backlog", peak, nothing)?;
        let rows = services.wait_for(committed(&ours))?;
        ensure!(rows == records, "{rows} rows are in the table");
        for case in [late_days, bad_records, rows_that_grow, many_open_files, backlog_after_an_outage] {
            case(&namespace, nothing)?;
        }
        Ok(())
    })
}

fn that_does_nothing(sink: Sink<'_>) -> Sink<'_> {
    sink.setting("archive", json!("builtin://noop")).setting("configs", json!({}))
}

fn within(what: &str, peak: u64, nothing: u64) -> Result<()> {
    within_of(what, peak, nothing, 1)
}

fn within_of(what: &str, peak: u64, nothing: u64, source_partitions: u32) -> Result<()> {
    let allowed = ALLOWED + OF_A_SOURCE_PARTITION * u64::from(source_partitions);
    let megabytes = |bytes: u64| bytes / (1 << 20);
    println!(
        "memory, {what}: peak RSS {} MB, {} MB for a sink that does nothing, both with -Xmx{}m: {} MB more",
        megabytes(peak),
        megabytes(nothing),
        megabytes(HEAP),
        megabytes(peak.saturating_sub(nothing)),
    );
    ensure!(peak <= nothing + allowed, "{what}: {} MB against {} MB", megabytes(peak), megabytes(nothing));
    Ok(())
}

/// One commit folds its rows into the open files of sixty days.
fn late_days(namespace: &Namespace<'_>, nothing: u64) -> Result<()> {
    let schema = r#"{"type":"record","name":"Late","fields":[
        {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"text","type":"string"}]}"#;
    let topics = [(namespace.topic_named("late"), Some(schema.to_owned()))];
    let record = |day: u64, letters: usize| -> Result<(usize, Vec<u8>)> {
        let mut payload = Vec::with_capacity(letters + 16);
        long(&mut payload, LAST_DAY - day as i64 * DAY);
        long(&mut payload, letters as i64);
        payload.resize(payload.len() + letters, b'x');
        Ok((0, payload))
    };
    let sink = Sink::of_topics(namespace, "late", &[topics[0].0.clone()])?
        .config("partitionBy", json!("day"))
        .config("partitionTime", json!("field:at"))
        .config("foldBelow", json!("8MB"));
    let of_a_day = (OPEN_FILE / LATE_TEXT) as u64;
    let peak = observed(&sink, || {
        backlog::send(namespace.services(), &topics, (0..DAYS * of_a_day).map(|at| record(at / of_a_day, LATE_TEXT)))?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        backlog::send(namespace.services(), &topics, (0..DAYS).map(|day| record(day, 1)))?;
        sink.wait_until_all_is_acknowledged(LIMIT)
    })?;
    let rows = namespace.services().wait_for(committed(&sink))?;
    ensure!(rows == DAYS * (of_a_day + 1), "{rows} rows are in the table");
    within("late days", peak, nothing)
}

/// As many as the heap would not hold at once with their letters.
fn bad_records(namespace: &Namespace<'_>, nothing: u64) -> Result<()> {
    let schema = r#"{"type":"record","name":"Text","fields":[{"name":"text","type":"string"}]}"#;
    let topics = [(namespace.topic_named("bad"), Some(schema.to_owned()))];
    let count = setting("BAD_RECORDS", BAD)?;
    let sink = Sink::of_topics(namespace, "bad", &[topics[0].0.clone()])?;
    let peak = observed(&sink, || {
        backlog::send(namespace.services(), &topics, (0..count).map(|_| Ok((0, vec![0xff; 60]))))?;
        sink.wait_until_all_is_acknowledged(LIMIT)
    })?;
    let found = letters(namespace.services(), &topics[0].0, count as usize)?.len() as u64;
    ensure!(found == count, "{found} of {count} are in the dead-letter topic");
    within("bad records", peak, nothing)
}

/// A few bytes are a row of many.
fn rows_that_grow(namespace: &Namespace<'_>, nothing: u64) -> Result<()> {
    let topics = [(namespace.topic_named("nulls"), Some(NULLS_SCHEMA.to_owned()))];
    let sink = Sink::of_topics(namespace, "nulls", &[topics[0].0.clone()])?;
    let peak = observed(&sink, || {
        backlog::send(namespace.services(), &topics, (0..GROWING).map(|_| Ok((0, nulls()))))?;
        sink.wait_until_all_is_acknowledged(LIMIT)
    })?;
    let rows = namespace.services().wait_for(committed(&sink))?;
    ensure!(rows == GROWING, "{rows} rows are in the table");
    within("rows that grow", peak, nothing)
}

fn nulls() -> Vec<u8> {
    let mut payload = Vec::new();
    long(&mut payload, NULLS);
    payload.push(0);
    payload
}

/// Many source partitions at the same time fold a row each into an open file.
fn many_open_files(namespace: &Namespace<'_>, nothing: u64) -> Result<()> {
    let services = namespace.services();
    let count = setting("OPEN_FILES", OPEN_FILES)?;
    let topics = [(namespace.topic_named("open"), Some(NULLS_SCHEMA.to_owned()))];
    services.stack().admin().create_partitioned_topic(&topics[0].0, count)?;
    // Partitions take turns.
    let send = |rows: u64| backlog::send(services, &topics, (0..rows * u64::from(count)).map(|_| Ok((0, nulls()))));
    send(ROWS_OF_A_FILE)?;
    let names = [topics[0].0.clone()];
    // Many consumers need more memory than one.
    let nothing = match count {
        0..=OPEN_FILES => nothing,
        _ => {
            let sink = that_does_nothing(Sink::of_topics(namespace, "nothing-open", &names)?);
            peak(&sink, ROWS_OF_A_FILE * u64::from(count))?
        }
    };
    let conf = services.hadoop_conf_with("small-blocks", &[("dfs.blocksize", &BLOCK.to_string())])?;
    let sink = Sink::of_topics(namespace, "open", &names)?
        .config("hdfsConfigDir", json!(conf))
        .config("foldBelow", json!("8MB"));
    let peak = observed(&sink, || {
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        send(1)?;
        sink.wait_until_all_is_acknowledged(LIMIT)
    })?;
    let rows = services.wait_for(committed(&sink))?;
    ensure!(rows == u64::from(count) * (ROWS_OF_A_FILE + 1), "{rows} rows are in the table");
    within_of(&format!("{count} open files"), peak, nothing, count)
}

/// HDFS hangs, much comes meanwhile, and HDFS is there again.
fn backlog_after_an_outage(namespace: &Namespace<'_>, nothing: u64) -> Result<()> {
    let services = namespace.services();
    let topic = namespace.topic_named("outage");
    let records = setting("OUTAGE_RECORDS", OUTAGE_RECORDS)?;
    fill(services, &topic, 1)?;
    let sink = Sink::of_topics(namespace, "outage", std::slice::from_ref(&topic))?;
    let peak = observed(&sink, || {
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        Outage::Hanging.begin(services.stack())?;
        fill(services, &topic, records)?;
        // At half of the bound it asks for no more of what it cannot write.
        until("memory is short", LIMIT, || {
            let used = sink.gauge("memory_bytes")?;
            ensure!(used >= (MAX_MEMORY / 2) as f64, "{used} bytes are used");
            Ok(())
        })?;
        Outage::Hanging.end(services.stack())?;
        sink.wait_until_all_is_acknowledged(LIMIT)
    })?;
    let rows = services.wait_for(committed(&sink))?;
    ensure!(rows == records + 1, "{rows} rows are in the table");
    within(&format!("a backlog of {records} records after an outage"), peak, nothing)
}

/// The peak resident memory of a sink's process, with the smaller heap, while it does something.
fn observed(sink: &Sink<'_>, something: impl FnOnce() -> Result<()>) -> Result<u64> {
    let began = Instant::now();
    sink.create_again()?;
    let pid = sink.wait_for_process(0, None)?;
    let watch = Watch::start(pid);
    something()?;
    println!("{} has done all within {:.1} s", sink.directory(), began.elapsed().as_secs_f64());
    ensure!(sink.processes() == [(0, pid)], "process {pid} has not lived on: {:?}", sink.processes());
    sink.delete()?;
    Ok(watch.stop()?.peak)
}

/// Sends so many page visits to a topic.
fn fill(services: &Services, topic: &str, records: u64) -> Result<()> {
    let catalogue = Catalogue::load()?;
    let encoder = Encoder::new(&catalogue)?;
    let payload = |number: i64| {
        let values =
            vec![Value::Timestamp(1_770_681_600_000 + number), Value::Long(number % 9_973), Value::Long(number)];
        Ok((0, encoder.encode(&Event { kind: KIND, values })?))
    };
    let topics = [(topic.to_owned(), Some(KIND.schema_text().to_owned()))];
    backlog::send(services, &topics, (0..records as i64).map(payload))
}

/// Runs a sink over a backlog and deletes it when every record is handed to it: its process's peak resident memory.
fn peak(sink: &Sink<'_>, records: u64) -> Result<u64> {
    sink.create_again()?;
    let began = Instant::now();
    let pid = sink.wait_for_process(0, None)?;
    let watch = Watch::start(pid);
    until("all records are taken", LIMIT, || {
        let taken = sink.taken()?;
        ensure!(taken >= records, "{taken} are");
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
