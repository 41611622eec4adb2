//! The types of a writer's schema, compiled once; Avro and JSON payloads are read by them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::decode::left_out::LeftOut;
use crate::value::NANOS_PER_DAY;
use crate::value::column::ColumnType;
use crate::value::conversion::{Conversion, Otherwise};
use crate::value::decimal::Decimal;

/// The type of a value, or a union of null and that type.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// What the value is when it is not null.
    pub kind: Kind,
    /// For a union of null and one type: the branch number of null (0 or 1).
    pub null_branch: Option<u8>,
}

/// What a value is: one of Avro's types and logical types. A uuid in a string is a `String`, a local timestamp is a
/// timestamp: their texts are the same.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each is the Avro type of that name")]
pub enum Kind {
    Null,
    Boolean,
    Int,
    /// An int that stands for one of Java's 16-bit characters.
    Character,
    Long,
    Float,
    Double,
    Bytes,
    String,
    /// So many bytes.
    Fixed(usize),
    /// Its symbols, shared: a schema can use the type as often as it likes.
    Enum(Arc<[Box<str>]>),
    Decimal(Decimal),
    BigDecimal,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    /// 16 bytes.
    Uuid,
    /// 12 bytes.
    Duration,
    /// The record type of this number.
    Record(usize),
    Array(Box<Type>),
    Map(Box<Type>),
    /// A union that is not of null and one type.
    Union(Box<[Branch]>),
}

/// A branch of a union.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Its name as in Avro's JSON encoding: that of the type, with its namespace if it has one.
    pub(crate) name: Box<str>,
    /// Its type.
    pub(crate) kind: Kind,
}

/// A record type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordType {
    /// Its fields, in the order in which they are encoded.
    pub(crate) fields: Vec<(Box<str>, Type)>,
    /// The number of the field of a name.
    pub(crate) by_name: HashMap<Box<str>, usize>,
}

/// The types of a whole schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Types {
    /// The type of the payload.
    pub(crate) root: Type,
    /// The record types, which may refer to each other and to themselves.
    pub(crate) records: Vec<RecordType>,
    /// Of JSON payloads.
    pub(crate) left_out: LeftOut,
}

impl Types {
    /// What becomes columns: the fields of a record, or the one value, named `value`.
    pub(crate) fn fields(&self) -> Vec<(&str, &Type)> {
        match self.root {
            Type { kind: Kind::Record(number), null_branch: None } => {
                self.records[number].fields.iter().map(|(name, field)| (&**name, field)).collect()
            }
            _ => vec![("value", &self.root)],
        }
    }

    /// The record type of the payload, if it is a record.
    pub(crate) fn root_record(&self) -> Option<&RecordType> {
        match self.root {
            Type { kind: Kind::Record(number), null_branch: None } => self.records.get(number),
            _ => None,
        }
    }
}

impl Kind {
    /// The type of a column that holds such values.
    pub(crate) fn column_type(&self) -> ColumnType {
        match self {
            Kind::Boolean => ColumnType::Boolean,
            Kind::Int | Kind::Character => ColumnType::Int,
            Kind::Long => ColumnType::BigInt,
            Kind::Float => ColumnType::Float,
            Kind::Double => ColumnType::Double,
            Kind::Bytes | Kind::Fixed(_) => ColumnType::Binary,
            Kind::Decimal(Decimal { precision, scale, .. }) => {
                ColumnType::Decimal { precision: *precision, scale: *scale }
            }
            Kind::Date => ColumnType::Date,
            Kind::TimestampMillis | Kind::TimestampMicros | Kind::TimestampNanos => ColumnType::Timestamp,
            Kind::Null
            | Kind::String
            | Kind::Enum(_)
            | Kind::BigDecimal
            | Kind::TimeMillis
            | Kind::TimeMicros
            | Kind::Uuid
            | Kind::Duration
            | Kind::Record(_)
            | Kind::Array(_)
            | Kind::Map(_)
            | Kind::Union(_) => ColumnType::String,
        }
    }

    /// The type of a column that was there before the schema changed, in which these values are written exactly all the same: a
    /// date or a time by the number that it is without its logical type, bytes by the text that they are, and text by its bytes.
    pub(crate) fn otherwise(&self) -> Option<Otherwise> {
        let (column_type, conversion) = match self {
            Kind::TimestampMillis => (ColumnType::BigInt, Conversion::Number { unit: 1_000_000 }),
            Kind::TimestampMicros | Kind::TimeMicros => (ColumnType::BigInt, Conversion::Number { unit: 1_000 }),
            Kind::TimestampNanos => (ColumnType::BigInt, Conversion::Number { unit: 1 }),
            Kind::Date => (ColumnType::Int, Conversion::Number { unit: NANOS_PER_DAY }),
            Kind::TimeMillis => (ColumnType::Int, Conversion::Number { unit: 1_000_000 }),
            Kind::Bytes => (ColumnType::String, Conversion::Text),
            Kind::String => (ColumnType::Binary, Conversion::Bytes),
            _ => return None,
        };
        Some(Otherwise { column_type, conversion })
    }
}
