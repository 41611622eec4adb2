//! Reaching HDFS from the command line.

use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow};
use clap::Args;
use pulsar_io_hdfs_csv::protocol::layout::TableLayout;
use pulsar_io_hdfs_csv::storage::hdfs::{Hdfs, HdfsSettings, Identity};

/// How to reach HDFS.
#[derive(Clone, Debug, Args)]
pub struct HdfsArgs {
    /// The folder with core-site.xml and hdfs-site.xml; HADOOP_CONF_DIR when absent.
    #[arg(long, value_name = "DIR")]
    pub hdfs_config_dir: Option<String>,
    /// Who this is to an HDFS with Kerberos, such as `etl@EXAMPLE.COM`; the owner of the ticket cache when absent.
    #[arg(long, value_name = "NAME")]
    pub kerberos_principal: Option<String>,
    /// The keytab with the principal's key; the ticket cache when absent.
    #[arg(long, value_name = "FILE", requires = "kerberos_principal")]
    pub kerberos_keytab: Option<String>,
    /// Who this is to an HDFS without Kerberos; `HADOOP_USER_NAME`, or the user of the process, when absent.
    #[arg(long, value_name = "NAME", conflicts_with = "kerberos_principal")]
    pub hdfs_user: Option<String>,
}

/// The bound on one call.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);

/// The table in this directory, such as `/events/page_visit`.
pub fn table(directory: &str) -> Result<TableLayout> {
    let (parent, name) = directory.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
    TableLayout::existing(parent, name)
        .with_context(|| format!("`{directory}` is not a table's directory, such as /events/page_visit"))
}

impl HdfsArgs {
    /// A client.
    ///
    /// # Errors
    /// The settings cannot be used, or HDFS does not take this for who it is to be.
    pub async fn connect(&self) -> Result<Hdfs> {
        let (principal, keytab) = (self.kerberos_principal.clone(), self.kerberos_keytab.clone());
        let identity = Identity::of(principal, keytab, self.hdfs_user.clone());
        let mut settings = HdfsSettings::new(self.hdfs_config_dir.clone(), OPERATION_TIMEOUT);
        settings.identity = identity.map_err(|(key, what)| anyhow!("{key}: {what}"))?;
        let hdfs = Hdfs::new(settings).context("the Hadoop settings cannot be used; give --hdfs-config-dir")?;
        hdfs.greet(OPERATION_TIMEOUT).await.map_err(Error::msg)?;
        Ok(hdfs)
    }
}
