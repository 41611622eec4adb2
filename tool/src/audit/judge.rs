//! What follows from the sums and differences of a source partition's ranges.

use std::collections::HashMap;

use pulsar_io_hdfs_csv::protocol::layout::TableLayout;
use pulsar_io_hdfs_csv::protocol::manifest::Manifest;

use super::detail::{Difference, NAMED, Named, Pair};
use super::files::File;
use super::ranges::{Range, Ranges};
use super::report::{Finding, Kind, SourcePartitionReport};
use crate::commits::Commits;

/// What explains that records have no row: of the range of a manifest, or of all ranges without one together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Bad records that were dropped.
    pub dropped: u64,
    /// Rows in partition directories that were deleted.
    pub deleted: u64,
    /// Rows that do not say whose they are.
    pub unplaced: u64,
}

impl Pool {
    /// Takes so many from a part of it, or what there is.
    fn take(part: &mut u64, wanted: u64) -> u64 {
        let taken = wanted.min(*part);
        *part -= taken;
        taken
    }
}

/// Writes the report of a source partition.
pub struct Judge<'a> {
    /// The table.
    pub table: &'a TableLayout,
    /// Its files, by their numbers.
    pub files: &'a [File],
    /// Whether a record may have several rows.
    pub at_least_once: bool,
    /// What explains absent records of ranges without a manifest.
    pub pool: Pool,
    /// What besides its manifest explains absent records of a range with one, by its number.
    pub own: HashMap<usize, Pool>,
    /// What is found.
    pub report: SourcePartitionReport,
}

