//! Holds a table's files against its manifests.

use std::collections::{BTreeMap, BTreeSet};

use pulsar_io_hdfs_csv::error::Error;
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::failure::Failure;
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout, parent};
use pulsar_io_hdfs_csv::protocol::manifest::{Content, FileEntry, Manifest};
use pulsar_io_hdfs_csv::protocol::pruning;
use pulsar_io_hdfs_csv::protocol::pruning::Pruned;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::storage::{Storage, StorageError, StorageErrorKind};
use serde::Serialize;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The manifest or file.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

/// A source partition's manifests, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourcePartitionReport {
    /// Manifests that are there.
    pub manifests: u64,
    /// Rows since the first commit.
    pub rows: u64,
    /// Bad records since the first commit.
    pub dropped: u64,
    /// The mark.
    pub last: Option<Position>,
}

/// What was found in a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableReport {
    /// The table's directory.
    pub table: String,
    /// Its source partitions by name.
    pub source_partitions: BTreeMap<String, SourcePartitionReport>,
    /// Files that a reader of the table sees.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Partition directories that are gone whole, as retention deletes them, and the files that they had.
    pub deleted_directories: BTreeMap<String, u64>,
    /// What is wrong; nothing, if all is well.
    pub findings: Vec<Finding>,
}

/// Why a table could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// HDFS did not answer as it should.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The tables of a directory.
pub async fn tables<S: Storage>(storage: &S, directory: &str) -> Result<Vec<TableLayout>, VerifyError> {
    let mut names: Vec<_> =
        storage.list(directory).await?.into_iter().filter(|entry| entry.is_directory).map(|entry| entry.name).collect();
    names.sort();
    Ok(names.iter().filter_map(|name| TableLayout::existing(directory, name)).collect())
}

/// Looks at a table: every manifest, every file.
pub async fn verify<S: Storage>(storage: &S, table: &TableLayout) -> Result<TableReport, VerifyError> {
    let mut report = TableReport { table: table.root().to_owned(), ..TableReport::default() };
    let mut named: BTreeMap<String, Content> = BTreeMap::new();
    for entry in storage.list(&table.commits()).await?.into_iter().filter(|entry| entry.is_directory) {
        let layout = SourcePartitionLayout { table: table.clone(), name: entry.name.clone() };
        let own = chain(storage, &layout, &mut named, &mut report.findings).await?;
        report.source_partitions.insert(entry.name, own);
    }
    let visible = visible_files(storage, table).await?;
    for (name, entry) in &named {
        let directory = parent(name);
        let gone = !directory.is_empty() && !visible.directories.contains(directory);
        if gone {
            *report.deleted_directories.entry(directory.to_owned()).or_default() += 1;
            continue;
        }
        check_file(storage, &table.path(name), entry, &mut report).await?;
    }
    for name in visible.files {
        if !named.contains_key(&name) {
            let what = "no manifest names it: something else wrote it; a reader of the table sees its rows".to_owned();
            report.findings.push(Finding { path: table.path(&name), what });
        }
    }
    Ok(report)
}

