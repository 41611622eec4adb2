//! The open files of a source partition: those that a later batch may be folded into, at most one per partition directory.
//!
//! A manifest names all of them, or, where there are many, only those that have changed since an earlier one that names all:
//! what a commit writes does not grow with the number of directories.

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::layout::SourcePartitionLayout;
use crate::protocol::manifest::{Content, Manifest, OpenFile};
use crate::storage::{Storage, StorageErrorKind, StorageResult};

/// So many are named by each manifest, and so many changes at most behind one that names all.
const FEW: usize = 64;
/// So many sequences at most behind a manifest that names all: it must not be pruned before.
const MOST_BEHIND: u64 = 64;
/// Directories, of which those stay whose files were written last: a week of hours is 168, three years of days are 1,096.
const MOST: usize = 2_000;

/// What is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenFiles {
    /// By directory, with the number of the change that made each what it is.
    by_directory: BTreeMap<String, (u64, OpenFile)>,
    changes: u64,
    /// The sequence of a manifest that names all but for what has changed since; without one the next manifest names all.
    all_named_by: Option<u64>,
    changed: BTreeSet<String>,
}

impl OpenFiles {
    /// The open files as of this manifest. Those that only a manifest names which is gone or cannot be read are forgotten: new
    /// files begin.
    pub(crate) async fn read<S: Storage>(
        storage: &S,
        layout: &SourcePartitionLayout,
        manifest: &Manifest,
    ) -> StorageResult<Self> {
        let Some(sequence) = manifest.open_files_since else {
            return Ok(Self::all_named(manifest.sequence, &manifest.open_files));
        };
        let path = layout.manifest(sequence);
        let base = match storage.read(&path).await {
            Ok(bytes) => Manifest::from_json(&bytes, &path, sequence).ok(),
            Err(error) if matches!(error.kind, StorageErrorKind::NotFound | StorageErrorKind::Unreadable) => None,
            Err(error) => return Err(error),
        };
        let mut all = base.map(|base| Self::all_named(sequence, &base.open_files)).unwrap_or_default();
        for open in &manifest.open_files {
            all.put(open.clone());
        }
        Ok(all)
    }

    /// Those that the manifest of this sequence names, which are all.
    fn all_named(sequence: u64, named: &[OpenFile]) -> Self {
        let mut all = OpenFiles::default();
        for open in named {
            all.put(open.clone());
        }
        OpenFiles { all_named_by: Some(sequence), changed: BTreeSet::new(), ..all }
    }

    /// The open file of a directory.
    pub(crate) fn get(&self, directory: &str) -> Option<&OpenFile> {
        self.by_directory.get(directory).map(|(_, open)| open)
    }

    /// A batch has written this file.
    pub(crate) fn written(&mut self, directory: &str, name: &str, content: &Content) {
        self.put(OpenFile { directory: directory.to_owned(), name: name.to_owned(), content: content.clone() });
    }

    fn put(&mut self, open: OpenFile) {
        self.changes += 1;
        self.changed.insert(open.directory.clone());
        self.by_directory.insert(open.directory.clone(), (self.changes, open));
        if self.by_directory.len() > MOST {
            let oldest = self.by_directory.iter().min_by_key(|(_, (change, _))| *change);
            if let Some(directory) = oldest.map(|(directory, _)| directory.clone()) {
                self.by_directory.remove(&directory);
                self.changed.remove(&directory);
            }
        }
    }

    /// What the manifest of this sequence says of them, the latest last, and which manifest names the others. Files of
    /// `below` bytes and more are none.
    pub(crate) fn for_manifest(&mut self, sequence: u64, below: u64) -> (Vec<OpenFile>, Option<u64>) {
        let since = self.all_named_by.filter(|named_by| {
            let is_few = self.by_directory.len() <= FEW || self.changed.len() > FEW;
            !is_few && sequence.saturating_sub(*named_by) <= MOST_BEHIND
        });
        let mut named: Vec<_> = match since {
            Some(_) => self.changed.iter().filter_map(|directory| self.by_directory.get(directory)).collect(),
            None => self.by_directory.values().filter(|(_, open)| open.content.length < below).collect(),
        };
        named.sort_by_key(|(change, _)| *change);
        let named: Vec<OpenFile> = named.into_iter().map(|(_, open)| open.clone()).collect();
        if since.is_none() {
            *self = Self::all_named(sequence, &named);
        }
        (named, since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::manifest::RowFormat;

    fn open(all: &mut OpenFiles, directory: usize, length: u64) {
        let format = RowFormat(serde_json::Value::Null);
        let content = Content { length, rows: 1, checksum: String::new(), format };
        all.written(&format!("dt={directory}"), "f", &content);
    }

    fn directories(named: &[OpenFile]) -> Vec<&str> {
        named.iter().map(|open| open.directory.as_str()).collect()
    }

    #[test]
    fn few_are_named_by_each_manifest_without_those_that_have_grown() {
        let mut all = OpenFiles::default();
        open(&mut all, 1, 5);
        open(&mut all, 2, 5);
        let (named, since) = all.for_manifest(1, 10);
        assert_eq!((directories(&named), since), (vec!["dt=1", "dt=2"], None));
        open(&mut all, 1, 9);
        open(&mut all, 2, 10);
        let (named, since) = all.for_manifest(2, 10);
        assert_eq!((directories(&named), since), (vec!["dt=1"], None));
        assert!(all.get("dt=2").is_none());
    }

    #[test]
    fn of_many_only_the_changed_ones_are_named_and_now_and_then_all() {
        let mut all = OpenFiles::default();
        (0..200).for_each(|directory| open(&mut all, directory, 5));
        assert_eq!(all.for_manifest(1, 10).0.len(), 200);
        let mut whole = Vec::new();
        for sequence in 2..=200 {
            open(&mut all, sequence as usize % 10, if sequence % 2 == 0 { 5 } else { 10 });
            let (named, since) = all.for_manifest(sequence, 10);
            match since {
                Some(since) => assert!(named.len() <= 10 && sequence - since <= MOST_BEHIND, "{named:?}"),
                None => whole.push((sequence, named.len())),
            }
        }
        assert_eq!(whole, [(66, 195), (131, 195), (196, 195)]);
        // More changes than a few.
        (0..=FEW).for_each(|directory| open(&mut all, directory, 5));
        assert_eq!(all.for_manifest(201, 10).1, None);
    }

    #[test]
    fn there_is_a_bound_and_the_latest_stay() {
        let mut all = OpenFiles::default();
        (0..MOST + 10).for_each(|directory| open(&mut all, directory, 5));
        let (named, _) = all.for_manifest(1, 10);
        assert_eq!((named.len(), named[0].directory.as_str()), (MOST, "dt=10"));
    }
}
