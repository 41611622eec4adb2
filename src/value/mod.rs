//! What decoding and rows share: a value, its text, and why a record has none.

use std::borrow::Cow;

pub mod column;
pub(crate) mod conversion;
pub(crate) mod decimal;
pub(crate) mod plain_text;
mod reason;
pub(crate) mod text;
pub(crate) mod time;

pub(crate) use reason::{BadRecord, Reason};
use text::Text;

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
    pub(crate) fn as_millis(&self) -> Option<i64> {
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
pub(crate) const NANOS_PER_DAY: i64 = MILLIS_PER_DAY * 1_000_000;
