//! What folding costs: how many bytes are written again for each byte received, and how many files there are.

use std::time::Duration;

use anyhow::{Context, Result};
use hdfs_csv_tests::{Services, backlog};
use hdfs_csv_tool::commits;
use hdfs_csv_tool::verify::tables;
use pulsar::producer::Message;
use serde_json::{Value, json};

use crate::load::Load;
use crate::peer::Peer;

const FOLD_BELOW: [&str; 5] = ["0", "1MB", "4MB", "8MB", "32MB"];
/// Bytes a second into one topic each: with a commit a second, of each commit.
const BYTES: [usize; 4] = [10 << 10, 100 << 10, 1 << 20, 4 << 20];
const MESSAGE: usize = 1_024;
const DURATION: Duration = Duration::from_secs(150);
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a sink for each setting on the same topics.
pub fn run(services: &Services) -> Result<Value> {
    let namespace = services.namespace("bench-folding")?;
    let load = Load::text("text", MESSAGE, 1)?;
    let name = |bytes: usize| format!("batches-of-{bytes}");
    let topics: Vec<_> = BYTES.iter().map(|bytes| namespace.topic_named(&name(*bytes))).collect();
    for topic in &topics {
        services.stack().admin().create_topic(topic)?;
    }
    let mut sinks = Vec::new();
    for below in FOLD_BELOW {
        let sink = Peer::Ours.sink(&namespace, &format!("below-{}", below.to_lowercase()), &topics)?;
        sinks.push(sink.config("foldBelow", json!(below)).config("commitInterval", json!("1s")).create()?);
    }
    for sink in &sinks {
        sink.wait_until_it_consumes()?;
    }
    send(services, &load, &topics)?;
    let mut figures = Vec::new();
    for (below, sink) in FOLD_BELOW.into_iter().zip(&sinks) {
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        sink.delete()?;
        let hdfs = services.hdfs()?;
        let found = services.wait_for(tables(&hdfs, &sink.directory()))?;
        for bytes in BYTES {
            let table =
                found.iter().find(|table| table.root().ends_with(&name(bytes))).context("a table is missing")?;
            let all = services.wait_for(commits::all(&hdfs, table))?;
            let manifests = || all.iter().flat_map(|commits| &commits.manifests);
            let files = || manifests().flat_map(|manifest| &manifest.files);
            let rewritten: u64 = files().filter_map(|file| Some(file.replaces.as_ref()?.length)).sum();
            let written: u64 = files().map(|file| file.content.length).sum();
            let received = written - rewritten;
            let count = files().filter(|file| file.replaces.is_none()).count();
            figures.push(json!({
                "fold_below": below,
                "commits": manifests().count(),
                "bytes_per_commit": received / manifests().count().max(1) as u64,
                "bytes_received": received,
                "rewritten_per_byte": rewritten as f64 / received as f64,
                "files": count,
                "mb_per_file": received as f64 / count as f64 / f64::from(1 << 20),
            }));
            println!("folding: {}", figures[figures.len() - 1]);
        }
    }
    Ok(Value::Array(figures))
}

/// Sends to each topic at its rate, ten times a second.
fn send(services: &Services, load: &Load, topics: &[String]) -> Result<()> {
    const TIMES_A_SECOND: usize = 10;
    let client = services.pulsar()?;
    services.wait_for(async {
        let schema = Some(load.topics[0].1.clone());
        let topics: Vec<_> = topics.iter().map(|topic| (topic.clone(), schema.clone())).collect();
        let mut publishers = backlog::open(&client, &topics).await?;
        let mut messages = load.messages.iter().cycle();
        let began = tokio::time::Instant::now();
        let times = DURATION.as_secs() as usize * TIMES_A_SECOND;
        for time in 0..times {
            tokio::time::sleep_until(began + Duration::from_secs(1) * time as u32 / TIMES_A_SECOND as u32).await;
            let mut pending = Vec::new();
            for (publisher, bytes) in publishers.iter_mut().zip(BYTES) {
                for message in messages.by_ref().take(bytes / MESSAGE / TIMES_A_SECOND) {
                    pending
                        .push(publisher.send(Message { payload: message.avro.clone(), ..Default::default() }).await?);
                }
                publisher.flush().await?;
            }
            for receipt in pending {
                receipt.await?;
            }
        }
        for publisher in publishers {
            publisher.close().await?;
        }
        Ok(())
    })
}
