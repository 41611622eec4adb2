use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::admin::Http;
use crate::error::{Error, Result};
use crate::hadoop::Hadoop;
use crate::hive_java::HiveJava;
use crate::services::{self, SupersetAddress};
use crate::{artifacts, folder};

const CLICK_HOUSE_LIMIT: Duration = Duration::from_secs(300);

/// Where a running stack is to be found, for processes other than its owner's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// The stack's name.
    pub name: String,
    /// The process that owns it: when it ends, everything ends.
    pub owner_pid: u32,
    /// What Pulsar clients connect to.
    pub service_url: String,
    /// Pulsar's REST interface.
    pub admin_url: String,
    /// That of its functions workers, which have the sinks.
    pub functions_url: String,
    /// The file system, if there is one.
    pub hdfs_url: Option<String>,
    /// What JDBC clients of Hive connect to, if it is there.
    pub hive_url: Option<String>,
    /// What Thrift clients of Hive's metastore connect to, if it is there.
    pub metastore_uri: Option<String>,
    /// ClickHouse's HTTP interface, if it is there.
    pub click_house_url: Option<String>,
    /// Superset, if it is there.
    pub superset: Option<SupersetAddress>,
    /// Configuration for HDFS clients, if there is a file system.
    pub hadoop_conf_dir: Option<PathBuf>,
    /// The stack's folder.
    pub data_dir: PathBuf,
    /// Its logs.
    pub log_dir: PathBuf,
    /// The logs of functions.
    pub function_log_dir: PathBuf,
    /// The services' main processes.
    pub pids: BTreeMap<String, u32>,
}

impl State {
    /// The file's name in a stack's folder.
    pub const FILE: &str = folder::STATE;

    /// Reads it from a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(Error::io(path.display()))?;
        serde_json::from_str(&text).map_err(|error| Error::io(path.display())(error.into()))
    }

    /// Writes it to a file, which is whole or not there.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::io(path.display())(error.into()))?;
        let partial = path.with_extension("json.partial");
        fs::write(&partial, text + "\n").map_err(Error::io(partial.display()))?;
        fs::rename(&partial, path).map_err(Error::io(path.display()))
    }

    /// The real `bin/pulsar-admin`, set up for commands of this group, as `sinks`: give it arguments and run it.
    pub fn pulsar_admin(&self, group: Option<&str>) -> Result<Command> {
        let url = if services::is_of_workers(group) { &self.functions_url } else { &self.admin_url };
        Ok(services::admin_command(&artifacts::pulsar_home()?, url, &self.log_dir))
    }

    /// Runs a statement on ClickHouse and returns its result: tab-separated, if it names no other format.
    pub fn click_house(&self, sql: &str) -> Result<String> {
        let port = self.click_house_url.as_deref().and_then(|url| url.rsplit(':').next()?.parse().ok());
        let port = port.ok_or_else(|| Error::Missing("ClickHouse".to_owned()))?;
        Http::with_limit(port, CLICK_HOUSE_LIMIT).post_text("/", sql)
    }

    /// A client of Hive: give it statements and run it. It prints each row of their results as a JSON array of strings
    /// and nulls.
    pub fn hive_client(&self) -> Result<Command> {
        let missing = || Error::Missing("Hive".to_owned());
        let url = self.hive_url.as_deref().ok_or_else(missing)?;
        let conf = self.hadoop_conf_dir.as_deref().ok_or_else(missing)?;
        Ok(HiveJava::of_running(&self.data_dir, conf)?.client(url))
    }

    /// Hadoop's file system shell (`hdfs dfs`), set up for this stack: give it arguments and run it.
    pub fn fs_shell(&self) -> Result<Command> {
        let conf = self.hadoop_conf_dir.as_deref().ok_or_else(|| Error::Missing("HDFS".to_owned()))?;
        Ok(Hadoop::of_running(&self.data_dir)?.shell_command(conf))
    }
}
