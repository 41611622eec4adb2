//! Decoded: from a record's bytes to values, and what makes a record bad.

use std::borrow::Cow;
use std::fmt;

pub mod avro;
pub mod decimal;
pub mod json;
pub mod json_text;
pub mod key_value;
pub mod primitive;
pub mod text;

use avro::Avro;
use json::Json;
use primitive::Primitive;
use text::Text;

/// The fields of a record, one after another in the order of the writer's schema.
pub trait Fields<'a> {
    /// Gives the next field's value to `put`.
    fn next<P: Put<'a>>(&mut self, put: P) -> Result<P::Done, Reason>;

    /// Checks that nothing is left over after the last field.
    fn end(self) -> Result<(), Reason>;
}

/// What is done with a field's value: any function, and what wants to be more than called. A function is compiled once for values
/// of every type, and each value is moved to it, which takes longer than to write a short one. What is inlined instead where a
/// value is read is compiled for values of its type.
pub trait Put<'a> {
    /// What comes of it.
    type Done;

    /// Does it.
    fn put(self, value: Value<'a>) -> Result<Self::Done, Reason>;
}

impl<'a, R, F: FnOnce(Value<'a>) -> Result<R, Reason>> Put<'a> for F {
    type Done = R;

    fn put(self, value: Value<'a>) -> Result<R, Reason> {
        self(value)
    }
}

/// The fields of a payload, or of a part of it, in any encoding.
#[derive(Clone, Debug)]
pub enum Part<'a> {
    /// There is no such part: each field is NULL.
    Absent,
    /// Avro's binary encoding.
    Avro(Avro<'a>),
    /// JSON text.
    Json(Json<'a>),
    /// One value of a primitive schema.
    Primitive(Primitive, &'a [u8]),
}

impl<'a> Fields<'a> for Part<'a> {
    fn next<P: Put<'a>>(&mut self, put: P) -> Result<P::Done, Reason> {
        match self {
            Part::Absent => put.put(Value::Null),
            Part::Avro(avro) => avro.next(put),
            Part::Json(json) => json.next(put),
            Part::Primitive(primitive, bytes) => put.put(primitive.read(bytes)?),
        }
    }

    fn end(self) -> Result<(), Reason> {
        match self {
            Part::Avro(avro) => avro.end(),
            Part::Json(json) => json.end(),
            Part::Absent | Part::Primitive(..) => Ok(()),
        }
    }
}

/// A decoded value, borrowed from the record where it can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A truth value.
    Boolean(bool),
    /// An integer of up to 64 bits.
    Long(i64),
    /// A 32-bit floating point number.
    Float(f32),
    /// A 64-bit floating point number.
    Double(f64),
    /// Text.
    Text(Text<'a>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// An integer divided by ten to the power of the scale.
    Decimal {
        /// The integer, of at most 38 digits.
        unscaled: i128,
        /// How many of its digits are behind the point.
        scale: u8,
    },
    /// Days since 1970.
    Date(i64),
    /// Milliseconds since midnight.
    TimeMillis(i64),
    /// Microseconds since midnight.
    TimeMicros(i64),
    /// Nanoseconds since midnight.
    TimeNanos(i64),
    /// Milliseconds since 1970 UTC.
    TimestampMillis(i64),
    /// Microseconds since 1970 UTC.
    TimestampMicros(i64),
    /// A point in time with nanoseconds.
    TimestampNanos {
        /// Days since 1970.
        days: i64,
        /// Nanoseconds since midnight.
        nanos: i64,
    },
    /// A universally unique identifier.
    Uuid([u8; 16]),
    /// An amount of time: months, days and milliseconds.
    Duration([u32; 3]),
}

impl Value<'_> {
    /// The point in time, milliseconds since 1970, of a value that is one.
    #[inline]
    pub fn as_millis(&self) -> Option<i64> {
        match *self {
            Value::TimestampMillis(millis) => Some(millis),
            Value::TimestampMicros(micros) => Some(micros.div_euclid(1_000)),
            Value::TimestampNanos { days, nanos } => days.checked_mul(MILLIS_PER_DAY)?.checked_add(nanos / 1_000_000),
            Value::Date(days) => days.checked_mul(MILLIS_PER_DAY),
            _ => None,
        }
    }

    /// A point in time, nanoseconds since 1970 UTC.
    pub(crate) fn timestamp_nanos(nanos: i64) -> Self {
        Value::TimestampNanos { days: nanos.div_euclid(NANOS_PER_DAY), nanos: nanos.rem_euclid(NANOS_PER_DAY) }
    }
}

const MILLIS_PER_DAY: i64 = 86_400_000;
const NANOS_PER_DAY: i64 = MILLIS_PER_DAY * 1_000_000;

/// How deep a value may be nested: readers of JSON have limits too, and so has the stack.
pub const MOST_LEVELS: usize = 256;
/// How many bytes the JSON text of one field may have: a payload of a few bytes can claim an array of any length.
pub const MOST_TEXT: usize = 64 << 20;

/// Why a record is bad; the names are those of the metrics and of the dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The message has no schema version.
    NoSchema,
    /// The writer's schema cannot be written as rows, or does not fit the table's columns.
    IncompatibleSchema,
    /// The payload ends before the record does.
    Truncated,
    /// Bytes are left over after the record.
    TrailingBytes,
    /// A value that the format does not allow: a varint of over 10 bytes, a negative length, a boolean of 2.
    Malformed,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// A union branch or an enum symbol that the schema does not have.
    UnknownBranch,
    /// A JSON value of another type than the schema declares.
    WrongType,
    /// What the column's type cannot hold: a date or time outside the years 0001 to 9999, a decimal of more digits than its
    /// precision, a JSON number beyond its type.
    OutOfRange,
    /// A nested value with more levels than [`MOST_LEVELS`] or more text than [`MOST_TEXT`].
    TooLarge,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 10] = [
        Reason::NoSchema,
        Reason::IncompatibleSchema,
        Reason::Truncated,
        Reason::TrailingBytes,
        Reason::Malformed,
        Reason::InvalidUtf8,
        Reason::UnknownBranch,
        Reason::WrongType,
        Reason::OutOfRange,
        Reason::TooLarge,
    ];

    /// The reason's name in metrics and dead letters.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NoSchema => "no-schema",
            Reason::IncompatibleSchema => "incompatible-schema",
            Reason::Truncated => "truncated",
            Reason::TrailingBytes => "trailing-bytes",
            Reason::Malformed => "malformed",
            Reason::InvalidUtf8 => "invalid-utf8",
            Reason::UnknownBranch => "unknown-branch",
            Reason::WrongType => "wrong-type",
            Reason::OutOfRange => "out-of-range",
            Reason::TooLarge => "too-large",
        }
    }
}

/// A record that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadRecord {
    /// What kind of bad.
    pub reason: Reason,
    /// The field, if it is one field's fault, and what is wrong with it.
    pub detail: String,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.detail)
    }
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod java;
#[cfg(test)]
mod oracle;
