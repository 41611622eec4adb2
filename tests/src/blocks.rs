//! The blocks of a file, where DataNodes keep them.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use pulsar_io_hdfs_csv::storage::Storage;

use crate::logs::files_below;
use crate::services::Services;

/// Every copy of the one block of a file.
pub struct Blocks(Vec<PathBuf>);

impl Blocks {
    /// Those of a file that is not empty, has one block, and is not written.
    pub fn of(services: &Services, path: &str) -> Result<Blocks> {
        let hdfs = services.hdfs()?;
        let bytes = services.wait_for(hdfs.read(path))?;
        let mut all = files_below(services.stack().data_dir());
        // A block of a file that is deleted meanwhile may go.
        all.retain(|block| {
            let is_as_long = block.metadata().is_ok_and(|metadata| metadata.len() == bytes.len() as u64);
            is_block(block) && is_as_long && std::fs::read(block).is_ok_and(|content| content == bytes[..])
        });
        ensure!(!all.is_empty() && !bytes.is_empty(), "no DataNode has a block of {path}");
        Ok(Blocks(all))
    }

    /// Changes a byte of each, so that its checksum is not that of its bytes.
    pub fn damage(&self) -> Result<()> {
        self.0.iter().try_for_each(|block| flip(block).with_context(|| format!("{}", block.display())))
    }

    /// Changes it back.
    pub fn mend(&self) -> Result<()> {
        self.damage()
    }
}

fn is_block(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("blk_") && !name.ends_with(".meta")
}

/// One that is gone stays so.
fn flip(block: &Path) -> Result<()> {
    let mut file = match OpenOptions::new().read(true).write(true).open(block) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut first = [0];
    file.read_exact(&mut first)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file.write_all(&[!first[0]])?)
}
