//! A closer look at ranges whose rows are not those that their records should give: which ones, and where.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use anyhow::Result;
use pulsar_io_hdfs_csv::position::Position;

use super::ranges::{Group, Ranges};
use super::record::{Fate, Record, Records};
use super::rows::Row;

/// How many are named of a kind.
pub const NAMED: usize = 100;

/// A row in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's number.
    pub file: usize,
    /// The row's number in it, from 0, without the header.
    pub row: u64,
}

/// A record and a row, of which one may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The record.
    pub position: Option<Position>,
    /// The row.
    pub place: Option<Place>,
}

/// How many there are, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// How many.
    pub count: u64,
    /// The first [`NAMED`].
    pub first: Vec<Pair>,
}

impl Named {
    fn push(&mut self, position: Option<Position>, place: Option<Place>) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(Pair { position, place });
        }
    }
}

/// How the rows of a range, or of several, differ from those that the records should give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Records of which a row can be made, and no row.
    pub absent: Named,
    /// Records of which no row can be made, and there is none.
    pub absent_bad: u64,
    /// Rows of a record that has a row already.
    pub doubled: Named,
    /// Rows that are not as their record is.
    pub altered: Named,
    /// Rows without a record.
    pub unaccounted: Named,
    /// Rows of records that cannot be decoded here.
    pub undecided: u64,
}

/// What is gathered of the records and rows of a group.
pub trait Look {
    /// Takes a record.
    fn record(&mut self, range: usize, record: &Record);
    /// Takes a row of this range.
    fn row(&mut self, range: usize, row: Row, place: Place);
}

/// Reads the records of a group again.
pub async fn reread<R: Records>(records: &mut R, ranges: &Ranges, group: &Group, look: &mut impl Look) -> Result<u64> {
    let after = group.start.checked_sub(1).map(|before| ranges.all[before].last);
    let mut count = 0;
    records
        .read(after, |record| {
            count += 1;
            match ranges.at(record.position) {
                Some(range) if range >= group.end => return ControlFlow::Break(()),
                Some(range) if range >= group.start => look.record(range, &record),
                None if ranges.compared.is_some_and(|(_, last)| record.position > last) => {
                    return ControlFlow::Break(());
                }
                _ => {}
            }
            ControlFlow::Continue(())
        })
        .await?;
    Ok(count)
}

struct Seen {
    range: usize,
    fate: Fate,
    rows: u64,
}

/// By the positions in the rows.
#[derive(Default)]
pub struct ByPosition {
    records: BTreeMap<Position, Seen>,
    differences: BTreeMap<usize, Difference>,
}

impl Look for ByPosition {
    fn record(&mut self, range: usize, record: &Record) {
        self.records.insert(record.position, Seen { range, fate: record.fate, rows: 0 });
    }

    fn row(&mut self, range: usize, row: Row, place: Place) {
        let (position, place) = (row.position, Some(place));
        let difference = self.differences.entry(range).or_default();
        let Some(seen) = position.and_then(|position| self.records.get_mut(&position)) else {
            return difference.unaccounted.push(position, place);
        };
        seen.rows += 1;
        if seen.rows > 1 {
            difference.doubled.push(position, place);
        }
        match seen.fate {
            Fate::Row(hash) if hash == row.hash => {}
            Fate::Row(_) => difference.altered.push(position, place),
            Fate::Bad | Fate::Empty => difference.undecided += 1,
        }
    }
}

impl ByPosition {
    /// The differences of each range that has some.
    pub fn end(mut self) -> BTreeMap<usize, Difference> {
        for (position, seen) in self.records.into_iter().filter(|(_, seen)| seen.rows == 0) {
            let difference = self.differences.entry(seen.range).or_default();
            match seen.fate {
                Fate::Row(_) => difference.absent.push(Some(position), None),
                Fate::Bad | Fate::Empty => difference.absent_bad += 1,
            }
        }
        self.differences
    }
}

/// By the hashes alone. Rows that moved from one range of the group to another because one before them is missing, or too
/// many, are no difference.
#[derive(Default)]
pub struct ByHash {
    records: HashMap<u64, Vec<(Position, usize)>>,
    rows: HashMap<u64, Vec<(Place, usize)>>,
    differences: BTreeMap<usize, Difference>,
}

impl Look for ByHash {
    fn record(&mut self, range: usize, record: &Record) {
        match record.fate {
            Fate::Row(hash) => self.records.entry(hash).or_default().push((record.position, range)),
            Fate::Bad | Fate::Empty => self.differences.entry(range).or_default().absent_bad += 1,
        }
    }