/// Follows a source partition's manifests.
async fn chain<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    named: &mut BTreeMap<String, Content>,
    findings: &mut Vec<Finding>,
) -> Result<SourcePartitionReport, VerifyError> {
    let listed = storage.list(&layout.manifests()).await?;
    let mut sequences: Vec<u64> =
        listed.iter().filter_map(|entry| SourcePartitionLayout::manifest_sequence(&entry.name)).collect();
    sequences.sort_unstable();
    let mut report = SourcePartitionReport { manifests: sequences.len() as u64, ..SourcePartitionReport::default() };
    let pruned = match pruning::read(storage, layout).await {
        Ok(pruned) => pruned,
        Err(Failure::Again(error)) => return Err(error.into()),
        Err(Failure::Fatal(error)) => {
            findings.push(Finding { path: layout.rolled_up_lists(), what: error.message });
            Pruned::default()
        }
    };
    named.extend(pruned.files.into_iter().map(|(name, listed)| (name, listed.content)));
    // One at or below what was pruned was put by an owner that had lost, and never counted.
    sequences.retain(|sequence| *sequence > pruned.through);
    let mut before: Option<Manifest> = None;
    for sequence in sequences {
        let path = layout.manifest(sequence);
        let read = storage.read(&path).await?;
        let manifest = match Manifest::from_json(&read, &path, sequence) {
            Ok(manifest) => manifest,
            Err(Error { message, .. }) => {
                findings.push(Finding { path, what: message });
                continue;
            }
        };
        let broken = breaks(&manifest, before.as_ref(), pruned.through);
        findings.extend(broken.into_iter().map(|what| Finding { path: path.clone(), what }));
        for file in &manifest.files {
            named.insert(file.name.clone(), file.content.clone());
        }
        report.rows = manifest.total_rows;
        report.dropped = manifest.total_dropped;
        report.last = manifest.last;
        before = Some(manifest);
    }
    Ok(report)
}

/// What in a manifest does not follow from itself and the one before.
fn breaks(manifest: &Manifest, before: Option<&Manifest>, pruned: u64) -> Vec<String> {
    let mut broken = Vec::new();
    let expected = before.map_or(pruned + 1, |before| before.sequence + 1);
    if manifest.sequence != expected {
        broken.push(format!("manifest {expected} is missing before it"));
    }
    if before.is_some() && manifest.predecessor_last != before.and_then(|before| before.last) {
        let text = |position: Option<Position>| position.map_or("none".to_owned(), |position| position.to_string());
        broken.push(format!(
            "it follows position {}, but the manifest before ends at {}",
            text(manifest.predecessor_last),
            text(before.and_then(|before| before.last))
        ));
    }
    // A reset has no records, and moves the mark back.
    if let (Some(first), Some(last)) = (manifest.first, manifest.last)
        && (first > last || (manifest.ordered && manifest.predecessor_last.is_some_and(|before| first <= before)))
    {
        broken.push(format!("its positions {first} to {last} overlap those before it"));
    }
    let in_files: u64 = manifest.files.iter().map(FileEntry::new_rows).sum();
    if in_files != manifest.rows {
        broken.push(format!("it counts {} rows, its files {in_files}", manifest.rows));
    }
    if let Some(before) = before {
        let totals = (before.total_rows + manifest.rows, before.total_dropped + manifest.dropped);
        if totals != (manifest.total_rows, manifest.total_dropped) {
            broken.push("its totals are not those of the manifest before and its own".to_owned());
        }
    }
    broken
}

