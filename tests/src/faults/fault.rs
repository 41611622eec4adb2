//! The faults, each with what it does and how it ends.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{DataNode, Error, Stack};
use serde_json::{Value, json};

use super::scene::{ANSWER, Scene};
use crate::random::Random;
use crate::sink::Sink;
use crate::wait::until;

/// More partitions than this say nothing new.
const MOST_PARTITIONS: u32 = 14;
/// The subscription goes back by up to so many entries.
const LONGEST_STEP_BACK: u64 = 200;
/// Until both instances have partitions again after whatever came before: each start of one takes half a minute on a busy machine.
const BALANCE: Duration = Duration::from_secs(60);

/// Something that goes wrong, or changes, under a running sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of the process of an instance.
    KillInstance,
    /// An instance stands still until another one has its partitions, and then goes on.
    PauseInstance,
    /// Broker and functions worker restart, or crash and come back, with or without the instances.
    RestartBroker,
    /// The bundle of one of the topic's partitions is unloaded.
    UnloadBundle,
    /// The topic gets one partition more.
    AddPartition,
    /// The topic's schema gets one field more; producers of older ones go on.
    NewSchema,
    /// A subscription is moved back a little.
    ResetSubscription,
    /// A DataNode is killed and comes back.
    KillDataNode,
    /// Two DataNodes of three are killed at once and come back.
    KillTwoDataNodes,
    /// The NameNode restarts, or crashes and comes back.
    RestartNameNode,
    /// The NameNode is in safe mode for a while.
    SafeMode,
    /// The directories' quota, of space or of names, is used up for a while.
    FillQuota,
}

/// What a fault is done to. Two faults overlap only when these differ, or one would undo the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The processes of the sinks.
    Instances,
    /// Broker, topic and subscriptions.
    Broker,
    /// NameNode and DataNodes.
    Hdfs,
}

/// A fault that lasts: how long, and how it ends.
pub struct Begun<'a> {
    /// How long it lasts.
    pub lasts: Duration,
    /// Ends it.
    pub end: Box<dyn FnOnce() -> Result<()> + 'a>,
}

impl Begun<'_> {
    /// It is over already.
    fn over() -> Self {
        Begun { lasts: Duration::ZERO, end: Box::new(|| Ok(())) }
    }
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 12] = [
        Fault::KillInstance,
        Fault::PauseInstance,
        Fault::RestartBroker,
        Fault::UnloadBundle,
        Fault::AddPartition,
        Fault::NewSchema,
        Fault::ResetSubscription,
        Fault::KillDataNode,
        Fault::KillTwoDataNodes,
        Fault::RestartNameNode,
        Fault::SafeMode,
        Fault::FillQuota,
    ];

    /// Its name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Fault::KillInstance => "kill_instance",
            Fault::PauseInstance => "pause_instance",
            Fault::RestartBroker => "restart_broker",
            Fault::UnloadBundle => "unload_bundle",
            Fault::AddPartition => "add_partition",
            Fault::NewSchema => "new_schema",
            Fault::ResetSubscription => "reset_subscription",
            Fault::KillDataNode => "kill_data_node",
            Fault::KillTwoDataNodes => "kill_two_data_nodes",
            Fault::RestartNameNode => "restart_name_node",
            Fault::SafeMode => "safe_mode",
            Fault::FillQuota => "fill_quota",
        }
    }

    /// What it is done to.
    pub fn place(self) -> Place {
        match self {
            Fault::KillInstance | Fault::PauseInstance => Place::Instances,
            Fault::RestartBroker
            | Fault::UnloadBundle
            | Fault::AddPartition
            | Fault::NewSchema
            | Fault::ResetSubscription => Place::Broker,
            Fault::KillDataNode
            | Fault::KillTwoDataNodes
            | Fault::RestartNameNode
            | Fault::SafeMode
            | Fault::FillQuota => Place::Hdfs,
        }
    }

    /// Does it. One that lasts is ended by what is returned; nothing is when there is no more to do of it.
    pub fn begin<'a>(self, scene: &'a Scene<'a>, random: &mut Random) -> Result<Option<Begun<'a>>> {
        let stack = scene.namespace.services.stack();
        let begun = match self {
            Fault::KillInstance => kill_instance(scene, random),
            Fault::PauseInstance => return pause_instance(scene, random),
            Fault::RestartBroker => restart_broker(stack, random),
            Fault::UnloadBundle => unload_bundle(scene, random),
            Fault::AddPartition => return add_partition(scene),
            Fault::NewSchema => {
                println!("  {} fields more than at first", scene.producers.evolve());
                Ok(Begun::over())
            }
            Fault::ResetSubscription => reset_subscription(scene, random),
            Fault::KillDataNode => kill_data_nodes(stack, 1, random),
            Fault::KillTwoDataNodes => kill_data_nodes(stack, 2, random),
            Fault::RestartNameNode => restart_name_node(stack, random),
            Fault::SafeMode => {
                stack.hdfs_admin(&["-safemode", "enter"])?;
                let end = || Ok(stack.hdfs_admin(&["-safemode", "leave"]).map(drop)?);
                Ok(Begun { lasts: random.millis(2_000, 8_000), end: Box::new(end) })
            }
            Fault::FillQuota => fill_quota(scene, random),
        };
        begun.map(Some)
    }
}

