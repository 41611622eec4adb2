//! Dead letters and all else that Java is told, in any order, with any room: each letter comes once, in the order of its source
//! partition, as docs/understand/hand-over.md lays it out, and takes memory until it is confirmed.

#![no_main]

use std::collections::{BTreeMap, VecDeque};

use hdfs_csv_fuzz::choices::Choices;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::fuzzing::ToJava;
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::record::Record;

/// A letter, as its bytes say it.
#[derive(Debug, PartialEq)]
struct Letter {
    schema: u32,
    position: Position,
    flags: u32,
    event_time: i64,
    reason: String,
    key: Option<Vec<u8>>,
    properties: Option<Vec<u8>>,
    payload: Vec<u8>,
}

/// What is on its way.
#[derive(Default)]
struct World {
    to_java: ToJava,
    /// Letters that were not told, by source partition.
    untold: BTreeMap<u32, VecDeque<(u64, Letter)>>,
    told: VecDeque<(u64, u32)>,
    room: usize,
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let mut world = World { room: 64, ..World::default() };
    while !choices.is_empty() {
        let id = u32::from(choices.byte() % 4);
        match choices.below(8) {
            0..3 => world.send(&mut choices, id),
            3 => world.to_java.committed(id, choices.number()),
            4 => world.to_java.pause(id, choices.byte() & 1 == 1),
            5 => {
                let position = Position { ledger: choices.number(), entry: choices.number(), batch_index: 0 };
                world.to_java.send_again(id, (choices.byte() & 1 == 1).then_some(position));
            }
            6 => world.confirm(),
            _ => drop(world.take()),
        }
    }
    // In the end all is told, and nothing takes memory.
    while world.take() > 0 || !world.told.is_empty() {
        world.confirm();
    }
    assert!(world.untold.values().all(VecDeque::is_empty));
    assert_eq!(world.to_java.used(), 0);
    assert!((0..4).all(|id| world.to_java.letter_bytes(id) == 0));
});

impl World {
    fn send(&mut self, choices: &mut Choices<'_>, id: u32) {
        let position =
            Position { ledger: choices.number(), entry: choices.number(), batch_index: choices.byte().into() };
        let flags = choices.byte();
        let (reason, payload) = (choices.text(), choices.some());
        let record = Record {
            source_partition: id,
            schema: u32::from(flags >> 4),
            event_time: (flags & 8 != 0).then(|| i64::from_le_bytes(choices.array())),
            key: (flags & 1 != 0).then(|| choices.some()),
            key_is_bytes: flags & 4 != 0,
            properties: (flags & 2 != 0).then(|| choices.some()),
            ..Record::plain(position, payload)
        };
        let before = self.to_java.used();
        let number = self.to_java.dead_letter(&record, &reason);
        assert!(self.to_java.used() >= before + reason.len() + payload.len());
        let letter = Letter {
            schema: record.schema,
            position,
            flags: u32::from(flags & 4),
            event_time: record.event_time.unwrap_or(0),
            reason,
            key: record.key.map(<[u8]>::to_vec),
            properties: record.properties.map(<[u8]>::to_vec),
            payload: payload.to_vec(),
        };
        self.untold.entry(id).or_default().push_back((number, letter));
    }

    fn confirm(&mut self) {
        let Some((number, id)) = self.told.pop_front() else { return };
        assert_eq!(self.to_java.answered(number), Some(id));
        assert_eq!(self.to_java.answered(number), None);
    }

    /// Takes what there is room for; how many bytes.
    fn take(&mut self) -> usize {
        let mut room = vec![0xaa; self.room];
        match self.to_java.take(&mut room) {
            Ok(written) => {
                assert!(room[written..].iter().all(|byte| *byte == 0xaa), "what was not used was written to");
                let mut answers = Choices(&room[..written]);
                while !answers.is_empty() {
                    let length = u32::from_le_bytes(answers.array()) as usize;
                    self.answer(Choices(answers.bytes(length - 4)));
                }
                written
            }
            Err(needed) => {
                assert!(needed > self.room);
                self.room = needed;
                needed
            }
        }
    }

    fn answer(&mut self, mut answer: Choices<'_>) {
        let [kind, id, last] = std::array::from_fn(|_| u32::from_le_bytes(answer.array()));
        if kind != 2 {
            let length = answer.0.len();
            assert!(
                matches!((kind, length), (1, 8) | (4, 0) | (5, 16)),
                "an answer of kind {kind} with {length} bytes"
            );
            return;
        }
        let number = u64::from_le_bytes(answer.array());
        let position = Position {
            ledger: u64::from_le_bytes(answer.array()),
            entry: u64::from_le_bytes(answer.array()),
            batch_index: u32::from_le_bytes(answer.array()),
        };
        let flags = u32::from_le_bytes(answer.array());
        let event_time = i64::from_le_bytes(answer.array());
        let mut part = || match u32::from_le_bytes(answer.array()) {
            u32::MAX => None,
            length => Some(answer.bytes(length as usize).to_vec()),
        };
        let letter = Letter {
            schema: last,
            position,
            flags,
            event_time,
            reason: String::from_utf8(part().expect("there is a reason")).expect("it is text"),
            key: part(),
            properties: part(),
            payload: part().expect("there is a payload"),
        };
        assert!(answer.is_empty());
        let expected = self.untold.get_mut(&id).and_then(VecDeque::pop_front);
        assert_eq!(expected, Some((number, letter)));
        self.told.push_back((number, id));
    }
}
