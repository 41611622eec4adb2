//! Reads the tables back with Hadoop's own shell and counts, with nothing of the connector.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::State;
use tokio::process::Command;

use crate::names::DIRECTORY;

/// What a reader of a table sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) files: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// Copies every table to a local folder and counts.
pub(crate) async fn read_back(stack: &State, folder: &Path) -> Result<BTreeMap<String, Table>> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut command = Command::from(stack.fs_shell()?);
    // Beside the tables, the sink goes on writing its `_status`.
    command.arg("-get").arg(format!("{DIRECTORY}/[^_]*")).arg(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("cannot run java")?;
    ensure!(output.status.success(), "hdfs dfs -get failed\n{}", String::from_utf8_lossy(&output.stderr));
    tables(folder)
}

fn tables(folder: &Path) -> Result<BTreeMap<String, Table>> {
    let mut tables = BTreeMap::new();
    for (name, path) in visible(folder)? {
        let mut table = Table::default();
        count(&path, &mut table)?;
        tables.insert(name, table);
    }
    Ok(tables)
}

fn count(folder: &Path, table: &mut Table) -> Result<()> {
    for (_, path) in visible(folder)? {
        if path.is_dir() {
            count(&path, table)?;
            continue;
        }
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        ensure!(bytes.last().is_none_or(|last| *last == b'\n'), "{} ends within a row", path.display());
        table.files += 1;
        table.bytes += bytes.len() as u64;
        table.rows += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    Ok(())
}

/// What Hive sees of a folder: everything but names that begin with `_` or `.`.
fn visible(folder: &Path) -> Result<Vec<(String, std::path::PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(['_', '.']) {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hive_sees_is_counted_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("visits/dt=2026-11-01/a.csv", "1,a\\nb\n2,c\n");
        write("visits/dt=2026-11-02/b.csv", "3,d\n");
        write("visits/_commits/visits/1.json", "{\n}\n");
        write("visits/dt=2026-11-02/.b.csv.crc", "\n");
        let expected = Table { files: 2, rows: 3, bytes: 15 };
        assert_eq!(tables(folder.path()).unwrap(), BTreeMap::from([("visits".to_owned(), expected)]));
        write("visits/dt=2026-11-02/torn.csv", "4,e\n5");
        assert!(tables(folder.path()).is_err());
    }
}
