//! `hdfs-csv sinks`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use crate::sinks::{FILE, Settings};

/// Writes the sink's configuration for `pulsar-admin sinks create --sink-config-file`.
#[derive(Debug, Parser)]
pub struct Sinks {
    /// The folder to write to; created when it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The tenant of the topics and the sink.
    #[arg(long, default_value = "marketplace")]
    tenant: String,
    /// The namespace of the topics and the sink.
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
    /// Any other of the sink's configs; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Sinks {
    /// The settings that the options say.
    pub fn settings(&self) -> Result<Settings> {
        let mut settings =
            Settings::new(&self.tenant, &self.namespace, &self.directory, &self.hdfs_config_dir, &self.commit_interval);
        for assignment in &self.set {
            settings.set(assignment).context("--set")?;
        }
        Ok(settings)
    }

    pub(super) fn run(self) -> Result<()> {
        let yaml = self.settings()?.yaml();
        std::fs::create_dir_all(&self.out).with_context(|| format!("cannot create {}", self.out.display()))?;
        let path = self.out.join(FILE);
        std::fs::write(&path, yaml).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
        Ok(())
    }
}
