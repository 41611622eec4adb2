//! Faults of every kind at random under steady traffic, for as long as is wished: `make faults`.
//!
//! `FAULT_MINUTES` says how long (4 by default, 15 with `make faults`), `FAULT_SEED` repeats a run's choices.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Builder, Runtime, Stack};
use hdfs_csv_tests::faults::{Begun, Deck, Fault, Guarantee, LeftOut, Producers, Reader, Report, Scene};
use hdfs_csv_tests::{Comparison, Confirmed, QUICK_START, Random, Services, Sink, setting, until};
use hdfs_csv_tool::event::EventKind;
use serde_json::json;

const KIND: EventKind = EventKind::Searching;
const PARTITIONS: u32 = 3;
const MINUTES: f64 = 4.0;
/// As whom the exactly-once sink writes: its table can be taken from it.
const WRITER: &str = "cold-writer";
/// For what has to happen after a fault: a process starts again, its calls to HDFS time out, the broker counts it out.
const LIMIT: Duration = Duration::from_secs(150);
/// For everything to be acknowledged: a sink finds new partitions within a minute.
const LONG_LIMIT: Duration = Duration::from_secs(240);

/// A sink under ATLEAST_ONCE.
struct AtLeastOnce {
    /// The type of its subscription.
    subscription: &'static str,
    /// What makes the subscription be of that type.
    setting: Option<&'static str>,
    /// Where a type gives a part of the topic to each instance, there is another one that can take it over.
    instances: u32,
}

const AT_LEAST_ONCE: [AtLeastOnce; 3] = [
    AtLeastOnce { subscription: "shared", setting: None, instances: 1 },
    AtLeastOnce { subscription: "key-shared", setting: Some("retainKeyOrdering"), instances: 2 },
    AtLeastOnce { subscription: "failover", setting: Some("retainOrdering"), instances: 2 },
];
/// Times as long as it should take.
const LONGEST: f64 = 2.0;
/// A fault that cannot be done for now is tried again until it was done so often.
const WANTED: u64 = 8;
/// In less time there is one of them, by the seed: each is one or two processes more on the machine.
const MINUTES_FOR_ALL: f64 = 15.0;

/// A broker that counts a client out that stands still for some seconds, and a worker that does not meanwhile.
fn stack(minutes: f64) -> Builder {
    Stack::builder()
        .name("faults")
        .runtime(Runtime::Process)
        .data_nodes(3)
        .replication(2)
        .function_java_option(QUICK_START)
        .broker_property("keepAliveIntervalSeconds", "4")
        // A process whose worker does not ask after it ends after three of these.
        .liveness_check(Duration::from_secs(if minutes < MINUTES_FOR_ALL { 6 } else { 10 }))
}