async fn check_file<S: Storage>(
    storage: &S,
    path: &str,
    entry: &Content,
    report: &mut TableReport,
) -> Result<(), VerifyError> {
    let bytes = match storage.read(path).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind == StorageErrorKind::NotFound => {
            let what = format!("it is missing; its manifest says {} bytes in {} rows", entry.length, entry.rows);
            report.findings.push(Finding { path: path.to_owned(), what });
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let rows = FileFormat::try_from(&entry.format).map_err(Into::into).and_then(|format| format.count_rows(&bytes));
    report.files += 1;
    report.rows += rows.as_ref().copied().unwrap_or_default();
    report.bytes += bytes.len() as u64;
    let checksum = format!("{:08x}", crc32fast::hash(&bytes));
    let what = if bytes.len() as u64 != entry.length {
        format!("it has {} bytes, its manifest says {}", bytes.len(), entry.length)
    } else if checksum != entry.checksum {
        format!("its bytes were altered: their CRC-32 is {checksum}, its manifest says {}", entry.checksum)
    } else {
        match rows {
            Ok(rows) if rows == entry.rows => return Ok(()),
            Ok(rows) => format!("it has {rows} rows, its manifest says {}", entry.rows),
            Err(error) => format!("its rows cannot be read: {error}"),
        }
    };
    report.findings.push(Finding { path: path.to_owned(), what });
    Ok(())
}

/// What a reader of the table sees; names relative to the table's directory.
#[derive(Debug, Default)]
pub(crate) struct Visible {
    pub(crate) directories: BTreeSet<String>,
    pub(crate) files: Vec<String>,
}

pub(crate) async fn visible_files<S: Storage>(storage: &S, table: &TableLayout) -> Result<Visible, StorageError> {
    let hidden = |name: &str| name.starts_with(['_', '.']);
    let mut found = Visible::default();
    for entry in storage.list(table.root()).await?.into_iter().filter(|entry| !hidden(&entry.name)) {
        if !entry.is_directory {
            found.files.push(entry.name);
            continue;
        }
        let inside = storage.list(&table.path(&entry.name)).await?;
        let files = inside.into_iter().filter(|file| !file.is_directory && !hidden(&file.name));
        found.files.extend(files.map(|file| format!("{}/{}", entry.name, file.name)));
        found.directories.insert(entry.name);
    }
    found.files.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    use pulsar_io_hdfs_csv::protocol::manifest::{FORMAT_VERSION, SinkIdentity};
    use pulsar_io_hdfs_csv::row::Dialect;
    use pulsar_io_hdfs_csv::row::compression::Compression;
    use pulsar_io_hdfs_csv::row::hive::Hive;
    use pulsar_io_hdfs_csv::storage::memory::Memory;

    const TABLE: &str = "/d/visits";

    fn manifest(sequence: u64) -> Manifest {
        let at = |entry| Position { ledger: 1, entry, batch_index: 0 };
        let content = rows(sequence);
        Manifest {
            format_version: FORMAT_VERSION,
            sequence,
            nonce: sequence.to_string(),
            source_partition: "visits".to_owned(),
            ordered: true,
            sink: SinkIdentity {
                sink: "s".to_owned(),
                subscription: "s".to_owned(),
                topic: "t".to_owned(),
                cluster: None,
            },
            predecessor_last: (sequence > 1).then(|| at(2 * sequence - 2)),
            first: Some(at(2 * sequence - 1)),
            last: Some(at(2 * sequence)),
            largest_publish_time: 0,
            rows: 2,
            dropped: 0,
            total_rows: 2 * sequence,
            total_dropped: 0,
            schema_version: 1,
            files: vec![FileEntry {
                staged: format!("_staging/visits/{sequence}"),
                name: name(sequence),
                content: Content {
                    length: content.len() as u64,
                    rows: 2,
                    checksum: format!("{:08x}", crc32fast::hash(content.as_bytes())),
                    format: FileFormat {
                        dialect: Dialect::Hive(Hive { delimiter: b',' }),
                        compression: Compression::None,
                    }
                    .into(),
                },
                replaces: None,
            }],
            open_files: vec![],
            open_files_since: None,
        }
    }

    fn rows(sequence: u64) -> String {
        format!("{sequence},1\n{sequence},2\n")
    }

    fn name(sequence: u64) -> String {
        format!("dt=2026-11-24/visits-{sequence:020}.csv")
    }

    fn put(memory: &Memory, manifest: &Manifest) {
        let path = format!("{TABLE}/_commits/visits/{:020}.json", manifest.sequence);
        memory.put(&path, &manifest.to_json().unwrap());
    }

    /// A table of three commits.
    fn table() -> Memory {
        let memory = Memory::new();
        for sequence in 1..=3 {
            put(&memory, &manifest(sequence));
            memory.put(&format!("{TABLE}/{}", name(sequence)), rows(sequence).as_bytes());
        }
        memory.put(&format!("{TABLE}/_staging/visits/left"), b"half a r");
        memory
    }

    async fn findings(memory: &Memory) -> Vec<(String, String)> {
        let layout = TableLayout::new("/d", "visits").unwrap();
        let report = verify(memory, &layout).await.unwrap();
        report.findings.into_iter().map(|finding| (finding.path, finding.what)).collect()
    }

    #[tokio::test]
    async fn the_tables_of_earlier_versions_have_no_findings() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
        let folders: Vec<_> = std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!folders.is_empty());
        for folder in folders {
            let found = findings(&Memory::of_folder(&folder, "/d").unwrap()).await;
            assert!(found.is_empty(), "{}: {found:?}", folder.display());
        }
    }

    #[tokio::test]
    async fn a_table_that_is_as_its_manifests_say_has_no_findings() {
        let layout = TableLayout::new("/d", "visits").unwrap();
        let report = verify(&table(), &layout).await.unwrap();
        assert_eq!(report.findings, []);
        assert_eq!((report.files, report.rows, report.bytes), (3, 6, 24));
        assert_eq!(report.source_partitions["visits"].rows, 6);
    }

    #[tokio::test]
    async fn pruned_manifests_are_no_damage_and_their_files_are_still_checked() {
        let memory = table();
        let source =
            SourcePartitionLayout { table: TableLayout::new("/d", "visits").unwrap(), name: "visits".to_owned() };
        assert_eq!(pruning::prune(&memory, &source, 1).await.unwrap(), 2);
        assert_eq!(findings(&memory).await, []);
        // An owner that was away puts what it had begun before.
        put(&memory, &Manifest { total_rows: 9, files: vec![], ..manifest(1) });
        assert_eq!(findings(&memory).await, []);
        memory.put(&format!("{TABLE}/{}", name(1)), b"altered");
        assert_eq!(findings(&memory).await.len(), 1);
    }

    #[tokio::test]
    async fn a_day_that_retention_deleted_is_noted_and_no_finding() {
        let memory = table();
        for (path, _) in memory.files().into_iter().filter(|(path, _)| path.contains("/dt=")) {
            memory.remove(&path);
        }
        memory.remove_directory(&format!("{TABLE}/dt=2026-11-24"));
        let report = verify(&memory, &TableLayout::new("/d", "visits").unwrap()).await.unwrap();
        assert_eq!(report.findings, []);
        assert_eq!(report.deleted_directories, BTreeMap::from([("dt=2026-11-24".to_owned(), 3)]));
    }

    #[tokio::test]
    async fn each_damage_is_found_and_named() {
        type Damage = fn(&Memory);
        let second = || format!("{TABLE}/{}", name(2));
        let cases: [(Damage, String, &str); 7] = [
            (|memory| assert!(memory.remove(&format!("{TABLE}/{}", name(2)))), second(), "is missing"),
            (|memory| memory.put(&format!("{TABLE}/{}", name(2)), b"2,1\n"), second(), "has 4 bytes"),
            (|memory| memory.put(&format!("{TABLE}/{}", name(2)), b"2,1\n2,3\n"), second(), "were altered"),
            (
                |memory| memory.put(&format!("{TABLE}/dt=2026-11-24/more.csv"), b"1,1\n"),
                format!("{TABLE}/dt=2026-11-24/more.csv"),
                "no manifest names it",
            ),
            (
                |memory| assert!(memory.remove(&format!("{TABLE}/_commits/visits/{:020}.json", 2))),
                format!("{TABLE}/_commits/visits/{:020}.json", 3),
                "manifest 2 is missing",
            ),
            (
                |memory| put(memory, &Manifest { total_rows: 9, ..manifest(3) }),
                format!("{TABLE}/_commits/visits/{:020}.json", 3),
                "totals",
            ),
            (
                |memory| put(memory, &Manifest { first: manifest(2).last, ..manifest(3) }),
                format!("{TABLE}/_commits/visits/{:020}.json", 3),
                "overlap",
            ),
        ];
        for (damage, path, says) in cases {
            let memory = table();
            damage(&memory);
            let found = findings(&memory).await;
            assert!(found.iter().any(|(at, what)| *at == path && what.contains(says)), "{says}: {found:?}");
        }
    }
}
