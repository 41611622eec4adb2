//! The subcommands, a file each.

mod audit;
mod generate;
mod produce;
mod replay;
mod reset;
mod sinks;
mod subjects;
mod verify;
mod watermark;

use anyhow::Result;
use clap::{Parser, Subcommand};

pub use self::audit::Audit;
pub use self::generate::Generate;
pub use self::produce::Produce;
pub use self::replay::Replay;
pub use self::reset::Reset;
pub use self::sinks::Sinks;
pub use self::verify::Verify;
pub use self::watermark::Watermark;

/// Produces events, writes sink configurations, verifies tables and compares them with their topics.
#[derive(Debug, Parser)]
#[command(name = "hdfs-csv", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Audit(Audit),
    Generate(Generate),
    Produce(Produce),
    Replay(Replay),
    Reset(Reset),
    Sinks(Sinks),
    Verify(Verify),
    Watermark(Watermark),
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Audit(audit) => audit.run(),
            Command::Generate(generate) => generate.run(),
            Command::Produce(produce) => produce.run(),
            Command::Replay(replay) => replay.run(),
            Command::Reset(reset) => reset.run(),
            Command::Sinks(sinks) => sinks.run(),
            Command::Verify(verify) => verify.run(),
            Command::Watermark(watermark) => watermark.run(),
        }
    }
}
