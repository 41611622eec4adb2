//! Hive's metastore: the tables' definitions, in an embedded Derby.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::folder::Folder;
use crate::hive_java::HiveJava;
use crate::process::{Plan, READY_LIMIT, Service};

const CLASS: &str = "org.apache.hadoop.hive.metastore.HiveMetaStore";
const HEAP: &str = "-Xmx256m";

/// The metastore of a stack's Hive.
pub struct HiveMetastore {
    service: Service,
    port: u16,
}

super::operate::operate!(HiveMetastore);

impl HiveMetastore {
    /// The metastore at this port. It is ready when it takes connections.
    pub(crate) fn new(folder: &Folder, java: &Arc<HiveJava>, port: u16) -> Result<Self> {
        let java = Arc::clone(java);
        let service = Service::new(Plan {
            name: "Hive metastore".to_owned(),
            log: folder.logs().join("hive-metastore.log"),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || {
                let mut command = java.service(CLASS, HEAP);
                command.args(["-p", &port.to_string()]);
                command
            }),
            ready: Box::new(move || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()),
        })?;
        Ok(Self { service, port })
    }

    /// What its Thrift clients connect to: `thrift://127.0.0.1:port`.
    pub fn uri(&self) -> String {
        format!("thrift://127.0.0.1:{}", self.port)
    }

    /// What its Thrift clients connect to by the name that its principal has, in a stack with Kerberos.
    pub fn uri_of_its_principal(&self) -> String {
        format!("thrift://localhost:{}", self.port)
    }

    /// Its Thrift port.
    pub fn port(&self) -> u16 {
        self.port
    }
}
