//! The Pulsar of a stack, as its clients see it: one process, or a cluster of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::cluster::Cluster;
use super::function_process::Instance;
use super::pulsar_program::{Distribution, PulsarOptions, admin_command};
use super::pulsar_security::{Security, missing};
use super::standalone::Standalone;
use crate::admin::Admin;
use crate::error::{Error, Result};
use crate::files;
use crate::folder::Folder;
use crate::java;
use crate::process::{Service, run};

const ADMIN_LIMIT: Duration = Duration::from_secs(120);
/// The groups of `pulsar-admin`'s commands that a functions worker answers.
const OF_WORKERS: [&str; 4] = ["functions", "functions-worker", "sinks", "sources"];

/// The Pulsar of a stack.
pub struct Pulsar {
    processes: Processes,
    distribution: Distribution,
}

enum Processes {
    Standalone(Box<Standalone>),
    Cluster(Box<Cluster>),
}

impl Pulsar {
    /// A new Pulsar without data, which runs.
    pub(crate) fn start_new(folder: &Folder, options: &PulsarOptions) -> Result<Self> {
        let scratch = folder.data().join("pulsar-tmp");
        files::folder(&scratch)?;
        let distribution = Distribution {
            home: options.home.clone(),
            logs: folder.logs(),
            scratch,
            compiler: java::compiler(options.peak_speed),
            environment: options.environment.clone(),
        };
        let processes = match options.distributed {
            false => {
                let standalone = Standalone::new(folder, &distribution, options)?;
                standalone.service.start()?;
                Processes::Standalone(Box::new(standalone))
            }
            true => Processes::Cluster(Box::new(Cluster::start_new(folder, &distribution, options)?)),
        };
        Ok(Self { processes, distribution })
    }

    /// What clients connect to: `pulsar://127.0.0.1:port`, with the port of each broker.
    pub fn service_url(&self) -> String {
        match &self.processes {
            Processes::Standalone(one) => format!("pulsar://127.0.0.1:{}", one.ports.broker),
            Processes::Cluster(cluster) => cluster.service_url(),
        }
    }

    /// The brokers' REST interface: `http://127.0.0.1:port`, with the port of each.
    pub fn admin_url(&self) -> String {
        match &self.processes {
            Processes::Standalone(one) => format!("http://127.0.0.1:{}", one.ports.web),
            Processes::Cluster(cluster) => cluster.admin_url(),
        }
    }

    /// The functions workers' REST interface; standalone it is the broker's.
    pub fn functions_url(&self) -> String {
        match &self.processes {
            Processes::Standalone(_) => self.admin_url(),
            Processes::Cluster(cluster) => cluster.functions_url(),
        }
    }

    /// A client of both.
    pub(crate) fn admin(&self) -> Admin {
        match &self.processes {
            Processes::Standalone(one) => Admin::new(one.ports.web),
            Processes::Cluster(cluster) => cluster.admin(),
        }
    }

    /// The processes by what they do, of a [cluster](crate::Builder::distributed).
    pub(crate) fn cluster(&self) -> Result<&Cluster> {
        match &self.processes {
            Processes::Standalone(_) => Err(Error::Missing("cluster of Pulsar".to_owned())),
            Processes::Cluster(cluster) => Ok(cluster),
        }
    }

    /// Its services, in the order in which they start.
    pub(crate) fn services(&self) -> Vec<(String, &Service)> {
        match &self.processes {
            Processes::Standalone(one) => vec![("pulsar".to_owned(), &one.service)],
            Processes::Cluster(cluster) => cluster.services(),
        }
    }

    /// The main process's id, unless it was stopped or killed. A cluster has none.
    pub fn pid(&self) -> Option<u32> {
        match &self.processes {
            Processes::Standalone(one) => one.service.pid(),
            Processes::Cluster(_) => None,
        }
    }

    /// The ids of all its living processes.
    pub fn pids(&self) -> Vec<u32> {
        self.services().into_iter().flat_map(|(_, service)| service.pids()).collect()
    }

    /// Asks it to end; kills what does not in time. What it started ends with it.
    pub fn stop(&self) -> Result<()> {
        self.services().into_iter().rev().try_for_each(|(_, service)| service.stop())
    }

    /// Kills all its processes (`kill -9`).
    pub fn kill(&self) -> Result<()> {
        self.services().into_iter().try_for_each(|(_, service)| service.kill())
    }

    /// Kills the broker's and worker's process only: processes of functions live on, as after a crash.
    pub fn kill_main(&self) -> Result<()> {
        self.services().into_iter().try_for_each(|(_, service)| service.kill_main())
    }

    /// Starts it on its ports and data, where it does not run, and waits until it is ready.
    pub fn start(&self) -> Result<()> {
        match &self.processes {
            Processes::Standalone(one) => one.service.start(),
            Processes::Cluster(cluster) => cluster.start(),
        }
    }

    /// Stops it, starts it again on the same ports and data, and waits until it is ready.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.start()
    }

    /// The unpacked distribution.
    pub fn home(&self) -> &Path {
        &self.distribution.home
    }

    /// Where functions log, in both runtimes, whichever worker runs them: `<tenant>/<namespace>/<name>/<name>-<instance>.log`.
    pub fn function_log_dir(&self) -> PathBuf {
        self.distribution.logs.join("functions")
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
        let security = match &self.processes {
            Processes::Standalone(one) => one.security.as_ref(),
            Processes::Cluster(_) => None,
        };
        security.ok_or_else(missing)
    }

    /// Runs the real `bin/pulsar-admin` against this Pulsar. It takes seconds: prefer [`Admin`](crate::Admin).
    pub fn admin_command(&self, arguments: &[&str]) -> Result<String> {
        if let Ok(security) = self.security() {
            return self.admin_command_as(&security.operators_client_conf()?, arguments);
        }
        let url = if is_of_workers(arguments.first().copied()) { self.functions_url() } else { self.admin_url() };
        run_with(admin_command(&self.distribution.home, &url, &self.distribution.logs), arguments)
    }

    /// Runs the real `bin/pulsar-admin` as who this `client.conf` says.
    pub fn admin_command_as(&self, client_conf: &Path, arguments: &[&str]) -> Result<String> {
        let mut command = self.distribution.tool("pulsar-admin");
        command.env("PULSAR_CLIENT_CONF", client_conf);
        run_with(command, arguments)
    }
}

/// Whether a functions worker answers the commands of this group.
pub(crate) fn is_of_workers(group: Option<&str>) -> bool {
    group.is_some_and(|group| OF_WORKERS.contains(&group))
}

fn run_with(mut command: Command, arguments: &[&str]) -> Result<String> {
    command.args(arguments);
    run(command, ADMIN_LIMIT)
}
