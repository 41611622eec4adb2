//! ZooKeeper: it keeps the metadata of a Pulsar cluster, and knows who is there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::pulsar_program::Distribution;
use crate::error::Result;
use crate::files::{self, settings};
use crate::folder::Folder;
use crate::hadoop;
use crate::process::{Plan, READY_LIMIT, Service};

const MEMORY: &str = "-Xms32m -Xmx96m -XX:+UseSerialGC";
/// For an answer to four letters.
const LIMIT: Duration = Duration::from_secs(5);

/// How long who has died without a word is still counted as there. Who lives and has no processor for so long is not, either:
/// Pulsar's own default is 30 s.
pub(super) const SESSION: Duration = Duration::from_secs(20);

/// The ZooKeeper of a [cluster](crate::Builder::distributed).
pub struct ZooKeeper {
    service: Service,
    port: u16,
}

super::operate::operate!(ZooKeeper);

impl ZooKeeper {
    /// One without data.
    pub(crate) fn new(folder: &Folder, distribution: &Distribution) -> Result<Self> {
        let port = folder.port()?;
        let conf = folder.conf().join("zoo-keeper.conf");
        let own = settings([
            ("dataDir", hadoop::storage(folder, "zoo-keeper")?.display().to_string()),
            ("clientPort", port.to_string()),
            ("clientPortAddress", "127.0.0.1".to_owned()),
            // Sessions last between two and twenty of them.
            ("tickTime", "1000".to_owned()),
            ("admin.enableServer", "false".to_owned()),
            // Nothing here has to survive the machine.
            ("forceSync", "no".to_owned()),
        ]);
        files::write(&conf, &files::properties("", &own))?;
        let distribution = distribution.clone();
        let service = Service::new(Plan {
            name: "ZooKeeper".to_owned(),
            log: folder.logs().join("zoo-keeper.log"),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || {
                let mut command = distribution.service("zookeeper", MEMORY);
                command.env("PULSAR_ZK_CONF", &conf);
                command
            }),
            ready: Box::new(move || ask(port, "ruok").is_some_and(|answer| answer == "imok")),
        })?;
        Ok(Self { service, port })
    }

    /// Where it listens: `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port of its clients.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// Whether somebody is there who keeps this path as long as it lives.
pub(super) fn is_kept(port: u16, path: &str) -> bool {
    ask(port, "dump").is_some_and(|sessions| sessions.lines().any(|line| line.trim() == path))
}

/// The answer to one of its words of four letters.
fn ask(port: u16, word: &str) -> Option<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut connection = TcpStream::connect_timeout(&address, LIMIT).ok()?;
    connection.set_read_timeout(Some(LIMIT)).ok()?;
    connection.write_all(word.as_bytes()).ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    Some(answer)
}
