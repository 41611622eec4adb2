//! What the Hadoop services share: class path, Java options, configuration folders and the file system shell.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use crate::error::{Error, Result};
use crate::files::{self, Settings};
use crate::folder::Folder;
use crate::process::run;
use crate::{artifacts, java};

/// Thousands of files are fetched with one command, also while the machine is busy.
const SHELL_LIMIT: Duration = Duration::from_secs(600);
const HEAP: &str = "-Xmx256m";
const LOG_CONF: &str = "log4j.properties";
const SCRATCH: &str = "hdfs-tmp";
const SHELL: &str = "org.apache.hadoop.fs.FsShell";

const LOG4J: &str = "\
log4j.rootLogger=${stack.log.level},console
log4j.logger.org.apache.hadoop.util.NativeCodeLoader=ERROR
log4j.logger.http.requests=WARN
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%d{ISO8601} [%t] %-5p %c{2} - %m%n
";

/// How the processes of one Hadoop cluster are run.
pub(crate) struct Hadoop {
    jars: Vec<PathBuf>,
    log_conf: PathBuf,
    scratch: PathBuf,
    compiler: &'static str,
    environment: Settings,
}

impl Hadoop {
    pub(crate) fn new(folder: &Folder, peak_speed: bool, environment: Settings) -> Result<Arc<Self>> {
        let hdfs = Self::of_profile(folder, "hdfs", environment)?;
        Ok(Arc::new(Self { compiler: java::compiler(peak_speed), ..hdfs }))
    }

    /// How services are run whose jars are those of another profile.
    pub(crate) fn of_profile(folder: &Folder, profile: &str, environment: Settings) -> Result<Self> {
        let log_conf = folder.conf().join(LOG_CONF);
        files::write(&log_conf, LOG4J)?;
        let scratch = storage(folder, &format!("{profile}-tmp"))?;
        let jars = artifacts::resolve(profile)?;
        Ok(Self { jars, log_conf, scratch, compiler: java::QUICK_START, environment })
    }

    /// The cluster of a stack that another process owns, for its tools.
    pub(crate) fn of_running(stack: &Path) -> Result<Self> {
        Ok(Self {
            jars: artifacts::resolve("hdfs")?,
            log_conf: stack.join("conf").join(LOG_CONF),
            scratch: stack.join("data").join(SCRATCH),
            compiler: java::QUICK_START,
            environment: Settings::new(),
        })
    }

    /// A command that runs a service with the configuration in a folder.
    pub(crate) fn service(&self, conf: &Path, class: &str) -> Command {
        self.command(conf, class, "INFO", self.compiler)
    }

    /// A command that does one thing and ends.
    pub(crate) fn tool(&self, conf: &Path, class: &str) -> Command {
        self.command(conf, class, "WARN", java::QUICK_START)
    }

    fn command(&self, conf: &Path, class: &str, log_level: &str, compiler: &str) -> Command {
        let mut command = java::java();
        command
            .args([HEAP, compiler, "-XX:+UseSerialGC", "-Djava.net.preferIPv4Stack=true"])
            .arg(format!("-Dlog4j.configuration=file:{}", self.log_conf.display()))
            .args(java::kerberos(&self.environment))
            .arg(java::temporary(&self.scratch))
            .arg(format!("-Dstack.log.level={log_level}"))
            .arg("-cp")
            .arg(self.class_path(conf))
            .arg(class)
            .envs(&self.environment);
        command
    }

    /// Hadoop's file system shell as a client, without arguments.
    pub(crate) fn shell_command(&self, conf: &Path) -> Command {
        self.tool(conf, SHELL)
    }

    /// Runs `hdfs dfsadmin` as a client.
    pub(crate) fn admin(&self, conf: &Path, arguments: &[&str]) -> Result<String> {
        self.run(conf, "org.apache.hadoop.hdfs.tools.DFSAdmin", arguments)
    }

    /// Runs `hadoop key` as a client.
    pub(crate) fn key(&self, conf: &Path, arguments: &[&str]) -> Result<String> {
        self.run(conf, "org.apache.hadoop.crypto.key.KeyShell", arguments)
    }

