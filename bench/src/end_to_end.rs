//! The same backlogs, drained by each sink in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use hdfs_csv_bench::micro;
use hdfs_csv_stack::{Runtime, Stack, artifacts, stacks_dir};
use hdfs_csv_tests::{Namespace, Services, backlog};
use serde_json::{Map, Value, json};

use crate::drain::{Backlog, Drain, Proof, drain};
use crate::load::Load;
use crate::peer::Peer;
use crate::{freshness, median_and_spread, peer, put_result, wanted, writing};

const REPORT: &str = "report.json";
const REPORT_BEFORE: &str = "before.json";

/// An earlier build to compare with.
pub struct Before {
    /// Its archive.
    pub nar: PathBuf,
    /// Keys that it does not know.
    pub without: Vec<String>,
}

/// Runs everything that is wanted and writes the report.
pub fn run(only: &[String], rounds: u32, fewer: u64, before: Option<&Before>) -> Result<()> {
    let renamed = before.map(|before| peer::renamed(&before.nar, &stacks_dir().join("before"))).transpose()?;
    let report = if before.is_some() { REPORT_BEFORE } else { REPORT };
    put_result(report, &["machine"], machine()?)?;
    let services = services(renamed)?;
    services.run(|services| {
        let mut searching = None;
        // The official sink gets fewer: it takes so long.
        for (load, messages, texts) in [
            (Load::searching()?, 24_000_000, 4_000_000),
            (Load::smallest()?, 12_000_000, 2_000_000),
            (Load::wide()?, 4_000_000, 600_000),
            (Load::mix()?, 24_000_000, 4_000_000),
        ] {
            if wanted(only, load.name) {
                let backlogs = Backlogs { messages: messages / fewer, texts: texts / fewer };
                let figures = compare(services, &load, &backlogs, rounds, before)?;
                if load.name == "searching" {
                    searching = figures["ours_rows_per_s"].as_f64();
                }
                put_result(report, &["e2e", load.name], figures)?;
            }
        }
        if wanted(only, "writing") {
            put_result(report, &["writing"], writing::run(services, rounds)?)?;
        }
        if wanted(only, "freshness") {
            let known = crate::read_results(REPORT)?["e2e"]["searching"]["ours_rows_per_s"].as_f64();
            let peak = searching.or(known).context("half the peak load is measured after the load searching")?;
            put_result(report, &["freshness"], freshness::run(services, peak / 2.0)?)?;
        }
        if wanted(only, "micro") {
            let figures = micro::measure(services.stack().hadoop_conf_dir()?)?;
            put_result(report, &["micro"], serde_json::to_value(figures)?)?;
        }
        println!("{}", crate::results(report).display());
        Ok(())
    })
}

/// Pulsar and HDFS at their speed, with the connectors, and a further one.
fn services(further: Option<PathBuf>) -> Result<Services> {
    let noop = backlog::noop_connector(&stacks_dir().join("noop-sink"))?;
    let mut stack = Stack::builder().name("bench").runtime(Runtime::Process).peak_speed(true);
    // No instance is to end because the worker was too busy to ask after it.
    stack = stack.liveness_check(Duration::from_secs(30)).connector(noop);
    for connector in artifacts::resolve("hdfs-sink")?.into_iter().chain(further) {
        stack = stack.connector(connector);
    }
    Services::start(stack)
}

/// What all of it runs on.
fn machine() -> Result<Value> {
    const CPUS: &str = "/proc/cpuinfo";
    let processors = std::fs::read_to_string(CPUS).context(CPUS)?;
    let model = processors.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
    let cores = std::thread::available_parallelism()?;
    Ok(json!({ "cores": cores, "model": model.map_or("unknown", |(_, model)| model) }))
}

/// How much a load's sinks drain.
struct Backlogs {
    /// Of Avro.
    messages: u64,
    /// Of rows ready-made.
    texts: u64,
}

/// Fills the topics of a load, as Avro and as rows, and returns their names.
fn fill(namespace: &Namespace<'_>, load: &Load, backlogs: &Backlogs) -> Result<[Vec<String>; 2]> {
    let avro: Vec<_> =
        load.topics.iter().map(|(name, schema)| (namespace.topic_named(name), Some(schema.clone()))).collect();
    let text: Vec<_> =
        load.topics.iter().map(|(name, _)| (namespace.topic_named(&format!("{name}-rows")), None)).collect();
    let services = namespace.services();
    backlog::send(
        services,
        &avro,
        load.cycle(backlogs.messages).map(|message| Ok((message.topic, message.avro.clone()))),
    )?;
    for (topic, _) in &text {
        // A sink of strings cannot read a topic that began without a schema.
        services.stack().admin().create_topic(topic)?;
        services.stack().admin().upload_schema(topic, "STRING", "")?;
    }
    let row = |message: &crate::load::Message| Ok((message.topic, message.row.clone().into_bytes()));
    backlog::send(services, &text, load.cycle(backlogs.texts).map(row))?;
    Ok([avro, text].map(|topics| topics.into_iter().map(|(topic, _)| topic).collect()))
}

