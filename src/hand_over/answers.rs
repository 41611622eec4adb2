//! Acknowledged: what Java fetches, laid out as docs/understand/hand-over.md says.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::hand_over::frame::FLAG_KEY_IS_BYTES;
use crate::hand_over::letters::{DeadLetter, Letters};
use crate::position::Position;

const KIND_COMMITTED: u32 = 1;
const KIND_DEAD_LETTER: u32 = 2;
const KIND_GAP: u32 = 3;
const KIND_PAUSE: u32 = 4;
const KIND_SEND_AGAIN: u32 = 5;
const FLAG_HAS_BEGINNING: u32 = 1;
const FLAG_HAS_DIVISION: u32 = 1;
const ABSENT: u32 = u32::MAX;

/// Entries that did not come, between two that did: Java looks whether one of them is a message that still has to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    /// The source partition's id.
    pub(crate) source_partition: u32,
    /// What came before; none when nothing did.
    pub(crate) behind: Option<Position>,
    /// What came next.
    pub(crate) before: Position,
}

#[derive(Debug, Default)]
struct State {
    /// Per source partition, the last hand-over that is committed and not yet told.
    committed: BTreeMap<u32, u64>,
    /// Source partitions of which no more records are wanted, or wanted again, and that is not yet told.
    paused: BTreeMap<u32, bool>,
    /// Source partitions whose records the broker is to send again.
    sends_again: BTreeMap<u32, Option<Position>>,
    gaps: VecDeque<(u64, Gap)>,
    letters: Letters,
    /// Dead letters and gaps that Java has not answered, with their source partition.
    unconfirmed: HashMap<u64, u32>,
    last_number: u64,
}

/// What Rust has to say to Java.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    state: Mutex<State>,
}

impl Answers {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every record of this source partition up to this hand-over is committed.
    pub(crate) fn committed(&self, source_partition: u32, hand_over: u64) {
        let mut state = self.state();
        let told = state.committed.entry(source_partition).or_default();
        *told = hand_over.max(*told);
    }

    /// Asks for no more records of this source partition, or for them again.
    pub(crate) fn pause(&self, source_partition: u32, paused: bool) {
        self.state().paused.insert(source_partition, paused);
    }

    /// Asks the broker to send all records of this source partition again that are not acknowledged. A hand-over is to begin
    /// where the first comes at or behind a position.
    pub(crate) fn send_again(&self, source_partition: u32, division: Option<Position>) {
        self.state().sends_again.insert(source_partition, division);
    }

    /// Sends a dead letter; returns the number under which it is confirmed.
    pub(crate) fn dead_letter(&self, letter: DeadLetter) -> u64 {
        let mut state = self.state();
        let number = state.number(letter.source_partition);
        state.letters.push(number, letter);
        number
    }

    /// The memory of a source partition's dead letters that the broker has not confirmed.
    pub(crate) fn letter_bytes(&self, source_partition: u32) -> usize {
        self.state().letters.bytes_of(source_partition)
    }

    /// Asks what stands in a gap; returns the number under which it is confirmed that nothing does which still has to come.
    pub(crate) fn gap(&self, gap: Gap) -> u64 {
        let mut state = self.state();
        let number = state.number(gap.source_partition);
        state.gaps.push_back((number, gap));
        number
    }

    /// The number of the last request.
    #[cfg(test)]
    pub(crate) fn last_number(&self) -> u64 {
        self.state().last_number
    }

    /// A request is answered; the source partition that waits for it.
    pub(crate) fn answered(&self, number: u64) -> Option<u32> {
        let mut state = self.state();
        state.letters.confirmed(number);
        state.unconfirmed.remove(&number)
    }

    /// Writes as many answers as there is room for. The error is the room that the next one needs.
    pub(crate) fn take(&self, room: &mut [u8]) -> Result<usize, usize> {
        let mut state = self.state();
        let mut written = 0;
        let mut answer = Vec::new();
        loop {
            answer.clear();
            let Some(next) = state.encode_next(&mut answer) else { return Ok(written) };
            let length = answer.len();
            answer[..4].copy_from_slice(&(length as u32).to_le_bytes());
            let Some(target) = room.get_mut(written..written + length) else {
                return if written > 0 { Ok(written) } else { Err(length) };
            };
            target.copy_from_slice(&answer);
            written += length;
            state.told(next);
        }
    }
}

