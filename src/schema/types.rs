//! The types of a writer's schema, compiled once; Avro and JSON payloads are read by them.

use std::collections::HashMap;

use super::column::ColumnType;

/// The most digits that Hive's decimal holds.
pub const MOST_DIGITS: usize = 38;

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
    Long,
    Float,
    Double,
    Bytes,
    String,
    /// So many bytes.
    Fixed(usize),
    Enum(Box<[Box<str>]>),
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

/// A decimal: an integer and the place of its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The most digits of a value, at most [`MOST_DIGITS`].
    pub precision: u8,
    /// How many of them are behind the point.
    pub scale: u8,
    /// The size of the fixed that holds it; none for bytes.
    pub size: Option<usize>,
}

/// A branch of a union.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Its name as in Avro's JSON encoding: that of the type, with its namespace if it has one.
    pub name: Box<str>,
    /// Its type.
    pub kind: Kind,
}

/// A record type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordType {
    /// Its fields, in the order in which they are encoded.
    pub fields: Vec<(Box<str>, Type)>,
    /// The number of the field of a name.
    pub by_name: HashMap<Box<str>, usize>,
}

/// The types of a whole schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Types {
    /// The type of the payload.
    pub root: Type,
    /// The record types, which may refer to each other and to themselves.
    pub records: Vec<RecordType>,
}

impl Types {
    /// What becomes columns: the fields of a record, or the one value, named `value`.
    pub fn fields(&self) -> Vec<(&str, &Type)> {
        match self.root {
            Type { kind: Kind::Record(number), null_branch: None } => {
                self.records[number].fields.iter().map(|(name, field)| (&**name, field)).collect()
            }
            _ => vec![("value", &self.root)],
        }
    }

    /// The record type of the payload, if it is a record.
    pub fn root_record(&self) -> Option<&RecordType> {
        match self.root {
            Type { kind: Kind::Record(number), null_branch: None } => self.records.get(number),
            _ => None,
        }
    }
}

impl Kind {
    /// The type of a column that holds such values.
    pub fn column_type(&self) -> ColumnType {
        match self {
            Kind::Boolean => ColumnType::Boolean,
            Kind::Int => ColumnType::Int,
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
}
