//! `hdfs-csv produce`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use crate::access::args::PulsarArgs;
use crate::event::EventKind;
use crate::produce::{Target, produce};
use crate::pulsar_client::connect_as;
use crate::record::{Record, Report};
use crate::traffic::Plan;

const DAY: f64 = 86_400_000.0;

/// Produces simulated marketplace traffic.
///
/// The same seed, count, events, start and days give the same events, to the byte.
#[derive(Debug, Parser)]
pub struct Produce {
    #[command(flatten)]
    pulsar: PulsarArgs,
    /// The tenant of the topics.
    #[arg(long, default_value = "marketplace")]
    tenant: String,
    /// The namespace of the topics.
    #[arg(long, default_value = "events")]
    namespace: String,
    /// How many events in all.
    #[arg(long, default_value_t = 200_000)]
    count: u64,
    /// Decides everything that is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Events a second; 0 for as fast as possible.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// Only these events, separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = event_kind)]
    events: Vec<EventKind>,
    /// Messages in a producer's batch; 1 sends each alone.
    #[arg(long, default_value_t = 1000)]
    batch_size: u32,
    /// When the events begin: a date, a time such as 2026-11-01T12:00:00Z, or `now`.
    #[arg(long, default_value = "2026-11-01", value_parser = time)]
    start: i64,
    /// How many days the events span; a fraction is fine.
    /// With --rate, 0 makes the events' time run as fast as the clock.
    #[arg(long, default_value_t = 7.0)]
    days: f64,
    /// Writes how many of each event were produced, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Writes a JSON line for each message: its topic, id and values.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Produce {
    pub(super) fn run(self) -> Result<()> {
        let plan = self.plan()?;
        let target = Target {
            tenant: self.tenant.clone(),
            namespace: self.namespace.clone(),
            batch_size: self.batch_size,
            rate: self.rate,
        };
        let record = self.record.as_deref().map(Record::create).transpose()?;
        let bar = progress_bar(plan.count)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let report = runtime.block_on(async {
            let client = connect_as(&self.pulsar.access()?).await?;
            produce(&client, &plan, &target, record, |confirmed| bar.set_position(confirmed)).await
        })?;
        bar.finish_and_clear();
        if let Some(path) = &self.report {
            report.write(path)?;
        }
        self.show(&report)
    }

    fn plan(&self) -> Result<Plan> {
        ensure!(self.rate >= 0.0 && self.rate.is_finite(), "--rate must be 0 or more");
        ensure!(self.days >= 0.0 && self.days <= 36_600.0, "--days must be between 0 and 36600");
        let span = match (self.days > 0.0, self.rate > 0.0) {
            (true, _) => self.days * DAY,
            (false, true) => self.count as f64 / self.rate * 1000.0,
            (false, false) => bail!("--days 0 needs a --rate"),
        };
        Ok(Plan {
            seed: self.seed,
            count: self.count,
            kinds: if self.events.is_empty() { EventKind::ALL.to_vec() } else { self.events.clone() },
            start: self.start,
            end: self.start + (span as i64).max(1),
        })
    }

    fn show(&self, report: &Report) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(report)?);
            return Ok(());
        }
        for (event, count) in &report.events {
            println!("{event:24}{count:>12}");
        }
        println!("{:24}{:>12}   in {:.1} s, {:.0} a second", "all", report.total, report.seconds, report.per_second);
        Ok(())
    }
}

fn progress_bar(count: u64) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} events, {per_sec}, {eta} left")?;
    Ok(ProgressBar::new(count).with_style(style))
}

fn event_kind(name: &str) -> Result<EventKind> {
    let names = || EventKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
    EventKind::of_name(name).with_context(|| format!("there is no event '{name}'; there are {}", names()))
}

fn time(text: &str) -> Result<i64> {
    if text == "now" {
        return Ok(Utc::now().timestamp_millis());
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.timestamp_millis()).context("give a date (2026-11-01), a time (2026-11-01T12:00:00Z), or now")
}
