//! The files of a source partition, and which commit each of their rows is of.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::layout::{TableLayout, parent};
use pulsar_io_hdfs_csv::protocol::manifest::Content;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::storage::{Storage, StorageErrorKind};

use super::rows::{Columns, Row, Rows};
use crate::commits::Commits;

/// A file that is replaced while it is read is read again, this often at most.
const ATTEMPTS: usize = 3;

/// A file that manifests name.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Its name, relative to the table's directory.
    pub name: String,
    /// What the newest manifest that names it says of it.
    pub content: Content,
    /// Which rows each manifest that is still there has added: up to this row, in order.
    slices: Vec<(u64, u64)>,
    /// Rows before those of the slices: pruned manifests added them.
    before: u64,
    /// What is behind the last slice belongs to it: the file has more rows than any manifest says.
    pub is_longer: bool,
    /// Between which positions its records are, if that is known; from the first on when there is no lower bound.
    span: Option<(Option<Position>, Position)>,
    /// Its partition directory is gone whole, as retention deletes it.
    pub deleted: bool,
}

impl File {
    fn new(name: &str, content: Content, deleted: bool) -> File {
        let (name, slices) = (name.to_owned(), Vec::new());
        File { name, content, slices, before: 0, is_longer: false, span: None, deleted }
    }

    /// The manifest that added the row of this number, from 0; none when it was pruned, or none is known to have.
    pub fn sequence_of(&self, row: u64) -> Option<u64> {
        if row < self.before {
            return None;
        }
        let own = self.slices.iter().find(|(end, _)| row < *end);
        own.or_else(|| self.slices.last().filter(|_| self.is_longer)).map(|(_, sequence)| *sequence)
    }

    /// How many rows each manifest added: of those that are still there, and of the others together.
    pub fn rows_by_manifest(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let starts = std::iter::once(self.before).chain(self.slices.iter().map(|(end, _)| *end));
        let own = starts.zip(&self.slices).map(|(start, (end, sequence))| (Some(*sequence), end.saturating_sub(start)));
        own.chain([(None, self.before)])
    }

    /// Whether it can have rows of records from the first to the last of these positions.
    pub fn may_have(&self, compared: Option<(Position, Position)>) -> bool {
        let Some((first, last)) = self.span else { return true };
        compared.is_some_and(|(from, to)| first <= Some(to) && last >= from)
    }
}

/// The files that these commits name, by their names; `directories` are the partition directories that are there.
pub fn files(commits: &[&Commits], directories: &BTreeSet<String>) -> Vec<File> {
    let mut files: BTreeMap<&str, File> = BTreeMap::new();
    let deleted = |name: &str| !parent(name).is_empty() && !directories.contains(parent(name));
    for own in commits {
        // A reset lets positions come again, and without order a manifest's positions say nothing.
        let in_order = own.ordered() && own.manifests.iter().all(|manifest| manifest.first.is_some());
        let pruned_last = own.manifests.first().and_then(|first| first.predecessor_last).filter(|_| in_order);
        for (name, listed) in &own.pruned.files {
            let content = listed.content.clone();
            let before = content.rows;
            let span = pruned_last.map(|last| (None, last));
            let file = File { before, span, ..File::new(name, content, deleted(name)) };
            files.insert(name, file);
        }
        for manifest in &own.manifests {
            let span = manifest.last.filter(|_| in_order).map(|last| (manifest.first, last));
            for entry in &manifest.files {
                let before = entry.replaces.as_ref().map_or(0, |old| old.rows);
                let file = files.entry(&entry.name).or_insert_with(|| File {
                    before,
                    span: if before == 0 { span } else { span.map(|(_, last)| (None, last)) },
                    ..File::new(&entry.name, entry.content.clone(), deleted(&entry.name))
                });
                file.span = file.span.zip(span).map(|((first, last), own)| (first.min(own.0), last.max(own.1)));
                file.content = entry.content.clone();
                file.slices.push((entry.content.rows, manifest.sequence));
            }
        }
    }
    files.into_values().collect()
}

/// A file could not be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is not there.
    Missing,
    /// What it holds cannot be read as rows, for this reason.
    Damaged(String),
}

/// Reads a file's rows and hands them on with their numbers; how many there are.
pub async fn scan<S: Storage>(
    storage: &S,
    table: &TableLayout,
    columns: &Columns,
    file: &File,
    mut each: impl FnMut(u64, Row),
) -> Result<Result<u64, Unread>> {
    let path = table.path(&file.name);
    let mut attempt = 1;
    let bytes = loop {
        match storage.read(&path).await {
            Ok(bytes) => break bytes,
            Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(Err(Unread::Missing)),
            // Its blocks are deleted when a commit replaces it.
            Err(_) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error).context("a file cannot be read; if the sink writes, run it again"),
        }
    };
    let mut read = || -> std::io::Result<u64> {
        let format = FileFormat::try_from(&file.content.format)?;
        let mut rows = Rows::open(&bytes, format)?;
        let mut number = 0;
        while let Some(row) = rows.next_row()? {
            each(number, columns.read(format.dialect, row));
            number += 1;
        }
        Ok(number)
    };
    Ok(read().map_err(|error| Unread::Damaged(error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::{at, commits, folded, manifest};

    #[test]
    fn each_row_of_a_file_that_grew_is_of_the_manifest_that_added_it() {
        let (first, second, third) = (manifest(3, 5, 7), manifest(4, 8, 9), manifest(5, 10, 10));
        let grown = [first.clone(), folded(second, &first), third];
        let all = files(&[&commits(&grown)], &BTreeSet::from(["dt=1".to_owned()]));
        let names: Vec<_> = all.iter().map(|file| (file.name.as_str(), file.content.rows, file.deleted)).collect();
        assert_eq!(names, [("dt=1/t-3.csv", 5, false), ("dt=1/t-5.csv", 1, false)]);
        let sequences: Vec<_> = (0..6).map(|row| all[0].sequence_of(row)).collect();
        assert_eq!(sequences, [Some(3), Some(3), Some(3), Some(4), Some(4), None]);
        assert_eq!(File { is_longer: true, ..all[0].clone() }.sequence_of(5), Some(4));
        let may_have = |from, to| all.iter().map(|file| file.may_have(Some((at(from), at(to))))).collect::<Vec<_>>();
        assert_eq!((may_have(1, 4), may_have(9, 9)), (vec![false, false], vec![true, false]));
        assert_eq!((may_have(9, 10), may_have(11, 12)), (vec![true, true], vec![false, false]));
        // The first is pruned now: what it added is of no manifest that is known.
        let all = files(&[&commits(&grown[1..])], &BTreeSet::new());
        assert_eq!((all[0].sequence_of(2), all[0].sequence_of(3), all[0].deleted), (None, Some(4), true));
        assert!(all[0].may_have(Some((at(2), at(3)))), "of what was pruned nobody knows where it begins");
        assert_eq!(all[0].rows_by_manifest().collect::<Vec<_>>(), [(Some(4), 2), (None, 3)]);
    }
}
