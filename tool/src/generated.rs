//! The files of the project that are generated, all of them.

use anyhow::Result;
use clap::Parser;

use crate::command::ddl::Ddl;
use crate::command::sinks::Sinks;
use crate::configuration::{JAVA_CLASS, REFERENCE, java_class, reference};

/// The path of each file from the project's root, and what it says: what the commands write by default.
pub fn files() -> Result<Vec<(String, String)>> {
    let mut files = vec![(JAVA_CLASS.to_owned(), java_class()), (REFERENCE.to_owned(), reference())];
    let sinks = Sinks::parse_from(["sinks", "--out", "."]).files()?;
    files.extend(sinks.into_iter().map(|(path, text)| (format!("conf/sinks/{path}"), text)));
    for engine in ["hive", "clickhouse"] {
        files.push((format!("conf/{engine}/tables.sql"), Ddl::parse_from(["ddl", engine]).script()?.text()));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    fn below(folder: &Path, into: &mut BTreeSet<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, into);
            } else {
                into.insert(path);
            }
        }
    }

    #[test]
    fn the_committed_files_are_current() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut committed = BTreeSet::new();
        for folder in ["sinks", "hive", "clickhouse"] {
            below(&root.join("conf").join(folder), &mut committed);
        }
        for (path, generated) in files().unwrap() {
            let text = std::fs::read_to_string(root.join(&path)).unwrap_or_default();
            assert!(text == generated, "{path} is stale: run `cargo run -p hdfs-csv-tool -- generate`");
            committed.remove(&root.join(&path));
        }
        assert!(committed.is_empty(), "nothing generates {committed:?}: delete them");
    }
}
