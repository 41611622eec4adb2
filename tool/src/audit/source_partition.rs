//! One source partition: its records, its rows, and how they differ.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use anyhow::Result;
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::layout::TableLayout;
use pulsar_io_hdfs_csv::protocol::manifest::Content;
use pulsar_io_hdfs_csv::storage::Storage;

use super::detail::{ByHash, ByPosition, Look, Place, reread};
use super::files::{File, Unread, files, scan};
use super::judge::{Judge, Pool};
use super::ranges::{Group, Ranges, placed};
use super::record::Records;
use super::report::{Comparison, Kind, SourcePartitionReport};
use super::rows::{Columns, Row};
use crate::commits::Commits;

/// The period of publish times that is compared, milliseconds since 1970: from the first record published at or after `from`
/// up to the one before the first that was published at or after `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// From the topic's first record when absent.
    pub from: Option<i64>,
    /// Up to the last committed record when absent.
    pub to: Option<i64>,
}

/// How often progress is told.
const TOLD: u64 = 1_000;

/// A source partition to compare.
pub struct SourcePartition<'a, S> {
    /// The file system.
    pub storage: &'a S,
    /// Its table.
    pub table: &'a TableLayout,
    /// The table's columns.
    pub columns: &'a Columns,
    /// Its commits; of each writer under at-least-once.
    pub commits: Vec<&'a Commits>,
    /// The partition directories that are there.
    pub directories: &'a BTreeSet<String>,
    /// What is compared.
    pub period: Period,
    /// By what.
    pub comparison: Comparison,
    /// Is told of records and rows as they are read.
    pub progress: &'a dyn Fn(u64),
}

/// The first and the last range that a file has rows of.
type Extent = Option<(usize, usize)>;

