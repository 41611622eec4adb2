//! A cluster of Pulsar and of HDFS: whichever of its processes ends, rows go on, exactly once. Each thing happens once, to one
//! process of each role; with `CLUSTER_MINUTES` every process restarts, and they go on at random for so long.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Builder, Cluster, FunctionsWorker, Runtime, Stack};
use hdfs_csv_tests::faults::{Deck, Producers};
use hdfs_csv_tests::{Comparison, LIMIT, QUICK_START, Random, Services, Sink, Standstill, setting, until};
use hdfs_csv_tool::event::EventKind;

const KIND: EventKind = EventKind::Searching;
const PARTITIONS: u32 = 4;
/// A broker that is killed is missed by then.
const MISSED: Duration = Duration::from_secs(30);
const NAME_NODES: [&str; 2] = ["nn1", "nn2"];

/// What happens to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The sink gets an instance for each partition, or one for all of them.
    Scaled,
    /// The functions worker that has most instances is killed. They live on for a while, beside those on the other worker.
    WorkerKilled,
    /// A broker is killed.
    BrokerKilled,
    /// A bookie is killed.
    BookieKilled,
    /// Process after process is asked to end and starts again.
    Restarted,
}

const ORDER: [Event; 6] =
    [Event::Scaled, Event::WorkerKilled, Event::BrokerKilled, Event::BookieKilled, Event::Restarted, Event::Scaled];
const AT_RANDOM: [Event; 5] =
    [Event::Scaled, Event::WorkerKilled, Event::BrokerKilled, Event::BookieKilled, Event::Restarted];

/// One sink on a topic with partitions, and what was seen of it.
struct Scene<'t, 'a> {
    services: &'a Services,
    producers: &'t Producers<'a>,
    sink: Sink<'a>,
    standstill: Standstill,
    /// How many processes of each role restart.
    restarts: usize,
    random: Random,
    /// The longest that commits of a partition stood still, by what happened.
    longest: BTreeMap<String, Duration>,
}

/// As small as two cores need it; a block is on two of three DataNodes.
fn stack() -> Builder {
    Stack::builder()
        .name("cluster")
        .distributed(true)
        .high_availability(true)
        .data_nodes(3)
        .replication(2)
        .runtime(Runtime::Process)
        .function_java_option(QUICK_START)
        // A process whose worker is gone, or too busy to ask after it, ends after three of these.
        .liveness_check(Duration::from_secs(10))
}

#[test]
#[ignore = "a cluster's processes need the machine for themselves, for minutes: make cluster"]
fn each_record_is_in_the_table_once_whichever_process_of_a_cluster_ends_and_however_many_instances_there_are()
-> Result<()> {
    let minutes: u64 = setting("CLUSTER_MINUTES", 0)?;
    let services = Services::start(stack())?;
    services.run(|services| {
        let mut random = Random::seeded("cluster");
        let namespace = services.namespace("cluster")?;
        services.stack().admin().create_partitioned_topic(&namespace.topic(KIND), PARTITIONS)?;
        let producers = Producers::start(&namespace, KIND, PARTITIONS, random.below(1_000_000))?;
        producers.wait_for_more(100, LIMIT)?;
        let sink = Sink::new(&namespace, "cold", &[KIND])?.create()?;
        sink.wait_for_a_commit(LIMIT)?;
        let mut scene = Scene {
            services,
            producers: &producers,
            standstill: Standstill::watch(&sink)?,
            sink,
            restarts: if minutes == 0 { 1 } else { usize::MAX },
            random,
            longest: BTreeMap::new(),
        };
        scene.wait_for_commits("the start")?;
        scene.run(Duration::from_secs(minutes * 60))?;
        println!("commits stood still for at most: {:#?}", scene.longest);

        let Scene { sink, .. } = scene;
        let sent = producers.stop()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        services.stack().check()?;
        until("nothing is left in _staging", LIMIT, || {
            let (staged, small) = sink.staged()?;
            ensure!(staged.is_empty() && small.is_empty(), "{staged:?} {small:?}");
            Ok(())
        })?;
        let comparison = Comparison::of(&sink).with_records(&sent.records).records_may_be_incomplete();
        let summary = comparison.after_crashes().run()?;
        println!("{} messages were confirmed, {} are in doubt: {summary}", sent.messages, sent.doubtful);
        sink.delete()
    })
}