fn compare(
    services: &Services,
    load: &Load,
    backlogs: &Backlogs,
    rounds: u32,
    before: Option<&Before>,
) -> Result<Value> {
    let namespace = services.namespace(&format!("bench-{}", load.name))?;
    let [avro, text] = fill(&namespace, load, backlogs)?;
    let rows = backlogs.messages;
    let bytes: u64 = load.cycle(rows).map(|message| message.row.len() as u64 + 1).sum();
    let received: u64 = load.cycle(rows).map(|message| message.avro.len() as u64).sum();
    println!("{}: {rows} messages of {} bytes, rows of {}", load.name, received / rows, bytes / rows);
    let mut drains: BTreeMap<Peer, Vec<Drain>> = BTreeMap::new();
    for round in 1..=rounds {
        let peers = if before.is_some() { Peer::BUILDS } else { Peer::REPORTED };
        for peer in peers {
            let (topics, own) = if peer == Peer::Hdfs3 { (&text, backlogs.texts) } else { (&avro, rows) };
            let backlog = Backlog { rows: own, bytes: bytes / rows * own, warm_up: own / 2 };
            let mut sink = peer.sink(&namespace, &format!("{}-{round}", peer.name()), topics)?;
            for key in before.iter().filter(|_| peer == Peer::Before).flat_map(|before| &before.without) {
                sink = sink.config(key, Value::Null);
            }
            let proof = if [Peer::Ours, Peer::Before].contains(&peer) { Proof::Closed } else { Proof::None };
            let drained =
                drain(&sink, backlog, 1, proof).with_context(|| format!("{} with {}", peer.name(), load.name))?;
            println!(
                "{} {round}: {:.0} rows/s{}, {:.2} CPU s for a million, {} MB; beside it {}",
                peer.name(),
                drained.rows_per_second(),
                drained
                    .committed_rows_per_second()
                    .map_or(String::new(), |rate| format!(" ({rate:.0} until committed)")),
                drained.cpu_seconds_per_million(),
                drained.peak_bytes >> 20,
                drained
                    .beside_per_million()
                    .iter()
                    .map(|(name, seconds)| format!("{name} {seconds:.2}"))
                    .collect::<Vec<_>>()
                    .join(", "),
            );
            drains.entry(peer).or_default().push(drained);
        }
    }
    let mut figures = Map::new();
    figures.insert("rows".to_owned(), json!(rows));
    figures.insert("payload_bytes_per_row".to_owned(), json!(received as f64 / rows as f64));
    figures.insert("row_bytes_per_row".to_owned(), json!(bytes as f64 / rows as f64));
    for (peer, drains) in &drains {
        let mut put = |what: &str, value: Value| figures.insert(format!("{}_{what}", peer.name()), value);
        let all = |figure: fn(&Drain) -> Option<f64>| median_and_spread(drains.iter().filter_map(figure));
        if let Some((median, spread)) = all(|drain| Some(drain.rows_per_second())) {
            put("rows_per_s", json!(median));
            put("rows_per_s_spread", json!(spread));
        }
        if let Some((median, _)) = all(Drain::committed_rows_per_second) {
            put("committed_rows_per_s", json!(median));
        }
        if let Some((median, spread)) = all(|drain| Some(drain.cpu_seconds_per_million())) {
            put("cpu_s_per_million_rows", json!(median));
            put("cpu_s_per_million_rows_spread", json!(spread));
        }
        put("beside_cpu_s_per_million_rows", medians(drains.iter().map(Drain::beside_per_million)));
        put("threads_cpu_s_per_million_rows", medians(drains.iter().map(Drain::threads_per_million)));
        if let Some((_, [_, most])) = all(|drain| Some(drain.peak_bytes as f64)) {
            put("peak_mb", json!(most / f64::from(1 << 20)));
            put("peak_mb_per_million_rows", json!(most / f64::from(1 << 20) / (drains[0].rows as f64 / 1e6)));
        }
        if let Some((median, _)) = all(|drain| Some(drain.bytes_written as f64)) {
            put("bytes_written", json!(median));
        }
    }
    let each = |peer: Peer| drains.get(&peer).map_or(&[] as &[Drain], Vec::as_slice);
    for (name, one, other) in [
        ("ours_of_noop", Peer::Ours, Peer::Noop),
        ("ours_of_hdfs3", Peer::Ours, Peer::Hdfs3),
        ("ours_of_before", Peer::Ours, Peer::Before),
    ] {
        let mut put = |what: &str, figure: fn(&Drain, &Drain) -> f64| {
            let pairs: Vec<f64> = each(one).iter().zip(each(other)).map(|(one, other)| figure(one, other)).collect();
            if let Some((median, _)) = median_and_spread(pairs.iter().copied()) {
                figures.insert(format!("{name}{what}"), json!(median));
                figures.insert(format!("{name}{what}_pairs"), json!(pairs));
            }
        };
        put("", |one, other| one.rows_per_second() / other.rows_per_second());
        put("_until_committed", |one, other| {
            one.committed_rows_per_second().unwrap_or(f64::NAN) / other.rows_per_second()
        });
        put("_cpu", |one, other| one.cpu_seconds_per_million() / other.cpu_seconds_per_million());
        put("_mb_more", |one, other| (one.peak_bytes as f64 - other.peak_bytes as f64) / f64::from(1 << 20));
    }
    Ok(Value::Object(figures))
}

/// The median of each of several figures; one that is not there is nothing.
fn medians<'a>(all: impl Iterator<Item = BTreeMap<&'a str, f64>>) -> Value {
    let all: Vec<_> = all.collect();
    let names: BTreeSet<&str> = all.iter().flat_map(BTreeMap::keys).copied().collect();
    let median = |name: &str| median_and_spread(all.iter().map(|one| one.get(name).copied().unwrap_or_default()));
    names.iter().filter_map(|name| Some(((*name).to_owned(), json!(median(name)?.0)))).collect::<Map<_, _>>().into()
}
