//! Dead letters, until the broker has confirmed them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};

use crate::budget::Charge;
use crate::position::Position;

/// Java has so many at most, of so many bytes, until the broker confirms some: they are on its heap. One that is larger goes
/// alone.
const MOST_SENT: usize = 1_000;
const MOST_SENT_BYTES: usize = 8 << 20;
/// A source partition whose letters the broker does not take keeps no more than one of so many shares of that.
const SHARES: usize = 4;
/// What the lists take in which a letter stands by its number.
const BOOKS: usize = 128;

/// A bad record on its way to the dead-letter topic.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    /// Its source partition's id.
    pub(crate) source_partition: u32,
    /// Its writer's schema id.
    pub(crate) schema: u32,
    /// Where it stood.
    pub(crate) position: Position,
    /// Event time, milliseconds since 1970; none when the producer set none.
    pub(crate) event_time: Option<i64>,
    /// Why it is bad.
    pub(crate) reason: String,
    /// The message key's bytes.
    pub(crate) key: Option<Vec<u8>>,
    /// Whether the producer gave the key as bytes and not as text.
    pub(crate) key_is_bytes: bool,
    /// The message properties as JSON.
    pub(crate) properties: Option<Vec<u8>>,
    /// The message as its producer encoded it.
    pub(crate) payload: Vec<u8>,
    /// The memory that it takes, until the broker has confirmed it.
    pub(crate) charge: Charge,
}

impl DeadLetter {
    /// Bytes of memory that it takes here, and about as many in Java and the client.
    pub(crate) fn memory(&self) -> usize {
        let parts = [self.key.as_ref(), self.properties.as_ref(), Some(&self.payload)];
        BOOKS + size_of::<Self>() + self.reason.len() + parts.into_iter().flatten().map(Vec::len).sum::<usize>()
    }
}

/// How many letters Java has, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    letters: usize,
    bytes: usize,
}

impl Window {
    fn has_room_for(self, bytes: usize, shares: usize) -> bool {
        let is_within =
            self.letters < MOST_SENT / shares && self.bytes.saturating_add(bytes) <= MOST_SENT_BYTES / shares;
        self.letters == 0 || is_within
    }

    fn add(&mut self, bytes: usize) {
        self.letters += 1;
        self.bytes += bytes;
    }

    fn subtract(&mut self, bytes: usize) {
        self.letters -= 1;
        self.bytes -= bytes;
    }
}

/// The letters that are not confirmed.
#[derive(Debug, Default)]
pub(super) struct Letters {
    /// The memory of all that are not confirmed, by source partition.
    bytes: HashMap<u32, usize>,
    /// Those that Java does not have yet, in the order of their records.
    waiting: BTreeMap<u32, VecDeque<(u64, DeadLetter)>>,
    /// The source partition and the memory of those that it has.
    sent: HashMap<u64, (u32, Charge)>,
    all: Window,
    by_source_partition: HashMap<u32, Window>,
    /// The source partition whose letter went last.
    last: u32,
}

impl Letters {
    /// The memory of all of a source partition's.
    pub(super) fn bytes_of(&self, source_partition: u32) -> usize {
        self.bytes.get(&source_partition).copied().unwrap_or_default()
    }

    pub(super) fn push(&mut self, number: u64, letter: DeadLetter) {
        *self.bytes.entry(letter.source_partition).or_default() += letter.charge.bytes();
        self.waiting.entry(letter.source_partition).or_default().push_back((number, letter));
    }

    /// The next one that Java may have: the source partitions take turns.
    pub(super) fn next(&self) -> Option<(u64, &DeadLetter)> {
        let later = self.waiting.range((Excluded(self.last), Unbounded));
        let in_turn = later.chain(self.waiting.range(..=self.last));
        let mut next = in_turn.filter_map(|(_, letters)| letters.front());
        let found = next.find(|(_, letter)| {
            let bytes = letter.charge.bytes();
            let own = self.by_source_partition.get(&letter.source_partition).copied().unwrap_or_default();
            self.all.has_room_for(bytes, 1) && own.has_room_for(bytes, SHARES)
        });
        found.map(|(number, letter)| (*number, letter))
    }

    /// Java has the next one of this source partition.
    pub(super) fn sent(&mut self, source_partition: u32) {
        let Some(letters) = self.waiting.get_mut(&source_partition) else { return };
        if let Some((number, letter)) = letters.pop_front() {
            let bytes = letter.charge.bytes();
            self.all.add(bytes);
            self.by_source_partition.entry(source_partition).or_default().add(bytes);
            self.sent.insert(number, (source_partition, letter.charge));
            self.last = source_partition;
        }
        if letters.is_empty() {
            self.waiting.remove(&source_partition);
        }
    }

