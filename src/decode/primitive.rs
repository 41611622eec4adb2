//! Pulsar's primitive schemas: one value, big-endian, as the Java client's schema classes write it.

use std::borrow::Cow;

use crate::value::column::ColumnType;
use crate::value::text::Text;
use crate::value::{Reason, Value};

/// A primitive schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is Pulsar's schema type of that name")]
pub enum Primitive {
    String,
    Bytes,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float,
    Double,
    /// Java's `Date`, `Time` and `Timestamp` are all milliseconds since 1970.
    Date,
    Time,
    Timestamp,
    Instant,
    LocalDate,
    LocalTime,
    LocalDateTime,
}

impl Primitive {
    /// The schema of this `SchemaType` name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "STRING" => Primitive::String,
            "BYTES" => Primitive::Bytes,
            "BOOLEAN" => Primitive::Boolean,
            "INT8" => Primitive::Int8,
            "INT16" => Primitive::Int16,
            "INT32" => Primitive::Int32,
            "INT64" => Primitive::Int64,
            "FLOAT" => Primitive::Float,
            "DOUBLE" => Primitive::Double,
            "DATE" => Primitive::Date,
            "TIME" => Primitive::Time,
            "TIMESTAMP" => Primitive::Timestamp,
            "INSTANT" => Primitive::Instant,
            "LOCAL_DATE" => Primitive::LocalDate,
            "LOCAL_TIME" => Primitive::LocalTime,
            "LOCAL_DATE_TIME" => Primitive::LocalDateTime,
            _ => return None,
        })
    }

    /// The type of the column that holds it.
    pub(crate) fn column_type(self) -> ColumnType {
        match self {
            Primitive::String | Primitive::LocalTime => ColumnType::String,
            Primitive::Bytes => ColumnType::Binary,
            Primitive::Boolean => ColumnType::Boolean,
            Primitive::Int8 | Primitive::Int16 | Primitive::Int32 => ColumnType::Int,
            Primitive::Int64 => ColumnType::BigInt,
            Primitive::Float => ColumnType::Float,
            Primitive::Double => ColumnType::Double,
            Primitive::LocalDate => ColumnType::Date,
            Primitive::Date
            | Primitive::Time
            | Primitive::Timestamp
            | Primitive::Instant
            | Primitive::LocalDateTime => ColumnType::Timestamp,
        }
    }

    /// Reads a whole payload.
    pub(crate) fn read(self, bytes: &[u8]) -> Result<Value<'_>, Reason> {
        Ok(match self {
            Primitive::String => Value::Text(Text::checked(bytes)?),
            Primitive::Bytes => Value::Bytes(Cow::Borrowed(bytes)),
            Primitive::Boolean => Value::Boolean(exactly::<1>(bytes)? != [0]),
            Primitive::Int8 => Value::Long(i64::from(i8::from_be_bytes(exactly(bytes)?))),
            Primitive::Int16 => Value::Long(i64::from(i16::from_be_bytes(exactly(bytes)?))),
            Primitive::Int32 => Value::Long(i64::from(i32::from_be_bytes(exactly(bytes)?))),
            Primitive::Int64 => Value::Long(long(bytes)?),
            Primitive::Float => Value::Float(f32::from_be_bytes(exactly(bytes)?)),
            Primitive::Double => Value::Double(f64::from_be_bytes(exactly(bytes)?)),
            Primitive::Date | Primitive::Time | Primitive::Timestamp => Value::TimestampMillis(long(bytes)?),
            Primitive::Instant => {
                let bytes: [u8; 12] = exactly(bytes)?;
                let (seconds, nanos) = bytes.split_at(8);
                instant(long(seconds)?, i32::from_be_bytes(exactly(nanos)?))?
            }
            Primitive::LocalDate => Value::Date(long(bytes)?),
            Primitive::LocalTime => Value::TimeNanos(long(bytes)?),
            Primitive::LocalDateTime => {
                let bytes: [u8; 16] = exactly(bytes)?;
                let (days, nanos) = bytes.split_at(8);
                Value::TimestampNanos { days: long(days)?, nanos: long(nanos)? }
            }
        })
    }
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Reason> {
    bytes.try_into().map_err(|_| if bytes.len() < N { Reason::Truncated } else { Reason::TrailingBytes })
}

fn long(bytes: &[u8]) -> Result<i64, Reason> {
    Ok(i64::from_be_bytes(exactly(bytes)?))
}

const SECONDS_PER_DAY: i64 = 86_400;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

fn instant<'a>(seconds: i64, nanos: i32) -> Result<Value<'a>, Reason> {
    let nanos = i64::from(nanos);
    if !(0..NANOS_PER_SECOND).contains(&nanos) {
        return Err(Reason::Malformed);
    }
    let nanos = seconds.rem_euclid(SECONDS_PER_DAY) * NANOS_PER_SECOND + nanos;
    Ok(Value::TimestampNanos { days: seconds.div_euclid(SECONDS_PER_DAY), nanos })
}
