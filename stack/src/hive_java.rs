//! What the processes of Hive share: class path, Java options and configuration.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::files::{self, Settings, settings};
use crate::folder::Folder;
use crate::process::run;
use crate::{artifacts, hadoop, java};

/// Hive 4.0 looks into these packages of a JVM that is newer than it expects.
const OPENED: [&str; 9] = [
    "java.lang",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "java.util.regex",
];
/// Hive takes its logs' configuration from this name, and writes below `/tmp` where it is not there.
const LOG_CONF: &str = "hive-log4j2.properties";
const CONF: &str = "hive";
const SITE: &str = "hive-site.xml";
const CLIENT: &str = "HiveSql";
const CLIENT_SOURCE: &str = include_str!("../hive-client/HiveSql.java");
/// Hive puts no external table below the folder of its own tables, and makes tables external that name no location.
pub(crate) const WAREHOUSE: &str = "/warehouse";
const MANAGED: &str = "/warehouse/managed";
const EXTERNAL: &str = "/warehouse/external";

const COMPILE_LIMIT: Duration = Duration::from_secs(60);

const PARTITION_TASK: &str = "org.apache.hadoop.hive.metastore.PartitionManagementTask";

/// How often a partition that was added to or removed from a table's directory is looked for, where the table's
/// `discover.partitions` asks for it.
const PARTITIONS_EVERY: &str = "20s";

/// How the processes of one stack's Hive are run.
pub(crate) struct HiveJava {
    jars: Vec<PathBuf>,
    conf: PathBuf,
    hadoop_conf: PathBuf,
    scratch: PathBuf,
    compiler: &'static str,
    environment: Settings,
}

impl HiveJava {
    /// Writes the configuration. `hadoop_conf` is that of HDFS clients.
    pub(crate) fn new(
        folder: &Folder,
        hadoop_conf: &Path,
        ports: [u16; 2],
        peak_speed: bool,
        environment: Settings,
        extra: &Settings,
    ) -> Result<Arc<Self>> {
        let scratch = hadoop::storage(folder, CONF)?;
        let conf = folder.conf().join(CONF);
        files::folder(&conf)?;
        let site = hadoop::overlaid(site(&scratch, ports), extra);
        files::write(&conf.join(SITE), &files::hadoop_xml(&site))?;
        files::write(&conf.join(LOG_CONF), &log_settings())?;
        compile_client(&conf)?;
        let compiler = java::compiler(peak_speed);
        let hadoop_conf = hadoop_conf.to_path_buf();
        Ok(Arc::new(Self { jars: artifacts::resolve("hive")?, conf, hadoop_conf, scratch, compiler, environment }))
    }

    /// The Hive of a stack that another process owns, for its client.
    pub(crate) fn of_running(stack: &Path, hadoop_conf: &Path) -> Result<Self> {
        Ok(Self {
            jars: artifacts::resolve("hive")?,
            conf: stack.join("conf").join(CONF),
            hadoop_conf: hadoop_conf.to_path_buf(),
            scratch: stack.join("data").join(CONF),
            compiler: java::QUICK_START,
            environment: Settings::new(),
        })
    }

    /// Adds settings, in the place of older ones, for services that are started from now on.
    pub(crate) fn change(&self, changes: &Settings) -> Result<()> {
        hadoop::change_file(&self.conf.join(SITE), changes)
    }

    /// A command that runs a service. `heap` is a JVM option.
    pub(crate) fn service(&self, class: &str, heap: &str) -> Command {
        let mut command = self.command(heap, "INFO", self.compiler);
        command.arg(class).envs(&self.environment);
        command
    }

    /// A command that runs SQL: give it statements and it prints each row as a JSON array of strings and nulls.
    pub(crate) fn client(&self, jdbc_url: &str) -> Command {
        let mut command = self.command("-Xmx256m", "ERROR", java::QUICK_START);
        // Else the arguments' letters are those of the caller's locale.
        command.envs(&self.environment).env("LC_ALL", "C.UTF-8").arg(CLIENT).arg(jdbc_url);
        command
    }

    fn command(&self, heap: &str, log_level: &str, compiler: &str) -> Command {
        let mut command = java::java();
        command
            .args([heap, compiler, "-XX:+UseSerialGC", "-Djava.net.preferIPv4Stack=true", "-Dfile.encoding=UTF-8"])
            .args(OPENED.iter().flat_map(|name| ["--add-opens".to_owned(), format!("java.base/{name}=ALL-UNNAMED")]))
            .arg(java::temporary(&self.scratch))
            .args(java::kerberos(&self.environment))
            .arg(format!("-Dderby.stream.error.file={}", self.scratch.join("derby.log").display()))
            .arg(format!("-Dlog4j2.configurationFile=file:{}", self.conf.join(LOG_CONF).display()))
            .arg(format!("-Dstack.log.level={log_level}"))
            .arg("-cp")
            .arg(env::join_paths([&self.conf, &self.hadoop_conf].into_iter().chain(&self.jars)).unwrap_or_default());
        command
    }
}

