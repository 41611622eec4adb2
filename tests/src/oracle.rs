//! The independent reader of the tables: `tests/oracle/compare.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hdfs_csv_tool::verify::{Finding, tables, verify};
use serde_json::Value;

use crate::services::Services;
use crate::shared::repository;
use crate::sink::Sink;
use crate::wait::{LIMIT, until};

/// The tables of a sink against what its topics hold.
pub struct Comparison<'a> {
    sink: &'a Sink<'a>,
    records: Vec<PathBuf>,
    complete: bool,
    options: Vec<String>,
}

/// Which metadata columns a comparison expects; which partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The three ids of a message, days.
    IdsAndDays,
    /// All metadata columns, days.
    AllAndDays,
    /// The three ids of a message, no partitions.
    IdsWithoutDays,
}

impl<'a> Comparison<'a> {
    /// A comparison of every row with the topics.
    pub fn of(sink: &'a Sink<'a>) -> Comparison<'a> {
        Comparison { sink, records: Vec::new(), complete: true, options: Vec::new() }
    }

    /// Compares the rows' values with what producers wrote down, too.
    pub fn with_records(mut self, records: &[PathBuf]) -> Comparison<'a> {
        self.records.extend_from_slice(records);
        self
    }

    /// The topics may hold messages that no producer had confirmed: what happens when a broker goes away.
    pub fn records_may_be_incomplete(mut self) -> Comparison<'a> {
        self.complete = false;
        self
    }

    /// Which columns and partitions are expected.
    pub fn place(mut self, place: Place) -> Comparison<'a> {
        let (metadata, partitions) = match place {
            Place::IdsAndDays => ("ids", "day"),
            Place::AllAndDays => ("all", "day"),
            Place::IdsWithoutDays => ("ids", "none"),
        };
        self.options.extend(["--metadata", metadata, "--partition-by", partitions].map(str::to_owned));
        self
    }

    /// Processes were killed: the temporary files of what is put if absent may be left.
    pub fn after_crashes(mut self) -> Comparison<'a> {
        self.options.push("--crashed".to_owned());
        self
    }

    /// Any other option of `compare.py`, with its file.
    pub fn option(mut self, name: &str, value: &Path) -> Comparison<'a> {
        self.options.extend([name.to_owned(), value.to_string_lossy().into_owned()]);
        self
    }

    /// Rows may be doubled and come in any order; the summary says how many are.
    pub fn at_least_once(mut self) -> Comparison<'a> {
        self.options.push("--at-least-once".to_owned());
        self
    }

    /// Reads the files back and compares; the error tells each difference. Then `verify` must find nothing. Returns the
    /// oracle's summary.
    pub fn run(self) -> Result<Value> {
        let (summary, findings) = self.count()?;
        ensure!(findings.is_empty(), "`verify` finds in {}: {findings:#?}", self.sink.directory());
        ensure!(
            summary["counts"].as_object().is_some_and(serde_json::Map::is_empty),
            "{} differs from what was sent: {summary}",
            self.sink.directory()
        );
        let rows = &summary["rows"];
        ensure!(*rows != 0, "nothing was compared: {summary}");
        println!("{}: {rows} rows in {} files are as they were sent", self.sink.directory(), summary["files"]);
        Ok(summary)
    }

    /// Reads the files back and compares. Returns the oracle's summary, whatever it says, and what `verify` finds.
    pub fn count(&self) -> Result<(Value, Vec<Finding>)> {
        let summary = self.compare()?;
        Ok((summary, self.sink.namespace().services.wait_for(findings(self.sink))?))
    }

    fn compare(&self) -> Result<Value> {
        let namespace = self.sink.namespace();
        let has = |option: &str| self.options.iter().any(|own| own == option);
        if has("--crashed") && !has("--at-least-once") {
            // The instance that was killed last may be on its way back.
            until("what killed instances left is deleted", LIMIT, || {
                let (staged, _) = self.sink.staged()?;
                ensure!(staged.is_empty(), "{staged:?} is left");
                Ok(())
            })?;
        }
        let dump = namespace.dump(self.sink.kinds())?;
        let fetched = fetch(namespace.services, &self.sink.directory())?;
        let mut command = Command::new("python3");
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(repository().join("tests/oracle/compare.py"));
        command.arg("--tables").arg(&fetched).arg("--dump").arg(&dump);
        command.arg("--schemas").arg(repository().join("schemas"));
        for record in &self.records {
            command.arg("--record").arg(record);
        }
        if self.complete && !self.records.is_empty() {
            command.arg("--complete");
        }
        let output = command.args(&self.options).output().context("python3 cannot be run")?;
        let (text, differences) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            // Kept for a look at it: the stack takes its data with it.
            let kept = namespace.services.stack().log_dir().join("differences");
            let _ = std::fs::create_dir_all(&kept);
            let _ = Command::new("cp").arg("-r").args([&fetched, &dump]).args(&self.records).arg(&kept).status();
            println!(
                "{} differs from what was sent (kept in {}):\n{differences}",
                self.sink.directory(),
                kept.display()
            );
        }
        serde_json::from_str(&text).with_context(|| format!("the oracle's summary: {text}{differences}"))
    }
}

/// Copies the tables of a directory from HDFS with Hadoop's own client. The sink goes on writing its `_status` meanwhile.
pub(crate) fn fetch(services: &Services, directory: &str) -> Result<PathBuf> {
    let local = services.scratch(&format!("fetched{}", directory.replace('/', "-")));
    if local.exists() {
        std::fs::remove_dir_all(&local)?;
    }
    std::fs::create_dir_all(&local)?;
    services.stack().fs_shell(&["-get", &format!("{directory}/[^_]*"), &local.to_string_lossy()])?;
    Ok(local)
}

/// What `verify` finds. Where HDFS wants proof, the command asks it: this process's environment has no KDC.
async fn findings(sink: &Sink<'_>) -> Result<Vec<Finding>> {
    if sink.namespace().services.stack().kdc().is_ok() {
        return command_findings(sink);
    }
    let hdfs = sink.namespace().services.hdfs()?;
    let mut findings = Vec::new();
    for table in tables(&hdfs, &sink.directory()).await? {
        findings.extend(verify(&hdfs, &table).await?.findings);
    }
    Ok(findings)
}

/// What `hdfs-csv verify` finds as the superuser; how many rows it counts is not nothing.
fn command_findings(sink: &Sink<'_>) -> Result<Vec<Finding>> {
    let stack = sink.namespace().services.stack();
    let kdc = stack.kdc()?;
    let mut verify = sink.namespace().services.command()?;
    verify.args(["verify", "--json", "--directory", &sink.directory()]);
    verify.arg("--kerberos-principal").arg(kdc.superuser()).arg("--kerberos-keytab").arg(kdc.superusers_keytab());
    let output = verify.output().context("hdfs-csv cannot be run")?;
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let reports: Vec<Value> =
        serde_json::from_str(&text).with_context(|| format!("hdfs-csv verify: {text}{errors}"))?;
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let of = |finding: &Value| Finding { path: text(finding, "path"), what: text(finding, "what") };
    ensure!(reports.iter().all(|report| report["rows"] != 0), "nothing was verified: {reports:?}");
    Ok(reports.iter().flat_map(|report| report["findings"].as_array().into_iter().flatten().map(of)).collect())
}

/// An error when `verify` finds anything.
pub(crate) async fn no_findings(sink: &Sink<'_>) -> Result<()> {
    let findings = findings(sink).await?;
    ensure!(findings.is_empty(), "`verify` finds in {}: {findings:#?}", sink.directory());
    Ok(())
}
