//! The text of a value, the same in every dialect: what a dialect adds is how it marks NULL and protects its own signs.

use crate::value::time;
use crate::value::{Reason, Value, decimal};

/// Appends a value's text; nothing for a NULL.
#[inline(always)]
pub(crate) fn append(out: &mut Vec<u8>, value: &Value<'_>) -> Result<(), Reason> {
    match value {
        Value::Null => {}
        Value::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Long(value) => out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes()),
        Value::Float(value) => append_float(out, *value, value.is_finite(), value.is_nan(), *value > 0.0),
        Value::Double(value) => append_float(out, *value, value.is_finite(), value.is_nan(), *value > 0.0),
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Bytes(bytes) => append_base64(out, bytes),
        Value::Decimal { unscaled, scale } => decimal::append(out, *unscaled, *scale),
        Value::Date(days) => time::append_date(out, *days)?,
        Value::TimeMillis(millis) => time::append_time_millis(out, *millis)?,
        Value::TimeMicros(micros) => time::append_time_micros(out, *micros)?,
        Value::TimeNanos(nanos) => time::append_time_nanos(out, *nanos)?,
        Value::TimestampMillis(millis) => time::append_timestamp_millis(out, *millis)?,
        Value::TimestampMicros(micros) => time::append_timestamp_micros(out, *micros)?,
        Value::TimestampNanos { days, nanos } => time::append_timestamp_nanos(out, *days, *nanos)?,
        Value::Uuid(bytes) => append_uuid(out, bytes),
        Value::Duration(parts) => append_duration(out, *parts),
    }
    Ok(())
}

fn append_float(out: &mut Vec<u8>, value: impl zmij::Float, finite: bool, nan: bool, positive: bool) {
    if finite {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(match (nan, positive) {
            (true, _) => b"NaN".as_slice(),
            (false, true) => b"Infinity",
            (false, false) => b"-Infinity",
        });
    }
}

fn append_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    use base64::engine::{Engine, general_purpose::STANDARD};
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    // The slice has the length that the encoding needs, so it cannot fail.
    let _ = STANDARD.encode_slice(bytes, &mut out[start..]);
}

fn append_uuid(out: &mut Vec<u8>, bytes: &[u8; 16]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// ISO 8601, each of the three parts as it was sent: a day is not 24 hours everywhere, nor a month so many days.
fn append_duration(out: &mut Vec<u8>, [months, days, millis]: [u32; 3]) {
    out.extend_from_slice(format!("P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000).as_bytes());
}
