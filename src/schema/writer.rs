//! The writer's schema: what a record's producer encoded it with.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::decode::avro::Avro;
use crate::decode::json::Json;
use crate::decode::key_value::{KeyValue, split};
use crate::decode::part::Part;
use crate::decode::primitive::Primitive;
use crate::decode::types::{RecordType, Type, Types};
use crate::record::Record;
use crate::schema::avro;
use crate::value::BadRecord;
use crate::value::column::Column;
use crate::value::conversion::Wanted;

/// A writer's schema as Java passes it (docs/understand/hand-over.md).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub struct SchemaInfo {
    /// Pulsar's `SchemaType` name.
    #[serde(rename = "type")]
    pub schema_type: String,
    /// The schema's text.
    pub schema: String,
    /// The message's schema version, hexadecimal.
    pub version: String,
    /// For `KEY_VALUE`: the key's schema.
    #[serde(default)]
    pub key: Option<PartInfo>,
    /// For `KEY_VALUE`: the value's schema.
    #[serde(default)]
    pub value: Option<PartInfo>,
    /// For `KEY_VALUE`: `INLINE` or `SEPARATED`.
    #[serde(default)]
    pub encoding: Option<String>,
}

/// The schema of a key or of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub struct PartInfo {
    /// Pulsar's `SchemaType` name.
    #[serde(rename = "type")]
    pub schema_type: String,
    /// The schema's text.
    #[serde(default)]
    pub schema: String,
}

/// A schema that this sink cannot write as rows; its records are bad records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnsupportedSchema(pub String);

/// The most characters of what is wrong with a schema: it goes with each of its records to the dead letters, and the parser shows
/// whole types.
const LONGEST_REASON: usize = 1_000;

fn beginning(mut why: String) -> String {
    if let Some((end, _)) = why.char_indices().nth(LONGEST_REASON) {
        why.truncate(end);
        why.push('…');
    }
    why
}

/// A writer's schema, compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct WriterSchema {
    /// What its fields want in a table, in the order in which they are decoded.
    pub(crate) wanted: Vec<Wanted>,
    /// How to decode a record.
    pub input: Arc<Input>,
}

/// Where a record's fields are and how they are encoded.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// In the payload.
    Payload(Format),
    /// In a key and a value.
    KeyValue {
        /// The key's encoding.
        key: Format,
        /// How many fields are the key's.
        key_fields: usize,
        /// The value's encoding.
        value: Format,
        /// The key is the message's key; otherwise both are in the payload.
        separated: bool,
    },
}

/// An encoding.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    /// Avro's binary encoding.
    Avro {
        /// The types of the fields.
        fields: Vec<Type>,
        /// The record types that they use.
        records: Vec<RecordType>,
    },
    /// JSON text.
    Json(Types),
    /// A primitive schema: one field.
    Primitive(Primitive),
}

impl WriterSchema {
    /// Compiles a schema.
    pub fn compile(info: &SchemaInfo) -> Result<Self, UnsupportedSchema> {
        let unsupported = |why: String| UnsupportedSchema(beginning(why));
        let (wanted, input) = compile(info).map_err(unsupported)?;
        check_names(&wanted).map_err(unsupported)?;
        Ok(WriterSchema { wanted, input: Arc::new(input) })
    }

    /// The columns of a table that has only its records, in the order in which they are decoded.
    pub fn columns(&self) -> Vec<Column> {
        self.wanted.iter().map(|wanted| wanted.column.clone()).collect()
    }
}

impl Input {
    /// How often members of JSON text were left out, by their names.
    pub(crate) fn left_out(&self) -> Vec<(Box<str>, u64)> {
        let formats = match self {
            Input::Payload(format) => vec![format],
            Input::KeyValue { key, value, .. } => vec![key, value],
        };
        let json = formats.into_iter().filter_map(|format| match format {
            Format::Json(types) => Some(types.left_out.counts()),
            Format::Avro { .. } | Format::Primitive(_) => None,
        });
        json.flatten().collect()
    }
}

impl Format {
    /// The fields of these bytes.
    pub(crate) fn open<'a>(&'a self, bytes: &'a [u8]) -> Result<Part<'a>, BadRecord> {
        Ok(match self {
            Format::Avro { fields, records } => Part::Avro(Avro::new(bytes, fields, records)),
            Format::Json(types) => Part::Json(Json::parse(bytes, types)?),
            Format::Primitive(primitive) => Part::Primitive(*primitive, bytes),
        })
    }
}

