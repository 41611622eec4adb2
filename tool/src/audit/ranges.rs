//! The ranges of positions that a source partition is compared by: those of its manifests, and pieces of bounded size where
//! manifests were pruned. Of each, only sums are kept; the records of one that differs are looked at again.

use std::collections::HashMap;

use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::manifest::Manifest;

use super::record::{Fate, Record};

/// Records of a range without a manifest.
const PIECE: u64 = 1 << 17;

/// Records that are looked at again at a time; one commit can be more.
const GROUP: u64 = 1 << 19;

/// Ranges that follow one another, by their numbers.
pub type Group = std::ops::Range<usize>;

/// A multiset of hashes, told from another by its size and its sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    sum: u64,
}

impl Tally {
    /// Adds one.
    pub fn add(&mut self, hash: u64) {
        self.count += 1;
        // Mixed: what is added up must not be what a difference can undo by chance.
        self.sum = self.sum.wrapping_add(mixed(hash));
    }
}

fn mixed(hash: u64) -> u64 {
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A hash that tells the position, too.
pub fn placed(position: Position, hash: u64) -> u64 {
    let place = mixed(position.ledger) ^ mixed(position.entry.rotate_left(21)) ^ u64::from(position.batch_index);
    mixed(place) ^ hash
}

/// What a manifest says of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// The manifest.
    pub sequence: u64,
    /// The batch's first position.
    pub first: Position,
    /// Rows of the batch.
    pub rows: u64,
    /// Bad records of the batch.
    pub dropped: u64,
}

/// Positions behind those of the range before, up to and with `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The last position.
    pub last: Position,
    /// What its manifest says; none where manifests were pruned, or have no order.
    pub manifest: Option<Counts>,
    /// Records of the topic in it.
    pub records: u64,
    /// Those of which no row can be made.
    pub bad: u64,
    /// Those of the bad ones without any bytes, such as tombstones.
    pub empty: u64,
    /// The rows that the others should give.
    pub expected: Tally,
    /// The rows that were found.
    pub found: Tally,
}

impl Range {
    fn up_to(last: Position, manifest: Option<Counts>) -> Range {
        let (expected, found) = (Tally::default(), Tally::default());
        Range { last, manifest, records: 0, bad: 0, empty: 0, expected, found }
    }

    /// Whether its rows are not those that its records should give.
    pub fn differs(&self) -> bool {
        self.expected != self.found
    }
}

/// The ranges of a source partition up to its mark.
#[derive(Clone, Debug, Default)]
pub struct Ranges {
    /// In order.
    pub all: Vec<Range>,
    /// The newest manifest that moved the mark back before every record: what is older is of a topic that is gone.
    pub reset: Option<u64>,
    current: usize,
    /// The first and the last record that are compared.
    pub compared: Option<(Position, Position)>,
    /// Records above the mark.
    pub uncommitted: u64,
    by_manifest: HashMap<u64, usize>,
}

impl Ranges {
    /// The ranges of these manifests, in order.
    pub fn of(manifests: &[Manifest]) -> Ranges {
        let mut ranges = Ranges::default();
        for manifest in manifests {
            let (Some(first), Some(last)) = (manifest.first, manifest.last) else {
                ranges.reset_to(manifest);
                continue;
            };
            // Manifests were pruned before it, or one is missing.
            if let Some(before) = manifest.predecessor_last.filter(|before| ranges.mark() < Some(*before)) {
                ranges.all.push(Range::up_to(before, None));
            }
            let Manifest { sequence, rows, dropped, .. } = *manifest;
            ranges.all.push(Range::up_to(last, Some(Counts { sequence, first, rows, dropped })));
        }
        ranges
    }

    /// One range up to this position, for commits without order.
    pub fn without_order(last: Option<Position>) -> Ranges {
        let all = last.map(|last| Range::up_to(last, None)).into_iter().collect();
        Ranges { all, ..Ranges::default() }
    }

