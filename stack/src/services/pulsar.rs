//! Pulsar standalone: broker, bookie and functions worker in one process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::function_process::Instance;
use super::pulsar_security::{SecurePorts, Security, missing};
use crate::admin::Http;
use crate::builder::Runtime;
use crate::error::{Error, Result};
use crate::files::{self, Settings, settings};
use crate::folder::Folder;
use crate::process::{Plan, READY_LIMIT, Service, run};
use crate::{hadoop, java};

const MEMORY: &str = "-Xms256m -Xmx1g -XX:MaxDirectMemorySize=1g";
const ADMIN_MEMORY: &str = "-Xmx256m";
const COLLECTOR: &str = "-XX:+UseParallelGC";
/// What the script sets by default, which is replaced by giving more.
const OPTIONS: &str = "-Dpulsar.allocator.exit_on_oom=true -Dio.netty.recycler.maxCapacityPerThread=4096";
const ADMIN_LIMIT: Duration = Duration::from_secs(120);
const SHELL_LIMIT: Duration = Duration::from_secs(120);

/// All of them answer once namespaces, functions worker and broker are there. The last sends a message through the
/// broker, so it is asked last.
const SIGNS_OF_LIFE: [&str; 4] = [
    "/admin/v2/namespaces/public/default",
    "/admin/v3/sinks/builtinsinks",
    "/admin/v2/worker/cluster/leader/ready",
    "/admin/v2/brokers/health",
];

/// What can be chosen.
pub(crate) struct PulsarOptions {
    pub(crate) home: PathBuf,
    pub(crate) runtime: Runtime,
    pub(crate) peak_speed: bool,
    pub(crate) cluster: String,
    pub(crate) secured: bool,
    pub(crate) liveness_check: Duration,
    pub(crate) function_java_options: Vec<String>,
    pub(crate) broker: Settings,
    pub(crate) environment: Settings,
}

/// The Pulsar of a stack.
pub struct Pulsar {
    service: Service,
    home: PathBuf,
    ports: Ports,
    logs: PathBuf,
    /// Who is who, if it asks.
    security: Option<Security>,
}

/// The ports that a Pulsar listens on, and finds free again when it is restarted.
#[derive(Clone, Copy)]
struct Ports {
    broker: u16,
    web: u16,
    bookie: u16,
}

super::operate::operate!(Pulsar);

impl Pulsar {
    /// A new Pulsar without data.
    pub(crate) fn new(folder: &Folder, options: &PulsarOptions) -> Result<Self> {
        let ports = Ports { broker: folder.port()?, web: folder.port()?, bookie: folder.port()? };
        let conf = folder.conf().join("pulsar");
        let data = hadoop::storage(folder, "pulsar")?;
        files::folder(&conf)?;
        files::folder(&data.join("tmp"))?;

        let security = options.secured.then(|| secured(folder, &conf, &options.home, ports.web)).transpose()?;
        let standalone = conf.join("standalone.conf");
        let base = options.home.join("conf/standalone.conf");
        let base = fs::read_to_string(&base).map_err(Error::io(base.display()))?;
        let mut base_settings = broker_settings(ports, &data, &options.cluster);
        base_settings.extend(security.iter().flat_map(Security::broker_settings));
        let changes = hadoop::overlaid(base_settings, &options.broker);
        files::write(&standalone, &files::properties(&base, &changes))?;

        let worker = conf.join("functions_worker.yml");
        let mut settings = worker_settings(ports, &data, folder, options);
        let mut environment = options.environment.clone();
        if let Some(security) = &security {
            security.secure_worker(&mut settings);
            let base = options.home.join("conf/log4j2.yaml");
            let base = fs::read_to_string(&base).map_err(Error::io(base.display()))?;
            let log_settings = conf.join("log4j2.yaml");
            files::write(&log_settings, &security.log_settings(&base))?;
            environment.insert("PULSAR_LOG_CONF".to_owned(), log_settings.display().to_string());
        }
        files::write(&worker, &format!("{settings:#}"))?;

        let shell = conf.join("bookkeeper.conf");
        let metadata = format!("metadataServiceUri=metadata-store:rocksdb://{}\n", metadata(&data).display());
        files::write(&shell, &metadata)?;

        let (home, logs) = (options.home.clone(), folder.logs());
        let token = security.as_ref().map(|security| security.operators_token().to_owned());
        let service = Service::new(Plan {
            name: "Pulsar".to_owned(),
            log: folder.logs().join("pulsar.log"),
            after_crash: Some(Box::new(move || forget_bookie(&home, &shell, &logs))),
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(20),
            command: standalone_command(
                options,
                environment,
                ports.bookie,
                &standalone,
                &worker,
                &data,
                &folder.logs(),
            ),
            ready: Box::new(move || {
                let http = Http::new(ports.web).with_token(token.as_deref());
                SIGNS_OF_LIFE.iter().all(|path| http.get(path).is_ok_and(|answer| answer != false))
            }),
        })?;
        Ok(Self { service, home: options.home.clone(), ports, logs: folder.logs(), security })
    }