/// Which answer comes next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Committed(u32),
    Paused(u32),
    SendsAgain(u32),
    Gap,
    Letter(u32),
}

impl State {
    /// A number for what Java is to answer.
    fn number(&mut self, source_partition: u32) -> u64 {
        self.last_number += 1;
        self.unconfirmed.insert(self.last_number, source_partition);
        self.last_number
    }

    /// Writes the next answer; none when there is none, or Java has dead letters enough. Those come last: others do not wait
    /// for the broker.
    fn encode_next(&self, answer: &mut Vec<u8>) -> Option<Next> {
        if let Some((id, hand_over)) = self.committed.first_key_value() {
            encode_committed(answer, *id, *hand_over);
            return Some(Next::Committed(*id));
        }
        if let Some((id, paused)) = self.paused.first_key_value() {
            encode_of(answer, KIND_PAUSE, *id, u32::from(*paused));
            return Some(Next::Paused(*id));
        }
        if let Some((id, division)) = self.sends_again.first_key_value() {
            encode_send_again(answer, *id, *division);
            return Some(Next::SendsAgain(*id));
        }
        if let Some((number, gap)) = self.gaps.front() {
            encode_gap(answer, *number, gap);
            return Some(Next::Gap);
        }
        let (number, letter) = self.letters.next()?;
        encode_dead_letter(answer, number, letter);
        Some(Next::Letter(letter.source_partition))
    }

    fn told(&mut self, next: Next) {
        match next {
            Next::Committed(id) => drop(self.committed.remove(&id)),
            Next::Paused(id) => drop(self.paused.remove(&id)),
            Next::SendsAgain(id) => drop(self.sends_again.remove(&id)),
            Next::Gap => drop(self.gaps.pop_front()),
            Next::Letter(id) => self.letters.sent(id),
        }
    }
}

fn encode_of(answer: &mut Vec<u8>, kind: u32, source_partition: u32, flags: u32) {
    for part in [0, kind, source_partition, flags] {
        answer.extend_from_slice(&part.to_le_bytes());
    }
}

fn encode_send_again(answer: &mut Vec<u8>, source_partition: u32, division: Option<Position>) {
    encode_of(answer, KIND_SEND_AGAIN, source_partition, if division.is_some() { FLAG_HAS_DIVISION } else { 0 });
    for part in [division.map_or(0, |division| division.ledger), division.map_or(0, |division| division.entry)] {
        answer.extend_from_slice(&part.to_le_bytes());
    }
}

fn encode_committed(answer: &mut Vec<u8>, source_partition: u32, hand_over: u64) {
    encode_of(answer, KIND_COMMITTED, source_partition, 0);
    answer.extend_from_slice(&hand_over.to_le_bytes());
}

fn encode_dead_letter(answer: &mut Vec<u8>, number: u64, letter: &DeadLetter) {
    for part in [0, KIND_DEAD_LETTER, letter.source_partition, letter.schema] {
        answer.extend_from_slice(&part.to_le_bytes());
    }
    for part in [number, letter.position.ledger, letter.position.entry] {
        answer.extend_from_slice(&part.to_le_bytes());
    }
    answer.extend_from_slice(&letter.position.batch_index.to_le_bytes());
    let flags = if letter.key_is_bytes { FLAG_KEY_IS_BYTES } else { 0 };
    answer.extend_from_slice(&flags.to_le_bytes());
    answer.extend_from_slice(&letter.event_time.unwrap_or(0).to_le_bytes());
    let parts = [
        Some(letter.reason.as_bytes()),
        letter.key.as_deref(),
        letter.properties.as_deref(),
        Some(letter.payload.as_slice()),
    ];
    for part in parts {
        answer.extend_from_slice(&part.map_or(ABSENT, |part| part.len() as u32).to_le_bytes());
        answer.extend_from_slice(part.unwrap_or_default());
    }
}