/// The fields of a record with a key and a value.
pub(crate) fn open_key_value<'a>(
    (key, key_fields, value): (&'a Format, usize, &'a Format),
    separated: bool,
    record: &Record<'a>,
) -> Result<KeyValue<'a>, BadRecord> {
    let (key_bytes, value_bytes) = if separated { (record.key, Some(record.payload)) } else { split(record.payload)? };
    let open = |format: &'a Format, bytes: Option<&'a [u8]>| bytes.map_or(Ok(Part::Absent), |bytes| format.open(bytes));
    Ok(KeyValue::new(open(key, key_bytes)?, key_fields, open(value, value_bytes)?))
}

fn compile(info: &SchemaInfo) -> Result<(Vec<Wanted>, Input), String> {
    match info.schema_type.as_str() {
        "KEY_VALUE" => key_value(info),
        "NONE" => Err(
            "the broker does not know this message's schema version: the topic's schemas were deleted, or the message \
                       came from another cluster without them. Send it again with the topic's schema"
                .to_owned(),
        ),
        "ENCRYPTED" => Err(
            "it is encrypted, and the sink has no keys: give them in the sink's cryptoConfig (docs/operate/runbook.md, \
             \"Messages are encrypted\")"
                .to_owned(),
        ),
        "UNREADABLE" => Err(format!("the Pulsar client cannot read the writer's schema: {}", info.schema)),
        schema_type => {
            let (wanted, format) = format(schema_type, &info.schema)?;
            Ok((wanted, Input::Payload(format)))
        }
    }
}

fn key_value(info: &SchemaInfo) -> Result<(Vec<Wanted>, Input), String> {
    let separated = match info.encoding.as_deref() {
        Some("INLINE") => false,
        Some("SEPARATED") => true,
        other => return Err(format!("the KeyValue schema's encoding is {other:?} and not INLINE or SEPARATED")),
    };
    let part = |name: &str, part: &Option<PartInfo>| {
        let part = part.as_ref().ok_or_else(|| format!("the KeyValue schema has no {name}"))?;
        format(&part.schema_type, &part.schema).map_err(|what| format!("the {name}'s schema: {what}"))
    };
    let (mut wanted, key) = part("key", &info.key)?;
    let key_fields = wanted.len();
    for Wanted { column, .. } in &mut wanted {
        column.name = match key {
            Format::Primitive(_) => "key".to_owned(),
            _ => format!("key_{}", column.name),
        };
    }
    let (wanted_of_value, value) = part("value", &info.value)?;
    wanted.extend(wanted_of_value);
    Ok((wanted, Input::KeyValue { key, key_fields, value, separated }))
}

fn format(schema_type: &str, schema: &str) -> Result<(Vec<Wanted>, Format), String> {
    match schema_type {
        "AVRO" => {
            let types = avro::compile(schema)?;
            let wanted = wanted(types.fields())?;
            let fields = types.fields().into_iter().map(|(_, field)| field.clone()).collect();
            Ok((wanted, Format::Avro { fields, records: types.records }))
        }
        "JSON" => {
            let types = avro::compile(schema)?;
            Ok((wanted(types.fields())?, Format::Json(types)))
        }
        "PROTOBUF" | "PROTOBUF_NATIVE" => Err(format!(
            "schema type {schema_type} is not written by this sink. Produce with an Avro or a JSON schema, or convert with a Pulsar function"
        )),
        other => match Primitive::from_name(other) {
            Some(primitive) => {
                let column = Column { name: "value".to_owned(), column_type: primitive.column_type() };
                Ok((vec![Wanted { column, otherwise: None }], Format::Primitive(primitive)))
            }
            None => Err(format!(
                "schema type {other} is not one that this sink writes; it writes AVRO, JSON, KEY_VALUE and the primitive types"
            )),
        },
    }
}

