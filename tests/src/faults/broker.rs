//! Faults of the broker, the topic, its subscriptions, and what comes through them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::Stack;
use serde_json::json;

use super::begun::Begun;
use super::instances::one_of;
use super::left_out::{BAD, TOO_LARGE};
use super::scene::{ANSWER, Scene};
use crate::backlog;
use crate::java::send_by_java;
use crate::random::Random;
use crate::wait::until;

/// More partitions than this say nothing new.
const MOST_PARTITIONS: u32 = 14;
/// The subscription goes back by up to so many entries.
const LONGEST_STEP_BACK: u64 = 200;
/// Rows of 2,000 letters at once: four times the bytes from which on a sink streams them, so it does after a commit of the first, too.
const BURST: u64 = 8_000;
const BAD_RECORDS: usize = 10;
/// A sink tells its metrics once a second; one that another fault has stopped streams when it goes on.
const STREAMS: Duration = Duration::from_secs(60);

pub(super) fn restart_broker<'a>(stack: &'a Stack, random: &mut Random) -> Result<Begun<'a>> {
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

pub(super) fn unload_bundle<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
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

pub(super) fn add_partition<'a>(scene: &'a Scene<'a>) -> Result<Option<Begun<'a>>> {
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

pub(super) fn reset_subscription<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
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

/// Records that nobody can read: some small ones, and one that is larger than the broker takes.
pub(super) fn send_bad_records<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let (services, partition) = (scene.namespace.services, scene.a_partition(random));
    until("a large bad record", ANSWER, || send_by_java(services, &partition, &[format!("zeros:{TOO_LARGE}")]))?;
    until("bad records", ANSWER, || {
        let topics = [(partition.clone(), Some(scene.kind.schema_text().to_owned()))];
        backlog::send(services, &topics, (0..BAD_RECORDS).map(|_| Ok((0, BAD.repeat(4)))))
    })?;
    println!("  in {partition}");
    Ok(Begun::over())
}

/// So many rows at once that they are written before their commit; counts that they are.
pub(super) fn send_burst<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let partition = scene.a_partition(random);
    let streamed = || scene.exactly_once.total("bytes_streamed_total");
    let before = until("the bytes that were streamed", ANSWER, streamed)?;
    until("a burst", ANSWER, || backlog::send_wide(scene.namespace.services, &partition, BURST))?;
    let seen = until("rows that are streamed", STREAMS, || {
        let now = streamed()?;
        // An instance that has started anew counts from zero.
        ensure!(now != before && now > 0.0, "{now} bytes were, as before");
        Ok(now)
    });
    match seen {
        Ok(now) => {
            println!("  in {partition}: {now} bytes streamed, {before} before");
            scene.streamed.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => println!("  in {partition}: {error:#}"),
    }
    Ok(Begun::over())
}
