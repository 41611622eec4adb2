//! The services do what the tests of the sink rely on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;

use anyhow::{Context, Result, anyhow};
use hdfs_csv_stack::{Error, Runtime, Stack};
use hdfs_csv_tests::in_turn;

use super::{connector, printer, state_and_group, wait_for};

#[test]
fn two_stacks_live_side_by_side_and_keep_their_data() -> Result<()> {
    in_turn(|| {
        let nar = connector()?;
        let first = Stack::builder()
            .name("first")
            .data_nodes(1)
            .connector(&nar)
            .function_java_option("-Dstack.test=yes")
            .env("TZ", "Asia/Tokyo");
        let second = Stack::builder().name("second").data_nodes(0).runtime(Runtime::Thread).connector(&nar);
        let (first, second) = thread::scope(|scope| {
            let first = scope.spawn(|| first.start());
            (first.join(), second.start())
        });
        let (first, second) = (first.map_err(|_| anyhow!("the first start panicked"))??, second?);

        topics_are_the_stacks_own(&first, &second)?;
        sinks_run_in_processes(&first)?;
        sinks_run_in_threads(&second)?;
        fs::remove_dir_all(dropped(second))?;
        files_survive_the_name_node(&first)?;
        topics_and_sinks_survive_pulsar(&first)?;
        the_real_admin_command_works(&first)?;
        processes_that_end_are_noticed(&first)?;

        let folder = dropped(first);
        assert!(folder.join("logs/pulsar.log").is_file());
        assert!(!folder.join("data").exists());
        fs::remove_dir_all(folder)?;
        Ok(())
    })
}

#[test]
fn a_pulsar_that_is_a_cluster_and_asks_who_is_there_is_refused() {
    let started = Stack::builder().name("both").distributed(true).secured(true).start();
    assert!(matches!(started.map(drop), Err(Error::Apart(..))));
}

fn topics_are_the_stacks_own(first: &Stack, second: &Stack) -> Result<()> {
    let admin = first.admin();
    admin.create_tenant("marketplace")?;
    admin.create_namespace("marketplace/events")?;
    admin.set_retention("marketplace/events", -1, -1)?;
    admin.create_topic("persistent://marketplace/events/searching")?;
    admin.create_partitioned_topic("marketplace/events/page_visit", 2)?;
    admin.upload_schema("marketplace/events/searching", "STRING", "")?;

    assert_eq!(admin.topics("marketplace/events")?.len(), 3);
    assert_eq!(admin.topic_stats("marketplace/events/searching")?["msgInCounter"], 0);
    assert!(admin.subscriptions("marketplace/events/searching")?.is_empty());
    let refused = second.admin().topics("marketplace/events");
    assert!(matches!(refused, Err(Error::Admin { status: Some(404), .. })), "{refused:?}");
    assert!(matches!(second.name_node().map(|_| ()), Err(Error::Missing(_))));
    Ok(())
}

fn sinks_run_in_processes(stack: &Stack) -> Result<()> {
    assert_eq!(stack.admin().connectors()?, ["data-generator"]);
    stack.admin().create_sink("public/default", "printer", &printer())?;
    let pid = wait_for("the sink's process", || function_pid(stack))?;
    let log = stack.pulsar().function_log_dir().join("public/default/printer/printer-0.log");
    wait_for("the sink's log", || fs::metadata(&log).ok().filter(|file| file.len() > 0))?;
    let environment = fs::read(format!("/proc/{pid}/environ"))?;
    assert!(String::from_utf8_lossy(&environment).contains("TZ=Asia/Tokyo"));
    let arguments = fs::read(format!("/proc/{pid}/cmdline"))?;
    assert!(String::from_utf8_lossy(&arguments).contains("-Dstack.test=yes"));

    stack.pause(pid)?;
    wait_for("the pause", || state_and_group(pid).filter(|(state, _)| *state == 'T'))?;
    stack.resume(pid)?;
    stack.kill_process(pid)?;
    wait_for("another process for the sink", || function_pid(stack).filter(|other| *other != pid))?;
    assert!(matches!(stack.kill_process(process::id()), Err(Error::Foreign(_))));
    Ok(())
}