fn wanted(fields: Vec<(&str, &Type)>) -> Result<Vec<Wanted>, String> {
    if fields.is_empty() {
        return Err("the record has no fields: a table needs a column".to_owned());
    }
    let wanted = |(name, field): (&str, &Type)| Wanted {
        column: Column { name: name.to_owned(), column_type: field.kind.column_type() },
        otherwise: field.kind.otherwise(),
    };
    Ok(fields.into_iter().map(wanted).collect())
}

fn check_names(wanted: &[Wanted]) -> Result<(), String> {
    let mut seen: HashMap<String, &str> = HashMap::with_capacity(wanted.len());
    for Wanted { column: Column { name, .. }, .. } in wanted {
        match seen.insert(name.to_ascii_lowercase(), name) {
            Some(other) if other == name => return Err(format!("two fields become the column `{name}`")),
            Some(other) => {
                return Err(format!("fields `{other}` and `{name}` differ only in case, which Hive does not see"));
            }
            None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(schema_type: &str, schema: &str) -> SchemaInfo {
        SchemaInfo { schema_type: schema_type.to_owned(), schema: schema.to_owned(), ..SchemaInfo::default() }
    }

    fn compile(schema_type: &str, schema: &str) -> Result<WriterSchema, UnsupportedSchema> {
        WriterSchema::compile(&info(schema_type, schema))
    }

    fn columns(schema: &WriterSchema) -> Vec<String> {
        schema.columns().iter().map(|column| format!("{} {}", column.name, column.column_type)).collect()
    }

    #[test]
    fn what_cannot_be_written_says_why() {
        let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(1_000), "}".repeat(1_000));
        let cases = [
            ("PROTOBUF", "{}", "PROTOBUF is not written by this sink"),
            ("PROTOBUF_NATIVE", "{}", "PROTOBUF_NATIVE is not written by this sink"),
            ("AUTO_CONSUME", "", "AUTO_CONSUME is not one that"),
            ("NONE", "", "the broker does not know"),
            ("ENCRYPTED", "", "it is encrypted, and the sink has no keys"),
            ("UNREADABLE", "no such class", "cannot read the writer's schema: no such class"),
            ("KEY_VALUE", "", "encoding"),
            ("AVRO", "{", "cannot be parsed"),
            ("AVRO", deep.as_str(), "recursion limit"),
            ("AVRO", r#"{"type":"record","name":"R","fields":[]}"#, "no fields"),
            ("AVRO", r#"{"type":"bytes","logicalType":"decimal","precision":50,"scale":40}"#, "scale 40"),
            (
                "AVRO",
                r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"A","type":"int"}]}"#,
                "differ only in case",
            ),
        ];
        for (schema_type, schema, says) in cases {
            let error = compile(schema_type, schema).unwrap_err();
            assert!(error.0.contains(says), "{error}");
        }
    }

    #[test]
    fn a_payload_that_is_no_record_is_one_column() {
        assert_eq!(columns(&compile("AVRO", r#""int""#).unwrap()), ["value int"]);
        assert_eq!(columns(&compile("AVRO", r#"{"type":"map","values":"int"}"#).unwrap()), ["value string"]);
        assert_eq!(columns(&compile("INT16", "").unwrap()), ["value int"]);
        assert_eq!(columns(&compile("LOCAL_DATE_TIME", "").unwrap()), ["value timestamp"]);
    }

    #[test]
    fn the_columns_of_a_key_are_named_after_it() {
        let record = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#;
        let part =
            |schema_type: &str| Some(PartInfo { schema_type: schema_type.to_owned(), schema: record.to_owned() });
        let both = |key, value| {
            let encoding = Some("INLINE".to_owned());
            let info = SchemaInfo { key: part(key), value: part(value), encoding, ..info("KEY_VALUE", "") };
            WriterSchema::compile(&info).map(|schema| columns(&schema))
        };
        assert_eq!(both("AVRO", "AVRO").unwrap(), ["key_a int", "a int"]);
        assert_eq!(both("STRING", "INT64").unwrap(), ["key string", "value bigint"]);
        assert!(both("PROTOBUF", "AVRO").unwrap_err().0.starts_with("the key's schema: schema type PROTOBUF"));
    }

    #[test]
    fn names_that_java_takes_are_taken() {
        let schema = r#"{"type":"record","name":"Inner","namespace":"a.Outer$","fields":[{"name":"größe","type":
            {"type":"enum","name":"E","symbols":["A"]}},{"name":"again","type":"E"}]}"#;
        assert_eq!(columns(&compile("AVRO", schema).unwrap()), ["größe string", "again string"]);
        let schema = r#"{"type":"record","name":"R","namespace":"shop.web-front.2","fields":[{"name":"farbe","type":
            {"type":"enum","name":"Farbe","symbols":["ROT","GRÜN"],"default":"BLAU"}}]}"#;
        assert_eq!(columns(&compile("AVRO", schema).unwrap()), ["farbe string"]);
    }

    #[test]
    fn defaults_and_aliases_are_what_they_like() {
        let schema = r#"{"type":"record","name":"R","aliases":["1-2"],"fields":[{"name":"url","type":"string","default":null},
            {"name":"default","type":{"type":"array","items":["null",{"type":"record","name":"N","fields":[
            {"name":"n","type":"int","default":"x","aliases":[""]}]}]},"default":{}}]}"#;
        assert_eq!(columns(&compile("AVRO", schema).unwrap()), ["url string", "default string"]);
    }

    #[test]
    fn a_fixed_that_is_too_small_for_its_decimal_is_bytes() {
        let of = |size: usize, precision: usize| {
            let schema = format!(
                r#"{{"type":"fixed","name":"F","size":{size},"logicalType":"decimal","precision":{precision},"scale":2}}"#
            );
            columns(&compile("AVRO", &schema).unwrap())
        };
        assert_eq!((of(4, 9), of(4, 10)), (vec!["value decimal(9,2)".to_owned()], vec!["value binary".to_owned()]));
        assert_eq!(of(usize::MAX, 9), ["value decimal(9,2)"]);
        assert_eq!((of(0, 3), of(16, 38)), (vec!["value binary".to_owned()], vec!["value decimal(38,2)".to_owned()]));
    }

    #[test]
    fn a_name_that_would_be_kept_with_each_of_many_types_is_bounded_and_so_is_what_is_said_of_a_schema() {
        let of = |namespace: usize| {
            let record = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}],"namespace":"#;
            compile("AVRO", &format!("{record}\"{}\"}}", "n".repeat(namespace)))
        };
        assert!(of(1_000).is_ok());
        assert!(of(100_000).unwrap_err().0.contains("100000 bytes"));
        let error = compile("AVRO", &format!(r#"{{"type":"array","items":"{}"}}"#, "é".repeat(100_000))).unwrap_err();
        assert!(error.0.starts_with("the Avro schema cannot be parsed") && error.0.chars().count() == 1_001, "{error}");
    }

    #[test]
    fn an_enum_that_is_used_often_takes_the_memory_of_one() {
        let symbols: Vec<_> = (0..1_000).map(|number| format!("\"S{number}\"")).collect();
        let first = format!(r#"{{"type":"enum","name":"E","symbols":[{}]}}"#, symbols.join(","));
        let fields: Vec<_> = (0..50)
            .map(|at| format!(r#"{{"name":"f{at}","type":{}}}"#, if at == 0 { first.as_str() } else { "\"E\"" }))
            .collect();
        let schema = format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","));
        let compiled = compile("AVRO", &schema).unwrap();
        let Input::Payload(Format::Avro { fields, .. }) = &*compiled.input else { panic!("not Avro") };
        let symbols = |at: usize| match &fields[at].kind {
            crate::decode::types::Kind::Enum(symbols) => Arc::clone(symbols),
            other => panic!("{other:?}"),
        };
        assert!((1..50).all(|at| Arc::ptr_eq(&symbols(0), &symbols(at))));
    }

    #[test]
    fn an_error_is_a_record_and_a_logical_type_that_is_no_text_is_none() {
        let schema = r#"{"type":"error","name":"Failed","fields":[{"name":"why","type":"string"},{"name":"cause","type":
            ["null",{"type":"error","name":"error","fields":[{"name":"n","type":{"type":"int","logicalType":5}}]}]},
            {"name":"again","type":"error"},{"name":"n","type":{"type":"long","logicalType":["date"]}}]}"#;
        let expected = ["why string", "cause string", "again string", "n bigint"];
        assert_eq!(columns(&compile("AVRO", schema).unwrap()), expected);
        assert_eq!(columns(&compile("JSON", schema).unwrap()), expected);
    }
}
