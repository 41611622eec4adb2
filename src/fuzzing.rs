//! What the targets in `fuzz/` reach of what is not public. Only cargo-fuzz compiles it.

use futures_util::FutureExt;

use crate::budget::Budget;
use crate::config::Config;
use crate::error::Result;
use crate::hand_over::answers::Answers;
use crate::hand_over::frame::{RecordOffset, Records};
use crate::hand_over::letters::DeadLetter;
use crate::hive::table::{Description, Found};
use crate::hive::thrift::{Answer, call, read_answer};
use crate::position::Position;
use crate::record::Record;
use crate::row::Dialect;
use crate::row::hive::Hive;
use crate::storage::hadoop::HadoopSettings;
use crate::value::column::{Column, ColumnType};

/// How many bytes of text the nested fields of a record may have.
pub const MOST_TEXT: usize = crate::decode::fields::MOST_TEXT;
/// How many bytes of memory a metastore's answer may take, about.
pub const MOST_BYTES: usize = crate::hive::thrift::MOST_BYTES;

/// The records of a hand-over's buffer by source partition, and how many there are said to be.
pub fn split(buffer: &[u8]) -> Result<(Vec<(u32, Vec<u8>)>, u64)> {
    crate::hand_over::split::split(buffer)
}

/// Where reading is, behind the last record read.
pub fn offset(records: &Records<'_>) -> RecordOffset {
    records.offset()
}

/// Whether a configuration is one, and what it is warned about.
pub fn configuration(settings: &[u8]) -> Result<Vec<String>> {
    Config::from_json(settings).map(|config| config.warnings())
}

/// The value of a setting in the text of a `*-site.xml`.
///
/// # Errors
/// In words, of a text that is not read, or a variable that is not known.
pub fn setting(text: &str, name: &str) -> std::result::Result<Option<String>, String> {
    HadoopSettings::of(text)?.get(name)
}

/// What Java is told, and the memory that it takes.
#[derive(Debug)]
pub struct ToJava {
    answers: Answers,
    budget: Budget,
}

impl Default for ToJava {
    fn default() -> Self {
        ToJava { answers: Answers::default(), budget: Budget::new(usize::MAX) }
    }
}

impl ToJava {
    /// Sends a record as a dead letter; the number under which it is confirmed.
    pub fn dead_letter(&self, record: &Record<'_>, reason: &str) -> u64 {
        let mut letter = DeadLetter {
            source_partition: record.source_partition,
            schema: record.schema,
            position: record.position,
            event_time: record.event_time,
            reason: reason.to_owned(),
            key: record.key.map(<[u8]>::to_vec),
            key_is_bytes: record.key_is_bytes,
            properties: record.properties.map(<[u8]>::to_vec),
            payload: record.payload.to_vec(),
            charge: self.budget.charge(0),
        };
        letter.charge.set(letter.memory());
        self.answers.dead_letter(letter)
    }

    /// Every record of a source partition up to this hand-over is committed.
    pub fn committed(&self, source_partition: u32, hand_over: u64) {
        self.answers.committed(source_partition, hand_over);
    }

    /// Asks for no more records, or for them again.
    pub fn pause(&self, source_partition: u32, paused: bool) {
        self.answers.pause(source_partition, paused);
    }

    /// Asks the broker to send again.
    pub fn send_again(&self, source_partition: u32, division: Option<Position>) {
        self.answers.send_again(source_partition, division);
    }

    /// Writes as many answers as there is room for; or the room that the next one needs.
    pub fn take(&self, room: &mut [u8]) -> std::result::Result<usize, usize> {
        self.answers.take(room)
    }

    /// Java has answered the request of this number; the source partition that waits for it.
    pub fn answered(&self, number: u64) -> Option<u32> {
        self.answers.answered(number)
    }

    /// The memory of a source partition's dead letters that are not confirmed.
    pub fn letter_bytes(&self, source_partition: u32) -> usize {
        self.answers.letter_bytes(source_partition)
    }

    /// The memory of all dead letters that are not confirmed.
    pub fn used(&self) -> usize {
        self.budget.used()
    }
}

/// A metastore's answer to call 1: the bytes of a call whose arguments are what it replies, or what it says when it refuses.
/// What is none is an error, in words.
pub fn metastore_answer(bytes: &[u8]) -> std::result::Result<std::result::Result<Vec<u8>, String>, String> {
    let answer = read_answer(&mut &bytes[..], 1).now_or_never().ok_or("it waits though all bytes are there")?;
    match answer.map_err(|error| error.to_string())? {
        Answer::Reply(reply) => Ok(Ok(call("m", 1, &reply))),
        Answer::Refused(message) => Ok(Err(message)),
    }
}

/// Compares the table that a metastore's answer is with one that is wanted: a table that lacks columns is as wanted once it has
/// them. False when that is not so.
pub fn metastore_table_can_be_altered(bytes: &[u8]) -> bool {
    let wanted = wanted_table();
    let Some(Ok(Answer::Reply(found))) = read_answer(&mut &bytes[..], 1).now_or_never() else { return true };
    match wanted.compare(&found) {
        Found::Behind(altered) => wanted.compare(&altered) == Found::Same,
        Found::Same | Found::Other(_) => true,
    }
}

/// A metastore's answer that is the table which [`metastore_table_can_be_altered`] wants, without its last column.
pub fn metastore_table() -> Vec<u8> {
    let mut wanted = wanted_table();
    wanted.columns.pop();
    call("m", 1, &wanted.table())
}

fn wanted_table() -> Description {
    let column = |name: &str, column_type| Column { name: name.to_owned(), column_type };
    Description {
        database: "default".to_owned(),
        name: "offers".to_owned(),
        owner: "me".to_owned(),
        location: "hdfs://nn/offers".to_owned(),
        dialect: Dialect::Hive(Hive { delimiter: b',' }),
        columns: vec![column("id", ColumnType::BigInt), column("price", ColumnType::Double)],
        partition_column: Some("dt".to_owned()),
    }
}
