//! Rows of any schema: what was sent, and whether the table has it. Avro is written here by hand, and the tables are read by
//! `tests/oracle/rows.py`: neither knows the connector.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdfs_csv_tool::publish::{Publisher, Receipt};
use pulsar::producer::Message;
use serde_json::{Value as Json, json};

use crate::oracle::{fetch, no_findings};
use crate::services::Services;
use crate::shared::repository;
use crate::sink::Sink;

/// A field's value as a producer sends it.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Null, the first branch of a union.
    Null,
    /// The other branch of a union that begins with null.
    Some(Box<Field>),
    /// An int.
    Int(i32),
    /// A long.
    Long(i64),
    /// A timestamp, in milliseconds since 1970.
    Timestamp(i64),
    /// A float.
    Float(f32),
    /// A double.
    Double(f64),
    /// A string.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Anything else: its encoding, and the JSON that its column must have.
    Nested(Vec<u8>, Json),
}

impl Field {
    /// A value where null would be possible.
    pub fn some(field: Field) -> Field {
        Field::Some(Box::new(field))
    }

    /// A text.
    pub fn text(text: &str) -> Field {
        Field::Text(text.to_owned())
    }

    /// Appends its Avro encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Field::Null => out.push(0),
            Field::Some(field) => {
                out.push(2);
                field.encode(out);
            }
            Field::Int(value) => long(out, i64::from(*value)),
            Field::Long(value) | Field::Timestamp(value) => long(out, *value),
            Field::Float(value) => out.extend(value.to_le_bytes()),
            Field::Double(value) => out.extend(value.to_le_bytes()),
            Field::Text(text) => bytes(out, text.as_bytes()),
            Field::Bytes(value) => bytes(out, value),
            Field::Nested(encoded, _) => out.extend_from_slice(encoded),
        }
    }

    /// What the oracle expects: a type and a value, floats by their bits.
    fn expected(&self) -> Json {
        match self {
            Field::Null => Json::Null,
            Field::Some(field) => field.expected(),
            Field::Int(value) => json!(["int", value]),
            Field::Long(value) => json!(["long", value]),
            Field::Timestamp(value) => json!(["timestamp", value]),
            Field::Float(value) => json!(["float", format!("{:08x}", value.to_bits())]),
            Field::Double(value) => json!(["double", format!("{:016x}", value.to_bits())]),
            Field::Text(text) => json!(["string", text]),
            Field::Bytes(value) => json!(["bytes", STANDARD.encode(value)]),
            Field::Nested(_, value) => json!(["json", value]),
        }
    }
}

/// Appends a number as Avro does: zigzag, seven bits a byte.
pub fn long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn bytes(out: &mut Vec<u8>, value: &[u8]) {
    long(out, value.len() as i64);
    out.extend_from_slice(value);
}

/// A record: its fields in the schema's order.
pub type Fields = Vec<(String, Field)>;

/// A record's Avro encoding.
pub fn encode(fields: &Fields) -> Vec<u8> {
    let mut out = Vec::new();
    for (_, field) in fields {
        field.encode(&mut out);
    }
    out
}

/// A producer of one schema, which sends batches of a size.
pub struct Typed {
    publisher: Publisher,
    confirmed: Vec<(Fields, Receipt)>,
}

impl Typed {
    /// Registers the schema on the topic.
    pub fn open(services: &Services, topic: &str, schema: &Json, batch: u32) -> Result<Typed> {
        let client = services.pulsar()?;
        let publisher = services.wait_for(Publisher::open(&client, topic, Some(&schema.to_string()), batch))?;
        Ok(Typed { publisher, confirmed: Vec::new() })
    }

    /// Sends records, ends the batch begun, and waits until the broker has them.
    pub fn send(&mut self, services: &Services, records: Vec<Fields>) -> Result<()> {
        services.wait_for(async {
            let mut pending = Vec::with_capacity(records.len());
            for fields in records {
                let message = Message { payload: encode(&fields), ..Default::default() };
                pending.push((fields, self.publisher.send(message).await?));
            }
            self.publisher.flush().await?;
            for (fields, receipt) in pending {
                self.confirmed.push((fields, receipt.await?));
            }
            Ok(())
        })
    }

    /// Closes it; every record that it sent, with its receipt.
    pub fn close(self, services: &Services) -> Result<Vec<(Fields, Receipt)>> {
        services.wait_for(self.publisher.close())?;
        Ok(self.confirmed)
    }
}

/// What must be in a table, and nothing else.
#[derive(Default)]
pub struct Expected {
    rows: Vec<(Fields, Receipt)>,
}

impl Expected {
    /// Adds rows that were sent.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = (Fields, Receipt)>) {
        self.rows.extend(rows);
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Reads the sink's table back and compares each row, field by field, and its order; then `verify` must find nothing.
    /// The options are those of `rows.py`, whose summary this returns.
    pub fn compare(&self, sink: &Sink<'_>, table: &str, options: &[&str]) -> Result<Json> {
        let summary = self.compare_rows(sink, table, options)?;
        sink.namespace().services().wait_for(no_findings(sink))?;
        Ok(summary)
    }

    /// The same without `verify`.
    pub fn compare_rows(&self, sink: &Sink<'_>, table: &str, options: &[&str]) -> Result<Json> {
        let services = sink.namespace().services();
        let sent = services.scratch(&format!("{}-{table}-sent.jsonl", sink.directory().replace('/', "-")));
        self.write(&sent).with_context(|| format!("{}", sent.display()))?;
        let fetched = fetch(services, &sink.directory())?;
        let mut command = Command::new("python3");
        command.env("PYTHONDONTWRITEBYTECODE", "1").arg(repository().join("tests/oracle/rows.py"));
        command.arg("--table").arg(fetched.join(table)).arg("--sent").arg(&sent).args(options);
        let output = command.output().context("python3 cannot be run")?;
        let (text, differences) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            let kept = services.stack().log_dir().join("differences");
            let _ = std::fs::create_dir_all(&kept);
            let _ = Command::new("cp").arg("-r").args([&fetched, &sent]).arg(&kept).status();
            bail!("{}/{table} differs (kept in {}):\n{differences}{text}", sink.directory(), kept.display());
        }
        let summary: Json = serde_json::from_str(&text).with_context(|| format!("the oracle's summary: {text}"))?;
        ensure!(summary["rows"] == self.len() && !self.is_empty(), "{} were sent: {summary}", self.len());
        let (files, versions) = (&summary["files"], &summary["versions"]);
        println!("{}/{table}: {} rows in {files} files; columns by version: {versions}", sink.directory(), self.len());
        Ok(summary)
    }

    fn write(&self, path: &std::path::Path) -> Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        for (fields, Receipt { position, .. }) in &self.rows {
            let values: serde_json::Map<_, _> =
                fields.iter().map(|(name, field)| (name.clone(), field.expected())).collect();
            let position = [position.ledger, position.entry, u64::from(position.batch_index)];
            serde_json::to_writer(&mut file, &json!({ "position": position, "values": values }))?;
            file.write_all(b"\n")?;
        }
        Ok(file.flush()?)
    }
}
