//! The thread runtime: sinks as threads of the broker's own JVM.

use std::time::Duration;

use anyhow::{Result, ensure};
use hdfs_csv_tests::{Comparison, Flow, LIMIT, Services, Shared, Sink, Traffic};
use hdfs_csv_tool::event::EventKind;

const KINDS: [EventKind; 2] = [EventKind::Searching, EventKind::Filtering];

fn flows() -> Vec<Flow> {
    let flow = |kind, (batch, every)| Flow { kind, batch, every: Duration::from_millis(every) };
    KINDS.iter().flat_map(|&kind| [(1, 30), (50, 500)].map(|size| flow(kind, size))).collect()
}

#[test]
fn two_sinks_in_one_jvm_each_write_every_record() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("twins")?;
        let traffic = Traffic::start(&namespace, &flows())?;
        traffic.wait_for_more(100, LIMIT)?;
        let first = Sink::new(&namespace, "first", &KINDS)?.create()?;
        let second = Sink::new(&namespace, "second", &KINDS)?.create()?;
        for sink in [&first, &second] {
            sink.wait_for_a_commit(LIMIT)?;
            ensure!(sink.processes().is_empty(), "the thread runtime has processes: {:?}", sink.processes());
        }
        traffic.wait_for_more(500, LIMIT)?;
        // One library goes, the other's stays.
        first.delete()?;
        traffic.wait_for_more(500, LIMIT)?;
        second.wait_for_a_commit(LIMIT)?;
        first.create_again()?;
        first.wait_for_a_commit(LIMIT)?;
        let sent = traffic.stop()?;
        for sink in [&first, &second] {
            sink.wait_until_all_is_acknowledged(LIMIT)?;
            let summary = Comparison::of(sink).with_records(&sent.records).run()?;
            ensure!(summary["rows"] == sent.messages, "{} messages were confirmed: {summary}", sent.messages);
            sink.delete()?;
        }
        Ok(())
    })
}

#[test]
fn a_sink_deleted_and_created_again_goes_on_without_loss_or_duplicates() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("again")?;
        let traffic = Traffic::start(&namespace, &flows())?;
        traffic.wait_for_more(100, LIMIT)?;
        let sink = Sink::new(&namespace, "cold", &KINDS)?.create()?;
        for _ in 0..3 {
            sink.wait_for_a_commit(LIMIT)?;
            sink.delete()?;
            traffic.wait_for_more(200, LIMIT)?;
            sink.create_again()?;
        }
        sink.wait_for_a_commit(LIMIT)?;
        let sent = traffic.stop()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let summary = Comparison::of(&sink).with_records(&sent.records).run()?;
        ensure!(summary["rows"] == sent.messages, "{} messages were confirmed: {summary}", sent.messages);
        sink.delete()
    })
}

#[test]
fn nothing_is_lost_or_doubled_when_pulsar_and_its_worker_restart_in_mid_stream() -> Result<()> {
    let services = Services::shared_alone(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("restarts")?;
        let traffic = Traffic::start(&namespace, &flows())?;
        traffic.wait_for_more(100, LIMIT)?;
        let sink = Sink::new(&namespace, "cold", &KINDS)?.create()?;
        sink.wait_for_a_commit(LIMIT)?;
        services.stack().pulsar().restart()?;
        traffic.wait_for_more(200, LIMIT)?;
        sink.wait_for_a_commit(LIMIT)?;
        services.stack().pulsar().kill()?;
        services.stack().pulsar().start()?;
        traffic.wait_for_more(200, LIMIT)?;
        sink.wait_for_a_commit(LIMIT)?;
        let sent = traffic.stop()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let comparison = Comparison::of(&sink).with_records(&sent.records).records_may_be_incomplete();
        comparison.after_crashes().run()?;
        sink.delete()
    })
}
