//! The ways to make a payload a row: the connector's, and those that it could have taken instead. All write a value's text with
//! the connector's own code, so that they differ in how they get at the values.

use std::borrow::Cow;
use std::time::Duration;

use anyhow::{Result, anyhow, bail, ensure};
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::{Schema, schema::RecordField};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::decode::Value;
use pulsar_io_hdfs_csv::frame::{HEADER, Record};
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::row::partition::{Partitioning, TimeSource, Unit};
use pulsar_io_hdfs_csv::schema::plan::{Plan, RowSettings};
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::schema::writer::{SchemaInfo, WriterSchema};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_avro_fast::de::DeserializerState;

use crate::payloads::START;

/// The default dialect.
pub const DIALECT: Dialect = Dialect::Hive(Hive { delimiter: b',' });

/// The record of a payload, as a hand-over brings it.
pub fn record(payload: &[u8]) -> Record<'_> {
    Record {
        source_partition: 0,
        schema: 0,
        position: Position { ledger: 1, entry: 2, batch_index: 3 },
        publish_time: START,
        event_time: None,
        key: None,
        key_is_bytes: false,
        properties: None,
        payload,
        bytes: &[0; HEADER],
    }
}

/// A way to make a payload a row.
pub trait Decoder {
    /// Its name in the results.
    const NAME: &'static str;

    /// Appends the row, its LF included.
    fn append_row(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<()>;
}

/// The connector's: the schema compiled to a plan. It finds the record's partition too, which the others do not.
pub struct Ours {
    plan: Plan,
}

impl Ours {
    /// For payloads of an event in Pulsar's schema type `AVRO` or `JSON`.
    pub fn new(schema_type: &str, kind: EventKind) -> Result<Ours> {
        let info = SchemaInfo {
            schema_type: schema_type.to_owned(),
            schema: kind.schema_text().to_owned(),
            ..SchemaInfo::default()
        };
        let schema = WriterSchema::compile(&info)?;
        let day = Duration::from_secs(86_400);
        let settings = RowSettings {
            format: FileFormat { dialect: DIALECT, compression: Compression::None },
            metadata: Vec::new(),
            partitioning: Some(Partitioning {
                column: "dt".to_owned(),
                unit: Unit::Day,
                source: TimeSource::Field("timestamp".to_owned()),
                past_limit: day,
                future_limit: day,
            }),
        };
        let table = TableColumns { version: 1, columns: schema.columns.clone() };
        Ok(Ours { plan: Plan::new(&settings, &schema, &table) })
    }
}

impl Decoder for Ours {
    const NAME: &'static str = "ours";

    #[inline]
    fn append_row(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
        self.plan.encode(&record(payload), "persistent://marketplace/events/measured", out)?;
        Ok(())
    }
}

/// apache-avro: a tree of values, then their texts.
pub struct ApacheAvro<'c> {
    reader: GenericDatumReader<'c>,
}

impl<'c> ApacheAvro<'c> {
    /// For Avro payloads of an event.
    pub fn new(catalogue: &'c Catalogue, kind: EventKind) -> Result<ApacheAvro<'c>> {
        Ok(ApacheAvro { reader: GenericDatumReader::builder(catalogue.schema(kind)).build()? })
    }
}

impl Decoder for ApacheAvro<'_> {
    const NAME: &'static str = "apache_avro_value";

    fn append_row(&self, mut payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let Avro::Record(fields) = self.reader.read_value(&mut payload)? else { bail!("no record") };
        ensure!(payload.is_empty(), "bytes are left over");
        let start = out.len();
        for (_, value) in &fields {
            append(out, &of_avro(value)?)?;
        }
        DIALECT.end_row(out, start);
        Ok(())
    }
}

fn append(out: &mut Vec<u8>, value: &Value<'_>) -> Result<()> {
    DIALECT.append(out, value).map_err(|reason| anyhow!(reason.name()))?;
    out.push(DIALECT.delimiter());
    Ok(())
}

fn of_avro(value: &Avro) -> Result<Value<'_>> {
    Ok(match value {
        Avro::Null => Value::Null,
        Avro::Int(value) => Value::Long(i64::from(*value)),
        Avro::Long(value) => Value::Long(*value),
        Avro::Double(value) => Value::Double(*value),
        Avro::String(value) => Value::Text(Cow::Borrowed(value)),
        Avro::TimestampMillis(value) => Value::TimestampMillis(*value),
        Avro::Union(_, value) => of_avro(value)?,
        other => bail!("no event has a value like {other:?}"),
    })
}

