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
const INFO_BEAN: &str = "/jmx?qry=Hadoop:service=NameNode,name=NameNodeInfo";
const ROLE_BEAN: &str = "/jmx?qry=Hadoop:service=NameNode,name=NameNodeStatus";
/// Several stacks may start at once.
const FORMAT_LIMIT: Duration = Duration::from_secs(180);

/// A NameNode of a stack.
pub struct NameNode {
    service: Service,
    ports: NameNodePorts,
    conf: PathBuf,
}

super::operate::operate!(NameNode);

/// Where a NameNode listens.
#[derive(Clone, Copy)]
pub(crate) struct NameNodePorts {
    pub(crate) rpc: u16,
    pub(crate) http: u16,
}

impl NameNodePorts {
    pub(crate) fn of(folder: &Folder) -> Result<Self> {
        Ok(Self { rpc: folder.port()?, http: folder.port()? })
    }
}

/// When a NameNode has started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// It takes writes, so DataNodes have to start at the same time.
    TakesWrites,
    /// It has a role: another one may be the active one.
    HasRole,
}

impl NameNode {
    /// A NameNode of this name, with these settings beside those that all have.
    pub(crate) fn new(
        folder: &Folder,
        hadoop: &Arc<Hadoop>,
        name: &str,
        ports: NameNodePorts,
        file_system: &str,
        given: &Settings,
        started: Started,
    ) -> Result<Self> {
        let conf = folder.conf().join(name);
        let image = hadoop::storage(folder, name)?;
        let base = settings([
            ("dfs.namenode.name.dir", format!("file://{}", image.display())),
            ("dfs.heartbeat.interval", "1".to_owned()),
            ("dfs.namenode.heartbeat.recheck-interval", "5000".to_owned()),
            ("dfs.namenode.safemode.extension", "0".to_owned()),
            ("dfs.namenode.datanode.registration.ip-hostname-check", "false".to_owned()),
        ]);
        hadoop::configure(&conf, file_system, &hadoop::overlaid(base, given))?;

        let (hadoop, service_conf) = (Arc::clone(hadoop), conf.clone());
        let service = Service::new(Plan {
            name: "NameNode".to_owned(),
            log: folder.logs().join(format!("{name}.log")),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || hadoop.service(&service_conf, CLASS)),
            ready: Box::new(move || match started {
                Started::TakesWrites => takes_writes(ports.http),
                Started::HasRole => role(ports.http).is_some_and(|role| role == "active" || role == "standby"),
            }),
        })?;
        Ok(Self { service, ports, conf })
    }

    /// Runs it once with an argument, such as `-format`, before it is started.
    pub(crate) fn prepare(&self, hadoop: &Hadoop, argument: &str) -> Result<()> {
        let mut command = hadoop.tool(&self.conf, CLASS);
        command.args([argument, "-force", "-nonInteractive"]);
        run(command, FORMAT_LIMIT).map(drop)
    }

    /// Waits until it takes writes.
    pub(crate) fn wait_for_writes(&self) -> Result<()> {
        self.service.wait_until(|| takes_writes(self.ports.http))
    }

    /// Where its configuration is.
    pub(crate) fn conf(&self) -> &Path {
        &self.conf
    }

    /// Its own address: `hdfs://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("hdfs://127.0.0.1:{}", self.ports.rpc)
    }

    /// The port of its remote procedure calls.
    pub fn rpc_port(&self) -> u16 {
        self.ports.rpc
    }

    /// The port of its web pages and of `/jmx`.
    pub fn http_port(&self) -> u16 {
        self.ports.http
    }

    /// Hadoop's version, if it answers.
    pub fn version(&self) -> Option<String> {
        let answer = Http::new(self.ports.http).get(INFO_BEAN).ok()?;
        Some(answer["beans"][0]["SoftwareVersion"].as_str()?.to_owned())
    }

    /// `active` or `standby`, if it answers.
    pub fn role(&self) -> Option<String> {
        role(self.ports.http)
    }

    /// Whether it has left its safe mode, and knows DataNodes: only then it may be made the active one.
    pub fn is_ready(&self) -> bool {
        takes_writes(self.ports.http)
    }

    /// How many remote procedure calls it had answered, clients' and DataNodes', when it last counted: every ten seconds.
    pub fn calls(&self) -> Option<u64> {
        let bean = format!("/jmx?qry=Hadoop:service=NameNode,name=RpcActivityForPort{}", self.ports.rpc);
        let answer = Http::new(self.ports.http).get(&bean).ok()?;
        answer["beans"][0]["RpcProcessingTimeNumOps"].as_u64()
    }

    /// How many threads of its DataNodes serve clients, as they told it last: each second.
    pub fn data_node_threads(&self) -> Option<u64> {
        state(self.ports.http)?["TotalLoad"].as_u64()
    }

    /// How many DataNodes it counts as alive.
    pub fn live_data_nodes(&self) -> Option<u64> {
        state(self.ports.http).as_ref().map(live_data_nodes)
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
fn takes_writes(http_port: u16) -> bool {
    state(http_port).is_some_and(|state| state["FSState"] == "Operational" && live_data_nodes(&state) > 0)
}

fn role(http_port: u16) -> Option<String> {
    let answer = Http::new(http_port).get(ROLE_BEAN).ok()?;
    Some(answer["beans"][0]["State"].as_str()?.to_owned())
}