#[test]
fn nothing_is_lost_or_torn_and_nothing_doubled_under_faults_of_every_kind() -> Result<()> {
    let minutes = setting("FAULT_MINUTES", MINUTES)?;
    let seed = setting("FAULT_SEED", now() % 1_000_000)?;
    println!("faults: FAULT_SEED={seed}, for {minutes} minutes");
    let mut report = Report { seed, minutes, ..Report::default() };
    let ran = run(&mut report);
    report.error = ran.as_ref().err().map(|error| format!("{error:#}"));
    println!("{}", report.write()?.display());
    println!("{}", serde_json::to_string_pretty(&report)?);
    ran?;
    let missing: Vec<_> = Fault::ALL.iter().filter(|fault| report.times(**fault) == 0).collect();
    ensure!(minutes < MINUTES || missing.is_empty(), "in {minutes} minutes these faults never happened: {missing:?}");
    ensure!(report.without_letter == 0, "bad records without a dead letter: {}", report.without_letter);
    let bursts = report.times(Fault::Burst);
    // One that another fault lets nobody take at once is not streamed.
    ensure!(report.streamed > bursts / 2 || bursts == 0, "of {bursts} bursts {} were streamed", report.streamed);
    report.exactly_once.check("exactly-once", false)?;
    report.at_least_once.iter().try_for_each(|(subscription, guarantee)| guarantee.check(subscription, true))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

fn run(report: &mut Report) -> Result<()> {
    let services = Services::start(stack(report.minutes))?;
    services.run(|services| {
        let namespace = services.namespace("faults")?;
        services.stack().admin().create_partitioned_topic(&namespace.topic(KIND), PARTITIONS)?;
        let producers = Producers::start(&namespace, KIND, PARTITIONS, report.seed)?;
        producers.wait_for_more(100, LIMIT)?;
        // Short, so that many calls are given up and may still be done later.
        let sink = |name| anyhow::Ok(Sink::new(&namespace, name, &[KIND])?.config("operationTimeout", json!("10s")));
        let letters = namespace.topic_named("exactly-once-letters");
        let exactly_once = sink("exactly-once")?
            .setting("parallelism", json!(2))
            .config("hdfsUser", json!(WRITER))
            .config("deadLetterTopic", json!(letters));
        services.stack().fs_shell(&["-mkdir", "-p", &exactly_once.directory()])?;
        services.stack().fs_shell(&["-chown", WRITER, &exactly_once.directory()])?;
        let exactly_once = exactly_once.create()?;
        let kinds = match report.minutes >= MINUTES_FOR_ALL {
            true => &AT_LEAST_ONCE[..],
            false => std::slice::from_ref(&AT_LEAST_ONCE[report.seed as usize % AT_LEAST_ONCE.len()]),
        };
        let mut at_least_once = Vec::new();
        for kind in kinds {
            let sink = sink(kind.subscription)?
                .setting("processingGuarantees", json!("ATLEAST_ONCE"))
                .setting("parallelism", json!(kind.instances))
                .config("deliveryGuarantee", json!("at-least-once"))
                // Each commit begins files of its own.
                .config("commitInterval", json!("5s"));
            let sink = match kind.setting {
                Some(setting) => sink.setting(setting, json!(true)),
                None => sink,
            };
            at_least_once.push(sink.create()?);
        }
        let sinks: Vec<&Sink<'_>> = std::iter::once(&exactly_once).chain(&at_least_once).collect();
        let table = |sink: &Sink<'_>| format!("{}/{}", sink.directory(), KIND.name());
        let mut readers = Vec::new();
        for sink in &sinks {
            sink.wait_for_a_commit(LIMIT)?;
            readers.push(Reader::start(services, &table(sink))?);
        }
        let (ended, sent) = {
            let topic = namespace.topic(KIND);
            let scene = Scene {
                namespace: &namespace,
                kind: KIND,
                topic,
                exactly_once: &exactly_once,
                writer: WRITER,
                at_least_once: &at_least_once,
                producers: &producers,
                streamed: AtomicU64::new(0),
            };
            let ended = faults(&scene, report).and_then(|()| begin_anew(&scene));
            report.streamed = scene.streamed.into_inner();
            report.partitions = u64::from(producers.partitions());
            (ended, producers.stop())
        };
        // Even after a failure: what is lost then, and what only late?
        let acknowledged = sinks.iter().try_for_each(|sink| sink.wait_until_all_is_acknowledged(LONG_LIMIT));
        let cleaned = nothing_is_staged(&exactly_once);
        let mut guarantees = Vec::new();
        for (sink, reader) in sinks.iter().zip(readers) {
            // What a killed instance of an at-least-once sink left stays: no later one has its name.
            let (staged, small) = sink.staged()?;
            sink.discard_staged()?;
            let mut guarantee =
                Guarantee { left_in_staging: (staged.len() + small.len()) as u64, ..Guarantee::default() };
            guarantee.observed(&reader.stop()?);
            guarantees.push(guarantee);
        }
        let compared = sent.and_then(|sent| {
            report.confirmed = sent.messages;
            let left_out = LeftOut::of(&namespace, KIND)?;
            (report.without_value, report.bad_records) = (left_out.without_value, left_out.bad_records());
            // Not each look sees all of them on a busy machine: one that stays missing is.
            let _ = until("a letter of each bad record", LIMIT, || {
                report.without_letter = left_out.without_letter(&namespace, &letters)?;
                ensure!(report.without_letter == 0, "{} are missing", report.without_letter);
                Ok(())
            });
            let (versions, count) = namespace.schema_versions(KIND)?;
            report.schemas = count as u64;
            for (sink, guarantee) in sinks.iter().zip(&mut guarantees) {
                report.produced = compare(sink, &sent, &versions, &left_out, guarantee)?;
            }
            Ok(())
        });
        let mut guarantees = guarantees.into_iter();
        report.exactly_once = guarantees.next().unwrap_or_default();
        report.at_least_once = kinds.iter().map(|kind| kind.subscription).zip(guarantees).collect();
        first_error([ended, acknowledged, cleaned, compared])
    })
}

/// Draws one fault after another until the time is over; some begin while another lasts, some before the sinks are
/// seen to commit again.
fn faults(scene: &Scene<'_>, report: &mut Report) -> Result<()> {
    let mut random = Random::of(report.seed);
    let mut deck = Deck::new(&Fault::ALL);
    let began = Instant::now();
    let is_over = |report: &Report| {
        let (elapsed, limit) = (began.elapsed().as_secs_f64(), report.minutes * 60.0);
        // On a busy machine a short run goes on until it has done all.
        elapsed > limit && (report.events_by_fault.len() == Fault::ALL.len() || elapsed > LONGEST * limit)
    };
    while !is_over(report) {
        let first = deck.draw(&mut random).context("a deck without faults")?;
        let overlap = random.below(3) == 0;
        let second = overlap.then(|| deck.draw_one_of(&mut random, |fault| fault.place() != first.place())).flatten();
        let mut begun: Vec<Begun<'_>> = Vec::new();
        let mut failed = Ok(());
        for fault in [Some(first), second].into_iter().flatten() {
            let at = began.elapsed().as_secs_f64();
            println!("{at:6.1} s, {} messages: {}", scene.producers.confirmed(), fault.name());
            match fault.begin(scene, &mut random) {
                Ok(Some(one)) => {
                    *report.events_by_fault.entry(fault.name()).or_default() += 1;
                    begun.push(one);
                }
                Ok(None) if report.times(fault) < WANTED => deck.put_back(fault),
                Ok(None) => {}
                Err(error) => {
                    failed = Err(error).with_context(|| format!("the fault {}", fault.name()));
                    break;
                }
            }
        }
        report.overlapping += u64::from(second.is_some());
        sleep(begun.iter().map(|one| one.lasts).max().unwrap_or_default());
        // Each is ended even if another cannot be.
        let ended = begun.into_iter().rev().map(|one| (one.end)()).fold(Ok(()), Result::and);
        failed.and(ended)?;
        scene.namespace.services().stack().check()?;
        scene.producers.check()?;
        if random.below(5) == 0 {
            report.without_waiting += 1;
        } else {
            scene.wait_for_commits(2, LIMIT).with_context(|| format!("after {}", first.name()))?;
        }
    }
    Ok(())
}

/// Starts the sinks once more, so that each source partition's last owner has cleaned up after those that were killed:
/// it does so at its start and after its commits.
fn begin_anew(scene: &Scene<'_>) -> Result<()> {
    scene.wait_for_commits(2, LIMIT)?;
    for sink in scene.sinks() {
        sink.restart()?;
    }
    scene.wait_for_commits_of_each_partition(3, LONG_LIMIT)?;
    scene.wait_for_commits(2, LIMIT)
}

fn nothing_is_staged(sink: &Sink<'_>) -> Result<()> {
    until("nothing is left in _staging", LIMIT, || {
        let (staged, small) = sink.staged()?;
        ensure!(staged.is_empty() && small.is_empty(), "{staged:?} {small:?}");
        Ok(())
    })
}

/// The first error, which may be the reason of the others; those are told, too.
fn first_error<const N: usize>(results: [Result<()>; N]) -> Result<()> {
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        println!("{error:#}");
    }
    results.into_iter().collect()
}

/// Compares a sink's table with the topic; how many messages the topic has.
fn compare(
    sink: &Sink<'_>,
    sent: &Confirmed,
    versions: &Path,
    left_out: &LeftOut,
    guarantee: &mut Guarantee,
) -> Result<u64> {
    let comparison = Comparison::of(sink).with_records(&sent.records).records_may_be_incomplete().after_crashes();
    let comparison = comparison.option("--versions", versions).option("--dead", &left_out.positions);
    let comparison = if sink.is_exactly_once() { comparison } else { comparison.at_least_once() };
    let (summary, findings) = comparison.count()?;
    println!("{}: {summary}", sink.directory());
    if !findings.is_empty() {
        println!("`verify` finds in {}: {findings:#?}", sink.directory());
    }
    guarantee.compared(&summary, findings.len());
    Ok(summary["sent"].as_u64().unwrap_or_default())
}
