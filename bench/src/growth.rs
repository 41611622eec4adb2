//! How time and memory grow with what there is to do: a curve for each thing that can be large.

use std::time::Duration;

use anyhow::{Context, Result};
use hdfs_csv_stack::{Runtime, Stack, stacks_dir};
use hdfs_csv_tests::{Namespace, Services, backlog, history};
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use serde_json::{Value, json};

use crate::drain::{Backlog, Proof, drain};
use crate::end_to_end::Before;
use crate::load::Load;
use crate::peer::Peer;
use crate::{folding, peer, put_result, wanted};

const RESULTS: &str = "growth.json";
const RESULTS_BEFORE: &str = "growth-before.json";
const MEGABYTE: f64 = (1 << 20) as f64;
/// What the curve of record sizes sends in all, at most.
const MOST_BYTES: u64 = 400 << 20;

/// What is different from one drain to the next.
#[derive(Clone, Copy)]
struct Case<'p> {
    load: &'p Load,
    rows: u64,
    /// Of the topic; 0 for a topic without partitions.
    partitions: u32,
    instances: u32,
    heap: u64,
    before: Option<&'p Before>,
}

/// Measures the curves that are wanted; of those of days and source partitions these points, or all.
pub fn run(only: &[String], points: &[u32], before: Option<&Before>) -> Result<()> {
    let mut stack = Stack::builder()
        .name("growth")
        .runtime(Runtime::Process)
        .peak_speed(true)
        .liveness_check(Duration::from_secs(30));
    if let Some(before) = before {
        stack = stack.connector(backlog::noop_connector(&stacks_dir().join("noop-sink"))?);
        stack = stack.connector(peer::renamed(&before.nar, &stacks_dir().join("before"))?);
    }
    let services = Services::start(stack)?;
    let is_wanted = |point: &u32| points.is_empty() || points.contains(point);
    let put = |curve: &str, points| put(if before.is_some() { RESULTS_BEFORE } else { RESULTS }, curve, points);
    services.run(|services| {
        let searching = Load::searching()?;
        let case = Case { load: &searching, rows: 4_500_000, partitions: 0, instances: 1, heap: 256 << 20, before };
        if wanted(only, "record-size") {
            let mut points = Vec::new();
            for bytes in [20, 100, 1_000, 10_000, 100_000, 1_000_000] {
                let load = Load::text("text", bytes, 1)?;
                let rows = (MOST_BYTES / bytes as u64).min(case.rows);
                // Pulsar's client holds a thousand records of each topic, whatever their size.
                let case = Case { load: &load, rows, heap: 2 << 30, ..case };
                points.push((bytes as f64, point(services, &format!("size-{bytes}"), case)?));
            }
            put("record_size", points)?;
        }
        if wanted(only, "directories") {
            let mut points = Vec::new();
            for days in [1, 4, 20, 100, 400].into_iter().filter(is_wanted) {
                let load = Load::text("text", 40, i64::from(days))?;
                points.push((f64::from(days), point(services, &format!("days-{days}"), Case { load: &load, ..case })?));
            }
            put("directories", points)?;
        }
        if wanted(only, "instances") {
            let mut points = Vec::new();
            for instances in [1, 2, 4] {
                let name = format!("instances-{instances}");
                points.push((f64::from(instances), point(services, &name, Case { partitions: 4, instances, ..case })?));
            }
            put("instances", points)?;
        }
        if wanted(only, "source-partitions") {
            let mut points = Vec::new();
            for partitions in [1, 10, 100, 500, 2_000].into_iter().filter(is_wanted) {
                let name = format!("partitions-{partitions}");
                points
                    .push((f64::from(partitions), point(services, &name, Case { partitions, heap: 4 << 30, ..case })?));
            }
            put("source_partitions", points)?;
        }
        if wanted(only, "manifests") {
            put("manifests", manifests(services)?)?;
        }
        if wanted(only, "folding") {
            put_result(RESULTS, &["folding"], folding::run(services)?)?;
        }
        if wanted(only, "rows") {
            let mut points = Vec::new();
            for rows in [100_000, 1_000_000, 10_000_000, 100_000_000] {
                points.push((rows as f64, point(services, &format!("rows-{rows}"), Case { rows, ..case })?));
            }
            put("rows", points)?;
        }
        println!("{}", crate::results(RESULTS).display());
        Ok(())
    })
}

