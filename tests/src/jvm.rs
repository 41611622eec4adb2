//! A bare JVM that opens the native library's sinks, without a functions worker.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::engine::{Engine, general_purpose::STANDARD};
use serde_json::Value;

use crate::shared::repository;

/// A JVM with the native library that `make nar` has built.
pub struct Jvm {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What became of an `open`.
#[derive(Clone, Debug)]
pub struct Opened {
    /// How long it took.
    pub within: Duration,
    /// The kind of error, or `open`.
    pub kind: String,
    /// What the error says.
    pub message: String,
}

impl Jvm {
    /// Starts a JVM with these variables in its environment; what it runs is compiled into this folder.
    pub fn start<'a>(folder: &Path, environment: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Jvm> {
        let classes = folder.join("open-probe");
        std::fs::create_dir_all(&classes)?;
        let shim = repository().join("java-shim/target/classes");
        if !classes.join("io/hdfscsv/pulsar/OpenProbe.class").is_file() {
            let source = repository().join("tests/open-probe/io/hdfscsv/pulsar/OpenProbe.java");
            let compiled = Command::new("javac").arg("-cp").arg(&shim).arg("-d").arg(&classes).arg(source).status()?;
            ensure!(compiled.success(), "javac: {compiled}");
        }
        let class_path = std::env::join_paths([&shim, &classes])?;
        let mut process = Command::new("java")
            .arg("-cp")
            .arg(class_path)
            .arg("io.hdfscsv.pulsar.OpenProbe")
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("java cannot be run")?;
        let input = process.stdin.take().context("no input")?;
        let output = BufReader::new(process.stdout.take().context("no output")?);
        Ok(Jvm { process, input, output })
    }

    /// Opens a sink with these settings, and closes it.
    pub fn open(&mut self, settings: &Value) -> Result<Opened> {
        writeln!(self.input, "{settings}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let parts: Vec<_> = line.split_whitespace().collect();
        let [millis, kind, message] = parts[..] else { anyhow::bail!("the JVM ended at {settings}: {line}") };
        let message = if message == "-" { String::new() } else { String::from_utf8(STANDARD.decode(message)?)? };
        Ok(Opened { within: Duration::from_millis(millis.parse()?), kind: kind.to_owned(), message })
    }
}

impl Drop for Jvm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
