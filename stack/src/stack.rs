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
use crate::files::{self, settings};
use crate::folder::Folder;
use crate::hadoop::overlaid;
use crate::hdfs::Hdfs;
use crate::hive::Hive;
use crate::hive_java::WAREHOUSE;
use crate::hive_tls::encrypt;
use crate::kerberos::secure;
use crate::ports;
use crate::process::{Service, joined};
use crate::services::{
    ClickHouse, Cluster, DataNode, JournalNode, Kdc, Kms, LocalRun, NameNode, Pulsar, PulsarOptions, Security, Superset,
};
use crate::state::State;

/// Running services. When this is dropped they end, and so they do when this process ends in whatever way.
pub struct Stack {
    name: String,
    pulsar: Pulsar,
    superset: Option<Superset>,
    click_house: Option<ClickHouse>,
    hive: Option<Hive>,
    certificate: Option<PathBuf>,
    hdfs: Option<Hdfs>,
    kdc: Option<Kdc>,
    kms: Option<Kms>,
    folder: Folder,
}

impl Stack {
    /// Begins to describe a stack.
    pub fn builder() -> Builder {
        Builder::default()
    }

    fn start(mut builder: Builder) -> Result<Self> {
        if builder.hive && builder.data_nodes == 0 {
            // It keeps its tables there.
            return Err(Error::Missing("HDFS".to_owned()));
        }
        if builder.distributed && builder.secured {
            return Err(Error::Apart("a cluster of Pulsar", "a Pulsar that asks who is there"));
        }
        let folder = Folder::claim(builder.folder())?;
        let kdc = builder.kerberos.then(|| secure(&mut builder, &folder)).transpose()?;
        let certificate = builder.hive_tls.then(|| encrypt(&mut builder, &folder)).transpose()?;
        let kms = builder.kms.then(|| keep_keys(&mut builder, &folder)).transpose()?;
        let progress = &builder.progress;
        let home = progress.step("artifacts", || {
            copy_connectors(&builder.connectors, &folder.connectors())?;
            if builder.data_nodes > 0 {
                artifacts::resolve("hdfs")?;
            }
            if builder.hive {
                artifacts::resolve("hive")?;
            }
            if builder.click_house {
                ClickHouse::fetch()?;
            }
            if builder.superset {
                Superset::fetch()?;
            }
            artifacts::pulsar_home()
        })?;
        let environment = &builder.environment;
        let start_click_house = || progress.step("ClickHouse", || ClickHouse::start_new(&folder, environment));
        let start_superset = || progress.step("Superset", || Superset::start_new(&folder, environment));
        let (pulsar, tables, click_house, superset) = thread::scope(|scope| {
            let keys = kms.as_ref().map(|kms| scope.spawn(|| kms.start()));
            let tables = scope.spawn(|| start_tables(&builder, &folder));
            let click_house = builder.click_house.then(|| scope.spawn(start_click_house));
            let superset = builder.superset.then(|| scope.spawn(start_superset));
            let pulsar = progress.step("Pulsar", || start_pulsar(&builder, &folder, home));
            let pulsar = keys.map(joined).transpose().and(pulsar);
            (pulsar, joined(tables), click_house.map(joined).transpose(), superset.map(joined).transpose())
        });
        let ((hdfs, hive), click_house, superset) = (tables?, click_house?, superset?);
        Ok(Self {
            name: builder.name,
            pulsar: pulsar?,
            superset,
            click_house,
            hive,
            certificate,
            hdfs,
            kdc,
            kms,
            folder,
        })
    }

    /// Pulsar.
    pub fn pulsar(&self) -> &Pulsar {
        &self.pulsar
    }

    /// Pulsar's processes by what they do, in a stack where it is a [cluster](Builder::distributed).
    pub fn cluster(&self) -> Result<&Cluster> {
        self.pulsar.cluster()
    }

    /// The NameNode; the first of two.
    pub fn name_node(&self) -> Result<&NameNode> {
        self.name_nodes().first().ok_or_else(|| Error::Missing("HDFS".to_owned()))
    }

