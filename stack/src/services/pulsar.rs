//! Pulsar standalone: broker, bookie and functions worker in one process.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::admin::Http;
use crate::builder::Runtime;
use crate::error::{Error, Result};
use crate::files::{self, Settings, settings};
use crate::folder::Folder;
use crate::process::{Plan, Service, run};
use crate::{hadoop, java, ports, procfs};

const MEMORY: &str = "-Xms256m -Xmx1g -XX:MaxDirectMemorySize=1g";
const ADMIN_MEMORY: &str = "-Xmx256m";
const COLLECTOR: &str = "-XX:+UseParallelGC";
/// What the script sets by default, which is replaced by giving more.
const OPTIONS: &str = "-Dpulsar.allocator.exit_on_oom=true -Dio.netty.recycler.maxCapacityPerThread=4096";
const ADMIN_LIMIT: Duration = Duration::from_secs(120);

/// All of them answer once namespaces, functions worker and broker are there. The last sends a message through the
/// broker, so it is asked last.
const SIGNS_OF_LIFE: [&str; 4] = [
    "/admin/v2/namespaces/public/default",
    "/admin/v3/sinks/builtinsinks",
    "/admin/v2/worker/cluster/leader/ready",
    "/admin/v2/brokers/health",
];

/// After a crash the standalone's bookie now and then does not see its own registration ("Not enough non-faulty bookies
/// available"), and Pulsar ends while it starts. Started again, it comes up.
const STARTS: u32 = 3;

/// What can be chosen.
pub(crate) struct PulsarOptions {
    pub(crate) home: PathBuf,
    pub(crate) runtime: Runtime,
    pub(crate) peak_speed: bool,
    pub(crate) liveness_check: Duration,
    pub(crate) function_java_options: Vec<String>,
    pub(crate) broker: Settings,
    pub(crate) environment: Settings,
}

/// The Pulsar of a stack.
pub struct Pulsar {
    service: Service,
    home: PathBuf,
    broker_port: u16,
    web_port: u16,
    logs: PathBuf,
}

super::operate!(Pulsar);

impl Pulsar {
    /// A new Pulsar without data.
    pub(crate) fn new(folder: &Folder, options: &PulsarOptions) -> Result<Self> {
        let [broker_port, web_port] = [ports::free()?, ports::free()?];
        let conf = folder.conf().join("pulsar");
        let data = hadoop::storage(folder, "pulsar")?;
        files::folder(&conf)?;
        files::folder(&data.join("tmp"))?;

        let standalone = conf.join("standalone.conf");
        let base = options.home.join("conf/standalone.conf");
        let base = fs::read_to_string(&base).map_err(Error::io(base.display()))?;
        let changes = hadoop::overlaid(broker_settings(broker_port, web_port, &data), &options.broker);
        files::write(&standalone, &files::properties(&base, &changes))?;

        let worker = conf.join("functions_worker.yml");
        let settings = worker_settings(broker_port, web_port, &data, folder, options);
        files::write(&worker, &format!("{settings:#}"))?;

        let service = Service::new(Plan {
            name: "Pulsar".to_owned(),
            log: folder.logs().join("pulsar.log"),
            starts: STARTS,
            ready_within: Duration::from_secs(240),
            stopped_within: Duration::from_secs(20),
            command: standalone_command(options, &standalone, &worker, &data, &folder.logs()),
            ready: Box::new(move || {
                let http = Http::new(web_port);
                SIGNS_OF_LIFE.iter().all(|path| http.get(path).is_ok_and(|answer| answer != false))
            }),
        })?;
        Ok(Self { service, home: options.home.clone(), broker_port, web_port, logs: folder.logs() })
    }

    /// What clients connect to: `pulsar://127.0.0.1:port`.
    pub fn service_url(&self) -> String {
        format!("pulsar://127.0.0.1:{}", self.broker_port)
    }

    /// The REST interface: `http://127.0.0.1:port`.
    pub fn admin_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.web_port)
    }

    /// The port of the REST interface.
    pub fn web_port(&self) -> u16 {
        self.web_port
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

    /// Whether the worker gave an instance a port for two purposes, or one that is another instance's. It looks for each
    /// by itself, finds the same one now and then, and keeps it: the instance ends at each of its starts until the function
    /// is started anew.
    pub fn function_lacks_a_port(&self, tenant: &str, namespace: &str, name: &str) -> bool {
        let all = self.instances();
        let mut times_given: HashMap<&str, usize> = HashMap::new();
        for port in all.iter().flat_map(Instance::ports) {
            *times_given.entry(port).or_default() += 1;
        }
        let is_its = |instance: &&Instance| instance.is_of(tenant, namespace, name);
        all.iter().filter(is_its).flat_map(Instance::ports).any(|port| times_given[port] > 1)
    }

    /// The processes of all functions, sources and sinks.
    fn instances(&self) -> Vec<Instance> {
        let mut found: Vec<_> = self.pids().into_iter().filter_map(Instance::of).collect();
        found.sort_unstable_by_key(|instance| (instance.number, instance.pid));
        found
    }

    /// Runs the real `bin/pulsar-admin` against this Pulsar. It takes seconds: prefer [`Admin`](crate::Admin).
    pub fn admin_command(&self, arguments: &[&str]) -> Result<String> {
        let mut command = admin_command(&self.home, &self.admin_url(), &self.logs);
        command.args(arguments);
        run(command, ADMIN_LIMIT)
    }
}

