//! An HDFS JournalNode: it keeps the edits that NameNodes share.

use std::sync::Arc;
use std::time::Duration;

use crate::admin::Http;
use crate::error::Result;
use crate::files::{Settings, settings};
use crate::folder::Folder;
use crate::hadoop::{self, Hadoop};
use crate::process::{Plan, READY_LIMIT, Service};

const CLASS: &str = "org.apache.hadoop.hdfs.qjournal.server.JournalNode";
const BEAN: &str = "/jmx?qry=Hadoop:service=JournalNode,name=JvmMetrics";

/// A JournalNode of a stack.
pub struct JournalNode {
    service: Service,
}

super::operate::operate!(JournalNode);

impl JournalNode {
    /// The JournalNode of this number, which NameNodes reach at this port, with these settings beside those that all have.
    pub(crate) fn new(
        folder: &Folder,
        hadoop: &Arc<Hadoop>,
        number: usize,
        rpc_port: u16,
        given: &Settings,
    ) -> Result<Self> {
        let name = format!("journal-node-{number}");
        let http_port = folder.port()?;
        let conf = folder.conf().join(&name);
        let edits = hadoop::storage(folder, &name)?;
        let own = settings([
            ("dfs.journalnode.edits.dir", edits.display().to_string()),
            ("dfs.journalnode.rpc-address", format!("127.0.0.1:{rpc_port}")),
            ("dfs.journalnode.http-address", format!("127.0.0.1:{http_port}")),
        ]);
        hadoop::configure(&conf, &format!("hdfs://127.0.0.1:{rpc_port}"), &hadoop::overlaid(own, given))?;

        let hadoop = Arc::clone(hadoop);
        let service = Service::new(Plan {
            name: format!("JournalNode {number}"),
            log: folder.logs().join(format!("{name}.log")),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || hadoop.service(&conf, CLASS)),
            ready: Box::new(move || Http::new(http_port).get(BEAN).is_ok()),
        })?;
        Ok(Self { service })
    }
}
