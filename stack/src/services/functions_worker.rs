//! Pulsar's functions worker: it runs functions, sources and sinks.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::pulsar_program::{Distribution, PulsarOptions};
use crate::admin::Http;
use crate::builder::Runtime;
use crate::error::Result;
use crate::files;
use crate::folder::Folder;
use crate::process::{Plan, READY_LIMIT, Service};
use crate::{hadoop, java};

const MEMORY: &str = "-Xms64m -Xmx256m -XX:MaxDirectMemorySize=128m -XX:+UseSerialGC";
/// How often the leader looks whether a worker is gone, and how long it is missed before its instances go to another one.
const FAILURE_CHECK: Duration = Duration::from_secs(2);
const MISSED_FOR: Duration = Duration::from_secs(3);

/// A functions worker of a [cluster](crate::Builder::distributed).
pub struct FunctionsWorker {
    service: Service,
    web_port: u16,
}

super::operate::operate!(FunctionsWorker);

/// Where a worker is, and where its Pulsar.
pub(super) struct Place<'a> {
    /// Its name among the workers.
    pub(super) id: &'a str,
    /// Where it answers requests.
    pub(super) port: u16,
    /// The brokers.
    pub(super) service_url: &'a str,
    /// Their REST interface.
    pub(super) web_url: &'a str,
    /// Where it keeps its files.
    pub(super) data: &'a Path,
}

impl FunctionsWorker {
    /// The worker of this number. It is ready when it is one of the workers, which have a leader.
    pub(crate) fn new(
        folder: &Folder,
        distribution: &Distribution,
        options: &PulsarOptions,
        number: usize,
        store: &str,
        [service_url, web_url]: [&str; 2],
    ) -> Result<Self> {
        let id = format!("functions-worker-{number}");
        let web_port = folder.port()?;
        let conf = folder.conf().join(format!("{id}.yml"));
        let data = hadoop::storage(folder, &id)?;
        let place = Place { id: &id, port: web_port, service_url, web_url, data: &data };
        let mut settings = settings(&place, folder, distribution, options);
        settings["configurationMetadataStoreUrl"] = store.into();
        settings["failureCheckFreqMs"] = millis(FAILURE_CHECK).into();
        settings["rescheduleTimeoutMs"] = millis(MISSED_FOR).into();
        files::write(&conf, &format!("{settings:#}"))?;

        let distribution = distribution.clone();
        let log = folder.logs().join(format!("{id}.log"));
        let service = Service::new(Plan {
            name: format!("functions worker {number}"),
            log,
            after_crash: None,
            ready_within: READY_LIMIT,
            stopped_within: Duration::from_secs(20),
            command: Box::new(move || {
                let mut command = distribution.service("functions-worker", MEMORY);
                command.env("PULSAR_WORKER_CONF", &conf);
                command
            }),
            ready: Box::new(move || is_member(&Http::new(web_port), &id)),
        })?;
        Ok(Self { service, web_port })
    }

    /// Kills the worker's process only: processes of functions live on, as after a crash.
    pub fn kill_main(&self) -> Result<()> {
        self.service.kill_main()
    }

    /// The port of its REST interface, which has the sinks.
    pub fn web_port(&self) -> u16 {
        self.web_port
    }
}

/// Whether a worker is one of those that share the work, which have a leader.
fn is_member(http: &Http, id: &str) -> bool {
    let Ok(Value::Array(workers)) = http.get("/admin/v2/worker/cluster") else { return false };
    workers.iter().any(|worker| worker["workerId"] == id)
        && ["/admin/v2/worker/cluster/leader", "/admin/v3/sinks/builtinsinks"].iter().all(|path| http.get(path).is_ok())
}

/// A worker's whole configuration. Written as JSON, which is YAML.
pub(super) fn settings(
    place: &Place<'_>,
    folder: &Folder,
    distribution: &Distribution,
    options: &PulsarOptions,
) -> Value {
    let (factory, factory_settings) = match options.runtime {
        Runtime::Process => (
            "org.apache.pulsar.functions.runtime.process.ProcessRuntimeFactory",
            json!({ "logDirectory": distribution.logs }),
        ),
        Runtime::Thread => (
            "org.apache.pulsar.functions.runtime.thread.ThreadRuntimeFactory",
            json!({ "threadGroupName": "Thread Function Container Group" }),
        ),
    };
    let mut function_options = vec![java::temporary(&distribution.scratch)];
    function_options.extend(options.function_java_options.clone());
    let data = place.data;
    json!({
        "workerId": place.id,
        "workerHostname": "127.0.0.1",
        "workerPort": place.port,
        "pulsarServiceUrl": place.service_url,
        "pulsarWebServiceUrl": place.web_url,
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
