use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;

use nix::sys::signal::Signal;

use crate::admin::Admin;
use crate::artifacts;
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::files;
use crate::folder::Folder;
use crate::hadoop::Hadoop;
use crate::ports;
use crate::process::Service;
use crate::services::{DataNode, NameNode, Pulsar, PulsarOptions};
use crate::state::State;

/// Running services. When this is dropped they end, and so they do when this process ends in whatever way.
pub struct Stack {
    name: String,
    keep_data: bool,
    pulsar: Pulsar,
    hdfs: Option<Hdfs>,
    folder: Folder,
}

struct Hdfs {
    hadoop: std::sync::Arc<Hadoop>,
    data_nodes: Vec<DataNode>,
    name_node: NameNode,
}

impl Stack {
    /// Begins to describe a stack.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn start(builder: Builder) -> Result<Self> {
        let folder = Folder::claim(builder.folder())?;
        let progress = &builder.progress;
        let home = progress.step("artifacts", || {
            copy_connectors(&builder.connectors, &folder.connectors())?;
            if builder.data_nodes > 0 {
                artifacts::resolve("hdfs")?;
            }
            artifacts::pulsar_home()
        })?;
        let (pulsar, hdfs) = thread::scope(|scope| {
            let hdfs = scope.spawn(|| start_hdfs(&builder, &folder));
            let pulsar = progress.step("Pulsar", || start_pulsar(&builder, &folder, home));
            (pulsar, joined(hdfs))
        });
        Ok(Self { name: builder.name, keep_data: builder.keep_data, pulsar: pulsar?, hdfs: hdfs?, folder })
    }

    /// Pulsar.
    pub fn pulsar(&self) -> &Pulsar {
        &self.pulsar
    }

    /// The NameNode.
    pub fn name_node(&self) -> Result<&NameNode> {
        Ok(&self.hdfs()?.name_node)
    }

    /// A DataNode, counted from 0.
    pub fn data_node(&self, number: usize) -> Result<&DataNode> {
        let missing = || Error::Missing(format!("DataNode {number}"));
        self.hdfs()?.data_nodes.get(number).ok_or_else(missing)
    }

    /// All DataNodes.
    pub fn data_nodes(&self) -> &[DataNode] {
        self.hdfs.as_ref().map_or(&[], |hdfs| &hdfs.data_nodes)
    }

    /// A client of Pulsar's REST interface.
    pub fn admin(&self) -> Admin {
        Admin::new(self.pulsar.web_port())
    }

    /// Runs the real `bin/pulsar-admin` and returns what it printed.
    pub fn pulsar_admin(&self, arguments: &[&str]) -> Result<String> {
        self.pulsar.admin_command(arguments)
    }

    /// Runs Hadoop's file system shell (`hdfs dfs`) and returns what it printed.
    pub fn fs_shell(&self, arguments: &[&str]) -> Result<String> {
        let hdfs = self.hdfs()?;
        hdfs.hadoop.shell(hdfs.name_node.client_conf_dir(), arguments)
    }

    /// Runs `hdfs dfsadmin` (quotas, safe mode) and returns what it printed.
    pub fn hdfs_admin(&self, arguments: &[&str]) -> Result<String> {
        let hdfs = self.hdfs()?;
        hdfs.hadoop.admin(hdfs.name_node.client_conf_dir(), arguments)
    }

    /// A folder with `core-site.xml` and `hdfs-site.xml` for clients.
    pub fn hadoop_conf_dir(&self) -> Result<&Path> {
        Ok(self.name_node()?.client_conf_dir())
    }

    /// The processes of a function, source or sink: instance and process id. Empty in the thread runtime.
    pub fn function_pids(&self, tenant: &str, namespace: &str, name: &str) -> Vec<(u32, u32)> {
        self.pulsar.function_pids(tenant, namespace, name)
    }

    /// Stops one of the stack's processes where it is (`SIGSTOP`).
    pub fn pause(&self, pid: u32) -> Result<()> {
        self.signal(pid, Signal::SIGSTOP)
    }

    /// Lets a paused process go on (`SIGCONT`).
    pub fn resume(&self, pid: u32) -> Result<()> {
        self.signal(pid, Signal::SIGCONT)
    }

    /// Kills one of the stack's processes (`kill -9`): a function's, usually. The services have their own `kill`.
    pub fn kill_process(&self, pid: u32) -> Result<()> {
        self.signal(pid, Signal::SIGKILL)
    }

    /// An error that says which service has ended by itself, if one has.
    pub fn check(&self) -> Result<()> {
        self.services().try_for_each(|(_, service)| service.check())
    }

    /// The stack's folder.
    pub fn data_dir(&self) -> &Path {
        self.folder.root()
    }

    /// Where the services log.
    pub fn log_dir(&self) -> PathBuf {
        self.folder.logs()
    }

    /// Where everything is to be found.
    pub fn state(&self) -> State {
        let main = self.services().filter_map(|(name, service)| Some((name, service.pid()?)));
        State {
            name: self.name.clone(),
            owner_pid: process::id(),
            service_url: self.pulsar.service_url(),
            admin_url: self.pulsar.admin_url(),
            hdfs_url: self.name_node().map(NameNode::url).ok(),
            hadoop_conf_dir: self.hadoop_conf_dir().map(Path::to_path_buf).ok(),
            data_dir: self.data_dir().to_path_buf(),
            log_dir: self.log_dir(),
            function_log_dir: self.pulsar.function_log_dir(),
            pids: main.collect::<BTreeMap<_, _>>(),
        }
    }

    fn hdfs(&self) -> Result<&Hdfs> {
        self.hdfs.as_ref().ok_or_else(|| Error::Missing("HDFS".to_owned()))
    }

    /// All services, in the order in which they are to be stopped.
    fn services(&self) -> impl Iterator<Item = (String, &Service)> {
        let pulsar = ("pulsar".to_owned(), self.pulsar.service());
        let data_nodes = self.data_nodes().iter().enumerate();
        let data_nodes = data_nodes.map(|(number, node)| (format!("data-node-{number}"), node.service()));
        let name_node = self.hdfs.iter().map(|hdfs| ("name-node".to_owned(), hdfs.name_node.service()));
        std::iter::once(pulsar).chain(data_nodes).chain(name_node)
    }

    fn signal(&self, pid: u32, signal: Signal) -> Result<()> {
        let owner = self.services().find(|(_, service)| service.pids().contains(&pid));
        owner.ok_or(Error::Foreign(pid))?.1.signal(pid, signal)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Functions may still want to write to HDFS, so Pulsar goes first. What does not end is killed with its group.
        let _ = self.pulsar.stop();
        thread::scope(|scope| {
            for (_, service) in self.services() {
                scope.spawn(|| service.stop());
            }
        });
        if !self.keep_data {
            let _ = self.folder.discard();
        }
    }
}

