//! The writer's schema: what a record's producer encoded it with.

use apache_avro::Schema;
use serde::Deserialize;

use crate::decode::avro::{Kind, Op};
use crate::schema::column::{Column, ColumnType};

/// A writer's schema as Java passes it (docs/hand-over.md).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct SchemaInfo {
    /// Pulsar's `SchemaType` name.
    #[serde(rename = "type")]
    pub schema_type: String,
    /// The schema's text.
    pub schema: String,
    /// The message's schema version, hexadecimal.
    pub version: String,
}

/// A schema that this sink cannot write as rows; its records are bad records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnsupportedSchema(pub String);

/// A field of a record, in the writer's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The column that it belongs in.
    pub column: Column,
    /// How to decode it.
    pub op: Op,
}

/// A writer's schema, compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct WriterSchema {
    /// Its fields, in the order in which they are encoded.
    pub fields: Vec<Field>,
}

impl WriterSchema {
    /// Compiles a schema.
    pub fn compile(info: &SchemaInfo) -> Result<Self, UnsupportedSchema> {
        if info.schema_type != "AVRO" {
            return Err(UnsupportedSchema(format!(
                "schema type {} is not one that this sink writes; it writes AVRO",
                info.schema_type
            )));
        }
        let schema = Schema::parse_str(&info.schema)
            .map_err(|error| UnsupportedSchema(format!("the Avro schema cannot be parsed: {error}")))?;
        let Schema::Record(record) = schema else {
            return Err(UnsupportedSchema("the Avro schema is not a record".to_owned()));
        };
        if record.fields.is_empty() {
            return Err(UnsupportedSchema("the Avro record has no fields: a table needs a column".to_owned()));
        }
        let mut fields: Vec<Field> = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let name = &field.name;
            if let Some(other) = fields.iter().find(|other| other.column.name.eq_ignore_ascii_case(name)) {
                return Err(UnsupportedSchema(format!(
                    "fields `{}` and `{name}` differ only in case, which Hive does not see",
                    other.column.name
                )));
            }
            let op = Op::compile(&field.schema).map_err(|what| UnsupportedSchema(format!("field `{name}`: {what}")))?;
            let column = Column { name: name.clone(), column_type: column_type(op.kind) };
            fields.push(Field { column, op });
        }
        Ok(WriterSchema { fields })
    }
}

fn column_type(kind: Kind) -> ColumnType {
    match kind {
        Kind::Boolean => ColumnType::Boolean,
        Kind::Int => ColumnType::Int,
        Kind::Long => ColumnType::BigInt,
        Kind::Float => ColumnType::Float,
        Kind::Double => ColumnType::Double,
        Kind::Null | Kind::String => ColumnType::String,
        Kind::Bytes => ColumnType::Binary,
        Kind::Date => ColumnType::Date,
        Kind::TimestampMillis | Kind::TimestampMicros => ColumnType::Timestamp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(schema_type: &str, schema: &str) -> Result<WriterSchema, UnsupportedSchema> {
        WriterSchema::compile(&SchemaInfo {
            schema_type: schema_type.to_owned(),
            schema: schema.to_owned(),
            version: String::new(),
        })
    }

    #[test]
    fn what_cannot_be_written_says_why() {
        let cases = [
            ("PROTOBUF", "{}", "PROTOBUF is not one"),
            ("AVRO", "{", "cannot be parsed"),
            ("AVRO", r#""int""#, "not a record"),
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
}