    /// A reset moves the mark back: records above it come again, in the ranges of the manifests that follow.
    fn reset_to(&mut self, manifest: &Manifest) {
        let Some(mark) = manifest.last else {
            *self = Ranges { reset: Some(manifest.sequence), ..Ranges::default() };
            return;
        };
        let kept = self.all.iter().filter(|range| range.last <= mark).count();
        self.all.truncate(kept);
        if self.mark() < Some(mark) {
            self.all.push(Range::up_to(mark, None));
        }
    }

    fn mark(&self) -> Option<Position> {
        self.all.last().map(|range| range.last)
    }

    /// Adds a record of the topic; they come in order.
    pub fn record(&mut self, record: &Record, hash: impl Fn(u64) -> u64) {
        while self.all.get(self.current).is_some_and(|range| range.last < record.position) {
            self.current += 1;
        }
        let Some(range) = self.all.get_mut(self.current) else {
            self.uncommitted += 1;
            return;
        };
        range.records += 1;
        match record.fate {
            Fate::Row(row) => range.expected.add(hash(row)),
            Fate::Bad => range.bad += 1,
            Fate::Empty => (range.bad, range.empty) = (range.bad + 1, range.empty + 1),
        }
        let first = self.compared.map_or(record.position, |(first, _)| first);
        self.compared = Some((first, record.position));
        if range.manifest.is_none() && range.records == PIECE && record.position < range.last {
            let rest = Range::up_to(range.last, None);
            range.last = record.position;
            self.all.insert(self.current + 1, rest);
        }
    }

    /// Ends the topic's records. What a manifest counts is compared only if all its records are.
    pub fn end_records(&mut self) {
        let compared = self.compared;
        for (at, range) in self.all.iter_mut().enumerate() {
            let Some(counts) = range.manifest else { continue };
            let whole = compared.is_some_and(|(first, last)| first <= counts.first && range.last <= last);
            if whole {
                self.by_manifest.insert(counts.sequence, at);
            } else {
                range.manifest = None;
            }
        }
    }

    /// The range of a position that is compared, by its number.
    pub fn at(&self, position: Position) -> Option<usize> {
        let (first, last) = self.compared?;
        if position < first || position > last {
            return None;
        }
        Some(self.all.partition_point(|range| range.last < position)).filter(|at| *at < self.all.len())
    }

    /// Of these ranges those together that follow one another, of a bounded number of records where they are several. Those
    /// between them are taken in where that is wanted and all have manifests.
    pub fn groups(&self, numbers: &[usize], over_gaps: bool) -> Vec<Group> {
        let mut groups: Vec<(Group, u64)> = Vec::new();
        for &at in numbers {
            let size = |ranges: &[Range]| ranges.iter().map(|range| range.records.max(range.found.count)).sum::<u64>();
            match groups.last_mut() {
                Some((group, records))
                    if (group.end == at || over_gaps)
                        && self.all[group.end..at].iter().all(|range| range.manifest.is_some())
                        && *records + size(&self.all[group.end..=at]) <= GROUP =>
                {
                    *records += size(&self.all[group.end..=at]);
                    group.end = at + 1;
                }
                _ => groups.push((at..at + 1, size(&self.all[at..=at]))),
            }
        }
        groups.into_iter().map(|(group, _)| group).collect()
    }

