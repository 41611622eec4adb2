//! The subcommands, a file each.

mod generate;
mod produce;
mod replay;
mod reset;
mod sinks;
mod verify;

use anyhow::Result;
use clap::{Parser, Subcommand};

pub use self::generate::Generate;
pub use self::produce::Produce;
pub use self::replay::Replay;
pub use self::reset::Reset;
pub use self::sinks::Sinks;
pub use self::verify::Verify;

/// Produces events, writes sink configurations, verifies tables.
#[derive(Debug, Parser)]
#[command(name = "hdfs-csv", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Generate(Generate),
    Produce(Produce),
    Replay(Replay),
    Reset(Reset),
    Sinks(Sinks),
    Verify(Verify),
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Generate(generate) => generate.run(),
            Command::Produce(produce) => produce.run(),
            Command::Replay(replay) => replay.run(),
            Command::Reset(reset) => reset.run(),
            Command::Sinks(sinks) => sinks.run(),
            Command::Verify(verify) => verify.run(),
        }
    }
}
