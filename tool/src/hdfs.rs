//! Reaching HDFS from the command line.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use pulsar_io_hdfs_csv::protocol::layout::TableLayout;
use pulsar_io_hdfs_csv::storage::hdfs::{Hdfs, HdfsSettings};

/// How to reach HDFS.
#[derive(Clone, Debug, Args)]
pub struct HdfsArgs {
    /// The folder with core-site.xml and hdfs-site.xml; HADOOP_CONF_DIR when absent.
    #[arg(long, value_name = "DIR")]
    pub hdfs_config_dir: Option<String>,
}

/// The table in this directory, such as `/events/page_visit`.
pub fn table(directory: &str) -> Result<TableLayout> {
    let (parent, name) = directory.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
    TableLayout::existing(parent, name)
        .with_context(|| format!("`{directory}` is not a table's directory, such as /events/page_visit"))
}

impl HdfsArgs {
    /// A client.
    pub fn connect(&self) -> Result<Hdfs> {
        let settings = HdfsSettings {
            config_dir: self.hdfs_config_dir.clone(),
            url: None,
            operation_timeout: Duration::from_secs(60),
        };
        Hdfs::new(settings).context("the Hadoop settings cannot be used; give --hdfs-config-dir")
    }
}