fn put(results: &str, curve: &str, points: Vec<(f64, Value)>) -> Result<()> {
    let points = points.into_iter().map(|(x, mut point)| {
        point["x"] = json!(x);
        point
    });
    put_result(results, &[curve], Value::Array(points.collect()))
}

/// Fills a topic of its own and drains it: with this build, and for a comparison with the one before and with a sink that does
/// nothing.
fn point(services: &Services, name: &str, case: Case<'_>) -> Result<Value> {
    let namespace = services.namespace(name)?;
    let topic = fill(&namespace, &case).with_context(|| format!("filling the topic of {name}"))?;
    let bytes = case.load.cycle(case.rows).map(|message| message.row.len() as u64 + 1).sum();
    let mut figures = drain_by(&namespace, Peer::Ours, &topic, &case, bytes).with_context(|| name.to_owned())?;
    let others = if case.before.is_some() { &[Peer::Before, Peer::Noop][..] } else { &[] };
    for peer in others {
        figures[peer.name()] = drain_by(&namespace, *peer, &topic, &case, bytes).with_context(|| name.to_owned())?;
    }
    println!("{name}: {figures}");
    Ok(figures)
}

fn drain_by(namespace: &Namespace<'_>, peer: Peer, topic: &str, case: &Case<'_>, bytes: u64) -> Result<Value> {
    let sink = peer.sink(namespace, peer.name(), &[topic.to_owned()])?.setting("parallelism", json!(case.instances));
    let sink = sink.setting("resources", json!({ "ram": case.heap }));
    // A minute's wait for the last commit is not what is looked at.
    let sink = sink.config("commitInterval", json!("10s"));
    let unknown = case.before.iter().filter(|_| peer == Peer::Before).flat_map(|before| &before.without);
    let sink = unknown.fold(sink, |sink, key| sink.config(key, Value::Null));
    let backlog = Backlog { rows: case.rows, bytes, warm_up: case.rows / 3 };
    let proof = if peer == Peer::Noop { Proof::None } else { Proof::Acknowledged };
    let drained = drain(&sink, backlog, case.instances, proof)?;
    Ok(json!({
        "rows": case.rows,
        "rows_per_s": drained.rows_per_second(),
        "mb_per_s": bytes as f64 / MEGABYTE / drained.seconds,
        "ns_per_row": drained.seconds * 1e9 / case.rows as f64,
        "cpu_s_per_million_rows": drained.cpu_seconds_per_million(),
        "peak_mb": drained.peak_bytes as f64 / MEGABYTE,
        "bytes_written": drained.bytes_written,
    }))
}

fn fill(namespace: &Namespace<'_>, case: &Case<'_>) -> Result<String> {
    let (name, schema) = &case.load.topics[0];
    let topic = namespace.topic_named(name);
    if case.partitions > 0 {
        namespace.services().stack().admin().create_partitioned_topic(&topic, case.partitions)?;
    }
    let messages = case.load.cycle(case.rows).map(|message| Ok((0, message.avro.clone())));
    backlog::send(namespace.services(), &[(topic.clone(), Some(schema.clone()))], messages)?;
    Ok(topic)
}

/// What a start of a source partition takes, by the manifests that it has.
fn manifests(services: &Services) -> Result<Vec<(f64, Value)>> {
    let hdfs = services.hdfs()?;
    let mut points = Vec::new();
    for count in [10, 100, 1_000, 10_000, 100_000] {
        let table = TableLayout::new("/history", &format!("manifests-{count}"))?;
        let layout = SourcePartitionLayout::new(table, "visits", None)?;
        services.wait_for(history::write(&hdfs, &layout, count))?;
        let load = services.wait_for(history::median_load(&hdfs, &layout, count))?;
        println!("{count} manifests: loaded in {load:?}");
        points.push((count as f64, json!({ "load_ms": load.as_secs_f64() * 1e3 })));
    }
    Ok(points)
}
