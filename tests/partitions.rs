//! A partitioned topic, and more than one process that wants to be its owner.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use hdfs_csv_tests::{Comparison, Flow, LIMIT, Random, Services, Shared, Sink, Traffic, backlog};
use hdfs_csv_tool::event::EventKind;
use serde_json::json;

const KIND: EventKind = EventKind::Searching;
const PARTITIONS: u32 = 3;
const KILLS: usize = 3;
/// Records of a backlog: rows of 20 MB for each of four partitions, several times what an instance keeps in memory.
const BACKLOG: u64 = 48_000;

fn flows() -> [Flow; 3] {
    [(1, 20), (7, 60), (100, 500)].map(|(batch, every)| Flow { kind: KIND, batch, every: Duration::from_millis(every) })
}

#[test]
fn nothing_is_lost_or_doubled_when_partitions_move_between_two_instances_of_which_one_is_killed() -> Result<()> {
    let mut random = Random::seeded("partitions");
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("partitions")?;
        services.stack().admin().create_partitioned_topic(&namespace.topic(KIND), PARTITIONS)?;
        let traffic = Traffic::start(&namespace, &flows())?;
        traffic.wait_for_more(100, LIMIT)?;
        let sink = Sink::new(&namespace, "pair", &[KIND])?.setting("parallelism", json!(2)).create()?;
        let mut last = [None, None];
        let mut kills = 0;
        while kills < KILLS {
            let instance = random.below(2) as usize;
            let pid = sink.wait_for_process(instance as u32, last[instance])?;
            sink.wait_until_it_runs()?;
            sink.wait_for_a_commit(LIMIT)?;
            let after = random.millis(0, 2_000);
            sleep(after);
            let killed = sink.kill(pid)?;
            kills += usize::from(killed);
            println!("kill {kills}: instance {instance}, process {pid}, {after:?} after a commit: {killed}");
            last[instance] = Some(pid);
        }
        sink.wait_until_it_runs()?;
        traffic.wait_for_more(1_000, LIMIT)?;
        let sent = traffic.stop()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let summary = Comparison::of(&sink).with_records(&sent.records).after_crashes().run()?;
        ensure!(summary["rows"] == sent.messages, "{} messages were confirmed: {summary}", sent.messages);
        sink.delete()
    })
}

#[test]
fn nothing_is_lost_or_doubled_when_the_worker_crashes_and_its_processes_live_on_beside_new_ones() -> Result<()> {
    let services = Services::shared_alone(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("orphans")?;
        let traffic = Traffic::start(&namespace, &flows())?;
        traffic.wait_for_more(100, LIMIT)?;
        let sink = Sink::new(&namespace, "orphaned", &[KIND])?.create()?;
        let first = sink.wait_for_process(0, None)?;
        sink.wait_for_a_commit(LIMIT)?;
        services.stack().pulsar().kill_main()?;
        ensure!(sink.processes() == [(0, first)], "the process did not outlive its worker: {:?}", sink.processes());
        services.stack().pulsar().start()?;
        sink.wait_for_process(0, Some(first))?;
        println!("processes after the worker's crash: {:?}", sink.processes());
        traffic.wait_for_more(500, LIMIT)?;
        sink.wait_for_a_commit(LIMIT)?;
        // Whichever of the two reads: take the old one away, too.
        println!("the old process was there to be killed: {}", sink.kill(first)?);
        sink.wait_for_a_commit(LIMIT)?;
        let sent = traffic.stop()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let comparison = Comparison::of(&sink).with_records(&sent.records).records_may_be_incomplete();
        comparison.after_crashes().run()?;
        sink.delete()
    })
}

#[test]
fn a_backlog_that_instances_stream_is_written_once_though_they_come_and_are_killed() -> Result<()> {
    const INSTANCES: u32 = 4;
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("backlog")?;
        let topic = namespace.topic(KIND);
        services.stack().admin().create_partitioned_topic(&topic, INSTANCES)?;
        backlog::send_wide(services, &topic, BACKLOG)?;
        let sink = Sink::new(&namespace, "many", &[KIND])?.setting("parallelism", json!(INSTANCES)).create()?;
        for instance in [0, 1] {
            let pid = sink.wait_for_process(instance, None)?;
            sink.wait_for_a_commit(LIMIT)?;
            println!("instance {instance} was there to be killed: {}", sink.kill(pid)?);
        }
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        // Seldom: while instances come, the broker lets some begin behind what others got.
        let told = |instance| sink.log_of(instance).matches("the broker left out records").count();
        println!("records were left out {} times", (0..INSTANCES).map(told).sum::<usize>());
        let summary = Comparison::of(&sink).after_crashes().run()?;
        ensure!(summary["rows"] == BACKLOG, "{BACKLOG} messages were sent: {summary}");
        sink.delete()
    })
}