fn sinks_run_in_threads(stack: &Stack) -> Result<()> {
    stack.admin().create_sink("public/default", "printer", &printer())?;
    let running = || stack.admin().sink_status("public/default", "printer").ok().filter(|it| it["numRunning"] == 1);
    wait_for("the sink's threads", running)?;
    assert!(stack.function_pids("public", "default", "printer").is_empty());
    stack.admin().delete_sink("public/default", "printer")?;
    assert!(stack.admin().sinks("public/default")?.is_empty());
    Ok(())
}

fn files_survive_the_name_node(stack: &Stack) -> Result<()> {
    let local = stack.data_dir().join("local.csv");
    fs::write(&local, "1,one\n2,two\n")?;
    stack.fs_shell(&["-mkdir", "-p", "/tables/t"])?;
    stack.fs_shell(&["-put", &local.to_string_lossy(), "/tables/t/a.csv"])?;
    let name_node = stack.name_node()?;
    let url = name_node.url();

    name_node.restart()?;
    assert_eq!(stack.fs_shell(&["-cat", "/tables/t/a.csv"])?, "1,one\n2,two\n");
    name_node.kill()?;
    assert_eq!(name_node.pid(), None);
    stack.data_node(0)?.kill()?;
    thread::scope(|scope| {
        let data_node = scope.spawn(|| stack.data_node(0)?.start());
        name_node.start()?;
        data_node.join().map_err(|_| anyhow!("the DataNode's start panicked"))??;
        anyhow::Ok(())
    })?;
    assert_eq!(stack.fs_shell(&["-cat", &format!("{url}/tables/t/a.csv")])?, "1,one\n2,two\n");
    let refused = stack.fs_shell(&["-ls", "/nowhere"]);
    assert!(matches!(refused, Err(Error::Command { .. })), "{refused:?}");
    Ok(())
}

fn topics_and_sinks_survive_pulsar(stack: &Stack) -> Result<()> {
    let pulsar = stack.pulsar();
    let address = pulsar.service_url();
    pulsar.restart()?;
    assert_eq!(partitions(stack)?, 2);
    let pid = wait_for("the sink's process after a restart", || function_pid(stack))?;

    pulsar.kill()?;
    assert_eq!(state_and_group(pid).filter(|(state, _)| *state != 'Z'), None);
    assert!(pulsar.pids().is_empty());
    let log = stack.log_dir().join("pulsar.log");
    let before = fs::metadata(&log)?.len();
    pulsar.start()?;
    nothing_is_left_of_the_killed_bookie(&log, before)?;
    assert_eq!(pulsar.service_url(), address);
    assert_eq!(partitions(stack)?, 2);
    wait_for("the sink's process after a kill", || function_pid(stack))?;
    Ok(())
}

/// How many partitions the partitioned topic has. The other topic has no subscription, and Pulsar deletes such ones when they
/// were idle for a minute.
fn partitions(stack: &Stack) -> Result<usize> {
    let topics = stack.admin().topics("marketplace/events")?;
    Ok(topics.iter().filter(|topic| topic.contains("page_visit-partition-")).count())
}

/// A bookie that finds its predecessor's registration may delete its own, again and again.
fn nothing_is_left_of_the_killed_bookie(path: &Path, before: u64) -> Result<()> {
    let log = fs::read(path)?;
    let log = String::from_utf8_lossy(&log[usize::try_from(before)?..]);
    let lines =
        |word: &str| log.lines().filter(|line| line.contains("/ledgers/available/") && line.contains(word)).count();
    assert_eq!(lines("Acquired resource lock"), 1, "{}", path.display());
    assert_eq!(lines("Deleting path"), 0, "{}", path.display());
    Ok(())
}

fn the_real_admin_command_works(stack: &Stack) -> Result<()> {
    assert!(stack.pulsar_admin(&["sinks", "list"])?.contains("printer"));
    Ok(())
}

fn processes_that_end_are_noticed(stack: &Stack) -> Result<()> {
    stack.check()?;
    let pid = stack.data_node(0)?.pid().context("no DataNode")?;
    stack.kill_process(pid)?;
    let problem = wait_for("an error", || stack.check().err())?.to_string();
    assert!(problem.contains("DataNode 0 ended by itself"), "{problem}");
    assert!(problem.contains("data-node-0.log"), "{problem}");
    Ok(())
}

fn dropped(stack: Stack) -> PathBuf {
    stack.data_dir().to_path_buf()
}

fn function_pid(stack: &Stack) -> Option<u32> {
    stack.function_pids("public", "default", "printer").first().map(|(_, pid)| *pid)
}
