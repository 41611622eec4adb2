//! HDFS is away, for as long as `OUTAGE_SECONDS` says (30 by default): gone, or taking connections and never answering.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Runtime, Stack};
use hdfs_csv_tests::{Comparison, Flow, LIMIT, Outage, QUICK_START, Services, Sink, Traffic, memory, setting, until};
use hdfs_csv_tool::event::EventKind;
use serde_json::json;

const KINDS: [EventKind; 2] = [EventKind::PageVisit, EventKind::Searching];
/// Of the topic that fills the memory.
const BULK: EventKind = EventKind::Searching;
/// At 2,000 bytes each.
const BULK_RECORDS: u64 = 24_000;
const BOUND: u64 = 16 << 20;
/// A hand-over's buffer may go beyond the bound once, with the room for its rows, and these can take somewhat more.
const HAND_OVER: u64 = 1 << 20;

#[test]
fn a_sink_without_hdfs_keeps_its_memory_bound_loses_nothing_says_so_and_goes_on_by_itself() -> Result<()> {
    let outage = Duration::from_secs(setting("OUTAGE_SECONDS", 30)?);
    let services =
        Services::start(Stack::builder().name("outages").runtime(Runtime::Process).function_java_option(QUICK_START))?;
    services.run(|services| {
        for away in [Outage::Gone, Outage::Hanging] {
            without_hdfs(services, away, outage).with_context(|| format!("HDFS was {away:?}"))?;
        }
        Ok(())
    })
}

fn without_hdfs(services: &Services, away: Outage, outage: Duration) -> Result<()> {
    let namespace = services.namespace(&format!("{away:?}").to_lowercase())?;
    let flow = Flow { kind: EventKind::PageVisit, batch: 7, every: Duration::from_millis(200) };
    let traffic = Traffic::start(&namespace, &[flow])?;
    traffic.wait_for_more(10, LIMIT)?;
    services.stack().admin().create_topic(&namespace.topic(BULK))?;
    let sink = Sink::new(&namespace, "cold", &KINDS)?
        .config("maxMemory", json!(format!("{}MB", BOUND >> 20)))
        .config("operationTimeout", json!("5s"));
    let sink = sink.create()?;
    sink.wait_for_a_commit(LIMIT)?;
    let pid = sink.wait_for_process(0, None)?;

    away.begin(services.stack())?;
    let began = Instant::now();
    // Many more than fit into its memory.
    namespace.fill_wide(BULK_RECORDS)?;
    // At half of the bound it asks for no more of what it cannot write.
    until("half of the memory is used", LIMIT, || {
        let used = sink.gauge("memory_bytes")?;
        ensure!(used >= (BOUND / 2) as f64, "{used} bytes are used");
        Ok(())
    })?;
    let (mut most, mut most_resident) = (0.0_f64, 0);
    while began.elapsed() < outage {
        most = most.max(sink.gauge("memory_bytes")?);
        most_resident = most_resident.max(memory(pid, "VmRSS")?);
        ensure!(sink.processes() == [(0, pid)], "the instance has ended: {:?}", sink.processes());
        sleep(Duration::from_secs(1));
    }
    let failing = sink.gauge("failing_seconds")?;
    ensure!(failing > outage.as_secs_f64() / 2.0, "failing_seconds is {failing} in an outage of {outage:?}");
    ensure!(sink.gauge("failing_calls")? > 0.0, "no call fails");
    ensure!(sink.log().contains("nothing is lost, it is tried again"), "the log does not say so");

    away.end(services.stack())?;
    let back = Instant::now();
    sink.wait_for_a_commit(LIMIT)?;
    let first = back.elapsed();
    let sent = traffic.stop()?;
    sink.wait_until_all_is_acknowledged(LIMIT)?;
    println!(
        "HDFS {away:?} for {outage:?}: at most {most} bytes of {BOUND} in memory, {} MB resident; the first commit {:.1} s after \
         HDFS was back, all within {:.1} s",
        most_resident >> 20,
        first.as_secs_f64(),
        back.elapsed().as_secs_f64()
    );
    ensure!(most <= (BOUND + 3 * HAND_OVER) as f64, "{most} bytes were in memory");
    ensure!(sink.processes() == [(0, pid)], "it did not go on by itself: {:?}", sink.processes());
    until("no call fails any more", LIMIT, || {
        let failing = sink.gauge("failing_calls")?;
        ensure!(failing == 0.0, "{failing} calls fail");
        Ok(())
    })?;
    let summary = Comparison::of(&sink).run()?;
    ensure!(
        summary["rows"] == sent.messages + BULK_RECORDS,
        "{} and {BULK_RECORDS} messages were confirmed: {summary}",
        sent.messages
    );
    sink.delete()?;
    Ok(())
}