/// One of the sinks with so many instances or more: mostly that which promises more.
fn one_of<'a>(scene: &'a Scene<'a>, instances: u32, random: &mut Random) -> &'a Sink<'a> {
    let others: Vec<_> = scene.at_least_once.iter().filter(|sink| sink.instances() >= instances).collect();
    let other = others.get(random.below(others.len().max(1) as u64) as usize);
    if random.below(3) == 0 { other.copied().unwrap_or(scene.exactly_once) } else { scene.exactly_once }
}

fn a_process(sink: &Sink<'_>, random: &mut Random) -> Result<(u32, u32)> {
    until(&format!("a process of {}", sink.directory()), ANSWER, || {
        let processes = sink.processes();
        let at = random.below(processes.len() as u64) as usize;
        processes.get(at).copied().context("there is none")
    })
}

fn kill_instance<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let sink = one_of(scene, 1, random);
    let (instance, pid) = a_process(sink, random)?;
    let killed = sink.kill(pid)?;
    println!("  instance {instance} of {}, process {pid}: {killed}", sink.directory());
    Ok(Begun::over())
}

fn pause_instance<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Option<Begun<'a>>> {
    let (sink, stack) = (one_of(scene, 2, random), scene.namespace.services.stack());
    // One that has partitions, and no namesake that an earlier worker left behind: those end by themselves.
    let found = until("an instance that can be paused", BALANCE, || {
        let (instance, pid) = a_process(sink, random)?;
        let all = sink.processes();
        ensure!(all.iter().filter(|(number, _)| *number == instance).count() == 1, "the processes are {all:?}");
        ensure!(consumers_of(scene, sink, instance)? > 0, "instance {instance} has no partitions");
        Ok((instance, pid))
    });
    let (instance, pid) = match found {
        Ok(found) => found,
        // None gets so far as long as another fault lasts, such as safe mode, that lets no instance start.
        Err(none) => {
            println!("  {none:#}");
            return Ok(None);
        }
    };
    println!("  instance {instance} of {}, process {pid}", sink.directory());
    if !is_still_there(stack.pause(pid))? {
        return Ok(None);
    }
    // Until the broker has given it up: from then on there are two owners, one of which does not know it.
    let given_up = until("the broker gives the paused instance up", ANSWER, || {
        ensure!(consumers_of(scene, sink, instance)? == 0, "instance {instance} still has partitions");
        Ok(())
    });
    if given_up.is_err() {
        is_still_there(stack.resume(pid))?;
    }
    given_up?;
    let end = move || is_still_there(stack.resume(pid)).map(drop);
    Ok(Some(Begun { lasts: random.millis(0, 4_000), end: Box::new(end) }))
}

