//! Many source partitions in one instance, and a source partition with a long history.
//!
//! `SOURCE_PARTITIONS` (200) source partitions get a record each `COMMIT_SECONDS` (15): first all at once, then evenly.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Runtime, Stack};
use hdfs_csv_tests::{Comparison, Field, QUICK_START, Services, Shared, Sink, Typed, history, memory, setting, until};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::{Event, EventKind, Value};
use hdfs_csv_tool::publish::Publisher;
use hdfs_csv_tool::verify::{tables, verify};
use pulsar::producer::Message;
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use pulsar_io_hdfs_csv::protocol::manifest::Manifest;
use pulsar_io_hdfs_csv::protocol::pruning::prune;
use pulsar_io_hdfs_csv::storage::Storage;
use serde_json::json;

const KIND: EventKind = EventKind::PageVisit;
const ROUNDS: u32 = 3;
const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn many_source_partitions_commit_all_over_the_interval_and_none_is_late() -> Result<()> {
    let count = setting("SOURCE_PARTITIONS", 200)?;
    let interval = Duration::from_secs(setting("COMMIT_SECONDS", 15)?);
    // Its own: the NameNode's calls are counted.
    let services =
        Services::start(Stack::builder().name("scale").runtime(Runtime::Process).function_java_option(QUICK_START))?;
    services.run(|services| {
        let namespace = services.namespace("many")?;
        services.stack().admin().create_partitioned_topic(&namespace.topic(KIND), count)?;
        let client = services.pulsar()?;
        let began = Instant::now();
        let mut publisher =
            services.wait_for(Publisher::open(&client, &namespace.topic(KIND), Some(KIND.schema_text()), 1))?;
        println!("{count} source partitions, written to after {:.1} s", began.elapsed().as_secs_f64());
        let sink = Sink::new(&namespace, "cold", &[KIND])?;
        let sink = sink.config("commitInterval", json!(format!("{}s", interval.as_secs()))).create()?;
        sink.wait_until_it_consumes()?;

        // A start is not what is measured here: each source partition is loaded, and the process warm.
        let mut sent = services.wait_for(send_to_each(&mut publisher, count, 0, Duration::ZERO))?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let (calls, began) = calls(services)?;
        let warm = now();
        for round in 1..=ROUNDS {
            let pause = if round == 1 { Duration::ZERO } else { interval / count };
            sent.extend(services.wait_for(send_to_each(&mut publisher, count, round, pause))?);
        }
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let (calls_later, ended) = self::calls(services)?;
        let (calls, elapsed) = (calls_later - calls, (ended - began).as_secs_f64());
        let pid = sink.wait_for_process(0, None)?;
        let resident = memory(pid, "VmRSS")?;
        services.wait_for(publisher.close())?;

        let commits = services.wait_for(commits(services, &sink))?;
        let late = lateness(&sent, &commits, warm)?;
        let mut per_second: BTreeMap<i64, u32> = BTreeMap::new();
        let counted = || commits.values().flatten().filter(|commit| commit.at >= warm);
        for commit in counted() {
            *per_second.entry(commit.at.div_euclid(1_000)).or_default() += 1;
        }
        let most = per_second.values().max().copied().unwrap_or_default();
        let all = counted().count();
        println!(
            "{count} source partitions, a record each {interval:?}: {all} commits, at most {most} within a second; {:.1} calls of the \
             NameNode a second, {:.1} a commit; {} MB resident; visible after {:.1} s in the median, {:.1} s at most",
            calls as f64 / elapsed,
            calls as f64 / all as f64,
            resident >> 20,
            late[late.len() / 2].as_secs_f64(),
            late[late.len() - 1].as_secs_f64(),
        );
        ensure!(late.len() as u32 == ROUNDS * count, "{} records were sent", late.len());
        let even = f64::from(count) / interval.as_secs_f64();
        ensure!(f64::from(most) < 4.0 * even + 10.0, "{most} commits within a second; an even share is {even}");
        ensure!(late[late.len() - 1] < 2 * interval, "a record was visible {:?} after it was sent", late[late.len() - 1]);
        Comparison::of(&sink).run().map(drop)
    })
}

