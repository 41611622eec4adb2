//! How soon a record is visible while records come at a steady rate.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use hdfs_csv_tests::{Namespace, Services, Sink};
use hdfs_csv_tool::commits;
use hdfs_csv_tool::publish::Publisher;
use hdfs_csv_tool::verify::tables;
use pulsar::producer::Message;
use pulsar_io_hdfs_csv::protocol::manifest::Manifest;
use serde_json::{Value, json};

use crate::load::Load;
use crate::peer::Peer;

const COMMIT_INTERVAL: Duration = Duration::from_secs(10);
const DURATION: Duration = Duration::from_secs(60);
/// Records before this are of the start.
const WARM: Duration = Duration::from_secs(15);
const LIMIT: Duration = Duration::from_secs(90);
/// Messages are sent, and their time is noted, in groups of this many.
const GROUP: usize = 1_000;
const GROUPS_IN_FLIGHT: usize = 100;
const LOOK: Duration = Duration::from_millis(50);

/// Sends at this rate and looks when each record is in the table.
pub fn run(services: &Services, rate: f64) -> Result<Value> {
    let load = Load::searching()?;
    let namespace = services.namespace("bench-freshness")?;
    let topic = namespace.topic_named(&load.topics[0].0);
    services.stack().admin().create_topic(&topic)?;
    let sink = Peer::Ours.sink(&namespace, "fresh", &[topic])?;
    let sink = sink.config("commitInterval", json!(format!("{}s", COMMIT_INTERVAL.as_secs()))).create()?;
    sink.wait_until_it_consumes()?;
    let ended = AtomicBool::new(false);
    let (sent, seen) = thread::scope(|scope| -> Result<_> {
        let looking = scope.spawn(|| look(services, &sink, &ended));
        let sent = send(&namespace, &load, rate).and_then(|sent| {
            sink.wait_until_all_is_acknowledged(LIMIT)?;
            Ok(sent)
        });
        ended.store(true, Ordering::Relaxed);
        let seen = looking.join().map_err(|_| anyhow!("a thread panicked"))?;
        Ok((sent?, seen?))
    })?;
    sink.delete()?;
    let late = lateness(&manifests(services, &sink)?, &sent, &seen)?;
    let at = |share: f64| late[((late.len() - 1) as f64 * share) as usize] as f64 / 1e3;
    let sent_for = (sent.last().copied().unwrap_or(0) - sent.first().copied().unwrap_or(0)) as f64 / 1e3;
    let figures = json!({
        "commit_interval_s": COMMIT_INTERVAL.as_secs_f64(),
        "wanted_rows_per_s": rate,
        "rows_per_s": ((sent.len() - 1) * GROUP) as f64 / sent_for,
        "rows": late.len() * GROUP,
        "visible_after_s": { "median": at(0.5), "p99": at(0.99), "most": at(1.0) },
    });
    println!("freshness: {figures}");
    Ok(figures)
}

fn now() -> Result<i64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64)
}

/// Sends at a steady rate: when each group was sent, in milliseconds since 1970.
fn send(namespace: &Namespace<'_>, load: &Load, rate: f64) -> Result<Vec<i64>> {
    let services = namespace.services();
    let client = services.pulsar()?;
    let (topic, schema) = &load.topics[0];
    let groups = (rate * DURATION.as_secs_f64()) as usize / GROUP;
    let pause = Duration::from_secs_f64(GROUP as f64 / rate);
    services.wait_for(async {
        let mut publisher = Publisher::open(&client, &namespace.topic_named(topic), Some(schema), GROUP as u32).await?;
        let mut messages = load.messages.iter().cycle();
        let mut sent = Vec::with_capacity(groups);
        let mut pending = std::collections::VecDeque::new();
        let began = tokio::time::Instant::now();
        for number in 0..groups {
            tokio::time::sleep_until(began + pause * number as u32).await;
            sent.push(now()?);
            let mut group = Vec::with_capacity(GROUP);
            for message in messages.by_ref().take(GROUP) {
                group.push(publisher.send(Message { payload: message.avro.clone(), ..Default::default() }).await?);
            }
            // A group fills a batch, which is sent then.
            pending.push_back(group);
            if pending.len() > GROUPS_IN_FLIGHT {
                for receipt in pending.pop_front().into_iter().flatten() {
                    receipt.await?;
                }
            }
        }
        // What was sent by its age and not by its size has left a rest.
        publisher.flush().await?;
        for receipt in pending.into_iter().flatten() {
            receipt.await?;
        }
        publisher.close().await?;
        Ok(sent)
    })
}

/// Looks at the visible files all the while: when, in milliseconds since 1970, and their bytes.
fn look(services: &Services, sink: &Sink<'_>, ended: &AtomicBool) -> Result<Vec<(i64, u64)>> {
    let client = hdfs_native::ClientBuilder::new().with_config_dir(services.hadoop_conf()?).build()?;
    let mut seen: Vec<(i64, u64)> = Vec::new();
    let mut last = false;
    while !last {
        // Once more after the end.
        last = ended.load(Ordering::Relaxed);
        let listed = services.wait_for(client.list_status(&sink.directory(), true));
        let visible = |path: &str| !path.contains("/_");
        let bytes: u64 = match listed {
            Ok(all) => all.iter().filter(|file| visible(&file.path)).map(|file| file.length as u64).sum(),
            // Not there yet, or files move while they are listed.
            Err(hdfs_native::HdfsError::FileNotFound(_)) => 0,
            Err(error) => return Err(error.into()),
        };
        if bytes > seen.last().map_or(0, |(_, bytes)| *bytes) {
            seen.push((now()?, bytes));
        }
        thread::sleep(LOOK);
    }
    Ok(seen)
}

fn manifests(services: &Services, sink: &Sink<'_>) -> Result<Vec<Manifest>> {
    let hdfs = services.hdfs()?;
    services.wait_for(async {
        let table = tables(&hdfs, &sink.directory()).await?.into_iter().next().context("there is no table")?;
        let commits = commits::all(&hdfs, &table).await?.into_iter().next().context("there is no commit")?;
        Ok(commits.manifests)
    })
}

/// By group, from when it was sent to when its last record was visible; in milliseconds, ascending.
fn lateness(manifests: &[Manifest], sent: &[i64], seen: &[(i64, u64)]) -> Result<Vec<i64>> {
    let mut bytes = 0;
    let mut commits = Vec::new();
    for manifest in manifests {
        let old = |file: &pulsar_io_hdfs_csv::protocol::manifest::FileEntry| {
            file.replaces.as_ref().map_or(0, |old| old.length)
        };
        bytes += manifest.files.iter().map(|file| file.content.length - old(file)).sum::<u64>();
        let at = seen.iter().find(|(_, visible)| *visible >= bytes).map(|(at, _)| *at);
        commits.push((manifest.total_rows, at.context("a commit that was never seen")?));
    }
    let from = sent.first().context("nothing was sent")? + WARM.as_millis() as i64;
    let mut late = Vec::new();
    for (number, at) in sent.iter().enumerate().filter(|(_, at)| **at >= from) {
        let last = ((number + 1) * GROUP) as u64;
        let commit = commits.iter().find(|(rows, _)| *rows >= last);
        late.push(commit.context("a record that is in no commit")?.1 - at);
    }
    ensure!(!late.is_empty(), "everything was sent before the measurement began");
    late.sort_unstable();
    Ok(late)
}