    /// What clients connect to: `pulsar://127.0.0.1:port`.
    pub fn service_url(&self) -> String {
        format!("pulsar://127.0.0.1:{}", self.ports.broker)
    }

    /// The REST interface: `http://127.0.0.1:port`.
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.web)
    }

    /// The port of the REST interface.
    pub fn web_port(&self) -> u16 {
        self.ports.web
    }

    /// The unpacked distribution.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where functions log, in both runtimes: `<tenant>/<namespace>/<name>/<name>-<instance>.log`.
    pub fn function_log_dir(&self) -> PathBuf {
        self.logs.join("functions")
    }

    /// Kills the broker's and worker's process only: processes of functions live on, as after a crash.
    pub fn kill_main(&self) -> Result<()> {
        self.service.kill_main()
    }

    /// The processes of a function, source or sink, by instance. Empty in the thread runtime.
    pub fn function_pids(&self, tenant: &str, namespace: &str, name: &str) -> Vec<(u32, u32)> {
        let mut all = self.instances();
        all.retain(|instance| instance.is_of(tenant, namespace, name));
        all.into_iter().map(|instance| (instance.number, instance.pid)).collect()
    }

    /// Whether the worker gave an instance a port for two purposes, or one that another instance was given, of this Pulsar
    /// or of one beside it. It asks the system for a free port for each purpose and closes it again (`findAvailablePort`),
    /// so that the next one who asks may get the same, and keeps to it: the instance ends at each of its starts
    /// (`BindException: Address already in use`, in Pulsar's log) until the function is started anew.
    pub fn function_lacks_a_port(&self, tenant: &str, namespace: &str, name: &str) -> bool {
        let (own, all) = (self.pids(), Instance::all());
        let is_its = |instance: &&Instance| own.contains(&instance.pid) && instance.is_of(tenant, namespace, name);
        all.iter().filter(is_its).any(|instance| instance.lacks_a_port(&all))
    }

    /// The processes of all functions, sources and sinks.
    fn instances(&self) -> Vec<Instance> {
        let mut found: Vec<_> = self.pids().into_iter().filter_map(Instance::of_process).collect();
        found.sort_unstable_by_key(|instance| (instance.number, instance.pid));
        found
    }

    /// Who is who, if it was [asked for](crate::Builder::secured).
    pub fn security(&self) -> Result<&Security> {
        self.security.as_ref().ok_or_else(missing)
    }

    /// Runs the real `bin/pulsar-admin` against this Pulsar. It takes seconds: prefer [`Admin`](crate::Admin).
    pub fn admin_command(&self, arguments: &[&str]) -> Result<String> {
        let command = match &self.security {
            Some(security) => self.admin_command_with(&security.operators_client_conf()?),
            None => admin_command(&self.home, &self.admin_url(), &self.logs),
        };
        run_with(command, arguments)
    }

    /// Runs the real `bin/pulsar-admin` as who this `client.conf` says.
    pub fn admin_command_as(&self, client_conf: &Path, arguments: &[&str]) -> Result<String> {
        run_with(self.admin_command_with(client_conf), arguments)
    }

    fn admin_command_with(&self, client_conf: &Path) -> Command {
        let mut command = tool(&self.home, "pulsar-admin", &self.logs);
        command.env("PULSAR_CLIENT_CONF", client_conf);
        command
    }
}