/// The real `bin/pulsar-admin`, without arguments.
pub(crate) fn admin_command(home: &Path, admin_url: &str, logs: &Path) -> Command {
    let mut command = Command::new(home.join("bin/pulsar-admin"));
    command
        .args(["--admin-url", admin_url])
        .env("PATH", java::search_path())
        .env("PULSAR_MEM", ADMIN_MEMORY)
        .env("PULSAR_GC", format!("-XX:+UseSerialGC {}", java::QUICK_START))
        .env("PULSAR_GC_LOG", " ")
        .env("PULSAR_LOG_DIR", logs);
    command
}

/// A process that runs an instance of a function, source or sink.
struct Instance {
    number: u32,
    pid: u32,
    details: Value,
    arguments: Vec<String>,
}

impl Instance {
    /// None for any other process.
    fn of(pid: u32) -> Option<Instance> {
        let arguments = procfs::arguments(pid);
        let details = value_of(&arguments, "--function_details")?;
        let details = serde_json::from_str(details.trim_matches('\'')).ok()?;
        let number = value_of(&arguments, "--instance_id")?.parse().ok()?;
        Some(Instance { number, pid, details, arguments })
    }

    fn is_of(&self, tenant: &str, namespace: &str, name: &str) -> bool {
        self.details["tenant"] == tenant && self.details["namespace"] == namespace && self.details["name"] == name
    }

    /// The ports that the worker chose for it.
    fn ports(&self) -> impl Iterator<Item = &str> {
        ["--port", "--metrics_port"].into_iter().filter_map(|name| value_of(&self.arguments, name))
    }
}

fn value_of<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).map(String::as_str)
}

fn standalone_command(
    options: &PulsarOptions,
    standalone: &Path,
    worker: &Path,
    data: &Path,
    logs: &Path,
) -> Box<dyn Fn() -> Command + Send + Sync> {
    let program = options.home.join("bin/pulsar");
    let environment = options.environment.clone();
    let [standalone, worker, data, logs] = [standalone, worker, data, logs].map(Path::to_path_buf);
    let scratch = data.join("tmp");
    let compiler = java::compiler(options.peak_speed);
    Box::new(move || {
        let mut command = Command::new(&program);
        command
            .args(["standalone", "--no-stream-storage", "--advertised-address", "127.0.0.1", "--config"])
            .arg(&standalone)
            .arg("--functions-worker-conf")
            .arg(&worker)
            .arg("--metadata-dir")
            .arg(data.join("metadata"))
            .arg("--bookkeeper-dir")
            .arg(data.join("bookkeeper"))
            .env("PATH", java::search_path())
            .env("PULSAR_STANDALONE_CONF", &standalone)
            .env("PULSAR_LOG_DIR", &logs)
            .env("PULSAR_LOG_IMMEDIATE_FLUSH", "true")
            .env("PULSAR_MEM", MEMORY)
            .env("PULSAR_GC", format!("{COLLECTOR} {compiler}"))
            // Not empty, or the script puts its own in place.
            .env("PULSAR_GC_LOG", " ")
            .env("PULSAR_EXTRA_OPTS", format!("{OPTIONS} {}", java::temporary(&scratch)))
            .envs(&environment);
        command
    })
}

fn broker_settings(broker_port: u16, web_port: u16, data: &Path) -> Settings {
    settings([
        ("brokerServicePort", broker_port.to_string()),
        ("webServicePort", web_port.to_string()),
        ("bindAddress", "127.0.0.1".to_owned()),
        ("advertisedAddress", "127.0.0.1".to_owned()),
        // The bookie binds to this interface, at a port that it chooses and remembers.
        ("listeningInterface", "lo".to_owned()),
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
fn worker_settings(broker_port: u16, web_port: u16, data: &Path, folder: &Folder, options: &PulsarOptions) -> Value {
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
        "workerPort": web_port,
        "pulsarServiceUrl": format!("pulsar://127.0.0.1:{broker_port}"),
        "pulsarWebServiceUrl": format!("http://127.0.0.1:{web_port}"),
        "pulsarFunctionsNamespace": "public/functions",
        "pulsarFunctionsCluster": "standalone",
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
        "connectorsDirectory": folder.connectors(),
        "functionsDirectory": data.join("functions"),
        "narExtractionDirectory": data.join("nar"),
        "downloadDirectory": data.join("download"),
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
