//! `hdfs-csv-stack`: starts the services around the sink, tells where they are, and stops them.

mod commands;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hdfs_csv_stack::{Builder, Runtime, Stack, State, stacks_dir};

/// Pulsar with its functions worker, HDFS, Hive, ClickHouse and Superset, as plain processes.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
struct NameArgs {
    /// The stack's name: that of its folder in `target/stacks`.
    #[arg(long, default_value = "default")]
    name: String,
}

/// A tool's stack and its own arguments.
#[derive(Args)]
struct ToolArgs {
    #[command(flatten)]
    name: NameArgs,
    /// What the tool is given.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    arguments: Vec<String>,
}

/// A stack's Hive and what it is to run.
#[derive(Args)]
struct HiveArgs {
    #[command(flatten)]
    name: NameArgs,
    /// A statement. May be given several times: all run in one session.
    #[arg(short = 'e', long = "execute", value_name = "SQL", required = true)]
    statements: Vec<String>,
}

/// What the stack is made of.
#[derive(Args)]
struct StackArgs {
    #[command(flatten)]
    name: NameArgs,
    /// Which services: Pulsar and HDFS, or all.
    #[arg(long, value_enum, default_value_t = Layers::Cold)]
    layers: Layers,
    /// How many DataNodes; 0 leaves HDFS out.
    #[arg(long, default_value_t = 1)]
    data_nodes: usize,
    /// How sinks run: each in a process, or in threads of Pulsar's own.
    #[arg(long, value_enum, default_value_t = RuntimeArg::Process)]
    runtime: RuntimeArg,
    /// Services that are fast in the long run instead of at the start: for benchmarks.
    #[arg(long)]
    peak_speed: bool,
    /// How often the worker looks whether a sink's process has ended, in seconds. A process that is not looked after for
    /// three times as long ends itself, so a loaded machine needs more than the tests' one second.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    liveness_check: u64,
    /// A connector (NAR) to offer. May be given several times.
    #[arg(long = "connector", value_name = "NAR")]
    connectors: Vec<PathBuf>,
    /// Where to write the addresses as JSON, besides the stack's folder.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Layers {
    /// Pulsar and HDFS.
    Cold,
    /// Those, Hive, ClickHouse and Superset.
    Full,
}

#[derive(Clone, Copy, ValueEnum)]
enum RuntimeArg {
    Process,
    Thread,
}

impl NameArgs {
    fn folder(&self) -> PathBuf {
        stacks_dir().join(&self.name)
    }

    fn state_file(&self) -> PathBuf {
        self.folder().join(State::FILE)
    }
}

impl StackArgs {
    fn builder(&self) -> Builder {
        let runtime = match self.runtime {
            RuntimeArg::Process => Runtime::Process,
            RuntimeArg::Thread => Runtime::Thread,
        };
        let builder = Stack::builder()
            .name(&self.name.name)
            .data_dir(self.name.folder())
            .data_nodes(self.data_nodes)
            .hive(self.layers == Layers::Full)
            .click_house(self.layers == Layers::Full)
            .superset(self.layers == Layers::Full)
            .runtime(runtime)
            .liveness_check(Duration::from_secs(self.liveness_check))
            .peak_speed(self.peak_speed);
        self.connectors.iter().fold(builder, Builder::connector)
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(stack) => commands::up(&stack),
        Command::Down(name) => commands::down(&name),
        Command::Run { stack, for_up } => commands::run(&stack, for_up),
        Command::Status(name) => commands::status(&name),
        Command::Dfs(tool) => commands::dfs(&tool),
        Command::Hive(hive) => commands::hive(&hive),
        Command::PulsarAdmin(tool) => commands::pulsar_admin(&tool),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hdfs-csv-stack: {error}");
            ExitCode::FAILURE
        }
    }
}
