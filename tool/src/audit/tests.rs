//! Whole source partitions in memory, with damage of every kind.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use pulsar_io_hdfs_csv::protocol::manifest::{Content, FORMAT_VERSION, FileEntry, Manifest, SinkIdentity};
use pulsar_io_hdfs_csv::protocol::pruning::{Pruned, prune};
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::storage::memory::Memory;
use pulsar_io_hdfs_csv::value::column::{Column, ColumnType};

use super::record::{Fate, Record, Records};
use super::report::{Comparison, Kind, SourcePartitionReport};
use super::rows::Columns;
use super::{Period, SourcePartition};
use crate::commits::Commits;
use crate::verify::visible_files;

const FORMAT: FileFormat =
    FileFormat { dialect: Dialect::Hive(Hive { delimiter: b',' }), compression: Compression::None };

pub(crate) fn at(entry: u64) -> Position {
    Position { ledger: 1, entry, batch_index: 0 }
}

fn content(rows: u64) -> Content {
    Content { length: 0, rows, checksum: String::new(), format: FORMAT.into() }
}

/// A manifest of the records from one entry to another, each a row of one file.
pub(crate) fn manifest(sequence: u64, first: u64, last: u64) -> Manifest {
    let rows = last + 1 - first;
    Manifest {
        format_version: FORMAT_VERSION,
        sequence,
        nonce: String::new(),
        source_partition: "t".to_owned(),
        ordered: true,
        sink: SinkIdentity { sink: "s".to_owned(), subscription: "s".to_owned(), topic: "t".to_owned(), cluster: None },
        predecessor_last: (sequence > 1).then(|| at(first - 1)),
        first: Some(at(first)),
        last: Some(at(last)),
        largest_publish_time: last as i64,
        rows,
        dropped: 0,
        total_rows: last,
        total_dropped: 0,
        schema_version: 1,
        files: vec![FileEntry {
            staged: String::new(),
            name: format!("dt=1/t-{sequence}.csv"),
            content: content(rows),
            replaces: None,
        }],
        open_files: vec![],
        open_files_since: None,
    }
}

/// The manifest with its rows put behind those of another one's file.
pub(crate) fn folded(manifest: Manifest, into: &Manifest) -> Manifest {
    let old = &into.files[0];
    let content = content(old.content.rows + manifest.rows);
    let files = vec![FileEntry { name: old.name.clone(), content, replaces: Some(old.content.clone()), ..old.clone() }];
    Manifest { files, ..manifest }
}

pub(crate) fn commits(manifests: &[Manifest]) -> Commits {
    let table = TableLayout::new("/d", "t").unwrap();
    let layout = SourcePartitionLayout::new(table, "t", None).unwrap();
    Commits { layout, pruned: Pruned::default(), manifests: manifests.to_vec() }
}

/// A source partition: its records, and a table with positions or without.
struct World {
    memory: Memory,
    columns: Columns,
    with_positions: bool,
    manifests: Vec<Manifest>,
    records: Vec<Record>,
    reads: usize,
}

/// The row of a record: of every third the values are the same.
fn row(entry: u64, with_positions: bool) -> String {
    let value = if entry.is_multiple_of(3) { "same".to_owned() } else { format!("value {entry}") };
    if with_positions { format!("1,{entry},0,{value}\n") } else { format!("{value}\n") }
}

impl World {
    /// Twenty records in commits of five, of which the second is folded into the first's file; record 7 is bad. The last three are
    /// not committed.
    fn new(with_positions: bool) -> World {
        let first = manifest(1, 1, 5);
        let second = Manifest { rows: 4, dropped: 1, total_dropped: 1, ..manifest(2, 6, 10) };
        let second = folded(second, &first);
        let mut manifests = vec![first, second, manifest(3, 11, 15), manifest(4, 16, 17)];
        for later in &mut manifests[1..] {
            later.total_rows -= 1;
            later.total_dropped = 1;
        }
        let value = Column { name: "v".to_owned(), column_type: ColumnType::String };
        let position = ["_ledger_id", "_entry_id", "_batch_index"].map(|name| Column {
            name: name.to_owned(),
            column_type: if name == "_batch_index" { ColumnType::Int } else { ColumnType::BigInt },
        });
        let columns = position.into_iter().filter(|_| with_positions).chain([value]).collect();
        let columns = Columns::new(&BTreeMap::from([(1, TableColumns { version: 1, columns })]));
        let fate = |entry| match entry {
            7 => Fate::Bad,
            _ => Fate::Row(columns.read(FORMAT.dialect, row(entry, with_positions).trim_end().as_bytes()).hash),
        };
        let record = |entry| Record { position: at(entry), publish_time: entry as i64, fate: fate(entry) };
        let records = (1..=20).map(record).collect();
        let world = World { memory: Memory::new(), columns, with_positions, manifests, records, reads: 0 };
        for (file, entries) in [(1, 1..11), (3, 11..16), (4, 16..18)] {
            let rows = entries.filter(|entry| *entry != 7).map(|entry| row(entry, with_positions)).collect::<String>();
            world.memory.put(&format!("/d/t/dt=1/t-{file}.csv"), rows.as_bytes());
        }
        world
    }

