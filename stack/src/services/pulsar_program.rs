//! How Pulsar's programs are run, services and commands of the unpacked distribution, and what can be chosen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::builder::Runtime;
use crate::error::{Error, Result};
use crate::files::{self, Settings};
use crate::java;

const TOOL_MEMORY: &str = "-Xmx256m";
const TOOL_COLLECTOR: &str = "-XX:+UseSerialGC";
/// What the script sets by default, which is replaced by giving more.
const OPTIONS: &str = "-Dpulsar.allocator.exit_on_oom=true -Dio.netty.recycler.maxCapacityPerThread=4096";

/// What can be chosen.
pub(crate) struct PulsarOptions {
    pub(crate) home: PathBuf,
    pub(crate) runtime: Runtime,
    pub(crate) peak_speed: bool,
    pub(crate) cluster: String,
    pub(crate) distributed: bool,
    pub(crate) secured: bool,
    pub(crate) liveness_check: Duration,
    pub(crate) function_java_options: Vec<String>,
    pub(crate) broker: Settings,
    pub(crate) environment: Settings,
}

/// The distribution, and what all of its services are run with.
#[derive(Clone)]
pub(crate) struct Distribution {
    pub(crate) home: PathBuf,
    pub(crate) logs: PathBuf,
    /// Where JVMs put their temporary files.
    pub(crate) scratch: PathBuf,
    pub(crate) compiler: &'static str,
    pub(crate) environment: Settings,
}

impl Distribution {
    /// A command that runs `bin/pulsar` as one of its services, with this memory and collector, without arguments.
    pub(crate) fn service(&self, name: &str, memory: &str) -> Command {
        let options = [OPTIONS.to_owned(), java::temporary(&self.scratch)].into_iter();
        let options = options.chain(java::kerberos(&self.environment));
        let mut command = Command::new(self.home.join("bin/pulsar"));
        command
            .arg(name)
            .envs(java::of_pulsar())
            .env("PULSAR_LOG_DIR", &self.logs)
            .env("PULSAR_LOG_IMMEDIATE_FLUSH", "true")
            .env("PULSAR_MEM", memory)
            .env("PULSAR_GC", self.compiler)
            // Not empty, or the script puts its own in place.
            .env("PULSAR_GC_LOG", " ")
            .env("PULSAR_EXTRA_OPTS", options.collect::<Vec<_>>().join(" "))
            .envs(&self.environment);
        command
    }

    /// One of its commands, without arguments.
    pub(crate) fn tool(&self, name: &str) -> Command {
        tool(&self.home, name, &self.logs)
    }

    /// One of its configuration files with other values.
    pub(crate) fn configuration(&self, name: &str, changes: &Settings) -> Result<String> {
        let base = self.home.join("conf").join(name);
        let base = fs::read_to_string(&base).map_err(Error::io(base.display()))?;
        Ok(files::properties(&base, changes))
    }
}

/// One of the distribution's commands, without arguments.
fn tool(home: &Path, name: &str, logs: &Path) -> Command {
    let mut command = Command::new(home.join("bin").join(name));
    command
        .envs(java::of_pulsar())
        .env("PULSAR_MEM", TOOL_MEMORY)
        .env("PULSAR_GC", format!("{TOOL_COLLECTOR} {}", java::QUICK_START))
        .env("PULSAR_GC_LOG", " ")
        .env("PULSAR_LOG_DIR", logs);
    command
}

/// The real `bin/pulsar-admin`, without arguments.
pub(crate) fn admin_command(home: &Path, admin_url: &str, logs: &Path) -> Command {
    let mut command = tool(home, "pulsar-admin", logs);
    command.args(["--admin-url", admin_url]);
    command
}

/// BookKeeper's own shell, without arguments.
pub(super) fn bookkeeper_shell(home: &Path, conf: &Path, logs: &Path) -> Command {
    let mut shell = Command::new(home.join("bin/bookkeeper"));
    shell
        .arg("shell")
        .envs(java::of_pulsar())
        .env("BOOKIE_CONF", conf)
        .env("BOOKIE_LOG_DIR", logs)
        .env("BOOKIE_MEM", TOOL_MEMORY)
        .env("BOOKIE_GC", format!("{TOOL_COLLECTOR} {}", java::QUICK_START))
        .env("BOOKIE_GC_LOG", " ");
    shell
}
