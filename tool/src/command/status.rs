//! `hdfs-csv status`.

use std::time::Duration;

use anyhow::{Result, ensure};
use chrono::Utc;
use clap::Parser;

use crate::access::args::PulsarArgs;
use crate::hdfs::HdfsArgs;
use crate::pulsar_client::connect_as;
use crate::status::{SourcePartitionStatus, State, StatusReport, status};

/// Tells of every source partition whether it gets on, its mark, and how far it is behind.
///
/// Ends with an error when one is held back or left out. It writes nothing and leaves no subscription.
#[derive(Debug, Parser)]
pub struct Status {
    /// The directory that the tables are in.
    #[arg(long)]
    directory: String,
    #[command(flatten)]
    hdfs: HdfsArgs,
    #[command(flatten)]
    pulsar: PulsarArgs,
    /// Seconds to wait for the broker, for each topic.
    #[arg(long, default_value_t = 10)]
    patience: u64,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let report = runtime.block_on(async {
            let (hdfs, client) = (self.hdfs.connect().await?, connect_as(&self.pulsar.access()?).await?);
            let directory = self.directory.trim_end_matches('/');
            status(&hdfs, &client, directory, Duration::from_secs(self.patience)).await
        })?;
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            show(&report);
        }
        let ailing = report.ailing();
        ensure!(ailing == 0, "{ailing} are held back or left out");
        Ok(())
    }
}

fn show(report: &StatusReport) {
    for (topic, own) in &report.source_partitions {
        println!("{topic}: {}", in_words(own));
    }
    for (table, why) in &report.unreadable {
        println!("{table}: what is written there cannot be read: {why}");
    }
}

fn in_words(own: &SourcePartitionStatus) -> String {
    let state = match &own.state {
        State::Running => "running".to_owned(),
        State::Silent => "no instance tells of it".to_owned(),
        State::Stopped { reason } => return format!("left out: {reason}"),
        State::HeldBack { what, reason, since } => {
            let colon = if reason.is_empty() { "" } else { ": " };
            format!("held back for {} s, {what}{colon}{reason}", (Utc::now() - since).num_seconds())
        }
    };
    let mark = own.mark.map_or("no mark".to_owned(), |mark| format!("mark {mark}"));
    let lag = match own.lag_entries {
        Some(0) => "nothing behind it".to_owned(),
        Some(entries) => format!("{entries} entries behind it"),
        None => "entries of later ledgers behind it".to_owned(),
    };
    format!("{state}; {mark}, {lag}")
}
