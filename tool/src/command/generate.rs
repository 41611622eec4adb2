//! `hdfs-csv generate`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use super::output::write;
use crate::generated::files;

/// Writes every file of the project that is generated.
#[derive(Debug, Parser)]
pub struct Generate {
    /// The project's root.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

impl Generate {
    pub(super) fn run(self) -> Result<()> {
        for (path, text) in files()? {
            write(&self.root.join(path), &text)?;
        }
        Ok(())
    }
}
