//! The services: a stack whose owner outlives the demo, started and stopped by its own command.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{State, owner, stacks_dir};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::arguments::Layers;
use crate::steps::Steps;

/// The stack's name.
pub(crate) const NAME: &str = "demo";
/// An owner takes its folder at once: one that was just started and told nothing yet is there after this.
const OWNER_APPEARS: Duration = Duration::from_millis(500);

/// The stack's folder.
pub(crate) fn folder() -> PathBuf {
    stacks_dir().join(NAME)
}

pub(crate) fn are_up() -> bool {
    owner(&folder()).is_some()
}

/// Starts the services and tells where they are.
pub(crate) async fn up(layers: Layers, connectors: &[PathBuf], steps: &Steps) -> Result<State> {
    let (name, options): (_, &[_]) = match layers {
        Layers::Cold => ("Start Pulsar and HDFS", &["--layers", "cold"]),
        // Twenty-two sinks, each in a process of its own, would be twenty-two JVMs.
        Layers::Full => ("Start all services", &["--layers", "full", "--runtime", "thread"]),
    };
    let step = steps.begin(name);
    let mut command = stack_command("up")?;
    command.args(options);
    for connector in connectors {
        command.arg("--connector").arg(connector);
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut up = command.spawn().context("cannot run hdfs-csv-stack")?;
    let mut problem = Vec::new();
    if let Some(errors) = up.stderr.take() {
        let mut lines = BufReader::new(errors).lines();
        while let Some(line) = lines.next_line().await? {
            // The stack's own steps; anything else says what is wrong.
            if line.starts_with('✓') {
                steps.say(&format!("  {line}"));
            } else {
                problem.push(line);
            }
        }
    }
    ensure!(up.wait().await?.success(), "the services did not start\n{}", problem.join("\n"));
    step.done();
    Ok(State::read(&folder().join(State::FILE))?)
}

/// Stops the services, those that are just being started too.
pub(crate) async fn down() -> Result<()> {
    if !are_up() {
        tokio::time::sleep(OWNER_APPEARS).await;
    }
    let output = stack_command("down")?.output().await.context("cannot run hdfs-csv-stack")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The stack's command, which is built beside the demo's.
pub(crate) fn command() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("hdfs-csv-stack");
    ensure!(path.is_file(), "{} is missing: run the demo with `make demo`", path.display());
    Ok(path)
}

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    stacks_dir().ancestors().nth(2).unwrap_or(Path::new("")).to_path_buf()
}

fn stack_command(what: &str) -> Result<Command> {
    let mut command = Command::new(self::command()?);
    command.args([what, "--name", NAME]).stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}