impl Judge<'_> {
    /// Adds a finding.
    pub fn find(&mut self, kind: Kind, pair: Option<Pair>, path: Option<String>, what: String) {
        let file = pair.and_then(|pair| pair.place).and_then(|place| self.files.get(place.file));
        let path = file.map(|file| self.table.path(&file.name)).or(path);
        self.report.findings.push(Finding { kind, position: pair.and_then(|pair| pair.position), path, what });
    }

    /// Rows that explain absent records: of a range with a manifest, or else of the others.
    pub fn explained_by(&mut self, range: Option<usize>) -> &mut Pool {
        match range {
            Some(range) => self.own.entry(range).or_default(),
            None => &mut self.pool,
        }
    }

    /// Adds what was found out about a range that differs, which has this number.
    pub fn differs(&mut self, number: usize, range: &Range, difference: &Difference) {
        let before = self.report.findings.len();
        let mut absent = difference.absent.count;
        let mut why = "it is committed, but no row is in the table".to_owned();
        let mut pool = match &range.manifest {
            Some(counts) => Pool { dropped: counts.dropped, ..self.own.get(&number).copied().unwrap_or_default() },
            None => self.pool,
        };
        let bad = Pool::take(&mut pool.dropped, difference.absent_bad);
        self.bad(difference.absent_bad, bad, range.empty);
        if range.manifest.is_some() {
            let spared = Pool::take(&mut pool.dropped, absent);
            self.report.dropped += spared;
            absent -= spared;
            if spared > 0 {
                why = format!(
                    "of {} records that no row is of, {spared} were dropped as bad; it is one of them, or missing",
                    difference.absent.count
                );
            }
        }
        let deleted = Pool::take(&mut pool.deleted, absent);
        self.report.deleted += deleted;
        absent -= deleted;
        let unplaced = Pool::take(&mut pool.unplaced, absent);
        self.report.unplaced += unplaced;
        absent -= unplaced;
        if range.manifest.is_none() {
            self.pool = pool;
        }
        self.report.missing += absent;
        if absent > 0 {
            self.name(Kind::Missing, &difference.absent, &why);
        }
        self.report.doubled += difference.doubled.count;
        if !self.at_least_once {
            self.name(Kind::Doubled, &difference.doubled, "its record has a row already");
        }
        self.report.altered += difference.altered.count;
        self.name(Kind::Altered, &difference.altered, "its values are not those of its record");
        self.report.unaccounted += difference.unaccounted.count;
        self.name(Kind::Unaccounted, &difference.unaccounted, "no record of the topic gives it");
        self.report.undecided += difference.undecided;
        // What is named says more than a number that is wrong.
        if self.report.findings.len() == before {
            self.miscounted(range);
        }
    }

    /// Adds a range whose rows are those that its records should give.
    pub fn agrees(&mut self, range: &Range) {
        match &range.manifest {
            Some(counts) => {
                self.bad(range.bad, counts.dropped, range.empty);
                self.miscounted(range);
            }
            None => {
                let dropped = Pool::take(&mut self.pool.dropped, range.bad);
                self.bad(range.bad, dropped, range.empty);
            }
        }
    }

    /// Counts bad records: dropped ones, and those without bytes that were skipped.
    fn bad(&mut self, absent: u64, dropped: u64, empty: u64) {
        let dropped = absent.min(dropped);
        self.report.dropped += dropped;
        self.report.empty += (absent - dropped).min(empty);
    }

    fn miscounted(&mut self, range: &Range) {
        let Some(counts) = &range.manifest else { return };
        let counted = counts.rows + counts.dropped;
        // A tombstone is neither a row nor a bad record: an operator skipped it.
        if (counted..=counted + range.empty).contains(&range.records)
            || (self.at_least_once && range.records <= counted)
        {
            return;
        }
        let what = format!(
            "manifest {} counts {} rows and {} bad records up to {}, the topic holds {} records there",
            counts.sequence, counts.rows, counts.dropped, range.last, range.records
        );
        self.find(Kind::Miscounted, None, None, what);
    }

    fn name(&mut self, kind: Kind, named: &Named, what: &str) {
        for pair in &named.first {
            let row = pair.place.map(|place| format!("row {}: ", place.row + 1)).unwrap_or_default();
            self.find(kind, Some(*pair), None, format!("{row}{what}"));
        }
        if named.count > NAMED as u64 {
            self.find(kind, None, None, format!("and {} more", named.count - NAMED as u64));
        }
    }

    /// Compares how many there are of what the ranges before the first manifest hold.
    pub fn pruned(&mut self, commits: &Commits, ranges: &Ranges) {
        let before = commits.manifests.first().and_then(|first| first.predecessor_last);
        let reset = |manifest: &Manifest| manifest.first.is_none();
        if commits.manifests.iter().any(reset) {
            return;
        }
        let own = ranges.all.iter().take_while(|range| Some(range.last) <= before);
        let (records, empty) =
            own.fold((0, 0), |(records, empty), range| (records + range.records, empty + range.empty));
        let counted = commits.pruned_rows() + commits.pruned_dropped();
        if records > counted + empty {
            self.report.missing += records - counted - empty;
            let what = format!(
                "pruned manifests count {} rows and {} bad records, the topic holds {records} records there",
                commits.pruned_rows(),
                commits.pruned_dropped()
            );
            self.find(Kind::Miscounted, None, Some(commits.layout.rolled_up_lists()), what);
        }
    }

    /// Without order and positions only the totals can be compared, and rows of records that the topic has no more are in them.
    pub fn counts(&mut self, ranges: &Ranges) {
        let rows = self.report.not_compared + self.pool.deleted;
        let (records, bad, empty) = ranges.all.iter().fold((0, 0, 0), |(records, bad, empty), range| {
            (records + range.records, bad + range.bad, empty + range.empty)
        });
        self.report.dropped = bad.min(self.pool.dropped);
        self.report.rows = self.report.not_compared;
        self.report.not_compared = 0;
        let there = rows + self.pool.dropped + empty;
        if records > there {
            self.report.missing += records - there;
            let what = format!(
                "the topic holds {records} committed records, the table {rows} rows, and {} bad records were dropped",
                self.pool.dropped
            );
            self.find(Kind::Miscounted, None, None, what);
        }
    }
}