    /// Runs `hdfs crypto` as a client.
    pub(crate) fn crypto(&self, conf: &Path, arguments: &[&str]) -> Result<String> {
        self.run(conf, "org.apache.hadoop.hdfs.tools.CryptoAdmin", arguments)
    }

    /// Runs `hdfs ec` as a client.
    pub(crate) fn erasure_coding(&self, conf: &Path, arguments: &[&str]) -> Result<String> {
        self.run(conf, "org.apache.hadoop.hdfs.tools.ECAdmin", arguments)
    }

    /// Runs `hdfs haadmin` as a client.
    pub(crate) fn ha_admin(&self, conf: &Path, arguments: &[&str]) -> Result<String> {
        self.run(conf, "org.apache.hadoop.hdfs.tools.DFSHAAdmin", arguments)
    }

    /// Runs Hadoop's file system shell as a client.
    pub(crate) fn shell(&self, conf: &Path, arguments: &[&str]) -> Result<String> {
        self.run(conf, SHELL, arguments)
    }

    /// Runs Hadoop's file system shell as a client that says it is this user.
    pub(crate) fn shell_as(&self, user: &str, conf: &Path, arguments: &[&str]) -> Result<String> {
        let mut command = self.shell_command(conf);
        command.env("HADOOP_USER_NAME", user).args(arguments);
        run(command, SHELL_LIMIT)
    }

    fn run(&self, conf: &Path, class: &str, arguments: &[&str]) -> Result<String> {
        let mut command = self.tool(conf, class);
        command.args(arguments);
        run(command, SHELL_LIMIT)
    }

    fn class_path(&self, conf: &Path) -> OsString {
        env::join_paths([conf.to_path_buf()].iter().chain(&self.jars)).unwrap_or_default()
    }
}

/// Writes a configuration folder: `core-site.xml`, also with the settings that are all of Hadoop's, and `hdfs-site.xml`.
pub(crate) fn configure(conf: &Path, file_system: &str, given: &Settings) -> Result<()> {
    files::folder(conf)?;
    let (common, hdfs) = divided(given);
    let core = files::settings([
        ("fs.defaultFS", file_system.to_owned()),
        // A daemon that is away comes back soon or not at all.
        ("ipc.client.connect.max.retries", "30".to_owned()),
        ("ipc.client.connect.retry.interval", "500".to_owned()),
    ]);
    files::write(&conf.join("core-site.xml"), &files::hadoop_xml(&overlaid(core, &common)))?;
    files::write(&conf.join("hdfs-site.xml"), &files::hadoop_xml(&hdfs))
}

/// Adds settings to those of a configuration folder, in the place of older ones: of two with one name the last counts.
pub(crate) fn change(conf: &Path, changes: &Settings) -> Result<()> {
    let (common, hdfs) = divided(changes);
    change_file(&conf.join("core-site.xml"), &common)?;
    change_file(&conf.join("hdfs-site.xml"), &hdfs)
}

/// The same for one file.
pub(crate) fn change_file(path: &Path, changes: &Settings) -> Result<()> {
    let text = fs::read_to_string(path).map_err(Error::io(path.display()))?;
    let end = "</configuration>";
    files::write(path, &text.replace(end, &(files::hadoop_properties(changes) + end)))
}

/// Those that are all of Hadoop's, and those of HDFS: services that are not HDFS read only the former.
fn divided(settings: &Settings) -> (Settings, Settings) {
    settings.clone().into_iter().partition(|(key, _)| key.starts_with("hadoop."))
}

/// Settings laid over others.
pub(crate) fn overlaid(mut base: Settings, extra: &Settings) -> Settings {
    base.extend(extra.clone());
    base
}

/// Where a service keeps its data, made.
pub(crate) fn storage(folder: &Folder, name: &str) -> Result<PathBuf> {
    let path = folder.data().join(name);
    crate::folder::remove(&path)?;
    files::folder(&path)?;
    path.canonicalize().map_err(Error::io(path.display()))
}