impl<S: Storage> SourcePartition<'_, S> {
    /// Compares it.
    pub async fn compare<R: Records>(&self, records: &mut R) -> Result<SourcePartitionReport> {
        let mut ranges = self.ranges();
        self.read_records(records, &mut ranges).await?;
        let mut files = files(&self.commits, self.directories);
        if self.comparison == Comparison::Commit {
            self.find_longer(&mut files, &ranges).await?;
        }
        let at_least_once = self.commits.iter().any(|own| !own.ordered());
        let report = SourcePartitionReport {
            first: ranges.compared.map(|(first, _)| first),
            last: ranges.compared.map(|(_, last)| last),
            records: ranges.all.iter().map(|range| range.records).sum(),
            uncommitted: ranges.uncommitted,
            ..SourcePartitionReport::default()
        };
        let dropped = if at_least_once {
            self.commits.iter().filter_map(|own| own.newest()).map(|newest| newest.total_dropped).sum()
        } else {
            self.commits.iter().map(|own| own.pruned_dropped()).sum()
        };
        let pool = Pool { dropped, ..Pool::default() };
        let mut judge = Judge { table: self.table, files: &files, at_least_once, pool, own: HashMap::new(), report };
        let extents = self.read_rows(&files, &mut ranges, &mut judge).await?;
        for (sequence, rows) in files.iter().filter(|file| file.deleted).flat_map(File::rows_by_manifest) {
            let range = sequence.and_then(|sequence| ranges.of_manifest(sequence));
            judge.explained_by(range).deleted += rows;
        }
        match self.comparison {
            Comparison::Nothing => {}
            Comparison::Count => judge.counts(&ranges),
            Comparison::Position | Comparison::Commit => {
                self.judge(records, &ranges, &files, &extents, &mut judge).await?;
            }
        }
        Ok(judge.report)
    }

    fn ranges(&self) -> Ranges {
        match &self.commits[..] {
            [] => Ranges::default(),
            [own] if own.ordered() => Ranges::of(&own.manifests),
            several => {
                let last =
                    several.iter().flat_map(|own| own.manifests.iter().filter_map(|manifest| manifest.last)).max();
                Ranges::without_order(last)
            }
        }
    }

    /// Behind which position the period begins at the earliest: everything committed up to there was published before.
    fn start(&self) -> Option<Position> {
        let from = self.period.from?;
        let [own] = &self.commits[..] else { return None };
        let since_reset = own.manifests.iter().rev().take_while(|manifest| manifest.first.is_some());
        let before = since_reset.filter(|manifest| manifest.ordered && manifest.largest_publish_time < from);
        before.filter_map(|manifest| manifest.last).max()
    }

    async fn read_records<R: Records>(&self, records: &mut R, ranges: &mut Ranges) -> Result<()> {
        let Period { from, to } = self.period;
        let mut begun = from.is_none();
        let mut read = 0;
        let by_position = self.comparison == Comparison::Position;
        records
            .read(self.start(), |record| {
                read += 1;
                if read % TOLD == 0 {
                    (self.progress)(TOLD);
                }
                begun |= from.is_some_and(|from| record.publish_time >= from);
                if !begun {
                    return ControlFlow::Continue(());
                }
                if to.is_some_and(|to| record.publish_time >= to) {
                    return ControlFlow::Break(());
                }
                ranges.record(&record, |hash| if by_position { placed(record.position, hash) } else { hash });
                ControlFlow::Continue(())
            })
            .await?;
        ranges.end_records();
        (self.progress)(read % TOLD);
        Ok(())
    }

    /// The range of a row that is compared.
    fn range_of(&self, ranges: &Ranges, file: &File, number: u64, row: &Row) -> Option<usize> {
        match (self.comparison, ranges.reset) {
            (Comparison::Commit, _) => ranges.of_manifest(file.sequence_of(number)?),
            // A topic that was deleted and created again can have the same positions once more.
            (_, Some(reset)) if file.sequence_of(number).is_none_or(|sequence| sequence < reset) => None,
            _ => ranges.at(row.position?),
        }
    }

    /// Finds files that are longer than any manifest says, also one that came meanwhile.
    async fn find_longer(&self, files: &mut [File], ranges: &Ranges) -> Result<()> {
        for file in files.iter_mut().filter(|file| !file.deleted && file.may_have(ranges.compared)) {
            let Some(status) = self.storage.status(&self.table.path(&file.name)).await? else { continue };
            file.is_longer = status.length > file.content.length
                && !self.has_grown(file, |content| content.length >= status.length).await?;
        }
        Ok(())
    }

    async fn read_rows(&self, files: &[File], ranges: &mut Ranges, judge: &mut Judge<'_>) -> Result<Vec<Extent>> {
        let mut extents = vec![Extent::None; files.len()];
        let by_position = self.comparison == Comparison::Position;
        for (file, extent) in files.iter().zip(&mut extents).filter(|(file, _)| !file.deleted) {
            if !file.may_have(ranges.compared) {
                judge.report.not_compared += file.content.rows;
                continue;
            }
            let each = |number, row: Row| {
                let Some(range) = self.range_of(ranges, file, number, &row) else {
                    judge.report.not_compared += 1;
                    if by_position && row.position.is_none() {
                        // It may be of any record that has no other row.
                        let range = file.sequence_of(number).and_then(|sequence| ranges.of_manifest(sequence));
                        judge.explained_by(range).unplaced += 1;
                    }
                    return;
                };
                judge.report.rows += 1;
                *extent = Some(extent.map_or((range, range), |(first, last)| (first.min(range), last.max(range))));
                let position = row.position.filter(|_| by_position);
                ranges.all[range].found.add(position.map_or(row.hash, |position| placed(position, row.hash)));
            };
            let rows = match scan(self.storage, self.table, self.columns, file, each).await? {
                Ok(rows) => rows,
                Err(unread) => {
                    let what = match unread {
                        Unread::Missing => format!("the file is missing; its manifest says {} rows", file.content.rows),
                        Unread::Damaged(error) => format!("its rows cannot be read: {error}"),
                    };
                    judge.find(Kind::Unreadable, None, Some(self.table.path(&file.name)), what);
                    continue;
                }
            };
            (self.progress)(rows);
            if !by_position
                && rows != file.content.rows
                && !self.has_grown(file, |content| content.rows == rows).await?
            {
                let what = format!("it has {rows} rows, its manifest says {}", file.content.rows);
                judge.find(Kind::Miscounted, None, Some(self.table.path(&file.name)), what);
            }
        }
        Ok(extents)
    }

    /// Whether a commit has added rows to a file since its manifests were read.
    async fn has_grown(&self, file: &File, is: impl Fn(&Content) -> bool) -> Result<bool> {
        for own in &self.commits {
            let now = Commits::read(self.storage, own.layout.clone()).await?;
            let mut entries = now.manifests.iter().flat_map(|manifest| &manifest.files);
            let newest = entries.rfind(|entry| entry.name == file.name).map(|entry| &entry.content);
            if newest.is_some_and(|content| *content != file.content && is(content)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn judge<R: Records>(
        &self,
        records: &mut R,
        ranges: &Ranges,
        files: &[File],
        extents: &[Extent],
        judge: &mut Judge<'_>,
    ) -> Result<()> {
        let by_commit = self.comparison == Comparison::Commit;
        // Without positions only the rows of manifests that are there can be told apart.
        let differs = |at: &usize| ranges.all[*at].differs() && !(by_commit && ranges.all[*at].manifest.is_none());
        let differing: Vec<usize> = (0..ranges.all.len()).filter(differs).collect();
        // A row that is gone or too many moves those behind it into the commit that next added some to the file.
        let groups = ranges.groups(&differing, by_commit);
        for range in (0..ranges.all.len()).filter(|at| !groups.iter().any(|group| group.contains(at))) {
            judge.agrees(&ranges.all[range]);
        }
        for group in groups {
            let differences = if by_commit {
                self.look(records, ranges, files, extents, &group, ByHash::default()).await?.end()
            } else {
                self.look(records, ranges, files, extents, &group, ByPosition::default()).await?.end()
            };
            for number in group {
                match differences.get(&number) {
                    Some(difference) => judge.differs(number, &ranges.all[number], difference),
                    None => judge.agrees(&ranges.all[number]),
                }
            }
        }
        if let ([own], true) = (&self.commits[..], by_commit) {
            judge.pruned(own, ranges);
        }
        Ok(())
    }

    /// Reads the records and the rows of a group again.
    async fn look<R: Records, L: Look>(
        &self,
        records: &mut R,
        ranges: &Ranges,
        files: &[File],
        extents: &[Extent],
        group: &Group,
        mut look: L,
    ) -> Result<L> {
        (self.progress)(reread(records, ranges, group, &mut look).await?);
        for (number, file) in files.iter().enumerate() {
            let overlaps = |(first, last): (usize, usize)| first < group.end && group.start <= last;
            if !extents[number].is_some_and(overlaps) {
                continue;
            }
            let each = |at, row: Row| {
                if let Some(range) = self.range_of(ranges, file, at, &row).filter(|range| group.contains(range)) {
                    look.row(range, row, Place { file: number, row: at });
                }
            };
            // What could not be read before is told already.
            if let Ok(rows) = scan(self.storage, self.table, self.columns, file, each).await? {
                (self.progress)(rows);
            }
        }
        Ok(look)
    }
}