/// False for a process that has ended by itself, as one does that the worker was too busy to ask after.
fn is_still_there(signalled: hdfs_csv_stack::Result<()>) -> Result<bool> {
    match signalled {
        Ok(()) => Ok(true),
        Err(Error::Foreign(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// How many partitions the broker counts as an instance's, active or not.
fn consumers_of(scene: &Scene<'_>, sink: &Sink<'_>, instance: u32) -> Result<usize> {
    let admin = scene.namespace.services.stack().admin();
    let instance = instance.to_string();
    let mut found = 0;
    for number in 0..scene.producers.partitions() {
        let stats = admin.topic_stats(&scene.partition(number))?;
        let consumers = stats["subscriptions"][sink.subscription()]["consumers"].as_array().cloned();
        let its_own = |consumer: &&Value| consumer["metadata"]["instance_id"] == instance;
        found += consumers.unwrap_or_default().iter().filter(its_own).count();
    }
    Ok(found)
}

fn restart_broker<'a>(stack: &'a Stack, random: &mut Random) -> Result<Begun<'a>> {
    let pulsar = stack.pulsar();
    match random.below(3) {
        0 => {
            println!("  it is asked to end");
            pulsar.stop()?;
        }
        1 => {
            println!("  it is killed with the instances");
            pulsar.kill()?;
        }
        _ => {
            println!("  it is killed, the instances live on");
            pulsar.kill_main()?;
        }
    }
    pulsar.start()?;
    Ok(Begun::over())
}

fn unload_bundle<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let partition = scene.partition(random.below(u64::from(scene.producers.partitions())) as u32);
    let path = partition.strip_prefix("persistent://").unwrap_or(&partition);
    scene.ask("unloading a bundle", |admin| {
        let bundle = admin.get(&format!("/lookup/v2/topic/persistent/{path}/bundle"))?;
        let bundle = bundle.as_str().with_context(|| format!("{bundle} is no bundle"))?.trim();
        let namespace = scene.namespace.full_name();
        admin.put(&format!("/admin/v2/namespaces/{namespace}/{bundle}/unload"), &json!({}))?;
        println!("  {bundle}");
        Ok(())
    })?;
    Ok(Begun::over())
}

fn add_partition<'a>(scene: &'a Scene<'a>) -> Result<Option<Begun<'a>>> {
    let more = scene.producers.partitions() + 1;
    if more > MOST_PARTITIONS {
        println!("  there are {MOST_PARTITIONS} already");
        return Ok(None);
    }
    let path = format!("/admin/v2/{}/partitions", scene.topic.replacen("://", "/", 1));
    scene.ask("adding a partition", |admin| {
        // A request whose answer was lost may have been done.
        if admin.get(&path)?["partitions"] != more {
            admin.post(&path, &json!(more))?;
        }
        Ok(())
    })?;
    scene.producers.use_partitions(more);
    println!("  {more} partitions");
    Ok(Some(Begun::over()))
}

fn reset_subscription<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let sink = one_of(scene, 1, random);
    let back = random.below(LONGEST_STEP_BACK);
    for number in 0..scene.producers.partitions() {
        let partition = scene.partition(number);
        let path = partition.replacen("://", "/", 1);
        scene.ask("resetting a subscription", |admin| {
            let stats = admin.internal_stats(&partition)?;
            let cursor = &stats["cursors"][sink.subscription()];
            let mark = cursor["markDeletePosition"].as_str().with_context(|| format!("no cursor: {cursor}"))?;
            let (ledger, entry) = mark.split_once(':').with_context(|| format!("{mark} is no position"))?;
            // Back from what is acknowledged, and never forward: that would skip messages, which no sink could help.
            let entry = entry.parse::<i64>()?.saturating_sub_unsigned(back).max(0);
            let to = json!({ "ledgerId": ledger.parse::<u64>()?, "entryId": entry, "partitionIndex": number });
            admin.post(&format!("/admin/v2/{path}/subscription/{}/resetcursor", sink.subscription()), &to)?;
            Ok(())
        })?;
    }
    println!("  {} by {back} entries", sink.subscription());
    Ok(Begun::over())
}

fn kill_data_nodes<'a>(stack: &'a Stack, count: usize, random: &mut Random) -> Result<Begun<'a>> {
    let all = stack.data_nodes();
    let first = random.below(all.len() as u64) as usize;
    let killed: Vec<&DataNode> = (first..first + count).map(|number| &all[number % all.len()]).collect();
    killed.iter().try_for_each(|node| node.kill())?;
    println!("  from number {first} on");
    let end = move || Ok(killed.iter().try_for_each(|node| node.start())?);
    Ok(Begun { lasts: random.millis(1_000, 8_000), end: Box::new(end) })
}

fn restart_name_node<'a>(stack: &'a Stack, random: &mut Random) -> Result<Begun<'a>> {
    let name_node = stack.name_node()?;
    if random.below(2) == 0 {
        println!("  it is asked to end");
        name_node.stop()?;
    } else {
        println!("  it is killed");
        name_node.kill()?;
    }
    let end = || Ok(name_node.start()?);
    Ok(Begun { lasts: random.millis(0, 4_000), end: Box::new(end) })
}

fn fill_quota<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let stack = scene.namespace.services.stack();
    let directories: Vec<_> = scene.sinks().map(Sink::directory).collect();
    // The command, its arguments, and the directories.
    let all = move |command: &[&str]| {
        let directories = directories.iter().map(String::as_str);
        Ok(stack.hdfs_admin(&command.iter().copied().chain(directories).collect::<Vec<_>>()).map(drop)?)
    };
    // A quota of one byte, or of one name, is used up by whatever is there.
    let (set, clear) =
        if random.below(3) == 0 { ("-setQuota", "-clrQuota") } else { ("-setSpaceQuota", "-clrSpaceQuota") };
    println!("  {set}");
    all(&[set, "1"])?;
    let end = move || all(&[clear]);
    Ok(Begun { lasts: random.millis(2_000, 8_000), end: Box::new(end) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own() {
        let mut names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Fault::ALL.len());
    }
}
