//! `hdfs-csv adopt`.

use anyhow::{Result, anyhow, ensure};
use clap::Parser;
use pulsar_io_hdfs_csv::protocol::adopt::adopt;
use pulsar_io_hdfs_csv::protocol::manifest::SinkIdentity;

use crate::hdfs::{HdfsArgs, table};

/// Lets a table go on under another sink's name, subscription, topic or cluster.
///
/// A table belongs to one sink, because its mark means positions of that sink's topic. Stop both sinks first. The manifests
/// record it: those before name the old sink.
#[derive(Debug, Parser)]
pub struct Adopt {
    #[command(flatten)]
    hdfs: HdfsArgs,
    /// The table's directory, such as /events/page_visit.
    #[arg(long)]
    table: String,
    /// The sink that goes on, as tenant/namespace/name.
    #[arg(long)]
    sink: String,
    /// Its subscription.
    #[arg(long)]
    subscription: String,
    /// Its topic's full name, without partition.
    #[arg(long)]
    topic: String,
    /// Its Pulsar cluster, as the functions worker names it; any when absent.
    #[arg(long)]
    cluster: Option<String>,
    /// Takes every record of the topic: its positions are not those that the table's marks mean, because it is in another
    /// cluster or was made anew.
    #[arg(long)]
    positions_begin_anew: bool,
    /// Says that the sinks are stopped.
    #[arg(long)]
    sinks_are_stopped: bool,
}

impl Adopt {
    pub(super) fn run(self) -> Result<()> {
        ensure!(
            self.sinks_are_stopped,
            "a sink that runs would commit on under its own name: stop both (pulsar-admin sinks stop …), then say --sinks-are-stopped"
        );
        let table = table(&self.table)?;
        let Adopt { sink, subscription, topic, cluster, .. } = self;
        let identity = SinkIdentity { sink, subscription, topic, cluster };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (owner, manifests) = runtime.block_on(async {
            let hdfs = self.hdfs.connect().await?;
            let adopted = adopt(&hdfs, &table, &identity, !self.positions_begin_anew).await;
            adopted.map_err(|failure| anyhow!("{failure}"))
        })?;
        if let Some(SinkIdentity { sink, subscription, topic, cluster }) = owner {
            let cluster = cluster.map_or_else(String::new, |cluster| format!(", cluster {cluster}"));
            println!("it was the table of sink {sink}, subscription {subscription}, topic {topic}{cluster}");
        }
        for manifest in manifests {
            let mark = manifest.last.map_or("before every record".to_owned(), |mark| mark.to_string());
            println!(
                "{}: manifest {} names the new sink; the mark is {mark}",
                manifest.source_partition, manifest.sequence
            );
        }
        Ok(())
    }
}
