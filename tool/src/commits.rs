//! What the manifests of a table's source partitions say, read without changing anything.

use anyhow::{Context, Result, bail};
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use pulsar_io_hdfs_csv::protocol::manifest::{Content, Manifest};
use pulsar_io_hdfs_csv::protocol::pruning;
use pulsar_io_hdfs_csv::protocol::pruning::Pruned;
use pulsar_io_hdfs_csv::storage::{Storage, StorageErrorKind};

/// How often the manifests are listed anew when one is pruned while they are read.
const ATTEMPTS: usize = 10;

/// The commits of one source partition; of one writer of it under at-least-once.
#[derive(Clone, Debug)]
pub struct Commits {
    /// Where they are.
    pub layout: SourcePartitionLayout,
    /// What is known of manifests that were pruned.
    pub pruned: Pruned,
    /// The others, in order.
    pub manifests: Vec<Manifest>,
}

impl Commits {
    /// Reads them. Fails when a manifest cannot be used, and names it.
    pub async fn read<S: Storage>(storage: &S, layout: SourcePartitionLayout) -> Result<Commits> {
        for _ in 0..ATTEMPTS {
            let listed = storage.list(&layout.manifests()).await?;
            let pruned = pruning::read(storage, &layout).await.with_context(|| layout.rolled_up_lists())?;
            let mut sequences: Vec<u64> =
                listed.iter().filter_map(|entry| SourcePartitionLayout::manifest_sequence(&entry.name)).collect();
            // One at or below what was pruned was put by an owner that had lost, and never counted.
            sequences.retain(|sequence| *sequence > pruned.through);
            sequences.sort_unstable();
            if let Some(manifests) = manifests(storage, &layout, &sequences).await? {
                return Ok(Commits { layout, pruned, manifests });
            }
        }
        bail!("{}: manifests were pruned {ATTEMPTS} times while they were read; run it again", layout.manifests())
    }

    /// The newest manifest.
    pub fn newest(&self) -> Option<&Manifest> {
        self.manifests.last()
    }

    /// The mark: the last committed position.
    pub fn mark(&self) -> Option<Position> {
        self.newest().and_then(|newest| newest.last)
    }

    /// Whether records came in order, each once: not so under at-least-once.
    pub fn ordered(&self) -> bool {
        self.newest().is_none_or(|newest| newest.ordered)
    }

    /// Bad records that pruned manifests counted.
    pub fn pruned_dropped(&self) -> u64 {
        self.manifests.first().map_or(0, |first| first.total_dropped.saturating_sub(first.dropped))
    }

    /// Rows that pruned manifests counted.
    pub fn pruned_rows(&self) -> u64 {
        self.manifests.first().map_or(0, |first| first.total_rows.saturating_sub(first.rows))
    }
}

/// The commits of every source partition of a table, by their names.
pub async fn all<S: Storage>(storage: &S, table: &TableLayout) -> Result<Vec<Commits>> {
    let mut names: Vec<_> =
        storage.list(&table.commits()).await?.into_iter().filter(|entry| entry.is_directory).collect();
    names.sort_by(|one, other| one.name.cmp(&other.name));
    let mut all = Vec::new();
    for entry in names {
        all.push(Commits::read(storage, SourcePartitionLayout { table: table.clone(), name: entry.name }).await?);
    }
    Ok(all)
}

/// Those of the source partition with this name: one, or one for each writer under at-least-once.
pub fn of_source_partition<'c>(all: &'c [Commits], name: &str) -> Vec<&'c Commits> {
    let is_writers = |own: &str| own.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('+'));
    all.iter().filter(|commits| is_writers(&commits.layout.name)).collect()
}

/// The files that these commits name and what is in each. Of a file that grew, the last one counts.
pub fn files(commits: &Commits) -> impl Iterator<Item = (&str, &Content)> {
    let pruned = commits.pruned.files.iter().map(|(name, listed)| (name.as_str(), &listed.content));
    let entries = commits.manifests.iter().flat_map(|manifest| &manifest.files);
    pruned.chain(entries.map(|entry| (entry.name.as_str(), &entry.content)))
}

/// None when one is gone meanwhile.
async fn manifests<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    sequences: &[u64],
) -> Result<Option<Vec<Manifest>>> {
    let mut manifests = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        let path = layout.manifest(*sequence);
        let bytes = match storage.read(&path).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        manifests.push(Manifest::from_json(&bytes, &path, *sequence)?);
    }
    Ok(Some(manifests))
}