fn secured(folder: &Folder, conf: &Path, home: &Path, plain_web: u16) -> Result<Security> {
    let (home, logs) = (home.to_path_buf(), folder.logs());
    let tool = Box::new(move |name: &str| tool(&home, name, &logs));
    let ports = SecurePorts { broker: folder.port()?, web: folder.port()?, plain_web };
    Security::new(conf.join("security"), tool, ports)
}

fn run_with(mut command: Command, arguments: &[&str]) -> Result<String> {
    command.args(arguments);
    run(command, ADMIN_LIMIT)
}

/// The real `bin/pulsar-admin`, without arguments.
pub(crate) fn admin_command(home: &Path, admin_url: &str, logs: &Path) -> Command {
    let mut command = tool(home, "pulsar-admin", logs);
    command.args(["--admin-url", admin_url]);
    command
}

/// One of Pulsar's commands, without arguments.
fn tool(home: &Path, name: &str, logs: &Path) -> Command {
    let mut command = Command::new(home.join("bin").join(name));
    command
        .env("PATH", java::search_path())
        .env("PULSAR_MEM", ADMIN_MEMORY)
        .env("PULSAR_GC", format!("-XX:+UseSerialGC {}", java::QUICK_START))
        .env("PULSAR_GC_LOG", " ")
        .env("PULSAR_LOG_DIR", logs);
    command
}

fn metadata(data: &Path) -> PathBuf {
    data.join("metadata")
}

/// Removes the registration of a bookie that was killed: reading the list of those that are writable does, as it holds
/// no owner that still lives.
///
/// Else the next bookie finds it when it registers, deletes it, and takes the note of that, if this comes late, for the
/// loss of its own, which it then deletes and makes again, for ever: no two `BookieServiceInfo` are equal
/// (<https://github.com/apache/pulsar/issues/17759>). Who wants a ledger meanwhile finds "Not enough non-faulty bookies
/// available": topics cannot be opened, and Pulsar itself, which needs some, ends while it starts.
fn forget_bookie(home: &Path, conf: &Path, logs: &Path) -> Result<()> {
    let mut shell = Command::new(home.join("bin/bookkeeper"));
    shell
        .args(["shell", "listbookies", "-rw"])
        .env("PATH", java::search_path())
        .env("BOOKIE_CONF", conf)
        .env("BOOKIE_LOG_DIR", logs)
        .env("BOOKIE_MEM", ADMIN_MEMORY)
        .env("BOOKIE_GC", format!("-XX:+UseSerialGC {}", java::QUICK_START))
        .env("BOOKIE_GC_LOG", " ");
    run(shell, SHELL_LIMIT).map(drop)
}

fn standalone_command(
    options: &PulsarOptions,
    environment: Settings,
    bookie_port: u16,
    standalone: &Path,
    worker: &Path,
    data: &Path,
    logs: &Path,
) -> Box<dyn Fn() -> Command + Send + Sync> {
    let program = options.home.join("bin/pulsar");
    let [standalone, worker, data, logs] = [standalone, worker, data, logs].map(Path::to_path_buf);
    let scratch = data.join("tmp");
    let compiler = java::compiler(options.peak_speed);
    Box::new(move || {
        let mut command = Command::new(&program);
        let options = [OPTIONS.to_owned(), java::temporary(&scratch)].into_iter().chain(java::kerberos(&environment));
        command
            .args(["standalone", "--no-stream-storage", "--advertised-address", "127.0.0.1", "--config"])
            .arg(&standalone)
            .arg("--functions-worker-conf")
            .arg(&worker)
            .arg("--metadata-dir")
            .arg(metadata(&data))
            .arg("--bookkeeper-dir")
            .arg(data.join("bookkeeper"))
            .args(["--bookkeeper-port", &bookie_port.to_string()])
            .env("PATH", java::search_path())
            .env("PULSAR_STANDALONE_CONF", &standalone)
            .env("PULSAR_LOG_DIR", &logs)
            .env("PULSAR_LOG_IMMEDIATE_FLUSH", "true")
            .env("PULSAR_MEM", MEMORY)
            .env("PULSAR_GC", format!("{COLLECTOR} {compiler}"))
            // Not empty, or the script puts its own in place.
            .env("PULSAR_GC_LOG", " ")
            .env("PULSAR_EXTRA_OPTS", options.collect::<Vec<_>>().join(" "))
            .envs(&environment);
        command
    })
}

