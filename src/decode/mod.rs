//! Decoded: from a record's bytes to values, and what makes a record bad.

use std::fmt;

pub mod avro;

/// A decoded value, borrowed from the record.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Days since 1970.
    Date(i32),
    /// Milliseconds since 1970 UTC.
    TimestampMillis(i64),
    /// Microseconds since 1970 UTC.
    TimestampMicros(i64),
}

impl Value<'_> {
    /// The point in time, milliseconds since 1970, of a value that is one.
    pub fn as_millis(&self) -> Option<i64> {
        match *self {
            Value::TimestampMillis(millis) => Some(millis),
            Value::TimestampMicros(micros) => Some(micros.div_euclid(1000)),
            Value::Date(days) => Some(i64::from(days) * 86_400_000),
            _ => None,
        }
    }
}

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
    /// A date or time outside the years 0001 to 9999, which Hive cannot hold.
    OutOfRange,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 8] = [
        Reason::NoSchema,
        Reason::IncompatibleSchema,
        Reason::Truncated,
        Reason::TrailingBytes,
        Reason::Malformed,
        Reason::InvalidUtf8,
        Reason::UnknownBranch,
        Reason::OutOfRange,
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
            Reason::OutOfRange => "out-of-range",
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
