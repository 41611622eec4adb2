//! The subcommands, a file each.

mod ddl;
mod generate;
mod produce;
mod replay;
mod reset;
mod sinks;
mod verify;

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

pub use self::ddl::Ddl;
pub use self::generate::Generate;
pub use self::produce::Produce;
pub use self::replay::Replay;
pub use self::reset::Reset;
pub use self::sinks::Sinks;
pub use self::verify::Verify;

/// Produces events, writes sink configurations and tables' SQL, verifies tables.
#[derive(Debug, Parser)]
#[command(name = "hdfs-csv", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ddl(Ddl),
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
            Command::Ddl(ddl) => ddl.run(),
            Command::Generate(generate) => generate.run(),
            Command::Produce(produce) => produce.run(),
            Command::Replay(replay) => replay.run(),
            Command::Reset(reset) => reset.run(),
            Command::Sinks(sinks) => sinks.run(),
            Command::Verify(verify) => verify.run(),
        }
    }
}

/// Writes a file, its folder too when that is missing, and says so.
fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    println!("{}", path.display());
    Ok(())
}