fn encode_gap(answer: &mut Vec<u8>, number: u64, gap: &Gap) {
    let flags = if gap.behind.is_some() { FLAG_HAS_BEGINNING } else { 0 };
    for part in [0, KIND_GAP, gap.source_partition, flags] {
        answer.extend_from_slice(&part.to_le_bytes());
    }
    let (ledger, entry) = gap.behind.map_or((0, 0), |behind| (behind.ledger, behind.entry));
    for part in [number, ledger, entry, gap.before.ledger, gap.before.entry] {
        answer.extend_from_slice(&part.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::hand_over::letters::tests::letter;

    fn u32_at(bytes: &[u8], offset: usize) -> u32 {
        u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap())
    }

    #[test]
    fn commits_of_a_source_partition_are_told_once_with_the_latest_hand_over() {
        let answers = Answers::default();
        answers.committed(7, 1);
        answers.committed(7, 3);
        answers.committed(7, 2);
        let mut room = [0; 100];
        assert_eq!(answers.take(&mut room), Ok(24));
        assert_eq!([0, 4, 8, 12, 16, 20].map(|at| u32_at(&room, at)), [24, 1, 7, 0, 3, 0]);
        assert_eq!(answers.take(&mut room), Ok(0));
    }

    #[test]
    fn of_pauses_of_a_source_partition_the_last_one_is_told() {
        let answers = Answers::default();
        answers.pause(7, true);
        answers.pause(9, true);
        answers.pause(7, false);
        let mut room = [0; 100];
        assert_eq!(answers.take(&mut room), Ok(32));
        assert_eq!([0, 4, 8, 12].map(|at| u32_at(&room, at)), [16, 4, 7, 0]);
        assert_eq!([16, 20, 24, 28].map(|at| u32_at(&room, at)), [16, 4, 9, 1]);
        assert_eq!(answers.take(&mut room), Ok(0));
    }

    #[test]
    fn of_requests_to_send_again_the_last_one_of_a_source_partition_is_told_with_its_division() {
        let answers = Answers::default();
        answers.send_again(7, None);
        answers.send_again(9, None);
        answers.send_again(7, Some(Position { ledger: 5, entry: 6, batch_index: 8 }));
        let mut room = [0; 100];
        assert_eq!(answers.take(&mut room), Ok(64));
        assert_eq!([0, 4, 8, 12, 16, 24].map(|at| u32_at(&room, at)), [32, 5, 7, 1, 5, 6]);
        assert_eq!([0, 4, 8, 12, 16, 24].map(|at| u32_at(&room, 32 + at)), [32, 5, 9, 0, 0, 0]);
        assert_eq!(answers.take(&mut room), Ok(0));
    }

    #[test]
    fn an_answer_that_does_not_fit_says_what_it_needs_and_is_kept() {
        let answers = Answers::default();
        let number = answers.dead_letter(letter(&Budget::new(1), 1, 10));
        let needed = 56 + 4 + 3 + 4 + 4 + 2 + 4 + 10;
        assert_eq!(answers.take(&mut [0; 24]), Err(needed));
        let mut room = vec![0; needed];
        assert_eq!(answers.take(&mut room), Ok(needed));
        assert_eq!(&room[56..63], b"\x03\0\0\0bad");
        assert_eq!(u32_at(&room, 63), ABSENT);
        assert_eq!((u32_at(&room, 44), u32_at(&room, 48)), (FLAG_KEY_IS_BYTES, 77));
        assert_eq!(answers.answered(number), Some(1));
        assert_eq!(answers.answered(number), None);
    }

    #[test]
    fn a_gap_is_told_with_both_its_ends_or_without_a_beginning() {
        let answers = Answers::default();
        let position = |ledger, entry| Position { ledger, entry, batch_index: 9 };
        let first = answers.gap(Gap { source_partition: 3, behind: None, before: position(5, 7) });
        let second = answers.gap(Gap { source_partition: 4, behind: Some(position(5, 7)), before: position(6, 1) });
        let mut room = [0; 200];
        assert_eq!(answers.take(&mut room), Ok(112));
        assert_eq!([0, 4, 8, 12, 16, 24, 32, 40, 48].map(|at| u32_at(&room, at)), [56, 3, 3, 0, 1, 0, 0, 5, 7]);
        assert_eq!([4, 8, 12, 16, 24, 32, 40, 48].map(|at| u32_at(&room, 56 + at)), [3, 4, 1, 2, 5, 7, 6, 1]);
        assert_eq!((answers.answered(first), answers.answered(second)), (Some(3), Some(4)));
    }
}
