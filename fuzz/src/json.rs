//! What serde_json reads, as it should stand in columns.

use std::collections::HashMap;
use std::fmt;

use apache_avro::Schema;
use apache_avro::schema::{Name, RecordSchema};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::avro::{collect, date, time, timestamp};
use crate::tree::Tree;

/// A value in JSON text, whose members are all there, also those of one name.
#[derive(Debug)]
#[allow(missing_docs, reason = "each is what JSON calls so")]
pub enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Any other number.
    Number(f64),
    Text(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// What serde_json says of a text.
#[derive(Debug)]
pub enum Document {
    /// It is JSON, and this is in it.
    Read(Value),
    /// It is none.
    Refused,
    /// It goes beyond what serde_json reads.
    Unknown,
}

impl Document {
    /// Reads a payload, with or without a byte order mark.
    pub fn parse(payload: &[u8]) -> Document {
        let Ok(text) = std::str::from_utf8(payload) else { return Document::Refused };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match serde_json::from_str::<IgnoredAny>(text) {
            // Halves of characters and numbers beyond a double are a matter of values.
            Ok(_) => serde_json::from_str(text).map_or(Document::Unknown, Document::Read),
            Err(error) if error.to_string().contains("recursion limit") => Document::Unknown,
            // Python writes these.
            Err(_) if text.contains("NaN") || text.contains("Infinity") => Document::Unknown,
            Err(_) => Document::Refused,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Number(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Value::Object(members))
    }
}

/// Says what stands in the columns of a schema.
#[derive(Debug)]
pub struct Oracle {
    schema: Schema,
    named: HashMap<Name, Schema>,
}

impl Oracle {
    /// That of this schema, which is a right one.
    pub fn new(schema: &str) -> Oracle {
        let schema = Schema::parse_str(schema).expect("the schema is right");
        let mut named = HashMap::new();
        collect(&schema, &mut named);
        Oracle { schema, named }
    }

    /// The columns of a payload; none when it is not even of the right kind.
    pub fn columns(&self, value: &Value) -> Option<Vec<Tree>> {
        match (&self.schema, value) {
            (Schema::Record(record), Value::Object(members)) => {
                Some(self.fields(record, members).into_iter().map(|(_, value)| value).collect())
            }
            (Schema::Record(_), _) => None,
            (schema, value) => Some(vec![self.tree(schema, value)]),
        }
    }

    /// Each field, by the last member of its name. An earlier one must be right, too.
    fn fields(&self, record: &RecordSchema, members: &[(String, Value)]) -> Vec<(String, Tree)> {
        let field = |field: &apache_avro::schema::RecordField| {
            let of_name = members.iter().filter(|(name, _)| *name == field.name);
            let mut all: Vec<Tree> = of_name.map(|(_, value)| self.tree(&field.schema, value)).collect();
            let last = all.pop().unwrap_or(Tree::Null);
            (field.name.clone(), if all.iter().any(Tree::may_be_refused) { Tree::Any } else { last })
        };
        record.fields.iter().map(field).collect()
    }

    /// What a value should be. There is no opinion of what Jackson reads though it is of another type, and of what it
    /// does not read.
    fn tree(&self, schema: &Schema, value: &Value) -> Tree {
        let or_any = |tree: Option<Tree>| tree.unwrap_or(Tree::Any);
        match (schema, value) {
            (Schema::Ref { name }, value) => self.tree(&self.named[name], value),
            (_, Value::Null) => Tree::Null,
            (Schema::Union(union), value) => match union.variants() {
                [Schema::Null, inner] | [inner, Schema::Null] => self.tree(inner, value),
                _ => Tree::Any,
            },
            (Schema::Boolean, Value::Boolean(value)) => Tree::Boolean(*value),
            (Schema::Int, Value::Integer(value)) if i32::try_from(*value).is_ok() => Tree::Long(*value),
            (Schema::Long, Value::Integer(value)) => Tree::Long(*value),
            // As a float it is read from its text: from a double it could be another one.
            (Schema::Float, Value::Integer(value)) if value.unsigned_abs() < 1 << 24 => Tree::Float(*value as f32),
            (Schema::Double, Value::Integer(value)) => Tree::Double(*value as f64),
            (Schema::Double, Value::Number(value)) => Tree::Double(*value),
            (Schema::String, Value::Text(text)) => Tree::Text(text.clone()),
            (Schema::Enum(_), Value::Text(text)) => Tree::Text(text.clone()),
            (Schema::Uuid(_), Value::Text(text)) => Tree::Text(text.clone()),
            (Schema::Bytes, Value::Text(text)) => or_any(base64(text, None)),
            (Schema::Fixed(fixed), Value::Text(text)) => or_any(base64(text, Some(fixed.size))),
            (Schema::Date, Value::Integer(value)) => or_any(i32::try_from(*value).ok().and_then(date)),
            (Schema::TimeMillis, Value::Integer(value)) => or_any(time(*value, 3)),
            (Schema::TimeMicros, Value::Integer(value)) => or_any(time(*value, 6)),
            (Schema::TimestampMillis | Schema::LocalTimestampMillis, Value::Integer(value)) => {
                or_any(timestamp(*value, 3))
            }
            (Schema::TimestampMicros | Schema::LocalTimestampMicros, Value::Integer(value)) => {
                or_any(timestamp(*value, 6))
            }
            (Schema::TimestampNanos | Schema::LocalTimestampNanos, Value::Integer(value)) => {
                or_any(timestamp(*value, 9))
            }
            (Schema::Array(array), Value::Array(items)) => {
                Tree::List(items.iter().map(|item| self.tree(&array.items, item)).collect())
            }
            (Schema::Map(map), Value::Object(members)) => {
                let all: Vec<_> =
                    members.iter().map(|(name, value)| (name.clone(), self.tree(&map.types, value))).collect();
                Tree::Object(all)
            }
            (Schema::Record(record), Value::Object(members)) if !record.fields.is_empty() => {
                Tree::Object(self.fields(record, members))
            }
            _ => Tree::Any,
        }
    }
}

fn base64(text: &str, size: Option<usize>) -> Option<Tree> {
    let bytes = STANDARD.decode(text).ok()?;
    size.is_none_or(|size| size == bytes.len()).then(|| Tree::Text(STANDARD.encode(bytes)))
}
