//! The ways to make a payload a row: the connector's, and those that it could have taken instead. All write a value's text with
//! the connector's own code, so that they differ in how they get at the values.

use anyhow::{Result, anyhow, bail, ensure};
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::{Schema, schema::RecordField};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::record::Record;
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::row::settings::RowSettings;
use pulsar_io_hdfs_csv::schema::plan::Plan;
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::schema::writer::{SchemaInfo, WriterSchema};
use pulsar_io_hdfs_csv::value::Value;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_avro_fast::de::DeserializerState;

/// The default dialect.
pub const DIALECT: Dialect = Dialect::Hive(Hive { delimiter: b',' });

/// A way to make a record's payload a row.
pub trait Decoder {
    /// Its name in the results.
    const NAME: &'static str;

    /// Appends the row, its LF included.
    fn append_row(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<()>;
}

/// The connector's: the schema compiled to a plan.
pub struct Ours {
    plan: Plan,
}

impl Ours {
    /// For payloads of an event in Pulsar's schema type `AVRO` or `JSON`.
    pub fn new(schema_type: &str, kind: EventKind) -> Result<Ours> {
        Ours::of_schema(schema_type, kind.schema_text())
    }

    /// For payloads of any schema of such a type.
    pub fn of_schema(schema_type: &str, schema: &str) -> Result<Ours> {
        let info =
            SchemaInfo { schema_type: schema_type.to_owned(), schema: schema.to_owned(), ..SchemaInfo::default() };
        let schema = WriterSchema::compile(&info)?;
        let settings = RowSettings {
            format: FileFormat { dialect: DIALECT, compression: Compression::None },
            metadata: Vec::new(),
            partitioning: None,
        };
        let table = TableColumns { version: 1, columns: schema.columns() };
        Ok(Ours { plan: Plan::new(&settings, &schema, &table) })
    }
}

impl Decoder for Ours {
    const NAME: &'static str = "ours";

    #[inline]
    fn append_row(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<()> {
        self.plan.encode(record, "persistent://marketplace/events/measured", out)?;
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

    fn append_row(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<()> {
        let mut payload = record.payload;
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
        Avro::String(value) => Value::Text(value.as_str().into()),
        Avro::TimestampMillis(value) => Value::TimestampMillis(*value),
        Avro::Union(_, value) => of_avro(value)?,
        other => bail!("no event has a value like {other:?}"),
    })
}

/// serde_avro_fast: the values of the fields, borrowed where they can be, then their texts.
pub struct SerdeAvroFast(ByVisitor);

/// serde_avro_fast at its best: each value's text is written by the visitor that is given it.
pub struct SerdeAvroFastDirect(ByVisitor);

struct ByVisitor {
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

impl ByVisitor {
    fn new(catalogue: &Catalogue, kind: EventKind) -> Result<ByVisitor> {
        Ok(ByVisitor { schema: kind.schema_text().parse()?, fields: Field::all(catalogue.fields(kind)?) })
    }

    #[inline]
    fn for_each<'a>(&self, payload: &'a [u8], put: impl FnMut(Value<'a>) -> Result<()>) -> Result<()> {
        let mut state = DeserializerState::from_slice(payload, &self.schema);
        state.deserializer().deserialize_any(EachField { fields: &self.fields, put })?;
        Ok(())
    }
}

impl SerdeAvroFast {
    /// For Avro payloads of an event.
    pub fn new(catalogue: &Catalogue, kind: EventKind) -> Result<SerdeAvroFast> {
        ByVisitor::new(catalogue, kind).map(SerdeAvroFast)
    }
}

impl Decoder for SerdeAvroFast {
    const NAME: &'static str = "serde_avro_fast";

    fn append_row(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<()> {
        let mut values = Vec::with_capacity(self.0.fields.len());
        self.0.for_each(record.payload, |value| {
            values.push(value);
            Ok(())
        })?;
        let start = out.len();
        values.iter().try_for_each(|value| append(out, value))?;
        DIALECT.end_row(out, start);
        Ok(())
    }
}

impl SerdeAvroFastDirect {
    /// For Avro payloads of an event.
    pub fn new(catalogue: &Catalogue, kind: EventKind) -> Result<SerdeAvroFastDirect> {
        ByVisitor::new(catalogue, kind).map(SerdeAvroFastDirect)
    }
}

impl Decoder for SerdeAvroFastDirect {
    const NAME: &'static str = "serde_avro_fast_direct";

    fn append_row(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        self.0.for_each(record.payload, |value| append(out, &value))?;
        DIALECT.end_row(out, start);
        Ok(())
    }
}

/// Gives each field's value on.
struct EachField<'f, P> {
    fields: &'f [Field],
    put: P,
}

impl<'de, P: FnMut(Value<'de>) -> Result<()>> Visitor<'de> for EachField<'_, P> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        for field in self.fields {
            map.next_key::<IgnoredAny>()?;
            map.next_value_seed(FieldValue { field: *field, put: &mut self.put })?;
        }
        Ok(())
    }
}

struct FieldValue<'p, P> {
    field: Field,
    put: &'p mut P,
}

