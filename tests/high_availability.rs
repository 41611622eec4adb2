//! Two NameNodes that want proof of who is there: whatever becomes of the active one, commits go on, on the other one, exactly
//! once. Each thing happens once; with `FAILOVER_MINUTES` they go on at random for so long.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{NameNode, Runtime, Stack};
use hdfs_csv_tests::faults::Deck;
use hdfs_csv_tests::{Comparison, Flow, LIMIT, QUICK_START, Random, Relay, Services, Sink, Traffic, setting, until};
use hdfs_csv_tool::event::EventKind;
use serde_json::json;

const KINDS: [EventKind; 2] = [EventKind::Searching, EventKind::PageVisit];
const IDS: [&str; 2] = ["nn1", "nn2"];
/// The bound on one call.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);
/// Once there is an active NameNode, commits go on within this.
const INTERRUPTION: Duration = OPERATION_TIMEOUT.saturating_mul(2);

/// What becomes of the active NameNode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its role goes to the other one by an administrator's command, there and back.
    Commanded,
    /// It is killed.
    Killed,
    /// It stands still: it takes connections and answers nothing. Later it goes on, with the calls that came meanwhile.
    Stopped,
    /// What is sent to it is dropped, as on the way to a host that is gone.
    Vanished,
    /// It becomes a standby, and for a while none is active.
    Demoted,
}

const ENDS: [End; 5] = [End::Stopped, End::Commanded, End::Killed, End::Vanished, End::Demoted];

/// Two sinks on the same topics: each looks for the active NameNode in another order.
struct Scene<'a> {
    services: &'a Services,
    relays: &'a [Relay],
    sinks: &'a [Sink<'a>],
    active: usize,
    random: Random,
    /// The longest that commits stood still after each end, once another NameNode was active.
    longest: BTreeMap<String, Duration>,
}

#[test]
fn commits_go_on_exactly_once_whatever_becomes_of_the_active_name_node() -> Result<()> {
    let minutes: u64 = setting("FAILOVER_MINUTES", 0)?;
    let stack = Stack::builder().name("high-availability").high_availability(true).kerberos(true);
    let stack = stack.runtime(Runtime::Process);
    let services = Services::start(stack.function_java_option(QUICK_START))?;
    services.run(|services| {
        let relay = |node: &NameNode| Relay::start(services, node.rpc_port());
        let relays: Vec<Relay> = services.stack().name_nodes().iter().map(relay).collect::<Result<_>>()?;
        let namespace = services.namespace("failover")?;
        let flow = |kind| Flow { kind, batch: 20, every: Duration::from_millis(100) };
        let traffic = Traffic::start(&namespace, &KINDS.map(flow))?;
        traffic.wait_for_more(100, LIMIT)?;
        let kdc = services.stack().kdc()?;
        let sink = |name: &str, order: [usize; 2]| {
            let sink = Sink::new(&namespace, name, &KINDS)?
                .config("hdfsConfigDir", json!(client_folder(services, name, order, &relays)?))
                .config("kerberosPrincipal", json!(kdc.superuser()))
                .config("kerberosKeytab", json!(kdc.superusers_keytab()))
                .config("operationTimeout", json!(format!("{}s", OPERATION_TIMEOUT.as_secs())));
            sink.create()
        };
        let sinks = [sink("first-first", [0, 1])?, sink("second-first", [1, 0])?];
        let mut scene = Scene {
            services,
            relays: &relays,
            sinks: &sinks,
            active: 0,
            random: Random::seeded("high_availability"),
            longest: BTreeMap::new(),
        };
        scene.wait_for_commits("the start", LIMIT)?;
        scene.run(Duration::from_secs(minutes * 60))?;

        let sent = traffic.stop()?;
        ensure!(sent.doubtful == 0, "the broker did not confirm {} messages", sent.doubtful);
        println!("commits stood still for at most: {:?}", scene.longest);
        for sink in &sinks {
            sink.wait_until_all_is_acknowledged(LIMIT)?;
            let summary = Comparison::of(sink).with_records(&sent.records).after_crashes().run()?;
            ensure!(summary["rows"] == sent.messages, "{} messages were confirmed: {summary}", sent.messages);
            sink.delete()?;
        }
        Ok(())
    })
}

/// A folder for a client that reaches the NameNodes through the relays, and names them in this order.
fn client_folder(services: &Services, name: &str, order: [usize; 2], relays: &[Relay]) -> Result<String> {
    let [first, second] = order.map(|number| IDS[number]);
    // As people write it.
    let list = format!("\n      {first},\n      {second}\n    ");
    let ports = services.stack().name_nodes().iter().map(NameNode::rpc_port).zip(relays.iter().map(Relay::port));
    let changes: Vec<_> =
        ports.map(|(own, relay)| (format!("127.0.0.1:{own}"), format!("127.0.0.1:{relay}"))).collect();
    let listed = std::fs::read_to_string(Path::new(&services.hadoop_conf()?).join("hdfs-site.xml"))?;
    ensure!(listed.contains(&IDS.join(",")), "the NameNodes are not listed as {IDS:?}: {listed}");
    services.hadoop_conf_changed(name, |text| {
        let text = changes.iter().fold(text, |text, (own, relay)| text.replace(own, relay));
        text.replace(&IDS.join(","), &list)
    })
}

