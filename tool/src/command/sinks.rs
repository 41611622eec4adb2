//! `hdfs-csv sinks`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use super::output::write;
use crate::catalogue::Catalogue;
use crate::ddl::table::event_tables;
use crate::jdbc_sinks;
use crate::sinks::{FILE, Settings};

/// Writes the sinks' configurations for `pulsar-admin sinks create --sink-config-file`: one to HDFS for all events, and one
/// to ClickHouse for each.
#[derive(Debug, Parser)]
pub struct Sinks {
    /// The folder to write to; created when it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The tenant of the topics and the sinks.
    #[arg(long, default_value = "marketplace")]
    tenant: String,
    /// The namespace of the topics and the sinks.
    #[arg(long, default_value = "events")]
    namespace: String,
    /// The directory on HDFS that holds the tables.
    #[arg(long, default_value = "/events")]
    directory: String,
    /// The folder with core-site.xml and hdfs-site.xml, as the functions worker sees it.
    #[arg(long, value_name = "DIR", default_value = "/etc/hadoop/conf")]
    hdfs_config_dir: String,
    /// How long an event waits at most for its commit.
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    commit_interval: String,
    /// Any other of the HDFS sink's configs; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// ClickHouse's address with the database, as the functions worker sees it.
    #[arg(
        long,
        value_name = "URL",
        default_value = "jdbc:clickhouse://clickhouse:8123/marketplace?compress=0&decompress=0"
    )]
    jdbc_url: String,
    /// The user in ClickHouse.
    #[arg(long, default_value = "default")]
    clickhouse_user: String,
}

impl Sinks {
    /// The files that the options say: the path of each in the folder, and its text.
    pub fn files(&self) -> Result<Vec<(String, String)>> {
        let mut settings =
            Settings::new(&self.tenant, &self.namespace, &self.directory, &self.hdfs_config_dir, &self.commit_interval);
        for assignment in &self.set {
            settings.set(assignment).context("--set")?;
        }
        let jdbc = jdbc_sinks::Settings {
            tenant: self.tenant.clone(),
            namespace: self.namespace.clone(),
            jdbc_url: self.jdbc_url.clone(),
            user: self.clickhouse_user.clone(),
        };
        let tables = event_tables(&Catalogue::load()?)?;
        let cold = (FILE.to_owned(), settings.yaml());
        Ok(std::iter::once(cold).chain(tables.iter().map(|table| jdbc.file(table))).collect())
    }

    pub(super) fn run(self) -> Result<()> {
        for (path, text) in self.files()? {
            write(&self.out.join(path), &text)?;
        }
        Ok(())
    }
}