fn broker_settings(ports: Ports, data: &Path, cluster: &str) -> Settings {
    settings([
        ("clusterName", cluster.to_owned()),
        ("brokerServicePort", ports.broker.to_string()),
        ("webServicePort", ports.web.to_string()),
        ("bindAddress", "127.0.0.1".to_owned()),
        ("advertisedAddress", "127.0.0.1".to_owned()),
        // The bookie binds to this interface.
        ("listeningInterface", "lo".to_owned()),
        // Else it takes one of the system's own ports for its own, and someone may have it when the bookie is started again.
        ("allowEphemeralPorts", "true".to_owned()),
        ("narExtractionDirectory", data.join("nar").display().to_string()),
        // Where uploaded packages go; the default is in the distribution, which all stacks share.
        ("STORAGE_PATH", data.join("packages").display().to_string()),
        ("webSocketServiceEnabled", "false".to_owned()),
        ("brokerShutdownTimeoutMs", "5000".to_owned()),
        ("dbStorage_writeCacheMaxSizeMb", "64".to_owned()),
        ("dbStorage_readAheadCacheMaxSizeMb", "64".to_owned()),
        ("managedLedgerCacheSizeMB", "128".to_owned()),
        ("forceDeleteTenantAllowed", "true".to_owned()),
        ("forceDeleteNamespaceAllowed", "true".to_owned()),
    ])
}

/// The worker's whole configuration. Written as JSON, which is YAML.
fn worker_settings(ports: Ports, data: &Path, folder: &Folder, options: &PulsarOptions) -> Value {
    let (factory, factory_settings) = match options.runtime {
        Runtime::Process => (
            "org.apache.pulsar.functions.runtime.process.ProcessRuntimeFactory",
            json!({ "logDirectory": folder.logs() }),
        ),
        Runtime::Thread => (
            "org.apache.pulsar.functions.runtime.thread.ThreadRuntimeFactory",
            json!({ "threadGroupName": "Thread Function Container Group" }),
        ),
    };
    let mut function_options = vec![java::temporary(&data.join("tmp"))];
    function_options.extend(options.function_java_options.clone());
    json!({
        "workerId": "standalone",
        "workerHostname": "127.0.0.1",
        "workerPort": ports.web,
        "pulsarServiceUrl": format!("pulsar://127.0.0.1:{}", ports.broker),
        "pulsarWebServiceUrl": format!("http://127.0.0.1:{}", ports.web),
        "pulsarFunctionsNamespace": "public/functions",
        "pulsarFunctionsCluster": options.cluster,
        "functionMetadataTopicName": "metadata",
        "clusterCoordinationTopicName": "coordinate",
        "functionAssignmentTopicName": "assignments",
        "schedulerClassName": "org.apache.pulsar.functions.worker.scheduler.RoundRobinScheduler",
        "functionRuntimeFactoryClassName": factory,
        "functionRuntimeFactoryConfigs": factory_settings,
        "additionalJavaRuntimeArguments": function_options,
        "instanceLivenessCheckFreqMs": millis(options.liveness_check),
        "failureCheckFreqMs": 30_000,
        "rescheduleTimeoutMs": 60_000,
        "initialBrokerReconnectMaxRetries": 60,
        "assignmentWriteMaxRetries": 60,
        "numFunctionPackageReplicas": 1,
        // As strict as a worker can be: the sinks' configurations have to pass.
        "validateConnectorConfig": true,
        "enableClassloadingOfBuiltinFiles": true,
        "enableClassloadingOfExternalFiles": true,
        "connectorsDirectory": folder.connectors(),
        "functionsDirectory": data.join("functions"),
        "narExtractionDirectory": data.join("nar"),
        "downloadDirectory": data.join("download"),
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
