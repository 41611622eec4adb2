//! `hdfs-csv-stack`: starts the services around the sink, tells where they are, and stops them.

mod commands;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hdfs_csv_stack::{Builder, Runtime, Stack, State, stacks_dir};

/// Pulsar with its functions worker and HDFS, as plain processes.
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
}

/// Which stack.
#[derive(Args)]
struct NameArgs {
    /// The stack's name: that of its folder in `target/stacks`.
    #[arg(long, default_value = "default")]
    name: String,
}

/// What the stack is made of.
#[derive(Args)]
struct StackArgs {
    #[command(flatten)]
    name: NameArgs,
    /// How many DataNodes; 0 leaves HDFS out.
    #[arg(long, default_value_t = 1)]
    data_nodes: usize,
    /// How sinks run: each in a process, or in threads of Pulsar's own.
    #[arg(long, value_enum, default_value_t = RuntimeArg::Process)]
    runtime: RuntimeArg,
    /// Services that are fast in the long run instead of at the start: for benchmarks.
    #[arg(long)]
    peak_speed: bool,
    /// A connector (NAR) to offer. May be given several times.
    #[arg(long = "connector", value_name = "NAR")]
    connectors: Vec<PathBuf>,
    /// Where to write the addresses as JSON, besides the stack's folder.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
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
            .runtime(runtime)
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
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hdfs-csv-stack: {error}");
            ExitCode::FAILURE
        }
    }
}
