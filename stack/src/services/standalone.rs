//! Pulsar standalone: broker, bookie and functions worker in one process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::functions_worker::{self, Place};
use super::pulsar_program::{Distribution, PulsarOptions, bookkeeper_shell};
use super::pulsar_security::{SecurePorts, Security};
use crate::admin::Http;
use crate::error::{Error, Result};
use crate::files::{self, Settings, settings};
use crate::folder::Folder;
use crate::hadoop;
use crate::process::{Plan, READY_LIMIT, Service, run};

const MEMORY: &str = "-Xms256m -Xmx1g -XX:MaxDirectMemorySize=1g -XX:+UseParallelGC";
const SHELL_LIMIT: Duration = Duration::from_secs(120);

/// All of them answer once namespaces, functions worker and broker are there. The last sends a message through the
/// broker, so it is asked last.
const SIGNS_OF_LIFE: [&str; 4] = [
    "/admin/v2/namespaces/public/default",
    "/admin/v3/sinks/builtinsinks",
    "/admin/v2/worker/cluster/leader/ready",
    "/admin/v2/brokers/health",
];

/// A Pulsar that is one process.
pub(super) struct Standalone {
    pub(super) service: Service,
    pub(super) ports: Ports,
    /// Who is who, if it asks.
    pub(super) security: Option<Security>,
}

/// The ports that it listens on, and finds free again when it is restarted.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    pub(super) broker: u16,
    pub(super) web: u16,
    bookie: u16,
}

impl Standalone {
    /// One without data, which does not run yet.
    pub(super) fn new(folder: &Folder, distribution: &Distribution, options: &PulsarOptions) -> Result<Self> {
        let ports = Ports { broker: folder.port()?, web: folder.port()?, bookie: folder.port()? };
        let mut distribution = distribution.clone();
        let conf = folder.conf().join("pulsar");
        let data = hadoop::storage(folder, "pulsar")?;
        files::folder(&conf)?;

        let security = options.secured.then(|| secured(folder, &conf, &distribution, ports.web)).transpose()?;
        let standalone = conf.join("standalone.conf");
        let mut base = broker_settings(ports, &data, &options.cluster);
        base.extend(security.iter().flat_map(Security::broker_settings));
        let changes = hadoop::overlaid(base, &options.broker);
        files::write(&standalone, &distribution.configuration("standalone.conf", &changes)?)?;

        let worker = conf.join("functions_worker.yml");
        let place = Place {
            id: "standalone",
            port: ports.web,
            service_url: &format!("pulsar://127.0.0.1:{}", ports.broker),
            web_url: &format!("http://127.0.0.1:{}", ports.web),
            data: &data,
        };
        let mut worker_settings = functions_worker::settings(&place, folder, &distribution, options);
        if let Some(security) = &security {
            security.secure_worker(&mut worker_settings);
            let base = distribution.home.join("conf/log4j2.yaml");
            let base = fs::read_to_string(&base).map_err(Error::io(base.display()))?;
            let log_settings = conf.join("log4j2.yaml");
            files::write(&log_settings, &security.log_settings(&base))?;
            distribution.environment.insert("PULSAR_LOG_CONF".to_owned(), log_settings.display().to_string());
        }
        files::write(&worker, &format!("{worker_settings:#}"))?;

        let shell = conf.join("bookkeeper.conf");
        let metadata = data.join("metadata");
        files::write(&shell, &format!("metadataServiceUri=metadata-store:rocksdb://{}\n", metadata.display()))?;

        let (home, logs) = (distribution.home.clone(), distribution.logs.clone());
        let token = security.as_ref().map(|security| security.operators_token().to_owned());
        let service = Service::new(Plan {
            name: "Pulsar".to_owned(),
            log: folder.logs().join("pulsar.log"),
            after_crash: Some(Box::new(move || forget_bookie(&home, &shell, &logs))),
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(20),
            command: Box::new(move || {
                let mut command = distribution.service("standalone", MEMORY);
                command
                    .args(["--no-stream-storage", "--advertised-address", "127.0.0.1", "--config"])
                    .arg(&standalone)
                    .arg("--functions-worker-conf")
                    .arg(&worker)
                    .arg("--metadata-dir")
                    .arg(&metadata)
                    .arg("--bookkeeper-dir")
                    .arg(data.join("bookkeeper"))
                    .args(["--bookkeeper-port", &ports.bookie.to_string()])
                    .env("PULSAR_STANDALONE_CONF", &standalone);
                command
            }),
            ready: Box::new(move || {
                let http = Http::new(ports.web).with_token(token.as_deref());
                SIGNS_OF_LIFE.iter().all(|path| http.get(path).is_ok_and(|answer| answer != false))
            }),
        })?;
        Ok(Self { service, ports, security })
    }
}

fn secured(folder: &Folder, conf: &Path, distribution: &Distribution, plain_web: u16) -> Result<Security> {
    let distribution = distribution.clone();
    let tool = Box::new(move |name: &str| distribution.tool(name));
    let ports = SecurePorts { broker: folder.port()?, web: folder.port()?, plain_web };
    Security::new(conf.join("security"), tool, ports)
}

/// Removes the registration of a bookie that was killed: reading the list of those that are writable does, as it holds
/// no owner that still lives.
///
/// Else the next bookie finds it when it registers, deletes it, and takes the note of that, if this comes late, for the
/// loss of its own, which it then deletes and makes again, for ever: no two `BookieServiceInfo` are equal
/// (<https://github.com/apache/pulsar/issues/17759>). Who wants a ledger meanwhile finds "Not enough non-faulty bookies
/// available": topics cannot be opened, and Pulsar itself, which needs some, ends while it starts.
fn forget_bookie(home: &Path, conf: &Path, logs: &Path) -> Result<()> {
    let mut shell = bookkeeper_shell(home, conf, logs);
    shell.args(["listbookies", "-rw"]);
    run(shell, SHELL_LIMIT).map(drop)
}

fn broker_settings(ports: Ports, data: &Path, cluster: &str) -> Settings {
    let own = settings([
        // The bookie binds to this interface.
        ("listeningInterface", "lo".to_owned()),
        // Else it takes one of the system's own ports for its own, and someone may have it when the bookie is started again.
        ("allowEphemeralPorts", "true".to_owned()),
        ("narExtractionDirectory", data.join("nar").display().to_string()),
        // Where uploaded packages go; the default is in the distribution, which all stacks share.
        ("STORAGE_PATH", data.join("packages").display().to_string()),
        ("webSocketServiceEnabled", "false".to_owned()),
        ("dbStorage_writeCacheMaxSizeMb", "64".to_owned()),
        ("dbStorage_readAheadCacheMaxSizeMb", "64".to_owned()),
        ("managedLedgerCacheSizeMB", "128".to_owned()),
    ]);
    hadoop::overlaid(super::broker::common_settings(cluster, ports.broker, ports.web), &own)
}