    fn each() -> [World; 2] {
        [World::new(true), World::new(false)]
    }

    fn file(&self, file: u64, change: impl FnOnce(&mut Vec<String>)) {
        let path = format!("/d/t/dt=1/t-{file}.csv");
        let text = String::from_utf8(self.memory.files()[&path].clone()).unwrap();
        let mut lines = text.lines().map(|line| format!("{line}\n")).collect();
        change(&mut lines);
        self.memory.put(&path, lines.concat().as_bytes());
    }

    async fn audit(&mut self) -> SourcePartitionReport {
        self.audit_of(Period::default()).await
    }

    async fn audit_of(&mut self, period: Period) -> SourcePartitionReport {
        let table = TableLayout::new("/d", "t").unwrap();
        let layout = SourcePartitionLayout::new(table.clone(), "t", None).unwrap();
        for manifest in &self.manifests {
            self.memory.put(&layout.manifest(manifest.sequence), &manifest.to_json().unwrap());
        }
        self.audit_stored(&table, layout, period).await
    }

    async fn audit_stored(
        &mut self,
        table: &TableLayout,
        layout: SourcePartitionLayout,
        period: Period,
    ) -> SourcePartitionReport {
        let memory = self.memory.clone();
        let commits = Commits::read(&memory, layout).await.unwrap();
        let directories = visible_files(&memory, table).await.unwrap().directories;
        let comparison = match (self.with_positions, commits.ordered()) {
            (true, _) => Comparison::Position,
            (false, true) => Comparison::Commit,
            (false, false) => Comparison::Count,
        };
        let columns = self.columns.clone();
        let source_partition = SourcePartition {
            storage: &memory,
            table,
            columns: &columns,
            commits: vec![&commits],
            directories: &directories,
            period,
            comparison,
            progress: &|_| (),
        };
        source_partition.compare(self).await.unwrap()
    }
}

