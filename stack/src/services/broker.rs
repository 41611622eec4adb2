//! A broker of a Pulsar cluster.

use std::time::Duration;

use super::pulsar_program::{Distribution, PulsarOptions};
use super::zoo_keeper::{SESSION, ZooKeeper};
use crate::admin::Http;
use crate::error::Result;
use crate::files::{self, Settings, settings};
use crate::folder::Folder;
use crate::hadoop;
use crate::process::{Plan, READY_LIMIT, Service};

const MEMORY: &str = "-Xms96m -Xmx384m -XX:MaxDirectMemorySize=256m -XX:+UseSerialGC";

/// Where a broker listens.
#[derive(Clone, Copy)]
pub(crate) struct BrokerPorts {
    pub(crate) binary: u16,
    pub(crate) web: u16,
}

impl BrokerPorts {
    pub(crate) fn of(folder: &Folder) -> Result<Self> {
        Ok(Self { binary: folder.port()?, web: folder.port()? })
    }
}

/// A broker of a [cluster](crate::Builder::distributed).
pub struct Broker {
    service: Service,
    ports: BrokerPorts,
}

super::operate::operate!(Broker);

impl Broker {
    /// The broker of this number. It is ready when a message got through it.
    pub(crate) fn new(
        folder: &Folder,
        distribution: &Distribution,
        options: &PulsarOptions,
        number: usize,
        ports: BrokerPorts,
        zoo_keeper: &ZooKeeper,
    ) -> Result<Self> {
        let name = format!("broker-{number}");
        let conf = folder.conf().join(format!("{name}.conf"));
        let data = hadoop::storage(folder, &name)?;
        let store = format!("zk:{}", zoo_keeper.address());
        let own = settings([
            ("metadataStoreUrl", store.clone()),
            ("configurationMetadataStoreUrl", store),
            ("metadataStoreSessionTimeoutMillis", SESSION.as_millis().to_string()),
            // One of three bookies may be gone.
            ("managedLedgerDefaultEnsembleSize", "2".to_owned()),
            ("managedLedgerDefaultWriteQuorum", "2".to_owned()),
            ("managedLedgerDefaultAckQuorum", "2".to_owned()),
            ("managedLedgerCacheSizeMB", "32".to_owned()),
            ("narExtractionDirectory", data.join("nar").display().to_string()),
        ]);
        let own = hadoop::overlaid(common_settings(&options.cluster, ports.binary, ports.web), &own);
        let own = hadoop::overlaid(own, &options.broker);
        files::write(&conf, &distribution.configuration("broker.conf", &own)?)?;
        let distribution = distribution.clone();
        let service = Service::new(Plan {
            name: format!("broker {number}"),
            log: folder.logs().join(format!("{name}.log")),
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(20),
            command: Box::new(move || {
                let mut command = distribution.service("broker", MEMORY);
                command.env("PULSAR_BROKER_CONF", &conf);
                command
            }),
            ready: Box::new(move || Http::new(ports.web).get("/admin/v2/brokers/health").is_ok()),
        })?;
        Ok(Self { service, ports })
    }

    /// The port that clients connect to.
    pub fn port(&self) -> u16 {
        self.ports.binary
    }

    /// The port of its REST interface.
    pub fn web_port(&self) -> u16 {
        self.ports.web
    }
}

/// The settings of every broker of a stack.
pub(super) fn common_settings(cluster: &str, port: u16, web_port: u16) -> Settings {
    settings([
        ("clusterName", cluster.to_owned()),
        ("brokerServicePort", port.to_string()),
        ("webServicePort", web_port.to_string()),
        ("bindAddress", "127.0.0.1".to_owned()),
        ("advertisedAddress", "127.0.0.1".to_owned()),
        ("brokerShutdownTimeoutMs", "5000".to_owned()),
        ("forceDeleteTenantAllowed", "true".to_owned()),
        ("forceDeleteNamespaceAllowed", "true".to_owned()),
    ])
}
