//! What the tests share.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hdfs_csv_stack::artifacts;

/// A test's result.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A connector that needs nothing.
pub fn connector() -> Result<PathBuf> {
    artifacts::resolve("data-generator")?.into_iter().next().ok_or_else(|| "no connector in the pom".into())
}

/// The configuration of a sink that runs that connector.
pub fn printer() -> serde_json::Value {
    serde_json::json!({
        "archive": "builtin://data-generator",
        "inputs": ["public/default/people"],
        "parallelism": 1,
        "resources": { "ram": 128 << 20 },
    })
}

/// Waits until something is there.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(format!("{what}: not within 120 s").into());
        }
        sleep(Duration::from_millis(50));
    }
}

/// Runs a command and returns what it printed; if it fails, the error tells that too.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(format!("{:?}: {}\n{text}{}", command.get_program(), output.status, String::from_utf8_lossy(&output.stderr))
        .into())
}

/// A process's state and group, read without the crate's help.
pub fn state_and_group(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.nth(1)?.parse().ok()?))
}

/// The processes of these groups that are alive.
pub fn alive(groups: &[u32]) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| state_and_group(*pid).is_some_and(|(state, group)| state != 'Z' && groups.contains(&group)))
        .collect()
}
