//! What is sent: the same messages for every sink, as Avro, and as ready-made rows for the sink that takes only text.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use hdfs_csv_bench::decoders::{Decoder, Ours};
use hdfs_csv_bench::payloads::record;
use hdfs_csv_tests::{Field, encode, long};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::traffic::{Plan, Traffic};
use serde_json::json;

/// 2026-02-10, UTC.
pub const DAY: i64 = 1_770_681_600_000;
pub const MILLIS_OF_A_DAY: i64 = 86_400_000;
/// So many different messages are made; then they come again.
const DIFFERENT: usize = 20_000;

/// One load: its topics, each with its schema, and messages that are sent in turn.
pub struct Load {
    pub name: &'static str,
    /// Local names.
    pub topics: Vec<(String, String)>,
    pub messages: Vec<Message>,
}

/// One message and what becomes of it.
pub struct Message {
    pub topic: usize,
    pub avro: Vec<u8>,
    /// The row, without a line feed.
    pub row: String,
}

impl Load {
    /// The event `searching`: a timestamp, a user and a text.
    pub fn searching() -> Result<Load> {
        Load::of_events("searching", &[EventKind::Searching])
    }

    /// The event with the fewest bytes: three numbers.
    pub fn smallest() -> Result<Load> {
        Load::of_events("smallest", &[EventKind::PageVisit])
    }

    /// All 21 events, as often as the marketplace has them.
    pub fn mix() -> Result<Load> {
        Load::of_events("mix", EventKind::ALL)
    }

    /// A record of 50 fields of the usual types, a fifth of them NULL.
    pub fn wide() -> Result<Load> {
        let fields: Vec<_> = (1..50).map(|number| (format!("field_{number}"), number)).collect();
        let kind = |number: i64| match number % 5 {
            0 => json!("long"),
            1 => json!("string"),
            2 => json!("double"),
            3 => json!("int"),
            _ => json!(["null", "string"]),
        };
        let timestamp = json!({ "name": "timestamp", "type": { "type": "long", "logicalType": "timestamp-millis" } });
        let declared = fields.iter().map(|(name, number)| match kind(*number) {
            kind if kind.is_array() => json!({ "name": name, "type": kind, "default": null }),
            kind => json!({ "name": name, "type": kind }),
        });
        let declared: Vec<_> = std::iter::once(timestamp).chain(declared).collect();
        let schema = json!({ "type": "record", "name": "Wide", "fields": declared }).to_string();
        let value = |at: i64, number: i64| match number % 5 {
            0 => Field::Long(at * number * 7_919),
            1 => Field::Text(format!("value {} of {number}", at % 1_000)),
            2 => Field::Double(at as f64 / number as f64),
            3 => Field::Int((at * number % 100_000) as i32),
            _ if (at + number) % 2 == 0 => Field::Null,
            _ => Field::some(Field::Text(format!("maybe {}", at % 97))),
        };
        let payload = |at: i64| {
            let first = ("timestamp".to_owned(), Field::Long(moment(at)));
            encode(
                &std::iter::once(first).chain(fields.iter().map(|(name, n)| (name.clone(), value(at, *n)))).collect(),
            )
        };
        Load::new("wide", vec![("wide".to_owned(), schema)], (0..DIFFERENT as i64).map(|at| (0, payload(at))))
    }

    /// A record of a timestamp and a text of so many bytes, in one of so many days up to that.
    pub fn text(name: &'static str, bytes: usize, days: i64) -> Result<Load> {
        let schema = json!({ "type": "record", "name": "Text", "fields": [
            { "name": "timestamp", "type": { "type": "long", "logicalType": "timestamp-millis" } },
            { "name": "text", "type": "string" },
        ]});
        // The memory for them is the producer's.
        let different = (64 << 20) / (bytes + 64);
        let payload = |at: i64| {
            let mut out = Vec::with_capacity(bytes + 20);
            long(&mut out, moment(at) - at % days * MILLIS_OF_A_DAY);
            let number = at.to_string();
            let zeros = "0".repeat(bytes.saturating_sub(number.len()));
            Field::Text((zeros + &number)[..bytes].to_owned()).encode(&mut out);
            (0, out)
        };
        let count = different.clamp(16, DIFFERENT) as i64;
        Load::new(name, vec![("text".to_owned(), schema.to_string())], (0..count).map(payload))
    }

    fn of_events(name: &'static str, kinds: &[EventKind]) -> Result<Load> {
        let catalogue = Catalogue::load()?;
        let encoder = Encoder::new(&catalogue)?;
        let plan =
            Plan { seed: 1, count: DIFFERENT as u64, kinds: kinds.to_vec(), start: DAY, end: DAY + MILLIS_OF_A_DAY };
        let place: BTreeMap<EventKind, usize> = kinds.iter().enumerate().map(|(at, kind)| (*kind, at)).collect();
        let topics = kinds.iter().map(|kind| (kind.name().to_owned(), kind.schema_text().to_owned())).collect();
        let events = Traffic::new(&plan).map(|event| Ok((place[&event.kind], encoder.encode(&event)?)));
        Load::new(name, topics, events.collect::<Result<Vec<_>>>()?)
    }

    fn new(
        name: &'static str,
        topics: Vec<(String, String)>,
        payloads: impl IntoIterator<Item = (usize, Vec<u8>)>,
    ) -> Result<Load> {
        let decoders = topics.iter().map(|(_, schema)| Ours::of_schema("AVRO", schema)).collect::<Result<Vec<_>>>()?;
        let message = |(topic, avro): (usize, Vec<u8>)| {
            let mut row = Vec::new();
            decoders.get(topic).context("a message for no topic")?.append_row(&record(0, &avro), &mut row)?;
            row.pop();
            Ok(Message { topic, avro, row: String::from_utf8(row)? })
        };
        Ok(Load { name, topics, messages: payloads.into_iter().map(message).collect::<Result<_>>()? })
    }

    /// So many messages, in turn.
    pub fn cycle(&self, rows: u64) -> impl Iterator<Item = &Message> {
        self.messages.iter().cycle().take(rows as usize)
    }
}

/// Somewhere within the day.
fn moment(at: i64) -> i64 {
    DAY + at * 7_919 % MILLIS_OF_A_DAY
}
