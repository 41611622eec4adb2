//! What `hdfs-csv-stack` can be told.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hdfs_csv_stack::{Builder, Runtime, Stack, State, stacks_dir};

/// Pulsar with its functions worker, HDFS, Hive, ClickHouse and Superset, as plain processes.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start a stack, leave it running and print its addresses.
    Up(StackArgs),
    /// Stop a stack.
    Down(NameArgs),
    /// Start a stack and keep it until Ctrl-C.
    Run {
        #[command(flatten)]
        stack: StackArgs,
        /// Report to `up`, which started this process, and leave its terminal.
        #[arg(long, hide = true)]
        for_up: bool,
    },
    /// Tell whether a stack runs, and where.
    Status(NameArgs),
    /// Run Hadoop's file system shell (`hdfs dfs`) on a stack: `dfs --name demo -ls /events`.
    Dfs(ToolArgs),
    /// Run SQL on a stack's Hive: `hive --name demo -e "SHOW TABLES"`. Each row is a JSON array of strings and nulls.
    Hive(HiveArgs),
    /// Run `pulsar-admin` on a stack: `pulsar-admin --name demo topics list marketplace/events`.
    PulsarAdmin(ToolArgs),
}

/// Which stack.
#[derive(Args)]
pub(crate) struct NameArgs {
    /// The stack's name: that of its folder in `target/stacks`.
    #[arg(long, default_value = "default")]
    pub(crate) name: String,
}

/// A tool's stack and its own arguments.
#[derive(Args)]
pub(crate) struct ToolArgs {
    #[command(flatten)]
    pub(crate) name: NameArgs,
    /// What the tool is given.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub(crate) arguments: Vec<String>,
}

/// A stack's Hive and what it is to run.
#[derive(Args)]
pub(crate) struct HiveArgs {
    #[command(flatten)]
    pub(crate) name: NameArgs,
    /// A statement. May be given several times: all run in one session.
    #[arg(short = 'e', long = "execute", value_name = "SQL", required = true)]
    pub(crate) statements: Vec<String>,
}

/// What the stack is made of.
#[derive(Args)]
pub(crate) struct StackArgs {
    #[command(flatten)]
    pub(crate) name: NameArgs,
    /// Which services: Pulsar and HDFS, the same as clusters, or all.
    #[arg(long, value_enum, default_value_t = Layers::Cold)]
    pub(crate) layers: Layers,
    /// How many DataNodes; 0 leaves HDFS out. 1 by default, 3 in a cluster.
    #[arg(long)]
    pub(crate) data_nodes: Option<usize>,
    /// How sinks run: each in a process, or in threads of Pulsar's own.
    #[arg(long, value_enum, default_value_t = RuntimeArg::Process)]
    pub(crate) runtime: RuntimeArg,
    /// Services that are fast in the long run instead of at the start: for benchmarks.
    #[arg(long)]
    pub(crate) peak_speed: bool,
    /// How often the worker looks whether a sink's process has ended, in seconds. A process that is not looked after for
    /// three times as long ends itself, so a loaded machine needs more than the tests' one second.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) liveness_check: u64,
    /// A connector (NAR) to offer. May be given several times.
    #[arg(long = "connector", value_name = "NAR")]
    pub(crate) connectors: Vec<PathBuf>,
    /// Where to write the addresses as JSON, besides the stack's folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layers {
    /// Pulsar and HDFS.
    Cold,
    /// The same, each part in several processes: ZooKeeper, bookies, brokers, functions workers, NameNodes, JournalNodes.
    Cluster,
    /// Pulsar, HDFS, Hive, ClickHouse and Superset.
    Full,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RuntimeArg {
    Process,
    Thread,
}

impl NameArgs {
    pub(crate) fn folder(&self) -> PathBuf {
        stacks_dir().join(&self.name)
    }

    pub(crate) fn state_file(&self) -> PathBuf {
        self.folder().join(State::FILE)
    }
}

impl StackArgs {
    pub(crate) fn builder(&self) -> Builder {
        let runtime = match self.runtime {
            RuntimeArg::Process => Runtime::Process,
            RuntimeArg::Thread => Runtime::Thread,
        };
        let cluster = self.layers == Layers::Cluster;
        let builder = Stack::builder()
            .name(&self.name.name)
            .data_dir(self.name.folder())
            .data_nodes(self.data_nodes.unwrap_or(if cluster { 3 } else { 1 }))
            .distributed(cluster)
            .high_availability(cluster)
            .hive(self.layers == Layers::Full)
            .click_house(self.layers == Layers::Full)
            .superset(self.layers == Layers::Full)
            .runtime(runtime)
            .liveness_check(Duration::from_secs(self.liveness_check))
            .peak_speed(self.peak_speed);
        self.connectors.iter().fold(builder, Builder::connector)
    }
}