    /// All NameNodes: `nn1`, and `nn2` in a stack of [two](Builder::high_availability).
    pub fn name_nodes(&self) -> &[NameNode] {
        self.hdfs.as_ref().map_or(&[], |hdfs| &hdfs.name_nodes)
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

    /// All JournalNodes, in a stack of [two NameNodes](Builder::high_availability).
    pub fn journal_nodes(&self) -> &[JournalNode] {
        self.hdfs.as_ref().map_or(&[], |hdfs| &hdfs.journal_nodes)
    }

    /// The KDC of a stack with [Kerberos](Builder::kerberos).
    pub fn kdc(&self) -> Result<&Kdc> {
        self.kdc.as_ref().ok_or_else(|| Error::Missing("KDC".to_owned()))
    }

    /// The key management server of a stack with [keys](Builder::kms).
    pub fn kms(&self) -> Result<&Kms> {
        self.kms.as_ref().ok_or_else(|| Error::Missing("KMS".to_owned()))
    }

    /// Hive.
    pub fn hive(&self) -> Result<&Hive> {
        self.hive.as_ref().ok_or_else(|| Error::Missing("Hive".to_owned()))
    }

    /// The certificate of Hive's metastore, as PEM, in a stack where it [speaks TLS](Builder::hive_tls).
    pub fn metastores_certificate(&self) -> Result<&Path> {
        self.certificate.as_deref().ok_or_else(|| Error::Missing("certificate of Hive's metastore".to_owned()))
    }

    /// ClickHouse.
    pub fn click_house(&self) -> Result<&ClickHouse> {
        self.click_house.as_ref().ok_or_else(|| Error::Missing("ClickHouse".to_owned()))
    }

    /// Superset.
    pub fn superset(&self) -> Result<&Superset> {
        self.superset.as_ref().ok_or_else(|| Error::Missing("Superset".to_owned()))
    }

    /// A client of Pulsar's REST interface.
    pub fn admin(&self) -> Admin {
        let token = self.pulsar.security().map(Security::operators_token);
        self.pulsar.admin().with_token(token.ok())
    }

    /// A client of Pulsar's REST interface that has a role, where Pulsar [asks for one](Builder::secured).
    pub fn admin_as(&self, role: &str) -> Result<Admin> {
        Ok(self.pulsar.admin().with_token(Some(&self.pulsar.security()?.token(role)?)))
    }

    /// Runs the real `bin/pulsar-admin` and returns what it printed.
    pub fn pulsar_admin(&self, arguments: &[&str]) -> Result<String> {
        self.pulsar.admin_command(arguments)
    }

    /// The folder in which the functions workers look for connectors.
    pub fn connectors(&self) -> PathBuf {
        self.folder.connectors()
    }

    /// Runs the sink of this configuration beside Pulsar, with the real `bin/pulsar-admin sinks localrun`.
    pub fn local_run(&self, sink: &Path) -> Result<LocalRun> {
        let mut command = self.state().pulsar_admin(None)?;
        command.args(["sinks", "localrun", "--broker-service-url", &self.pulsar.service_url()]);
        command.arg("--sink-config-file").arg(sink);
        LocalRun::start(command, self.log_dir().join("local-run.log"))
    }

    /// Runs Hadoop's file system shell (`hdfs dfs`) and returns what it printed.
    pub fn fs_shell(&self, arguments: &[&str]) -> Result<String> {
        let hdfs = self.hdfs()?;
        hdfs.hadoop.shell(&hdfs.client_conf, arguments)
    }

    /// Runs Hadoop's file system shell as this user, to an HDFS without Kerberos.
    pub fn fs_shell_as(&self, user: &str, arguments: &[&str]) -> Result<String> {
        let hdfs = self.hdfs()?;
        hdfs.hadoop.shell_as(user, &hdfs.client_conf, arguments)
    }

    /// Runs `hdfs dfsadmin` (quotas, safe mode) and returns what it printed.
    pub fn hdfs_admin(&self, arguments: &[&str]) -> Result<String> {
        let hdfs = self.hdfs()?;
        hdfs.hadoop.admin(&hdfs.client_conf, arguments)
    }

    /// Gives these settings to HDFS and to its clients' folder, and starts all its services anew.
    pub fn change_hdfs(&self, changes: &[(&str, &str)]) -> Result<()> {
        self.hdfs()?.change(&changes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    /// Makes a key, and a directory that is encrypted with it: it has to be there, and empty.
    pub fn make_encryption_zone(&self, key: &str, directory: &str) -> Result<()> {
        let hdfs = self.hdfs()?;
        hdfs.hadoop.key(&hdfs.client_conf, &["create", key])?;
        let zone = ["-createZone", "-keyName", key, "-path", directory];
        hdfs.hadoop.crypto(&hdfs.client_conf, &zone).map(drop)
    }

    /// Makes the files of a directory erasure-coded from now on.
    pub fn erasure_code(&self, directory: &str, policy: &str) -> Result<()> {
        let hdfs = self.hdfs()?;
        let run = |arguments: &[&str]| hdfs.hadoop.erasure_coding(&hdfs.client_conf, arguments).map(drop);
        run(&["-enablePolicy", "-policy", policy])?;
        run(&["-setPolicy", "-path", directory, "-policy", policy])
    }

    /// Runs `hadoop key` (`roll KEY`) and returns what it printed.
    pub fn key_shell(&self, arguments: &[&str]) -> Result<String> {
        let hdfs = self.hdfs()?;
        hdfs.hadoop.key(&hdfs.client_conf, arguments)
    }

    /// Runs `hdfs haadmin` (which NameNode is active) and returns what it printed.
    pub fn ha_admin(&self, arguments: &[&str]) -> Result<String> {
        self.hdfs()?.ha_admin(arguments)
    }

    /// A folder with `core-site.xml` and `hdfs-site.xml` for clients.
    pub fn hadoop_conf_dir(&self) -> Result<&Path> {
        Ok(&self.hdfs()?.client_conf)
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
            functions_url: self.pulsar.functions_url(),
            hdfs_url: self.hdfs.as_ref().map(|hdfs| hdfs.url.clone()),
            hive_url: self.hive.as_ref().map(|hive| hive.server().jdbc_url()),
            metastore_uri: self.hive.as_ref().map(|hive| hive.metastore().uri()),
            click_house_url: self.click_house.as_ref().map(ClickHouse::url),
            superset: self.superset.as_ref().map(Superset::address),
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
        let kdc = self.kdc.iter().map(|kdc| ("kdc".to_owned(), kdc.service()));
        let kms = self.kms.iter().map(|kms| ("kms".to_owned(), kms.service()));
        self.others().chain(self.hdfs.iter().flat_map(Hdfs::services)).chain(kms).chain(kdc)
    }

    /// The services that are not HDFS. They may still want to write to it when they are stopped.
    fn others(&self) -> impl Iterator<Item = (String, &Service)> {
        let pulsar = self.pulsar.services().into_iter().rev();
        let superset = self.superset.iter().map(|it| ("superset".to_owned(), it.service()));
        let click_house = self.click_house.iter().map(|it| ("click-house".to_owned(), it.service()));
        pulsar.chain(superset).chain(click_house).chain(self.hive.iter().flat_map(Hive::services))
    }

    fn signal(&self, pid: u32, signal: Signal) -> Result<()> {
        let owner = self.services().find(|(_, service)| service.pids().contains(&pid));
        owner.ok_or(Error::Foreign(pid))?.1.signal(pid, signal)
    }
}

impl Builder {
    /// Starts everything and waits until it is ready.
    pub fn start(self) -> Result<Stack> {
        Stack::start(self)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // What does not end is killed with its group.
        let stop = |services: &mut dyn Iterator<Item = (String, &Service)>| {
            thread::scope(|scope| {
                for (_, service) in services {
                    scope.spawn(|| service.stop());
                }
            });
        };
        stop(&mut self.others());
        stop(&mut self.services());
        // Logs and configuration stay.
        let _ = self.folder.discard();
    }
}

/// A key management server for what this describes, which is made to use it.
fn keep_keys(builder: &mut Builder, folder: &Folder) -> Result<Kms> {
    let kms = Kms::new(folder, builder.environment.clone(), &builder.key_server)?;
    let keys = settings([("hadoop.security.key.provider.path", kms.uri())]);
    for settings in [&mut builder.name_node, &mut builder.data_node, &mut builder.client] {
        *settings = overlaid(keys.clone(), settings);
    }
    Ok(kms)
}

fn start_pulsar(builder: &Builder, folder: &Folder, home: PathBuf) -> Result<Pulsar> {
    let options = PulsarOptions {
        home,
        runtime: builder.runtime,
        peak_speed: builder.peak_speed,
        cluster: builder.cluster.clone(),
        distributed: builder.distributed,
        secured: builder.secured,
        liveness_check: builder.liveness_check,
        function_java_options: builder.function_java_options.clone(),
        broker: builder.broker.clone(),
        environment: builder.environment.clone(),
    };
    ports::retried(|| Pulsar::start_new(folder, &options))
}

/// HDFS, and Hive on it.
fn start_tables(builder: &Builder, folder: &Folder) -> Result<(Option<Hdfs>, Option<Hive>)> {
    let progress = &builder.progress;
    if builder.data_nodes == 0 {
        return Ok((None, None));
    }
    let hdfs = progress.step("HDFS", || Hdfs::start(builder, folder))?;
    let conf = &hdfs.client_conf;
    if builder.hive && builder.kerberos {
        // Hive is not the superuser.
        for command in [&["-mkdir", "/tmp", WAREHOUSE][..], &["-chmod", "1777", "/tmp"], &["-chown", "hive", WAREHOUSE]]
        {
            hdfs.hadoop.shell(conf, command)?;
        }
    }
    let hive = builder.hive.then(|| progress.step("Hive", || Hive::start(builder, folder, conf))).transpose()?;
    Ok((Some(hdfs), hive))
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