    /// The range of a manifest that is compared, by its number.
    pub fn of_manifest(&self, sequence: u64) -> Option<usize> {
        self.by_manifest.get(&sequence).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::{at, manifest};

    fn record(entry: u64) -> Record {
        Record { position: at(entry), publish_time: 0, fate: Fate::Row(entry) }
    }

    fn lasts(ranges: &Ranges) -> Vec<(u64, Option<u64>)> {
        ranges.all.iter().map(|range| (range.last.entry, range.manifest.map(|counts| counts.sequence))).collect()
    }

    #[test]
    fn ranges_are_those_of_the_manifests_with_one_before_for_what_was_pruned() {
        let manifests = [manifest(3, 5, 7), manifest(4, 8, 8)];
        assert_eq!(lasts(&Ranges::of(&manifests)), [(4, None), (7, Some(3)), (8, Some(4))]);
        let missing = [manifest(3, 5, 7), manifest(5, 10, 12)];
        assert_eq!(lasts(&Ranges::of(&missing)), [(4, None), (7, Some(3)), (9, None), (12, Some(5))]);
    }

    #[test]
    fn a_reset_takes_back_the_ranges_above_its_mark() {
        let reset =
            |sequence, mark: Option<u64>| Manifest { first: None, last: mark.map(at), ..manifest(sequence, 9, 9) };
        let before = [manifest(1, 1, 3), manifest(2, 4, 8)];
        let back = Ranges::of(&[&before[..], &[reset(3, Some(6))]].concat());
        assert_eq!((lasts(&back), back.reset), (vec![(3, Some(1)), (6, None)], None));
        let again = Manifest { predecessor_last: None, ..manifest(4, 1, 2) };
        let anew = Ranges::of(&[&before[..], &[reset(3, None), again]].concat());
        assert_eq!((lasts(&anew), anew.reset), (vec![(2, Some(4))], Some(3)));
    }

    #[test]
    fn a_record_is_counted_in_its_range_or_above_the_mark_and_a_manifest_only_with_all_its_records() {
        let mut ranges = Ranges::of(&[manifest(1, 1, 3), manifest(2, 4, 6), manifest(3, 7, 9)]);
        for entry in 2..12 {
            ranges.record(&record(entry), |hash| hash);
        }
        ranges.end_records();
        let counts: Vec<_> = ranges.all.iter().map(|range| range.records).collect();
        assert_eq!((counts, ranges.uncommitted), (vec![2, 3, 3], 2));
        assert_eq!((ranges.of_manifest(1), ranges.of_manifest(2), ranges.of_manifest(3)), (None, Some(1), Some(2)));
        assert_eq!(
            (ranges.at(at(1)), ranges.at(at(2)), ranges.at(at(9)), ranges.at(at(10))),
            (None, Some(0), Some(2), None)
        );
    }

    #[test]
    fn a_range_without_a_manifest_is_split_into_pieces() {
        let mut ranges = Ranges::of(&[manifest(5, 3 * PIECE, 3 * PIECE)]);
        for entry in 0..=3 * PIECE {
            ranges.record(&record(entry), |hash| hash);
        }
        ranges.end_records();
        let counts: Vec<_> = ranges.all.iter().map(|range| range.records).collect();
        assert_eq!(counts, [PIECE, PIECE, PIECE, 1]);
        assert_eq!(ranges.at(at(PIECE)), Some(1));
    }

    #[test]
    fn ranges_that_follow_one_another_are_together_up_to_a_bound() {
        let mut ranges = Ranges::of(&[1, 2, 3, 4, 5].map(|sequence| manifest(sequence, sequence, sequence)));
        ranges.all.iter_mut().for_each(|range| range.records = 1);
        ranges.all[1].records = GROUP;
        assert_eq!(ranges.groups(&[0, 1, 2, 4], false), [0..1, 1..2, 2..3, 4..5]);
        ranges.all[1].records = GROUP - 2;
        assert_eq!(ranges.groups(&[1, 2, 3, 4], false), [1..4, 4..5]);
        assert_eq!(ranges.groups(&[], true), [] as [Group; 0]);
        ranges.all[1].records = 1;
        assert_eq!(ranges.groups(&[0, 1, 4], true), [Group { start: 0, end: 5 }]);
        ranges.all[3].manifest = None;
        assert_eq!(ranges.groups(&[0, 1, 4], true), [0..2, 4..5]);
    }

    #[test]
    fn rows_in_another_order_are_the_same_and_rows_at_other_places_are_not() {
        let tally = |rows: &[(u64, u64)]| {
            rows.iter().fold(Tally::default(), |mut tally, (entry, hash)| {
                tally.add(placed(at(*entry), *hash));
                tally
            })
        };
        assert_eq!(tally(&[(1, 7), (2, 8)]), tally(&[(2, 8), (1, 7)]));
        assert_ne!(tally(&[(1, 7), (2, 8)]), tally(&[(1, 8), (2, 7)]));
        assert_ne!(tally(&[(1, 7), (1, 7)]), tally(&[(1, 7)]));
    }
}
