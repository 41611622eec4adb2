//! Faults of the sinks' processes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::Error;
use serde_json::Value;

use super::begun::Begun;
use super::scene::{ANSWER, Scene};
use crate::java::send_by_java;
use crate::random::Random;
use crate::sink::Sink;
use crate::wait::until;

/// Until both instances have partitions again after whatever came before: each start of one takes half a minute on a busy machine.
const BALANCE: Duration = Duration::from_secs(60);

/// One of the sinks with so many instances or more: mostly that which promises more.
pub(super) fn one_of<'a>(scene: &'a Scene<'a>, instances: u32, random: &mut Random) -> &'a Sink<'a> {
    let others: Vec<_> = scene.at_least_once.iter().filter(|sink| sink.instances() >= instances).collect();
    let other = others.get(random.below(others.len().max(1) as u64) as usize);
    if random.below(3) == 0 { other.copied().unwrap_or(scene.exactly_once) } else { scene.exactly_once }
}

pub(super) fn a_process(sink: &Sink<'_>, random: &mut Random) -> Result<(u32, u32)> {
    until(&format!("a process of {}", sink.directory()), ANSWER, || {
        let processes = sink.processes();
        let at = random.below(processes.len() as u64) as usize;
        processes.get(at).copied().context("there is none")
    })
}

pub(super) fn kill_instance<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let sink = one_of(scene, 1, random);
    let (instance, pid) = a_process(sink, random)?;
    let killed = sink.kill(pid)?;
    println!("  instance {instance} of {}, process {pid}: {killed}", sink.directory());
    Ok(Begun::over())
}

pub(super) fn pause_instance<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Option<Begun<'a>>> {
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

/// Pulsar ends an instance at such a message before the sink sees it.
pub(super) fn send_without_a_value<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let partition = scene.a_partition(random);
    until("a message without a value", ANSWER, || {
        send_by_java(scene.namespace.services, &partition, &["none".to_owned()])
    })?;
    println!("  in {partition}");
    Ok(Begun::over())
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