impl<P> FieldValue<'_, P> {
    #[inline]
    fn put<'de, E: Error>(self, value: Value<'de>) -> Result<(), E>
    where
        P: FnMut(Value<'de>) -> Result<()>,
    {
        (self.put)(value).map_err(E::custom)
    }
}

impl<'de, P: FnMut(Value<'de>) -> Result<()>> DeserializeSeed<'de> for FieldValue<'_, P> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, P: FnMut(Value<'de>) -> Result<()>> Visitor<'de> for FieldValue<'_, P> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value of an event")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put(Value::Null)
    }

    fn visit_i32<E: Error>(self, value: i32) -> Result<(), E> {
        self.put(Value::Long(i64::from(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        let value = self.field.integer(value);
        self.put(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(Value::Double(value))
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<(), E> {
        self.put(Value::Text(value.into()))
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

    fn append_row(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<()> {
        use serde_json::Value as Json;
        let values: Json = serde_json::from_slice(record.payload)?;
        let start = out.len();
        for (RecordField { name, schema, .. }, field) in self.names.iter().zip(&self.fields) {
            let value = match &values[name] {
                Json::Null => Value::Null,
                Json::String(text) => Value::Text(text.as_str().into()),
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

/// The rows of all these records.
pub fn rows(decoder: &impl Decoder, records: &[Record<'_>]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    records.iter().try_for_each(|record| decoder.append_row(record, &mut out))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payloads::{Payloads, records};

    #[test]
    fn a_row_takes_no_allocation() {
        let catalogue = Catalogue::load().unwrap();
        for &kind in EventKind::ALL {
            let payloads = Payloads::new(&catalogue, kind).unwrap();
            let records = records(&payloads.avro);
            let ours = Ours::new("AVRO", kind).unwrap();
            let mut out = Vec::with_capacity(rows(&ours, &records).unwrap().len());
            let info = allocation_counter::measure(|| {
                records.iter().for_each(|record| ours.append_row(record, &mut out).unwrap());
            });
            assert_eq!(info.count_total, 0, "{}", kind.name());
        }
    }

    #[test]
    fn every_decoder_writes_the_same_rows() {
        let catalogue = Catalogue::load().unwrap();
        for &kind in EventKind::ALL {
            let payloads = Payloads::new(&catalogue, kind).unwrap();
            let (avro, json) = (records(&payloads.avro), records(&payloads.json));
            let expected = rows(&ApacheAvro::new(&catalogue, kind).unwrap(), &avro).unwrap();
            assert_eq!(expected.iter().filter(|byte| **byte == b'\n').count(), avro.len());
            assert_eq!(rows(&Ours::new("AVRO", kind).unwrap(), &avro).unwrap(), expected);
            assert_eq!(rows(&SerdeAvroFast::new(&catalogue, kind).unwrap(), &avro).unwrap(), expected);
            assert_eq!(rows(&SerdeAvroFastDirect::new(&catalogue, kind).unwrap(), &avro).unwrap(), expected);
            assert_eq!(rows(&Ours::new("JSON", kind).unwrap(), &json).unwrap(), expected);
            assert_eq!(rows(&SerdeJson::new(&catalogue, kind).unwrap(), &json).unwrap(), expected);
        }
    }
}