    /// The broker has the letter of this number, if it is one.
    pub(super) fn confirmed(&mut self, number: u64) {
        let Some((source_partition, charge)) = self.sent.remove(&number) else { return };
        self.all.subtract(charge.bytes());
        if let Some(bytes) = self.bytes.get_mut(&source_partition) {
            *bytes -= charge.bytes();
            if *bytes == 0 {
                self.bytes.remove(&source_partition);
            }
        }
        if let Some(own) = self.by_source_partition.get_mut(&source_partition) {
            own.subtract(charge.bytes());
            if own.letters == 0 {
                self.by_source_partition.remove(&source_partition);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::budget::Budget;

    const MEGABYTE: usize = 1 << 20;

    /// A letter of a source partition with so many bytes.
    pub(crate) fn letter(budget: &Budget, source_partition: u32, payload: usize) -> DeadLetter {
        let mut letter = DeadLetter {
            source_partition,
            schema: 2,
            position: Position { ledger: 3, entry: 4, batch_index: 5 },
            reason: "bad".to_owned(),
            event_time: Some(77),
            key: None,
            key_is_bytes: true,
            properties: Some(b"{}".to_vec()),
            payload: vec![9; payload],
            charge: budget.charge(0),
        };
        letter.charge.set(letter.memory());
        letter
    }

    /// Gives Java all that it may have: their numbers.
    fn send(letters: &mut Letters) -> Vec<u64> {
        let next = |letters: &Letters| letters.next().map(|(number, letter)| (number, letter.source_partition));
        let mut sent = Vec::new();
        while let Some((number, source_partition)) = next(letters) {
            letters.sent(source_partition);
            sent.push(number);
        }
        sent
    }

    #[test]
    fn java_has_so_many_dead_letters_at_most_until_some_are_confirmed_and_each_counts_as_memory_until_then() {
        let (mut letters, budget) = (Letters::default(), Budget::new(1));
        let each = letter(&budget, 1, 0).charge.bytes();
        for number in 0..4_000 {
            letters.push(number, letter(&budget, number as u32 % 8, 0));
        }
        assert_eq!(budget.used(), 4_000 * each);
        for round in 0..4 {
            // Each source partition's in their order.
            let sent = send(&mut letters);
            assert_eq!(sent.len(), MOST_SENT);
            assert_eq!(sent.iter().min(), Some(&(round * MOST_SENT as u64)));
            assert_eq!(sent.iter().max(), Some(&((round + 1) * MOST_SENT as u64 - 1)));
            assert_eq!(budget.used(), (4_000 - round as usize * MOST_SENT) * each);
            sent.iter().for_each(|number| letters.confirmed(*number));
        }
        assert!(letters.bytes.is_empty() && letters.by_source_partition.is_empty() && letters.waiting.is_empty());
        assert_eq!((budget.used(), letters.all.letters, letters.all.bytes), (0, 0, 0));
        letters.confirmed(17);
    }

    #[test]
    fn letters_that_the_broker_does_not_take_leave_room_for_those_of_others() {
        let (mut letters, budget) = (Letters::default(), Budget::new(1));
        for number in 0..10_000 {
            letters.push(number, letter(&budget, 1, 0));
        }
        let each = letter(&budget, 1, 0).charge.bytes();
        assert_eq!((letters.bytes_of(1), letters.bytes_of(2)), (10_000 * each, 0));
        assert_eq!(send(&mut letters).len(), MOST_SENT / SHARES);
        assert_eq!(letters.bytes_of(1), 10_000 * each);
        letters.push(10_000, letter(&budget, 2, 0));
        assert_eq!(send(&mut letters), [10_000]);
        letters.confirmed(10_000);
        assert_eq!(send(&mut letters), Vec::<u64>::new());
        letters.confirmed(7);
        assert_eq!(send(&mut letters), [250]);
        assert_eq!(letters.bytes_of(1), 9_999 * each);
    }

    #[test]
    fn large_letters_are_bounded_by_their_bytes_and_one_that_is_larger_than_all_may_be_goes_alone() {
        let (mut letters, budget) = (Letters::default(), Budget::new(1));
        for (number, megabytes) in [(1, 1), (2, 1), (3, 1), (4, 9), (5, 1)] {
            letters.push(number, letter(&budget, 1, megabytes * MEGABYTE - 1_000));
        }
        assert_eq!(send(&mut letters), [1, 2]);
        letters.confirmed(1);
        assert_eq!(send(&mut letters), [3]);
        letters.confirmed(2);
        assert_eq!(send(&mut letters), Vec::<u64>::new());
        letters.confirmed(3);
        assert_eq!(send(&mut letters), [4]);
        letters.push(6, letter(&budget, 2, 1));
        assert_eq!(send(&mut letters), Vec::<u64>::new());
        letters.confirmed(4);
        assert_eq!(send(&mut letters), [6, 5]);
    }
}