impl<'a> Scene<'_, 'a> {
    fn run(&mut self, at_random_for: Duration) -> Result<()> {
        for event in ORDER {
            self.happen(event).with_context(|| format!("{event:?}"))?;
        }
        let (mut deck, began) = (Deck::new(&AT_RANDOM), Instant::now());
        while began.elapsed() < at_random_for {
            let event = deck.draw(&mut self.random).context("no event is left")?;
            self.happen(event).with_context(|| format!("{event:?}, after {:?}", began.elapsed()))?;
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<()> {
        let cluster = self.cluster()?;
        match event {
            Event::Scaled => {
                let instances = if self.sink.instances() == 1 { PARTITIONS } else { 1 };
                self.sink.scale(instances)?;
                self.sink.wait_until_it_runs()?;
                self.wait_for_commits(&format!("scaling to {instances}"))
            }
            Event::WorkerKilled => self.kill_worker(cluster),
            Event::BrokerKilled => {
                let broker = &cluster.brokers()[self.random.below(2) as usize];
                broker.kill()?;
                // Pulsar's client asks the brokers that its URL names in turn, after pauses of up to a minute: how often it asks the
                // dead one is chance.
                sleep(MISSED);
                broker.start()?;
                self.wait_for_commits("a broker killed")
            }
            Event::BookieKilled => {
                let bookie = &cluster.bookies()[self.random.below(3) as usize];
                bookie.kill()?;
                self.wait_for_commits("a bookie killed")?;
                Ok(bookie.start()?)
            }
            Event::Restarted => self.restart(cluster),
        }
    }

    fn kill_worker(&mut self, cluster: &Cluster) -> Result<()> {
        let [first, second] = cluster.workers() else { anyhow::bail!("there are not two workers") };
        let more = self.instances_of(first).len() >= self.instances_of(second).len();
        let (killed, other) = if more { (first, second) } else { (second, first) };
        killed.kill_main()?;
        until("the instances are on the other worker", LIMIT, || {
            self.sink.give_ports()?;
            let instances = self.instances_of(other);
            ensure!(instances.len() == self.sink.instances() as usize, "there are only {instances:?}");
            Ok(())
        })?;
        self.wait_for_commits("a functions worker killed")?;
        Ok(killed.start()?)
    }

    /// The instances that run on a worker.
    fn instances_of(&self, worker: &FunctionsWorker) -> BTreeSet<u32> {
        let own = worker.pids();
        self.sink.processes().into_iter().filter(|(_, pid)| own.contains(pid)).map(|(instance, _)| instance).collect()
    }

    /// Restarts the last processes of each role, one after the other.
    fn restart(&mut self, cluster: &Cluster) -> Result<()> {
        let (stack, most) = (self.services.stack(), self.restarts);
        cluster.zoo_keeper().restart()?;
        self.wait_for_commits("ZooKeeper restarted")?;
        for bookie in cluster.bookies().iter().rev().take(most) {
            bookie.restart()?;
            self.wait_for_commits("a bookie restarted")?;
        }
        for broker in cluster.brokers().iter().rev().take(most) {
            broker.restart()?;
            self.wait_for_commits("a broker restarted")?;
        }
        for worker in cluster.workers().iter().rev().take(most) {
            worker.restart()?;
            self.sink.wait_until_it_runs()?;
            self.wait_for_commits("a functions worker restarted")?;
        }
        for node in stack.journal_nodes().iter().rev().take(most) {
            node.restart()?;
            self.wait_for_commits("a JournalNode restarted")?;
        }
        for node in stack.data_nodes().iter().rev().take(most) {
            node.restart()?;
            self.wait_for_commits("a DataNode restarted")?;
        }
        for _ in stack.name_nodes().iter().take(most) {
            self.restart_the_active_name_node()?;
        }
        Ok(())
    }

    /// The other one becomes the active one before.
    fn restart_the_active_name_node(&mut self) -> Result<()> {
        let stack = self.services.stack();
        let nodes = stack.name_nodes();
        let active =
            nodes.iter().position(|node| node.role().as_deref() == Some("active")).context("none is active")?;
        let (old, new) = (active, 1 - active);
        until("the other NameNode is a standby that is ready", LIMIT, || {
            ensure!(
                nodes[new].role().as_deref() == Some("standby") && nodes[new].is_ready(),
                "{:?}",
                nodes[new].role()
            );
            Ok(())
        })?;
        stack.ha_admin(&["-failover", NAME_NODES[old], NAME_NODES[new]])?;
        nodes[old].restart()?;
        self.wait_for_commits("the active NameNode restarted")
    }

    fn cluster(&self) -> Result<&'a Cluster> {
        Ok(self.services.stack().cluster()?)
    }

    /// Waits until every partition has two commits more, of which the second one began after now.
    fn wait_for_commits(&mut self, after: &str) -> Result<()> {
        let (began, partitions) = (Instant::now(), PARTITIONS as usize);
        self.sink
            .wait_for_commits_of_each(partitions, 2, LIMIT, || self.producers.check())
            .with_context(|| format!("after {after}"))?;
        let stood_still = self.standstill.longest();
        println!(
            "{after}: {:.1} s later all partitions commit, of which one stood still for {:.1} s; {} messages",
            began.elapsed().as_secs_f64(),
            stood_still.as_secs_f64(),
            self.producers.confirmed()
        );
        let longest = self.longest.entry(after.to_owned()).or_default();
        *longest = stood_still.max(*longest);
        Ok(())
    }
}
