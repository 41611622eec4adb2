//! `kill -9` of the sink's process, again and again, under steady traffic.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use hdfs_csv_tests::{Comparison, Flow, LIMIT, Random, Services, Shared, Sink, Traffic};
use hdfs_csv_tool::event::EventKind;

const KILLS: usize = 10;
const KINDS: [EventKind; 3] = [EventKind::Searching, EventKind::Filtering, EventKind::PageVisit];

/// Producers of messages sent alone, in small and in large batches on every topic.
fn flows() -> Vec<Flow> {
    let sizes = [(1, 40), (7, 120), (100, 900)];
    let flow = |kind, (batch, every)| Flow { kind, batch, every: Duration::from_millis(every) };
    KINDS.iter().flat_map(|&kind| sizes.map(|size| flow(kind, size))).collect()
}

#[test]
fn nothing_is_lost_or_doubled_when_the_process_is_killed_ten_times() -> Result<()> {
    let mut random = Random::seeded("crashes");
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("crashes")?;
        let traffic = Traffic::start(&namespace, &flows())?;
        traffic.wait_for_more(100, LIMIT)?;
        let sink = Sink::new(&namespace, "killed", &KINDS)?.create()?;
        let (mut last, mut kills) = (None, 0);
        while kills < KILLS {
            let pid = sink.wait_for_process(0, last)?;
            let (when, longest) = match kills % 3 {
                0 => ("it consumes", 4_000),
                1 => ("a commit", 2_000),
                _ => ("its start", 4_000),
            };
            match when {
                "it consumes" => sink.wait_until_it_consumes()?,
                "a commit" => sink.wait_for_a_commit(LIMIT)?,
                _ => {}
            }
            let after = random.millis(0, longest);
            sleep(after);
            let killed = sink.kill(pid)?;
            kills += usize::from(killed);
            println!(
                "kill {kills}, of process {pid}, {after:?} after {when}, {} messages: {killed}",
                traffic.confirmed()
            );
            last = Some(pid);
        }
        sink.wait_for_process(0, last)?;
        traffic.wait_for_more(1_000, LIMIT)?;
        let sent = traffic.stop()?;
        ensure!(sent.doubtful == 0, "the broker did not confirm {} messages", sent.doubtful);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let summary = Comparison::of(&sink).with_records(&sent.records).after_crashes().run()?;
        ensure!(summary["rows"] == sent.messages, "{} messages were confirmed: {summary}", sent.messages);
        let commits = sink.commits()?;
        println!("{commits} commits");
        ensure!(commits >= KILLS / 2, "only {commits} commits: the kills hit nothing");
        sink.delete()
    })
}