    fn row(&mut self, range: usize, row: Row, place: Place) {
        self.rows.entry(row.hash).or_default().push((place, range));
    }
}

impl ByHash {
    /// The differences of each range that has some.
    pub fn end(mut self) -> BTreeMap<usize, Difference> {
        let mut absent = Vec::new();
        for (hash, records) in &self.records {
            let rows = self.rows.remove(hash).unwrap_or_default();
            absent.extend(records.iter().skip(rows.len()));
            if let Some((position, range)) = records.last() {
                let doubled = &mut self.differences.entry(*range).or_default().doubled;
                rows.iter().skip(records.len()).for_each(|(place, _)| doubled.push(Some(*position), Some(*place)));
            }
        }
        absent.sort_unstable();
        for (position, range) in absent {
            self.differences.entry(range).or_default().absent.push(Some(position), None);
        }
        let mut unaccounted: Vec<_> = self.rows.into_values().flatten().collect();
        unaccounted.sort_unstable_by_key(|(place, _)| (place.file, place.row));
        for (place, range) in unaccounted {
            self.differences.entry(range).or_default().unaccounted.push(None, Some(place));
        }
        self.differences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::at;

    fn record(entry: u64, fate: Fate) -> Record {
        Record { position: at(entry), publish_time: 0, fate }
    }

    fn place(row: u64) -> Place {
        Place { file: 0, row }
    }

    fn row(entry: u64, hash: u64) -> Row {
        Row { position: Some(at(entry)), hash }
    }

    fn named(named: &Named) -> Vec<(Option<u64>, Option<u64>)> {
        assert_eq!(named.count as usize, named.first.len());
        named.first.iter().map(|pair| (pair.position.map(|own| own.entry), pair.place.map(|own| own.row))).collect()
    }

    #[test]
    fn by_position_each_difference_is_named_in_its_range() {
        let mut look = ByPosition::default();
        for entry in 1..=5 {
            look.record((entry / 4) as usize, &record(entry, Fate::Row(10 * entry)));
        }
        look.record(1, &record(6, Fate::Bad));
        look.record(1, &record(7, Fate::Empty));
        for (number, (range, row)) in
            [(0, row(1, 10)), (0, row(1, 10)), (0, row(2, 7)), (1, row(5, 50)), (1, row(9, 9)), (1, row(7, 3))]
                .into_iter()
                .enumerate()
        {
            look.row(range, row, place(number as u64));
        }
        let ended = look.end();
        let (first, second) = (&ended[&0], &ended[&1]);
        assert_eq!(named(&first.doubled), [(Some(1), Some(1))]);
        assert_eq!(named(&first.altered), [(Some(2), Some(2))]);
        assert_eq!(named(&first.absent), [(Some(3), None)]);
        assert_eq!(named(&second.absent), [(Some(4), None)]);
        assert_eq!(named(&second.unaccounted), [(Some(9), Some(4))]);
        assert_eq!((second.absent_bad, second.undecided), (1, 1));
    }

    #[test]
    fn by_hash_rows_that_moved_are_no_difference_and_the_others_are_named() {
        let mut look = ByHash::default();
        for (entry, hash) in [(1, 10), (2, 20), (3, 20), (4, 40), (5, 50)] {
            look.record((entry / 3) as usize, &record(entry, Fate::Row(hash)));
        }
        look.record(1, &record(6, Fate::Bad));
        for (number, hash) in [20, 40, 40, 10, 60].into_iter().enumerate() {
            look.row(0, Row { position: None, hash }, place(number as u64));
        }
        let ended = look.end();
        let (first, second) = (&ended[&0], &ended[&1]);
        assert_eq!((first.absent_bad, second.absent_bad), (0, 1));
        assert_eq!((named(&first.absent), named(&second.absent)), (vec![], vec![(Some(3), None), (Some(5), None)]));
        assert_eq!((named(&first.doubled), named(&second.doubled)), (vec![], vec![(Some(4), Some(2))]));
        assert_eq!(named(&first.unaccounted), [(None, Some(4))]);
    }

    #[test]
    fn of_many_the_first_are_named_and_all_are_counted() {
        let mut look = ByPosition::default();
        for entry in 0..500 {
            look.record(0, &record(entry, Fate::Row(entry)));
        }
        let difference = look.end().remove(&0).unwrap();
        assert_eq!((difference.absent.count, difference.absent.first.len()), (500, NAMED));
    }
}
