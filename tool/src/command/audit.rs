//! `hdfs-csv audit`.

use std::time::Duration;

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use pulsar_io_hdfs_csv::position::Position;

use super::subjects::SubjectArgs;
use crate::access::args::PulsarArgs;
use crate::audit::report::{AuditReport, Comparison};
use crate::audit::{Period, audit};
use crate::hdfs::HdfsArgs;
use crate::pulsar_client::connect_as;
use crate::time;

/// Compares topics with their tables: which records are in the table, which are missing or doubled, which rows no record
/// accounts for.
///
/// Ends with an error when anything is wrong. It writes nothing and leaves no subscription.
#[derive(Debug, Parser)]
pub struct Audit {
    #[command(flatten)]
    subjects: SubjectArgs,
    #[command(flatten)]
    hdfs: HdfsArgs,
    #[command(flatten)]
    pulsar: PulsarArgs,
    /// Begins with the first record published at or after this time (RFC 3339, or a date, UTC); with the first that the topic
    /// still holds when absent.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    from: Option<DateTime<Utc>>,
    /// Ends before the first record published at or after this time; with the last committed one when absent.
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    to: Option<DateTime<Utc>>,
    /// Messages without a value are rows of NULLs, as the sink's `onNullValue: row` makes them.
    #[arg(long)]
    null_values_are_rows: bool,
    /// Seconds to wait for the broker.
    #[arg(long, default_value_t = 30)]
    patience: u64,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let reports = runtime.block_on(self.reports())?;
        if self.json {
            println!("{}", serde_json::to_string(&reports)?);
        } else {
            reports.iter().for_each(show);
        }
        let findings: usize = reports.iter().map(|report| report.findings().count()).sum();
        ensure!(findings == 0, "{findings} findings");
        Ok(())
    }

    async fn reports(&self) -> Result<Vec<AuditReport>> {
        let millis = |time: DateTime<Utc>| time.timestamp_millis();
        let period = Period { from: self.from.map(millis), to: self.to.map(millis) };
        if let (Some(from), Some(to)) = (period.from, period.to) {
            ensure!(from < to, "--from must be before --to");
        }
        let hdfs = self.hdfs.connect().await?;
        let mut subjects = self.subjects.subjects(&hdfs).await?;
        let client = connect_as(&self.pulsar.access()?).await?;
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {human_pos} records and rows, {per_sec}, {msg}")?);
        let mut reports = Vec::new();
        for subject in &mut subjects {
            subject.null_values_are_rows = self.null_values_are_rows;
            bar.set_message(subject.topic.clone());
            let patience = Duration::from_secs(self.patience);
            reports.push(audit(&hdfs, &client, subject, period, patience, &|count| bar.inc(count)).await?);
        }
        bar.finish_and_clear();
        Ok(reports)
    }
}

fn show(report: &AuditReport) {
    let by = match report.compared_by {
        Comparison::Position => "compared record by record",
        Comparison::Commit => "compared commit by commit, without metadata columns",
        Comparison::Count => "only counted: at-least-once without metadata columns",
        Comparison::Nothing => "no table yet",
    };
    println!("{} and {}: {by}", report.topic, report.table.as_deref().unwrap_or("no table"));
    let total = report.total();
    println!(
        "  {} records: {} rows, {} dropped, {} missing, {} doubled, {} altered, {} rows unaccounted for; {} not committed yet",
        total.records,
        total.rows,
        total.dropped,
        total.missing,
        total.doubled,
        total.altered,
        total.unaccounted,
        total.uncommitted
    );
    for (what, count) in [
        (
            "rows were not compared: the topic has their records no more, or they are outside the period",
            total.not_compared,
        ),
        ("tombstones were skipped", total.empty),
        ("records were in partition directories that are deleted", total.deleted),
        ("records may be those of rows from before the metadata columns", total.unplaced),
        ("rows were not compared by value: their records cannot be decoded any more", total.undecided),
    ] {
        if count > 0 {
            println!("  {count} {what}");
        }
    }
    for (name, own) in &report.source_partitions {
        let text = |position: Option<Position>| position.map_or("-".to_owned(), |position| position.to_string());
        println!(
            "  {name}: {} records from {} to {}, {} missing, {} not committed yet",
            own.records,
            text(own.first),
            text(own.last),
            own.missing,
            own.uncommitted
        );
    }
    for finding in report.findings() {
        let position = finding.position.map(|position| format!("record {position}"));
        let place: Vec<String> = position.into_iter().chain(finding.path.clone()).collect();
        println!("  {:?}: {}: {}", finding.kind, place.join(", "), finding.what);
    }
}
