//! HiveServer2: SQL over the tables, by MapReduce inside its own process.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::folder::Folder;
use crate::hive_java::HiveJava;
use crate::process::{Plan, READY_LIMIT, Service};

const CLASS: &str = "org.apache.hive.service.server.HiveServer2";
const HEAP: &str = "-Xmx768m";

/// The HiveServer2 of a stack's Hive.
pub struct HiveServer {
    service: Service,
    port: u16,
}

super::operate::operate!(HiveServer);

impl HiveServer {
    /// The server at this port. It opens the port after everything else, so it is ready when it takes connections.
    pub(crate) fn new(folder: &Folder, java: &Arc<HiveJava>, port: u16) -> Result<Self> {
        let java = Arc::clone(java);
        let service = Service::new(Plan {
            name: "HiveServer2".to_owned(),
            log: folder.logs().join("hive-server.log"),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || java.service(CLASS, HEAP)),
            ready: Box::new(move || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()),
        })?;
        Ok(Self { service, port })
    }

    /// What JDBC clients connect to: `jdbc:hive2://127.0.0.1:port/default`.
    pub fn jdbc_url(&self) -> String {
        format!("jdbc:hive2://127.0.0.1:{}/default", self.port)
    }

    /// Its Thrift port.
    pub fn port(&self) -> u16 {
        self.port
    }
}
