//! `hdfs-csv watermark`.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use chrono::{DateTime, NaiveDate, Utc};
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use pulsar_io_hdfs_csv::storage::hdfs::Hdfs;
use tokio::time::{Instant, sleep};

use super::subjects::SubjectArgs;
use crate::access::args::PulsarArgs;
use crate::audit::Subject;
use crate::hdfs::HdfsArgs;
use crate::pulsar_client::{Client, connect_as};
use crate::time;
use crate::watermark::{DayTime, WatermarkReport, end_of, watermark};

/// Between two looks with `--wait`.
const PAUSE: Duration = Duration::from_secs(2);

/// Tells up to which publish time and event time tables have everything, and which days are complete.
///
/// With --day it ends with an error unless that day is complete in every table. It writes nothing and leaves no subscription.
#[derive(Debug, Parser)]
pub struct Watermark {
    #[command(flatten)]
    subjects: SubjectArgs,
    #[command(flatten)]
    hdfs: HdfsArgs,
    #[command(flatten)]
    pulsar: PulsarArgs,
    /// The field that event times are taken from, as in partitionTime: field:NAME; messages' own event times when absent.
    #[arg(long, value_name = "NAME")]
    time_field: Option<String>,
    /// Which time says the day that a record belongs to.
    #[arg(long, default_value = "event", conflicts_with = "time_field")]
    days_by: DaysBy,
    /// Asks whether this day (UTC) is complete.
    #[arg(long, value_name = "DATE")]
    day: Option<NaiveDate>,
    /// Waits for so long until the day is complete, such as 30m or 6h.
    #[arg(long, value_name = "DURATION", requires = "day", value_parser = time::parse_duration)]
    wait: Option<Duration>,
    /// Seconds to wait for the broker.
    #[arg(long, default_value_t = 30)]
    patience: u64,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DaysBy {
    /// Event time, or the field of --time-field.
    Event,
    /// Publish time.
    Publish,
}

impl Watermark {
    pub(super) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let time = match (&self.time_field, self.days_by) {
            (Some(field), _) => DayTime::Field(field.clone()),
            (None, DaysBy::Event) => DayTime::EventTime,
            (None, DaysBy::Publish) => DayTime::PublishTime,
        };
        let reports = runtime.block_on(self.reports(&time))?;
        if self.json {
            println!("{}", serde_json::to_string(&reports)?);
        } else {
            reports.iter().for_each(show);
        }
        let Some((day, behind)) = self.day.map(|day| (day, behind(&reports, day, &time))) else { return Ok(()) };
        if let [first, ..] = &behind?[..] {
            let waited = self.wait.map(|wait| format!(" within {wait:?}")).unwrap_or_default();
            bail!("{day} is not complete{waited}: {first}");
        }
        Ok(())
    }

    async fn reports(&self, time: &DayTime) -> Result<Vec<WatermarkReport>> {
        let hdfs = self.hdfs.connect().await?;
        let client = connect_as(&self.pulsar.access()?).await?;
        let deadline = Instant::now() + self.wait.unwrap_or_default();
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {elapsed}, {msg}")?);
        loop {
            // A table may come while it is waited for.
            let subjects = self.subjects.subjects(&hdfs).await?;
            let reports = self.look(&hdfs, &client, &subjects, time, &bar).await?;
            let behind = self.day.map(|day| behind(&reports, day, time)).transpose()?.unwrap_or_default();
            if behind.is_empty() || Instant::now() + PAUSE > deadline {
                bar.finish_and_clear();
                return Ok(reports);
            }
            bar.set_message(behind[0].clone());
            sleep(PAUSE).await;
        }
    }

    async fn look(
        &self,
        hdfs: &Hdfs,
        client: &Client,
        subjects: &[Subject],
        time: &DayTime,
        bar: &ProgressBar,
    ) -> Result<Vec<WatermarkReport>> {
        let mut reports = Vec::new();
        for subject in subjects {
            bar.tick();
            reports.push(watermark(hdfs, client, subject, time, Duration::from_secs(self.patience)).await?);
        }
        Ok(reports)
    }
}

/// What lacks for a day to be complete in every table.
fn behind(reports: &[WatermarkReport], day: NaiveDate, time: &DayTime) -> Result<Vec<String>> {
    let Some(end) = end_of(day) else { bail!("{day} has no end") };
    ensure!(!reports.is_empty(), "there is no table");
    let lacks = |report: &WatermarkReport| match report.of(time) {
        Some(own) if own >= end => None,
        own => Some(format!("{} has the watermark {}", report.topic, known(own))),
    };
    Ok(reports.iter().filter_map(lacks).collect())
}

fn known(time: Option<DateTime<Utc>>) -> String {
    time.map_or("unknown (a message that is not committed has no event time)".to_owned(), time::text)
}

fn show(report: &WatermarkReport) {
    let own = &report.watermarks;
    let complete = if own.complete { ", complete" } else { "" };
    println!("{} and {}", report.topic, report.table.as_deref().unwrap_or("no table yet"));
    println!("  publish time {}, event time {}{complete}", time::text(own.publish_time), known(own.event_time));
    for (name, source) in &report.source_partitions {
        println!(
            "  {name}: publish time {}, event time {}, {} rows, {} not committed{}",
            time::text(source.watermarks.publish_time),
            known(source.watermarks.event_time),
            source.rows,
            source.uncommitted,
            if source.watermarks.complete { ", complete" } else { "" }
        );
    }
    for (directory, day) in &report.days {
        let commit = day
            .last_commit
            .as_ref()
            .map_or(String::new(), |(name, sequence)| format!(", last by commit {sequence} of {name}"));
        let complete = match day.complete {
            Some(true) => "complete",
            Some(false) => "not complete",
            None => "of no day",
        };
        println!("  {directory}: {complete}, {} rows{commit}", day.rows);
    }
}
