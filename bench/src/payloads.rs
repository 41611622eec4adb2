//! Payloads of the demo's events, as producers send them.

use anyhow::Result;
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::record::Fields;
use hdfs_csv_tool::traffic::{Plan, Traffic};
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::record::Record;

/// How many payloads of an event are measured in turn: more than a processor learns by heart.
pub const COUNT: usize = 1_000;

/// 2026-11-01 (UTC), milliseconds since 1970: the beginning of the traffic.
const START: i64 = 1_793_491_200_000;
const DAY: i64 = 86_400_000;

/// An event's payloads, of the same events in both encodings.
#[derive(Debug)]
pub struct Payloads {
    /// Avro's binary encoding.
    pub avro: Vec<Vec<u8>>,
    /// JSON, as Pulsar's JSON schema has it.
    pub json: Vec<Vec<u8>>,
}

impl Payloads {
    /// [`COUNT`] payloads of this event: always the same.
    pub fn new(catalogue: &Catalogue, kind: EventKind) -> Result<Payloads> {
        let encoder = Encoder::new(catalogue)?;
        let fields = catalogue.fields(kind)?;
        let plan = Plan { seed: 1, count: COUNT as u64, kinds: vec![kind], start: START, end: START + DAY };
        let (mut avro, mut json) = (Vec::new(), Vec::new());
        for event in Traffic::new(&plan) {
            avro.push(encoder.encode(&event)?);
            json.push(serde_json::to_vec(&Fields { fields, values: &event.values })?);
        }
        Ok(Payloads { avro, json })
    }
}

/// The records of these payloads, as a hand-over brings them: those of one entry.
pub fn records(payloads: &[Vec<u8>]) -> Vec<Record<'_>> {
    (0..).zip(payloads).map(|(batch_index, payload)| record(batch_index, payload)).collect()
}

/// The record of this payload, at this place of its entry.
pub fn record(batch_index: u32, payload: &[u8]) -> Record<'_> {
    Record { publish_time: START, ..Record::plain(Position { ledger: 1, entry: 1, batch_index }, payload) }
}