impl Records for World {
    async fn read(
        &mut self,
        after: Option<Position>,
        mut each: impl FnMut(Record) -> ControlFlow<()>,
    ) -> anyhow::Result<()> {
        self.reads += 1;
        for record in self.records.iter().filter(|record| Some(record.position) > after) {
            if each(*record).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn found(report: &SourcePartitionReport) -> Vec<(Kind, Option<u64>)> {
    report.findings.iter().map(|finding| (finding.kind, finding.position.map(|position| position.entry))).collect()
}

#[tokio::test]
async fn a_table_that_has_its_records_once_has_no_findings_and_is_read_once() {
    for mut world in World::each() {
        let report = world.audit().await;
        assert_eq!(report.findings, []);
        let counts = (report.records, report.rows, report.dropped, report.uncommitted, report.not_compared);
        assert_eq!(counts, (17, 16, 1, 3, 0));
        assert_eq!((report.first, report.last, world.reads), (Some(at(1)), Some(at(17)), 1));
    }
}

#[tokio::test]
async fn a_row_that_is_gone_is_named_by_its_record_with_its_manifest_changed_or_not() {
    for changed in [false, true] {
        for mut world in World::each() {
            world.file(1, |lines| drop(lines.remove(1)));
            if changed {
                world.manifests[0].rows -= 1;
                world.manifests[0].files[0].content.rows -= 1;
                let second = &mut world.manifests[1].files[0];
                second.content.rows -= 1;
                second.replaces.as_mut().unwrap().rows -= 1;
            }
            let report = world.audit().await;
            assert_eq!((report.missing, report.doubled, report.altered), (1, 0, 0), "{report:?}");
            let mut expected = vec![(Kind::Missing, Some(2))];
            if !world.with_positions && !changed {
                expected.insert(0, (Kind::Miscounted, None));
            }
            assert_eq!(found(&report), expected, "{report:?}");
        }
    }
}

#[tokio::test]
async fn rows_that_moved_within_a_file_are_not_taken_for_others_across_a_commit_without_rows_there() {
    let mut world = World::new(false);
    let last = folded(world.manifests[3].clone(), &world.manifests[1]);
    world.manifests[3] = last;
    world.memory.remove("/d/t/dt=1/t-4.csv");
    world.file(1, |lines| lines.extend([16, 17].map(|entry| row(entry, false))));
    assert_eq!(world.audit().await.findings, []);
    world.file(1, |lines| drop(lines.remove(1)));
    let report = world.audit().await;
    assert_eq!((found(&report), report.dropped), (vec![(Kind::Miscounted, None), (Kind::Missing, Some(2))], 1));
}

#[tokio::test]
async fn a_row_that_is_there_twice_is_named_and_under_at_least_once_counted() {
    for mut world in World::each() {
        world.file(3, |lines| lines.insert(2, lines[0].clone()));
        let report = world.audit().await;
        let kinds: Vec<_> = found(&report).into_iter().filter(|(kind, _)| *kind != Kind::Miscounted).collect();
        assert_eq!((report.missing, report.doubled, kinds), (0, 1, vec![(Kind::Doubled, Some(11))]), "{report:?}");
        let files = &mut world.manifests[2].files;
        files[0].content.rows += 1;
        let report = world.audit().await;
        assert_eq!(
            (report.missing, report.doubled, found(&report)),
            (0, 1, vec![(Kind::Doubled, Some(11))]),
            "{report:?}"
        );
        assert_eq!(report.findings[0].path.as_deref(), Some("/d/t/dt=1/t-3.csv"));
        for manifest in &mut world.manifests {
            manifest.ordered = false;
        }
        let report = world.audit().await;
        assert_eq!(found(&report), []);
        assert_eq!(report.doubled, u64::from(world.with_positions), "without positions nobody can tell");
    }
}

#[tokio::test]
async fn a_value_that_was_altered_is_named_by_its_record_and_row() {
    for mut world in World::each() {
        world.file(3, |lines| lines[2] = lines[2].replace("value 13", "value 31"));
        let report = world.audit().await;
        let expected = match world.with_positions {
            true => vec![(Kind::Altered, Some(13))],
            false => vec![(Kind::Missing, Some(13)), (Kind::Unaccounted, None)],
        };
        assert_eq!(found(&report), expected);
        let last = report.findings.last().unwrap();
        assert_eq!(last.path.as_deref(), Some("/d/t/dt=1/t-3.csv"));
        assert!(last.what.starts_with("row 3: "), "{last:?}");
    }
}

#[tokio::test]
async fn a_row_of_no_record_is_named() {
    let mut world = World::new(true);
    world.file(3, |lines| lines.push("1,7,0,of the bad record\n".to_owned()));
    world.file(3, |lines| lines.push("1,8,5,of nobody\n".to_owned()));
    let report = world.audit().await;
    assert_eq!(found(&report), [(Kind::Unaccounted, Some(8))]);
    assert_eq!(report.undecided, 1);
}

#[tokio::test]
async fn a_record_that_no_commit_has_is_missing_and_not_taken_for_a_bad_one() {
    for mut world in World::each() {
        world.manifests[1].rows -= 1;
        world.manifests[1].files[0].content.rows -= 1;
        world.file(1, |lines| drop(lines.remove(8)));
        let report = world.audit().await;
        assert_eq!((report.missing, report.dropped, found(&report)), (1, 1, vec![(Kind::Missing, Some(10))]));
        // If its manifest says that it was dropped, it was.
        world.manifests[1].dropped += 1;
        let report = world.audit().await;
        assert_eq!((report.missing, report.dropped, found(&report)), (0, 2, vec![]));
    }
}

#[tokio::test]
async fn a_bad_record_that_no_manifest_counts_is_a_finding_and_a_tombstone_is_none() {
    for mut world in World::each() {
        world.manifests[1].dropped = 0;
        let report = world.audit().await;
        assert_eq!(found(&report), [(Kind::Miscounted, None)]);
        assert!(report.findings[0].what.contains("manifest 2 counts 4 rows and 0 bad records"), "{report:?}");
        world.records[6].fate = Fate::Empty;
        let report = world.audit().await;
        assert_eq!((found(&report), report.empty, report.dropped), (vec![], 1, 0));
    }
}

#[tokio::test]
async fn what_the_topic_holds_no_longer_is_not_compared() {
    for mut world in World::each() {
        world.file(1, |lines| lines[0] = "altered\n".to_owned());
        world.records.drain(..8);
        let report = world.audit().await;
        assert_eq!((found(&report), report.first), (vec![], Some(at(9))), "{report:?}");
        // Without positions, the rest of a commit's records cannot be told from those that are gone.
        assert_eq!((report.rows, report.not_compared), if world.with_positions { (9, 7) } else { (7, 9) });
        world.records.clear();
        let report = world.audit().await;
        assert_eq!((found(&report), report.first, report.rows, report.not_compared), (vec![], None, 0, 16));
    }
}

#[tokio::test]
async fn a_period_begins_and_ends_with_its_records() {
    for mut world in World::each() {
        world.file(1, |lines| lines[0] = "altered\n".to_owned());
        world.file(4, Vec::clear);
        let report = world.audit_of(Period { from: Some(11), to: Some(16) }).await;
        assert_eq!((found(&report), report.first, report.last), (vec![], Some(at(11)), Some(at(15))));
        assert_eq!((report.records, report.rows, report.uncommitted), (5, 5, 0));
        let report = world.audit_of(Period { from: Some(18), to: None }).await;
        assert_eq!((report.records, report.uncommitted), (0, 3));
    }
}

#[tokio::test]
async fn after_pruning_positions_still_name_what_is_missing_and_without_them_counts_remain() {
    for mut world in World::each() {
        world.file(1, |lines| drop(lines.remove(1)));
        world.audit().await;
        let table = TableLayout::new("/d", "t").unwrap();
        let layout = SourcePartitionLayout::new(table.clone(), "t", None).unwrap();
        assert_eq!(prune(&world.memory, &layout, 2).await.unwrap(), 2);
        let report = world.audit_stored(&table, layout.clone(), Period::default()).await;
        let expected = if world.with_positions { (Kind::Missing, Some(2)) } else { (Kind::Miscounted, None) };
        assert_eq!(found(&report), [expected]);
        assert_eq!((report.dropped, report.not_compared), (1, if world.with_positions { 0 } else { 8 }));
    }
}

#[tokio::test]
async fn more_records_than_pruned_manifests_count_are_a_finding_without_positions() {
    let mut world = World::new(false);
    let more = (1..=3).map(|batch_index| Record { position: Position { batch_index, ..at(1) }, ..world.records[0] });
    let more: Vec<_> = more.collect();
    world.records.splice(1..1, more);
    world.audit().await;
    let table = TableLayout::new("/d", "t").unwrap();
    let layout = SourcePartitionLayout::new(table.clone(), "t", None).unwrap();
    prune(&world.memory, &layout, 2).await.unwrap();
    let report = world.audit_stored(&table, layout, Period::default()).await;
    assert_eq!((found(&report), report.missing), (vec![(Kind::Miscounted, None)], 3));
    assert!(report.findings[0].what.contains("pruned manifests count 9 rows and 1 bad records"), "{report:?}");
}

#[tokio::test]
async fn records_of_a_day_that_was_deleted_are_counted_and_a_file_that_is_missing_is_a_finding() {
    for mut world in World::each() {
        world.memory.remove("/d/t/dt=1/t-3.csv");
        let report = world.audit().await;
        assert_eq!((report.missing, found(&report)[0]), (5, (Kind::Unreadable, None)));
        let mut world = World::new(world.with_positions);
        for manifest in &mut world.manifests[2..3] {
            manifest.files[0].name = "dt=2/t-3.csv".to_owned();
        }
        world.memory.remove("/d/t/dt=1/t-3.csv");
        let report = world.audit().await;
        assert_eq!((found(&report), report.deleted, report.missing), (vec![], 5, 0));
    }
}

#[tokio::test]
async fn a_day_that_was_deleted_explains_nothing_of_another_commit() {
    for mut world in World::each() {
        world.manifests[2].files[0].name = "dt=2/t-3.csv".to_owned();
        world.memory.remove("/d/t/dt=1/t-3.csv");
        world.file(4, |lines| drop(lines.remove(0)));
        world.manifests[3].files[0].content.rows -= 1;
        let report = world.audit().await;
        assert_eq!((found(&report), report.deleted, report.missing), (vec![(Kind::Missing, Some(16))], 5, 1));
    }
}

#[tokio::test]
async fn rows_from_before_a_reset_are_not_compared_with_the_records_of_the_new_topic() {
    for mut world in World::each() {
        let reset = Manifest { sequence: 5, first: None, last: None, rows: 0, files: vec![], ..manifest(5, 18, 18) };
        let again = Manifest { predecessor_last: None, ..manifest(6, 1, 2) };
        world.manifests.extend([reset, again]);
        world.records.truncate(2);
        let rows = (1..3).map(|entry| row(entry, world.with_positions)).collect::<String>();
        world.memory.put("/d/t/dt=1/t-6.csv", rows.as_bytes());
        let report = world.audit().await;
        assert_eq!((found(&report), report.records, report.rows, report.not_compared), (vec![], 2, 2, 16));
    }
}

#[tokio::test]
async fn a_topic_without_a_table_has_only_uncommitted_records() {
    let mut world = World::new(true);
    world.manifests.clear();
    let report = world.audit().await;
    assert_eq!((report.records, report.uncommitted, found(&report)), (0, 20, vec![]));
}