fn start_pulsar(builder: &Builder, folder: &Folder, home: PathBuf) -> Result<Pulsar> {
    let options = PulsarOptions {
        home,
        runtime: builder.runtime,
        peak_speed: builder.peak_speed,
        liveness_check: builder.liveness_check,
        function_java_options: builder.function_java_options.clone(),
        broker: builder.broker.clone(),
        environment: builder.environment.clone(),
    };
    ports::retried(|| {
        let pulsar = Pulsar::new(folder, &options)?;
        pulsar.start()?;
        Ok(pulsar)
    })
}

fn start_hdfs(builder: &Builder, folder: &Folder) -> Result<Option<Hdfs>> {
    if builder.data_nodes == 0 {
        return Ok(None);
    }
    let hadoop = Hadoop::new(folder, builder.peak_speed, builder.environment.clone())?;
    let replication = builder.effective_replication();
    builder.progress.step("HDFS", || {
        ports::retried(|| {
            let name_node = NameNode::new(folder, &hadoop, replication, &builder.name_node, &builder.client)?;
            let url = name_node.url();
            let data_node = |number| DataNode::new(folder, &hadoop, &url, number, &builder.data_node);
            let data_nodes: Vec<_> = (0..builder.data_nodes).map(data_node).collect::<Result<_>>()?;
            thread::scope(|scope| {
                // Neither kind is ready without the other, so none is waited for in vain.
                let start = |node: &DataNode| node.start().inspect_err(|_| drop(name_node.kill()));
                let starts: Vec<_> = data_nodes.iter().map(|node| scope.spawn(move || start(node))).collect();
                let started = name_node.start();
                starts.into_iter().try_for_each(joined).and(started)
            })?;
            Ok(Some(Hdfs { hadoop: hadoop.clone(), data_nodes, name_node }))
        })
    })
}

/// What a thread returned. That none of them panics is for the lints to see to; if one does, so does this thread.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Copies connectors under a name that the worker takes for one.
fn copy_connectors(nars: &[PathBuf], target: &Path) -> Result<()> {
    files::folder(target)?;
    for nar in nars {
        let name = Path::new(nar.file_name().unwrap_or_default()).with_extension("nar");
        fs::copy(nar, target.join(name)).map_err(Error::io(format_args!("copy {}", nar.display())))?;
    }
    Ok(())
}
