//! `hdfs-csv generate`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;

use crate::command::Sinks;
use crate::configuration::{JAVA_CLASS, REFERENCE, java_class, reference};
use crate::sinks::FILE;

/// Writes every file of the project that is generated.
#[derive(Debug, Parser)]
pub struct Generate {
    /// The project's root.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

impl Generate {
    pub(super) fn run(self) -> Result<()> {
        let sinks = Sinks::parse_from(["sinks", "--out", "."]).settings()?.yaml();
        let files = [
            (JAVA_CLASS.to_owned(), java_class()),
            (REFERENCE.to_owned(), reference()),
            (format!("conf/sinks/{FILE}"), sinks),
        ];
        for (path, text) in files {
            let path = self.root.join(path);
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            println!("{}", path.display());
        }
        Ok(())
    }
}
