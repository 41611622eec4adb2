//! A bookie: it keeps the messages of a Pulsar cluster.

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::pulsar_program::Distribution;
use super::zoo_keeper::{SESSION, ZooKeeper, is_kept};
use crate::error::Result;
use crate::files::{self, settings};
use crate::folder::Folder;
use crate::hadoop;
use crate::process::{Plan, READY_LIMIT, Service};

const MEMORY: &str = "-Xms64m -Xmx192m -XX:MaxDirectMemorySize=192m -XX:+UseSerialGC";

/// A bookie of a [cluster](crate::Builder::distributed).
pub struct Bookie {
    service: Service,
}

super::operate::operate!(Bookie);

impl Bookie {
    /// The bookie of this number, without data. It is ready when it is registered.
    pub(crate) fn new(
        folder: &Folder,
        distribution: &Distribution,
        number: usize,
        zoo_keeper: &ZooKeeper,
    ) -> Result<Self> {
        let name = format!("bookie-{number}");
        let port = folder.port()?;
        let conf = folder.conf().join(format!("{name}.conf"));
        let data = hadoop::storage(folder, &name)?;
        let own = settings([
            ("bookiePort", port.to_string()),
            ("advertisedAddress", "127.0.0.1".to_owned()),
            ("listeningInterface", "lo".to_owned()),
            ("allowLoopback", "true".to_owned()),
            ("zkServers", zoo_keeper.address()),
            ("zkTimeout", SESSION.as_millis().to_string()),
            ("journalDirectory", data.join("journal").display().to_string()),
            ("ledgerDirectories", data.join("ledgers").display().to_string()),
            // It ends the bookie when its session ends, and no bookie here is gone for long.
            ("autoRecoveryDaemonEnabled", "false".to_owned()),
            // Nothing here has to survive the machine.
            ("journalSyncData", "false".to_owned()),
            ("journalMaxSizeMB", "64".to_owned()),
            ("dbStorage_writeCacheMaxSizeMb", "32".to_owned()),
            ("dbStorage_readAheadCacheMaxSizeMb", "32".to_owned()),
            ("dbStorage_rocksDB_blockCacheSize", (8 << 20).to_string()),
            // Three bookies cannot share the port of the metrics.
            ("enableStatistics", "false".to_owned()),
            ("prometheusStatsHttpEnable", "false".to_owned()),
        ]);
        files::write(&conf, &distribution.configuration("bookkeeper.conf", &own)?)?;
        let (distribution, store) = (distribution.clone(), zoo_keeper.port());
        let registration = format!("/ledgers/available/127.0.0.1:{port}");
        let service = Service::new(Plan {
            name: format!("bookie {number}"),
            log: folder.logs().join(format!("{name}.log")),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(10),
            command: Box::new(move || {
                let mut command = distribution.service("bookie", MEMORY);
                command.env("PULSAR_BOOKKEEPER_CONF", &conf);
                command
            }),
            ready: Box::new(move || {
                TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() && is_kept(store, &registration)
            }),
        })?;
        Ok(Self { service })
    }
}
