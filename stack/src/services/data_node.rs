//! An HDFS DataNode.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::admin::Http;
use crate::error::Result;
use crate::files::{Settings, settings};
use crate::folder::Folder;
use crate::hadoop::{self, Hadoop};
use crate::process::{Plan, READY_LIMIT, Service};

const CLASS: &str = "org.apache.hadoop.hdfs.server.datanode.DataNode";
const INFO_BEAN: &str = "/jmx?qry=Hadoop:service=DataNode,name=DataNodeInfo";

/// A DataNode of a stack.
pub struct DataNode {
    service: Service,
    transfer_port: u16,
    conf: PathBuf,
}

super::operate::operate!(DataNode);

impl DataNode {
    /// The DataNode of this number. It is ready when it serves its NameNode.
    pub(crate) fn new(
        folder: &Folder,
        hadoop: &Arc<Hadoop>,
        file_system: &str,
        number: usize,
        extra: &Settings,
    ) -> Result<Self> {
        let name = format!("data-node-{number}");
        let [transfer_port, ipc_port, http_port] = [folder.port()?, folder.port()?, folder.port()?];
        let conf = folder.conf().join(&name);
        let blocks = hadoop::storage(folder, &name)?;
        let base = settings([
            ("dfs.datanode.data.dir", format!("file://{}", blocks.display())),
            ("dfs.datanode.hostname", "127.0.0.1".to_owned()),
            ("dfs.datanode.address", format!("127.0.0.1:{transfer_port}")),
            ("dfs.datanode.ipc.address", format!("127.0.0.1:{ipc_port}")),
            ("dfs.datanode.http.address", format!("127.0.0.1:{http_port}")),
            ("dfs.heartbeat.interval", "1".to_owned()),
        ]);
        hadoop::configure(&conf, file_system, &hadoop::overlaid(base, extra))?;

        let (hadoop, service_conf) = (Arc::clone(hadoop), conf.clone());
        let service = Service::new(Plan {
            name: format!("DataNode {number}"),
            log: folder.logs().join(format!("{name}.log")),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || hadoop.service(&service_conf, CLASS)),
            ready: Box::new(move || is_serving(http_port)),
        })?;
        Ok(Self { service, transfer_port, conf })
    }

    /// Where its configuration is.
    pub(crate) fn conf(&self) -> &Path {
        &self.conf
    }

    /// The port that clients read and write blocks through.
    pub fn transfer_port(&self) -> u16 {
        self.transfer_port
    }
}

/// Whether it has a block pool that is registered with the NameNode.
fn is_serving(http_port: u16) -> bool {
    let Ok(answer) = Http::new(http_port).get(INFO_BEAN) else {
        return false;
    };
    let actors = answer["beans"][0]["BPServiceActorInfo"].as_str().unwrap_or_default();
    actors.contains("RUNNING")
}