/// One record to each source partition: for each the partition, and when the broker had it, in milliseconds since 1970.
async fn send_to_each(publisher: &mut Publisher, count: u32, round: u32, pause: Duration) -> Result<Vec<(i32, i64)>> {
    let catalogue = Catalogue::load()?;
    let encoder = Encoder::new(&catalogue)?;
    let mut sent = Vec::new();
    let began = tokio::time::Instant::now();
    for number in 0..count {
        tokio::time::sleep_until(began + pause * number).await;
        let page = i64::from(round * count + number);
        let values = vec![Value::Timestamp(now()), Value::Long(7), Value::Long(page)];
        let payload = encoder.encode(&Event { kind: KIND, values })?;
        let receipt = publisher.send(Message { payload, ..Default::default() }).await?.await?;
        sent.push((receipt.partition, now()));
    }
    Ok(sent)
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// How many calls the NameNode has answered, and when that was: it counts anew every ten seconds.
fn calls(services: &Services) -> Result<(u64, Instant)> {
    let look = || services.stack().name_node()?.calls().context("the NameNode does not tell its calls");
    let before = look()?;
    until("the NameNode counts its calls", LIMIT, || {
        let calls = look()?;
        ensure!(calls != before, "it still tells {calls}");
        Ok((calls, Instant::now()))
    })
}

/// A commit: when its manifest was written, in milliseconds since 1970, and how many rows there were with it.
struct CommitAt {
    at: i64,
    total_rows: u64,
}

/// The commits of a sink by source partition, in order.
async fn commits(services: &Services, sink: &Sink<'_>) -> Result<BTreeMap<i32, Vec<CommitAt>>> {
    let hdfs = services.hdfs()?;
    let client = hdfs_native::ClientBuilder::new().with_config_dir(services.hadoop_conf()?).build()?;
    let mut commits: BTreeMap<i32, Vec<CommitAt>> = BTreeMap::new();
    for table in tables(&hdfs, &sink.directory()).await? {
        for entry in client.list_status(&table.commits(), true).await?.into_iter().filter(|entry| !entry.isdir) {
            let mut names = entry.path.rsplit('/');
            let sequence = names.next().and_then(SourcePartitionLayout::manifest_sequence).context("no manifest")?;
            let partition = names.next().and_then(|name| name.rsplit_once("-p")).context("no partition")?.1.parse()?;
            let manifest = Manifest::from_json(&hdfs.read(&entry.path).await?, &entry.path, sequence)?;
            let at = i64::try_from(entry.modification_time)?;
            commits.entry(partition).or_default().push(CommitAt { at, total_rows: manifest.total_rows });
        }
    }
    commits.values_mut().for_each(|own| own.sort_by_key(|commit| commit.total_rows));
    Ok(commits)
}

/// From the receipt of each record since then to the commit that has it, ascending.
fn lateness(sent: &[(i32, i64)], commits: &BTreeMap<i32, Vec<CommitAt>>, since: i64) -> Result<Vec<Duration>> {
    let mut numbers: BTreeMap<i32, u64> = BTreeMap::new();
    let mut late = Vec::new();
    for (partition, at) in sent {
        let number = numbers.entry(*partition).or_default();
        *number += 1;
        let commit = commits.get(partition).and_then(|own| own.iter().find(|commit| commit.total_rows >= *number));
        let commit = commit.with_context(|| format!("record {number} of partition {partition} is in no commit"))?;
        if *at < since {
            continue;
        }
        late.push(Duration::from_millis(u64::try_from((commit.at - at).max(0))?));
    }
    late.sort();
    Ok(late)
}

const MANIFESTS: u64 = 10_000;
const KEEP: u64 = 300;

#[test]
fn a_source_partition_with_ten_thousand_manifests_is_loaded_within_two_seconds_and_pruned_at_once() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let hdfs = services.hdfs()?;
        let table = TableLayout::new("/history", "visits")?;
        let layout = SourcePartitionLayout::new(table, "visits", None)?;
        services.wait_for(history::write(&hdfs, &layout, MANIFESTS))?;
        let all = services.wait_for(history::median_load(&hdfs, &layout, MANIFESTS))?;
        let began = Instant::now();
        let pruned = services.wait_for(prune(&hdfs, &layout, KEEP))?;
        println!("{pruned} manifests pruned in {:.1} s", began.elapsed().as_secs_f64());
        let few = services.wait_for(history::median_load(&hdfs, &layout, MANIFESTS))?;
        for (what, load) in [("10,000 manifests", &all), ("300 manifests", &few)] {
            println!("{what}: loaded in {load:?} (median)");
        }
        ensure!(all < Duration::from_secs(2), "10,000 manifests: {all:?}");
        ensure!(few < Duration::from_millis(100), "pruned: {few:?}");
        Ok(())
    })
}

#[test]
fn a_week_of_hours_is_a_file_each_though_every_commit_writes_to_all_of_them() -> Result<()> {
    const HOURS: i64 = 168;
    const COMMITS: i64 = 4;
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("hours")?;
        let topic = namespace.topic_named("hours");
        let schema = json!({ "type": "record", "name": "Hour", "fields": [
            { "name": "id", "type": "long" },
            { "name": "at", "type": { "type": "long", "logicalType": "timestamp-millis" } },
        ]});
        let mut producer = Typed::open(services, &topic, &schema, 100)?;
        let sink = Sink::of_topics(&namespace, "week", std::slice::from_ref(&topic))?;
        let sink = sink.config("partitionBy", json!("hour")).config("partitionTime", json!("field:at")).create()?;
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        for commit in 0..COMMITS {
            let records = (0..HOURS).map(|hour| {
                let id = commit * HOURS + hour;
                vec![("id".to_owned(), Field::Long(id)), ("at".to_owned(), Field::Long(now - hour * 3_600_000))]
            });
            producer.send(services, records.collect())?;
            sink.wait_until_all_is_acknowledged(LIMIT)?;
        }
        producer.close(services)?;
        let hdfs = services.hdfs()?;
        let report = services.wait_for(async {
            let table = sink.table(&hdfs).await?;
            anyhow::Ok(verify(&hdfs, &table).await?)
        })?;
        ensure!(report.findings.is_empty(), "{report:#?}");
        ensure!((report.files, report.rows) == (HOURS as u64, (HOURS * COMMITS) as u64), "{report:#?}");
        sink.delete()
    })
}
