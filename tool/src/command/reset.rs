//! `hdfs-csv reset`.

use anyhow::{Result, anyhow, ensure};
use clap::Parser;
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::layout::SourcePartitionLayout;
use pulsar_io_hdfs_csv::protocol::reset::reset;

use crate::hdfs::{HdfsArgs, table};

/// Moves a source partition's mark back, so that the sink takes records again that it would drop as duplicates.
///
/// Needed when a topic was deleted and created again: its positions begin anew. Stop the sink first. Rows above the new
/// mark stay in the table: records that come again are in it twice.
#[derive(Debug, Parser)]
pub struct Reset {
    #[command(flatten)]
    hdfs: HdfsArgs,
    /// The table's directory, such as /events/page_visit.
    #[arg(long)]
    table: String,
    /// The source partition's name, as under _commits.
    #[arg(long)]
    source_partition: String,
    /// The new mark, as ledger:entry:batch-index; before every record when absent.
    #[arg(long)]
    mark: Option<Position>,
    /// Says that the sink is stopped.
    #[arg(long)]
    sink_is_stopped: bool,
}

impl Reset {
    pub(super) fn run(self) -> Result<()> {
        ensure!(
            self.sink_is_stopped,
            "a sink that runs would commit on from its own mark: stop it (pulsar-admin sinks stop …), then say --sink-is-stopped"
        );
        let table = table(&self.table)?;
        let layout = SourcePartitionLayout { table, name: self.source_partition };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let manifest = runtime.block_on(async {
            let hdfs = self.hdfs.connect().await?;
            reset(&hdfs, &layout, self.mark).await.map_err(|failure| anyhow!("{failure}"))
        })?;
        let text = |mark: Option<Position>| mark.map_or("before every record".to_owned(), |mark| mark.to_string());
        println!(
            "{}: the mark was {}, and is {} now",
            layout.manifest(manifest.sequence),
            text(manifest.predecessor_last),
            text(manifest.last)
        );
        Ok(())
    }
}