/// Compiles the client into a folder of the class path. Java would do that at each run of a source file, which doubles what a
/// query costs.
fn compile_client(folder: &Path) -> Result<()> {
    let source = folder.join(CLIENT).with_extension("java");
    files::write(&source, CLIENT_SOURCE)?;
    let mut compiler = java::java();
    compiler.args([java::QUICK_START, "-m", "jdk.compiler/com.sun.tools.javac.Main", "-encoding", "UTF-8", "-d"]);
    compiler.arg(folder).arg(source);
    run(compiler, COMPILE_LIMIT).map(drop)
}

fn site(scratch: &Path, [metastore_port, server_port]: [u16; 2]) -> Settings {
    let local = |name: &str| scratch.join(name).display().to_string();
    let yes = || "true".to_owned();
    let no = || "false".to_owned();
    settings([
        // The metastore.
        ("javax.jdo.option.ConnectionURL", format!("jdbc:derby:;databaseName={};create=true", local("metastore"))),
        ("datanucleus.schema.autoCreateAll", yes()),
        ("metastore.schema.verification", no()),
        ("metastore.thrift.uris", format!("thrift://127.0.0.1:{metastore_port}")),
        ("metastore.thrift.bind.host", "127.0.0.1".to_owned()),
        ("metastore.warehouse.dir", MANAGED.to_owned()),
        ("metastore.warehouse.external.dir", EXTERNAL.to_owned()),
        ("metastore.metastore.event.db.notification.api.auth", no()),
        // Of the tasks that only one metastore runs, this one: the others want the tables of transactions.
        ("metastore.housekeeping.threads.on", yes()),
        ("metastore.task.threads.remote", PARTITION_TASK.to_owned()),
        ("metastore.partition.management.task.frequency", PARTITIONS_EVERY.to_owned()),
        // Both are started at the same time: the server waits for the metastore.
        ("metastore.connect.retries", "60".to_owned()),
        // HiveServer2.
        ("hive.server2.thrift.bind.host", "127.0.0.1".to_owned()),
        ("hive.server2.thrift.port", server_port.to_string()),
        ("hive.server2.webui.port", "0".to_owned()),
        ("hive.server2.enable.doAs", no()),
        ("hive.server2.logging.operation.enabled", no()),
        // What the server does beside queries. Its threads share a connection to the metastore at the start, and now and
        // then one waits for ever for the answer that another has read.
        ("hive.server2.materializedviews.registry.impl", "DUMMY".to_owned()),
        ("hive.query.reexecution.stats.persist.scope", "query".to_owned()),
        ("hive.scheduled.queries.executor.enabled", no()),
        ("hive.query.results.cache.enabled", no()),
        ("hive.exec.local.scratchdir", local("local")),
        // A session that ends deletes its own.
        ("hive.downloaded.resources.dir", local("resources/${hive.session.id}")),
        ("hive.querylog.location", local("query-log")),
        ("hive.resultset.use.unique.column.names", no()),
        // Queries run inside the server: there is no cluster, and no `hadoop` command to start a child with.
        ("hive.execution.engine", "mr".to_owned()),
        ("mapreduce.framework.name", "local".to_owned()),
        ("mapreduce.cluster.local.dir", local("mapreduce")),
        ("mapreduce.task.io.sort.mb", "32".to_owned()),
        ("hive.exec.submit.local.task.via.child", no()),
        ("hive.exec.counters.pull.interval", "50".to_owned()),
        // Else what is before an empty text at a row's end is read wrong (docs/use/hive.md).
        ("hive.vectorized.use.vector.serde.deserialize", no()),
    ])
}

fn log_settings() -> String {
    let mut text = String::from("status = WARN\nname = stack\n");
    let lines = [
        ("appender.console.type", "Console"),
        ("appender.console.name", "console"),
        ("appender.console.target", "SYSTEM_ERR"),
        ("appender.console.layout.type", "PatternLayout"),
        ("appender.console.layout.pattern", "%d{ISO8601} [%t] %-5p %c{2} - %m%n"),
        ("rootLogger.level", "${sys:stack.log.level}"),
        ("rootLogger.appenderRefs", "console"),
        ("rootLogger.appenderRef.console.ref", "console"),
        ("loggers", "datanucleus, native"),
        ("logger.datanucleus.name", "DataNucleus"),
        ("logger.datanucleus.level", "ERROR"),
        ("logger.native.name", "org.apache.hadoop.util.NativeCodeLoader"),
        ("logger.native.level", "ERROR"),
    ];
    for (key, value) in lines {
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}
