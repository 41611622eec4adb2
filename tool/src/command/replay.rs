//! `hdfs-csv replay`.

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use indicatif::ProgressBar;

use crate::access::args::PulsarArgs;
use crate::pulsar_client::connect_as;
use crate::replay::Replay as Run;

/// Sends dead letters back to the topics that they came from, as they were sent, once what was wrong is mended.
///
/// A subscription remembers what was sent back, so a second run sends the rest.
#[derive(Debug, Parser)]
pub struct Replay {
    #[command(flatten)]
    pulsar: PulsarArgs,
    /// The dead letters' topic, such as persistent://marketplace/events/searching-hdfs-csv-dlq.
    #[arg(long)]
    topic: String,
    /// The subscription that remembers what was sent back.
    #[arg(long, default_value = "hdfs-csv-replay")]
    subscription: String,
    /// Only those whose reason begins so, such as incompatible-schema.
    #[arg(long, default_value = "")]
    reason: String,
    /// Says what would be sent back, and sends nothing.
    #[arg(long)]
    dry_run: bool,
    /// Seconds to wait for the broker.
    #[arg(long, default_value_t = 30)]
    patience: u64,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(super) fn run(self) -> Result<()> {
        let replay = Run {
            topic: self.topic,
            subscription: self.subscription,
            reason: self.reason,
            dry_run: self.dry_run,
            patience: Duration::from_secs(self.patience),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let bar = ProgressBar::new_spinner();
        let report = runtime.block_on(async {
            let client = connect_as(&self.pulsar.access()?).await?;
            replay.run(&client, || bar.inc(1)).await
        })?;
        bar.finish_and_clear();
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
            return Ok(());
        }
        let verb = if replay.dry_run { "would be sent back" } else { "sent back" };
        for (topic, count) in &report.sent {
            println!("{count} {verb} to {topic}");
        }
        println!("{} {verb}, {} left for their reason", report.sent.values().sum::<u64>(), report.left);
        Ok(())
    }
}
