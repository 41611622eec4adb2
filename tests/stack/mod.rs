//! Tests of `stack/`: that the services do what the tests of the sink rely on.

mod click_house;
mod ends;
mod hive;
mod services;
mod superset;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hdfs_csv_stack::artifacts;
use hdfs_csv_tests::until;

/// A connector that needs nothing.
fn connector() -> Result<PathBuf> {
    artifacts::resolve("data-generator")?.into_iter().next().context("no connector in the pom")
}

/// The configuration of a sink that runs that connector.
fn printer() -> serde_json::Value {
    serde_json::json!({
        "archive": "builtin://data-generator",
        "inputs": ["public/default/people"],
        "parallelism": 1,
        "resources": { "ram": 128 << 20 },
    })
}

/// The command `hdfs-csv-stack`, which is built with this executable, into the folder above its own.
fn command() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let command = own.ancestors().nth(2).context("an executable in no folder")?.join("hdfs-csv-stack");
    ensure!(command.is_file(), "{} is not there: `make build` builds it", command.display());
    Ok(command)
}

/// Waits until something is there.
fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    until(what, Duration::from_secs(120), || look().context("it is not there"))
}

/// Runs a command and returns what it printed; if it fails, the error tells that too.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    bail!("{:?}: {}\n{text}{}", command.get_program(), output.status, String::from_utf8_lossy(&output.stderr))
}

/// A process's state and group, read without the crate's help.
fn state_and_group(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.nth(1)?.parse().ok()?))
}

/// The processes of these groups that are alive.
fn alive(groups: &[u32]) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| state_and_group(*pid).is_some_and(|(state, group)| state != 'Z' && groups.contains(&group)))
        .collect()
}
