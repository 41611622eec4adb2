//! What `produce` says about what it produced: a summary, and a line for each message.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use apache_avro::schema::RecordField;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

use crate::event::Value;
use crate::publish::Receipt;

/// The summary of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The seed of the traffic.
    pub seed: u64,
    /// How many events were confirmed, of each kind that was asked for.
    pub events: BTreeMap<String, u64>,
    /// How many in all.
    pub total: u64,
    /// How long it took.
    pub seconds: f64,
    /// Confirmed events a second.
    pub per_second: f64,
}

impl Report {
    /// Writes the summary to a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write the report {}", path.display()))
    }
}

/// A file of JSON lines, one for each message: its topic, its id and each field's value.
pub struct Record {
    file: BufWriter<File>,
}

#[derive(Serialize)]
struct Line<'a> {
    topic: &'a str,
    id: Id,
    values: Fields<'a>,
}

#[derive(Serialize)]
struct Id {
    ledger: u64,
    entry: u64,
    batch_index: u32,
    partition: i32,
}

/// An event's values by the names of their fields: the payload of a JSON topic.
pub struct Fields<'a> {
    /// The fields.
    pub fields: &'a [RecordField],
    /// Their values, in the same order.
    pub values: &'a [Value],
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len()))?;
        for (field, value) in self.fields.iter().zip(self.values) {
            map.serialize_entry(&field.name, value)?;
        }
        map.end()
    }
}

impl Record {
    /// Begins the file.
    pub fn create(path: &Path) -> Result<Record> {
        let file = File::create(path).with_context(|| format!("cannot write the record {}", path.display()))?;
        Ok(Record { file: BufWriter::with_capacity(1 << 20, file) })
    }

    /// Adds a message.
    pub fn add(&mut self, topic: &str, receipt: &Receipt, fields: &[RecordField], values: &[Value]) -> Result<()> {
        let Receipt { partition, position } = *receipt;
        let id = Id { ledger: position.ledger, entry: position.entry, batch_index: position.batch_index, partition };
        let line = Line { topic, id, values: Fields { fields, values } };
        serde_json::to_writer(&mut self.file, &line)?;
        self.file.write_all(b"\n").context("cannot write the record")
    }

    /// Writes out what is buffered.
    pub fn finish(mut self) -> Result<()> {
        self.file.flush().context("cannot write the record")
    }
}
