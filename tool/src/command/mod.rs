//! The subcommands, a file each.

mod adopt;
mod audit;
pub(crate) mod ddl;
mod generate;
mod output;
mod produce;
mod replay;
mod reset;
pub(crate) mod sinks;
mod status;
mod subjects;
mod verify;
mod watermark;

use anyhow::Result;
use clap::{Parser, Subcommand};

pub use self::adopt::Adopt;
pub use self::audit::Audit;
pub use self::ddl::Ddl;
pub use self::generate::Generate;
pub use self::produce::Produce;
pub use self::replay::Replay;
pub use self::reset::Reset;
pub use self::sinks::Sinks;
pub use self::status::Status;
pub use self::verify::Verify;
pub use self::watermark::Watermark;

/// Produces events, writes sink configurations and tables' SQL, verifies tables and compares them with their topics.
#[derive(Debug, Parser)]
#[command(name = "hdfs-csv", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Adopt(Adopt),
    Audit(Audit),
    Ddl(Ddl),
    Generate(Generate),
    Produce(Produce),
    Replay(Replay),
    Reset(Reset),
    Sinks(Sinks),
    Status(Status),
    Verify(Verify),
    Watermark(Watermark),
}

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Adopt(adopt) => adopt.run(),
            Command::Audit(audit) => audit.run(),
            Command::Ddl(ddl) => ddl.run(),
            Command::Generate(generate) => generate.run(),
            Command::Produce(produce) => produce.run(),
            Command::Replay(replay) => replay.run(),
            Command::Reset(reset) => reset.run(),
            Command::Sinks(sinks) => sinks.run(),
            Command::Status(status) => status.run(),
            Command::Verify(verify) => verify.run(),
            Command::Watermark(watermark) => watermark.run(),
        }
    }
}