impl Scene<'_> {
    fn run(&mut self, at_random_for: Duration) -> Result<()> {
        for end in ENDS {
            self.happen(end).with_context(|| format!("{end:?}"))?;
        }
        let (mut deck, began) = (Deck::new(&ENDS), Instant::now());
        while began.elapsed() < at_random_for {
            let end = deck.draw(&mut self.random).context("no end is left")?;
            self.happen(end).with_context(|| format!("{end:?}, after {:?}", began.elapsed()))?;
        }
        Ok(())
    }

    fn happen(&mut self, end: End) -> Result<()> {
        println!("{} is active: {end:?}", IDS[self.active]);
        let processes = self.processes()?;
        match end {
            End::Commanded => {
                for _ in 0..2 {
                    let (old, new) = self.change();
                    self.services.stack().ha_admin(&["-failover", IDS[old], IDS[new]])?;
                    self.wait_for_commits("a failover on command", INTERRUPTION)?;
                }
            }
            End::Killed => {
                let (old, new) = self.change();
                self.node(old)?.kill()?;
                self.force(new)?;
                self.wait_for_commits("a kill", INTERRUPTION)?;
                self.bring_back(old)?;
            }
            End::Stopped => return self.stop_the_active(),
            End::Vanished => {
                let (old, new) = self.change();
                let vanished = self.relays[old].vanish(self.services)?;
                self.services.stack().ha_admin(&["-failover", IDS[old], IDS[new]])?;
                self.wait_for_commits("a host that is gone", INTERRUPTION)?;
                drop(vanished);
            }
            End::Demoted => {
                let (old, new) = self.change();
                self.services.stack().ha_admin(&["-transitionToStandby", IDS[old]])?;
                sleep(if self.random.below(3) == 0 { Duration::from_secs(60) } else { OPERATION_TIMEOUT });
                self.services.stack().ha_admin(&["-transitionToActive", IDS[new]])?;
                self.wait_for_commits("two standbys", INTERRUPTION)?;
            }
        }
        ensure!(self.processes()? == processes, "an instance did not go on by itself");
        Ok(())
    }

    /// The active NameNode stands still, and later goes on with what it was sent meanwhile.
    fn stop_the_active(&mut self) -> Result<()> {
        let (old, new) = self.change();
        let processes = self.processes()?;
        let stack = self.services.stack();
        let stopped = self.node(old)?.pid().context("the NameNode has no process")?;
        stack.pause(stopped)?;
        self.force(new)?;
        self.wait_for_commits("a NameNode that stands still", INTERRUPTION)?;
        ensure!(self.processes()? == processes, "an instance did not go on by itself");
        // One that starts meets the silent NameNode, too.
        for (sink, process) in self.sinks.iter().zip(&processes) {
            sink.kill(*process)?;
        }
        for (sink, process) in self.sinks.iter().zip(&processes) {
            sink.wait_for_process(0, Some(*process))?;
        }
        self.wait_for_commits("new instances beside a NameNode that stands still", LIMIT)?;
        stack.resume(stopped)?;
        self.wait_for_commits("late calls", INTERRUPTION)?;
        println!("  after its late calls {} is {:?}", IDS[old], self.node(old)?.role());
        self.bring_back(old)
    }

    /// The numbers of the active NameNode and of the one that becomes it.
    fn change(&mut self) -> (usize, usize) {
        let old = self.active;
        self.active = 1 - old;
        (old, self.active)
    }

    fn node(&self, number: usize) -> Result<&NameNode> {
        self.services.stack().name_nodes().get(number).context("a NameNode is missing")
    }

    /// Makes a NameNode the active one without asking the other one.
    fn force(&self, number: usize) -> Result<()> {
        self.services.stack().ha_admin(&["-transitionToActive", "--forceactive", IDS[number]]).map(drop)?;
        Ok(())
    }

    /// Starts a NameNode anew and waits until it can be made the active one.
    fn bring_back(&self, number: usize) -> Result<()> {
        let node = self.node(number)?;
        node.kill()?;
        node.start()?;
        until("the NameNode is a standby that is ready", LIMIT, || {
            ensure!(node.role().as_deref() == Some("standby") && node.is_ready(), "{:?}", node.role());
            Ok(())
        })
    }

    /// The process of each sink's instance.
    fn processes(&self) -> Result<Vec<u32>> {
        self.sinks.iter().map(|sink| sink.wait_for_process(0, None)).collect()
    }

    /// Waits until each sink has committed something that it began to commit after now, or about then.
    fn wait_for_commits(&mut self, after: &str, limit: Duration) -> Result<()> {
        let (began, since) = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
        for sink in self.sinks {
            until(
                &format!("{} commits after {after}", sink.directory()),
                limit.saturating_sub(began.elapsed()),
                || {
                    sink.give_ports()?;
                    let last = sink.gauge("last_commit_timestamp_seconds")?;
                    ensure!(last > since as f64, "the last commit was {} s before", since as f64 - last);
                    Ok(())
                },
            )?;
            println!("  {} commits {:.1} s after {after}", sink.directory(), began.elapsed().as_secs_f64());
        }
        let longest = self.longest.entry(after.to_owned()).or_default();
        *longest = began.elapsed().max(*longest);
        Ok(())
    }
}