/// serde_avro_fast at its best: a visitor that writes each value's text as it is read, and allocates nothing.
pub struct SerdeAvroFast {
    schema: serde_avro_fast::Schema,
    fields: Vec<Field>,
}

/// What serde does not tell of a field.
#[derive(Clone, Copy)]
struct Field {
    is_timestamp: bool,
}

impl Field {
    fn all(fields: &[RecordField]) -> Vec<Field> {
        let field = |field: &RecordField| Field { is_timestamp: field.schema == Schema::TimestampMillis };
        fields.iter().map(field).collect()
    }

    fn integer<'a>(self, value: i64) -> Value<'a> {
        if self.is_timestamp { Value::TimestampMillis(value) } else { Value::Long(value) }
    }
}

impl SerdeAvroFast {
    /// For Avro payloads of an event.
    pub fn new(catalogue: &Catalogue, kind: EventKind) -> Result<SerdeAvroFast> {
        Ok(SerdeAvroFast { schema: kind.schema_text().parse()?, fields: Field::all(catalogue.fields(kind)?) })
    }
}

impl Decoder for SerdeAvroFast {
    const NAME: &'static str = "serde_avro_fast";

    fn append_row(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        let mut state = DeserializerState::from_slice(payload, &self.schema);
        state.deserializer().deserialize_any(Row { fields: &self.fields, out })?;
        DIALECT.end_row(out, start);
        Ok(())
    }
}

struct Row<'r> {
    fields: &'r [Field],
    out: &'r mut Vec<u8>,
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        for field in self.fields {
            map.next_key::<IgnoredAny>()?;
            map.next_value_seed(Text { field: *field, out: self.out })?;
        }
        Ok(())
    }
}

struct Text<'r> {
    field: Field,
    out: &'r mut Vec<u8>,
}

impl Text<'_> {
    #[inline]
    fn append<E: serde::de::Error>(self, value: &Value<'_>) -> Result<(), E> {
        append(self.out, value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of an event")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.append(&Value::Null)
    }

    fn visit_i32<E: serde::de::Error>(self, value: i32) -> Result<(), E> {
        self.append(&Value::Long(i64::from(value)))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        let value = self.field.integer(value);
        self.append(&value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.append(&Value::Double(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.append(&Value::Text(Cow::Borrowed(value)))
    }
}

/// serde_json: a tree of values, then their texts.
pub struct SerdeJson<'c> {
    names: &'c [RecordField],
    fields: Vec<Field>,
}

impl<'c> SerdeJson<'c> {
    /// For JSON payloads of an event.
    pub fn new(catalogue: &'c Catalogue, kind: EventKind) -> Result<SerdeJson<'c>> {
        let names = catalogue.fields(kind)?;
        Ok(SerdeJson { names, fields: Field::all(names) })
    }
}

impl Decoder for SerdeJson<'_> {
    const NAME: &'static str = "serde_json_value";

    fn append_row(&self, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
        use serde_json::Value as Json;
        let record: Json = serde_json::from_slice(payload)?;
        let start = out.len();
        for (RecordField { name, schema, .. }, field) in self.names.iter().zip(&self.fields) {
            let value = match &record[name] {
                Json::Null => Value::Null,
                Json::String(text) => Value::Text(Cow::Borrowed(text)),
                Json::Number(number) if matches!(schema, Schema::Double | Schema::Union(_)) && number.is_f64() => {
                    Value::Double(number.as_f64().ok_or_else(|| anyhow!("no double"))?)
                }
                Json::Number(number) => field.integer(number.as_i64().ok_or_else(|| anyhow!("no integer"))?),
                other => bail!("no event has a value like {other}"),
            };
            append(out, &value)?;
        }
        DIALECT.end_row(out, start);
        Ok(())
    }
}

/// The rows of all these payloads.
pub fn rows(decoder: &impl Decoder, payloads: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    payloads.iter().try_for_each(|payload| decoder.append_row(payload, &mut out))?;
    Ok(out)
}
