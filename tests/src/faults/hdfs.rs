//! Faults of HDFS, and of what lies on it.

use anyhow::{Context, Result};
use hdfs_csv_stack::{DataNode, Stack};

use super::begun::Begun;
use super::instances::a_process;
use super::scene::{ANSWER, Scene};
use crate::blocks::Blocks;
use crate::random::Random;
use crate::sink::Sink;
use crate::wait::until;

pub(super) fn kill_data_nodes<'a>(stack: &'a Stack, count: usize, random: &mut Random) -> Result<Begun<'a>> {
    let all = stack.data_nodes();
    let first = random.below(all.len() as u64) as usize;
    let killed: Vec<&DataNode> = (first..first + count).map(|number| &all[number % all.len()]).collect();
    killed.iter().try_for_each(|node| node.kill())?;
    println!("  from number {first} on");
    let end = move || Ok(killed.iter().try_for_each(|node| node.start())?);
    Ok(Begun { lasts: random.millis(1_000, 8_000), end: Box::new(end) })
}

pub(super) fn restart_name_node<'a>(stack: &'a Stack, random: &mut Random) -> Result<Begun<'a>> {
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

pub(super) fn fill_quota<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
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

/// No copy of the table's newest file can be read.
pub(super) fn damage_file<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let services = scene.namespace.services;
    // What is folded into another file meanwhile is gone.
    let (path, blocks) = until("a file to damage", ANSWER, || {
        let path = services.wait_for(scene.newest_file())?;
        let blocks = Blocks::of(services, &path)?;
        Ok((path, blocks))
    })?;
    blocks.damage()?;
    println!("  {path}");
    let end = move || blocks.mend();
    Ok(Begun { lasts: random.millis(2_000, 8_000), end: Box::new(end) })
}

/// The exactly-once sink's table is somebody else's.
pub(super) fn take_directory<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let (stack, table) = (scene.namespace.services.stack(), scene.table());
    stack.fs_shell(&["-chown", "-R", "somebody", &table])?;
    // The sink renames in it as soon as it may: what is listed can be gone.
    let give_back = move || Ok(stack.fs_shell(&["-chown", "-R", scene.writer, &table]).map(drop)?);
    let end = move || until("the table is given back", ANSWER, &give_back);
    Ok(Begun { lasts: random.millis(2_000, 8_000), end: Box::new(end) })
}

/// What says whose the exactly-once sink's table is cannot be read, and an instance starts and looks at it.
pub(super) fn damage_identity<'a>(scene: &'a Scene<'a>, random: &mut Random) -> Result<Begun<'a>> {
    let (services, stack) = (scene.namespace.services, scene.namespace.services.stack());
    let [whole, damaged] = ["whole.json", "damaged.json"].map(|name| services.scratch(name).display().to_string());
    let identity = format!("{}/_sink.json", scene.table());
    stack.fs_shell(&["-get", "-f", &identity, &whole])?;
    std::fs::write(&damaged, "{").with_context(|| damaged.clone())?;
    stack.fs_shell(&["-put", "-f", &damaged, &identity])?;
    let (instance, pid) = a_process(scene.exactly_once, random)?;
    println!("  instance {instance}, process {pid}: {}", scene.exactly_once.kill(pid)?);
    let end = move || {
        stack.fs_shell(&["-put", "-f", &whole, &identity])?;
        Ok(stack.fs_shell(&["-chown", scene.writer, &identity]).map(drop)?)
    };
    // An instance takes some seconds to start.
    Ok(Begun { lasts: random.millis(8_000, 16_000), end: Box::new(end) })
}
