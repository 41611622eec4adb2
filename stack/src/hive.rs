//! Hive: its metastore, its server, and SQL through its JDBC driver.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::hive_java::HiveJava;
use crate::ports;
use crate::process::{Service, joined, run};
use crate::services::{HiveMetastore, HiveServer};

const SQL_LIMIT: Duration = Duration::from_secs(300);

/// A row of a result: each value as Hive's JDBC driver writes it, or none where it is NULL.
pub type Row = Vec<Option<String>>;

/// The Hive of a stack.
pub struct Hive {
    java: Arc<HiveJava>,
    metastore: HiveMetastore,
    server: HiveServer,
}

impl Hive {
    /// Starts both processes and waits until they are ready.
    pub(crate) fn start(builder: &Builder, folder: &Folder, hadoop_conf: &Path) -> Result<Self> {
        ports::retried(|| {
            let [metastore_port, server_port] = [folder.port()?, folder.port()?];
            let java = HiveJava::new(
                folder,
                hadoop_conf,
                [metastore_port, server_port],
                builder.peak_speed,
                builder.environment.clone(),
                &builder.hive_settings,
            )?;
            let metastore = HiveMetastore::new(folder, &java, metastore_port)?;
            let server = HiveServer::new(folder, &java, server_port)?;
            thread::scope(|scope| {
                // The server waits for the metastore, which may have ended.
                let metastore = scope.spawn(|| metastore.start().inspect_err(|_| drop(server.kill())));
                let server = server.start();
                joined(metastore).and(server)
            })?;
            Ok(Self { java, metastore, server })
        })
    }

    /// The metastore.
    pub fn metastore(&self) -> &HiveMetastore {
        &self.metastore
    }

    /// HiveServer2.
    pub fn server(&self) -> &HiveServer {
        &self.server
    }

    /// Its services, in the order in which they are to be stopped.
    pub(crate) fn services(&self) -> impl Iterator<Item = (String, &Service)> {
        let server = ("hive-server".to_owned(), self.server.service());
        [server, ("hive-metastore".to_owned(), self.metastore.service())].into_iter()
    }

    /// Gives these settings to both processes, and starts them anew: they also read those of HDFS's clients again.
    pub fn change(&self, changes: &[(&str, &str)]) -> Result<()> {
        self.java.change(&changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())?;
        self.metastore.restart()?;
        self.server.restart()
    }

    /// Runs statements in one session and returns the rows of all their results.
    pub fn query(&self, statements: &[&str]) -> Result<Vec<Row>> {
        let mut client = self.java.client(&self.server.jdbc_url());
        client.args(statements);
        run(client, SQL_LIMIT)?.lines().map(row).collect()
    }
}

fn row(line: &str) -> Result<Row> {
    serde_json::from_str(line).map_err(|error| Error::io(format_args!("read a row of Hive: {line}"))(error.into()))
}
