//! An HDFS NameNode.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::admin::Http;
use crate::error::Result;
use crate::files::{Settings, settings};
use crate::folder::Folder;
use crate::hadoop::{self, Hadoop};
use crate::process::{Plan, READY_LIMIT, Service, run};

const CLASS: &str = "org.apache.hadoop.hdfs.server.namenode.NameNode";
const STATE_BEAN: &str = "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState";
/// Several stacks may start at once.
const FORMAT_LIMIT: Duration = Duration::from_secs(180);

/// The NameNode of a stack.
pub struct NameNode {
    service: Service,
    rpc_port: u16,
    http_port: u16,
    client_conf: PathBuf,
}

super::operate::operate!(NameNode);

impl NameNode {
    /// Formats a new file system. Its NameNode is ready when it takes writes, so start DataNodes at the same time.
    pub(crate) fn new(
        folder: &Folder,
        hadoop: &Arc<Hadoop>,
        replication: usize,
        extra: &Settings,
        client_extra: &Settings,
    ) -> Result<Self> {
        let [rpc_port, http_port] = [folder.port()?, folder.port()?];
        let file_system = format!("hdfs://127.0.0.1:{rpc_port}");
        let conf = folder.conf().join("name-node");
        let image = hadoop::storage(folder, "name-node")?;
        let base = settings([
            ("dfs.namenode.name.dir", format!("file://{}", image.display())),
            ("dfs.namenode.rpc-address", format!("127.0.0.1:{rpc_port}")),
            ("dfs.namenode.http-address", format!("127.0.0.1:{http_port}")),
            ("dfs.replication", replication.to_string()),
            ("dfs.heartbeat.interval", "1".to_owned()),
            ("dfs.namenode.heartbeat.recheck-interval", "5000".to_owned()),
            ("dfs.namenode.safemode.extension", "0".to_owned()),
            ("dfs.namenode.datanode.registration.ip-hostname-check", "false".to_owned()),
        ]);
        hadoop::configure(&conf, &file_system, &hadoop::overlaid(base, extra))?;

        let client_conf = folder.conf().join("client");
        let client = settings([
            ("dfs.replication", replication.to_string()),
            // With so few DataNodes there is often none to put in a lost one's place.
            ("dfs.client.block.write.replace-datanode-on-failure.best-effort", "true".to_owned()),
        ]);
        hadoop::configure(&client_conf, &file_system, &hadoop::overlaid(client, client_extra))?;

        let mut format = hadoop.tool(&conf, CLASS);
        format.args(["-format", "-force", "-nonInteractive"]);
        run(format, FORMAT_LIMIT)?;

        let hadoop = Arc::clone(hadoop);
        let service = Service::new(Plan {
            name: "NameNode".to_owned(),
            log: folder.logs().join("name-node.log"),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || hadoop.service(&conf, CLASS)),
            ready: Box::new(move || state(http_port).is_some_and(|state| takes_writes(&state))),
        })?;
        Ok(Self { service, rpc_port, http_port, client_conf })
    }

    /// The file system's address: `hdfs://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("hdfs://127.0.0.1:{}", self.rpc_port)
    }

    /// The port of its remote procedure calls.
    pub fn rpc_port(&self) -> u16 {
        self.rpc_port
    }

    /// The port of its web pages and of `/jmx`.
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// A folder with `core-site.xml` and `hdfs-site.xml` for clients.
    pub fn client_conf_dir(&self) -> &Path {
        &self.client_conf
    }

    /// How many remote procedure calls it had answered, clients' and DataNodes', when it last counted: every ten seconds.
    pub fn calls(&self) -> Option<u64> {
        let bean = format!("/jmx?qry=Hadoop:service=NameNode,name=RpcActivityForPort{}", self.rpc_port);
        let answer = Http::new(self.http_port).get(&bean).ok()?;
        answer["beans"][0]["RpcProcessingTimeNumOps"].as_u64()
    }

    /// How many threads of its DataNodes serve clients, as they told it last: each second.
    pub fn data_node_threads(&self) -> Option<u64> {
        state(self.http_port)?["TotalLoad"].as_u64()
    }

    /// How many DataNodes it counts as alive.
    pub fn live_data_nodes(&self) -> Option<u64> {
        state(self.http_port).as_ref().map(live_data_nodes)
    }
}

fn state(http_port: u16) -> Option<Value> {
    let answer = Http::new(http_port).get(STATE_BEAN).ok()?;
    answer.get("beans")?.get(0).cloned()
}

fn live_data_nodes(state: &Value) -> u64 {
    state["NumLiveDataNodes"].as_u64().unwrap_or_default()
}

/// It has left its safe mode and knows someone who keeps blocks.
fn takes_writes(state: &Value) -> bool {
    state["FSState"] == "Operational" && live_data_nodes(state) > 0
}
