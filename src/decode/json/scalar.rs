//! Values that are not nested.

use std::borrow::Cow;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::decode::json::cursor::Cursor;
use crate::decode::json::moment;
use crate::decode::json::number::{integer, number};
use crate::decode::types::Kind;
use crate::value::{Reason, Value, decimal};

/// Reads a value that is neither nested nor null.
pub(super) fn scalar<'a>(cursor: &mut Cursor<'a>, kind: &Kind) -> Result<Value<'a>, Reason> {
    match kind {
        Kind::Boolean | Kind::Int | Kind::Long | Kind::Float | Kind::Double | Kind::Decimal(_) | Kind::BigDecimal
            if cursor.peek()? == b'"' =>
        {
            quoted(cursor, kind)
        }
        _ => bare(cursor, kind),
    }
}

/// A number or a truth value in quotes, which Jackson reads: JavaScript loses digits of ids that are in none.
fn quoted<'a>(cursor: &mut Cursor<'a>, kind: &Kind) -> Result<Value<'a>, Reason> {
    let Cow::Borrowed(text) = cursor.string()? else { return Err(Reason::WrongType) };
    let mut within = Cursor::new(text.as_bytes())?;
    let value = bare(&mut within, kind).and_then(|value| within.end().map(|()| value));
    value.map_err(|reason| if reason == Reason::OutOfRange { reason } else { Reason::WrongType })
}

fn bare<'a>(cursor: &mut Cursor<'a>, kind: &Kind) -> Result<Value<'a>, Reason> {
    Ok(match kind {
        Kind::Boolean => match cursor.peek()? {
            b't' => cursor.literal("true").map(|()| Value::Boolean(true))?,
            b'f' => cursor.literal("false").map(|()| Value::Boolean(false))?,
            _ => return Err(Reason::WrongType),
        },
        Kind::Int => Value::Long(i64::from(int(cursor)?)),
        Kind::Character if cursor.peek()? == b'"' => character(&cursor.string()?)?,
        Kind::Character => Value::Long(i64::from(int(cursor)?)),
        Kind::Long => Value::Long(long(cursor)?),
        Kind::Float => Value::Float(float(cursor, f32::is_finite)?),
        Kind::Double => Value::Double(float(cursor, f64::is_finite)?),
        Kind::String => Value::Text(text(cursor)?.into()),
        // Python writes an enum's value, which can be a number.
        Kind::Enum(_) if matches!(cursor.peek()?, b'-' | b'0'..=b'9') => Value::Text(cursor.number()?.into()),
        // A class can give its symbols other words (`@JsonProperty`, `@JsonValue`), which the schema does not have.
        Kind::Enum(_) => Value::Text(string(cursor)?.into()),
        Kind::Bytes => Value::Bytes(Cow::Owned(base64(cursor)?)),
        Kind::Fixed(size) => {
            let bytes = base64(cursor)?;
            if bytes.len() != *size {
                return Err(Reason::Malformed);
            }
            Value::Bytes(Cow::Owned(bytes))
        }
        Kind::Decimal(decimal) => decimal::from_number(number(cursor)?, *decimal)?,
        Kind::BigDecimal => Value::Text(number(cursor)?.into()),
        Kind::Date
        | Kind::TimeMillis
        | Kind::TimeMicros
        | Kind::TimestampMillis
        | Kind::TimestampMicros
        | Kind::TimestampNanos => moment::read(cursor, kind)?,
        Kind::Uuid => Value::Text(string(cursor)?.into()),
        Kind::Duration => {
            let bytes: [u8; 12] = base64(cursor)?.try_into().map_err(|_| Reason::Malformed)?;
            let part = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            Value::Duration([part(0), part(4), part(8)])
        }
        Kind::Null | Kind::Record(_) | Kind::Array(_) | Kind::Map(_) | Kind::Union(_) => return Err(Reason::WrongType),
    })
}

fn string<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, Reason> {
    if cursor.peek()? == b'"' { cursor.string() } else { Err(Reason::WrongType) }
}

/// A string; or a number or a truth value as it is written: Jackson makes numbers of a `BigDecimal` and a `BigInteger`, whose
/// schema is a string, and reads either into a string.
fn text<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, Reason> {
    match cursor.peek()? {
        b'-' | b'0'..=b'9' => cursor.number().map(Cow::Borrowed),
        b't' => cursor.literal("true").map(|()| Cow::Borrowed("true")),
        b'f' => cursor.literal("false").map(|()| Cow::Borrowed("false")),
        _ => string(cursor),
    }
}

/// A character's number: Jackson writes the character.
pub(super) fn character<'a>(text: &str) -> Result<Value<'a>, Reason> {
    let mut units = text.encode_utf16();
    match (units.next(), units.next()) {
        (Some(unit), None) => Ok(Value::Long(i64::from(unit))),
        _ => Err(Reason::WrongType),
    }
}

fn base64(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Reason> {
    STANDARD.decode(string(cursor)?.as_bytes()).map_err(|_| Reason::Malformed)
}

fn long(cursor: &mut Cursor<'_>) -> Result<i64, Reason> {
    integer(number(cursor)?)
}

fn int(cursor: &mut Cursor<'_>) -> Result<i32, Reason> {
    i32::try_from(long(cursor)?).map_err(|_| Reason::OutOfRange)
}

/// A floating point number: the nearest one. Rust reads the names of NaN and the infinities as Java writes them.
fn float<F: FromStr + Copy>(cursor: &mut Cursor<'_>, is_finite: fn(F) -> bool) -> Result<F, Reason> {
    cursor.peek()?;
    if let Some(name) = cursor.not_finite() {
        return name.parse().map_err(|_| Reason::WrongType);
    }
    let value = number(cursor)?.parse().map_err(|_| Reason::Malformed)?;
    if is_finite(value) { Ok(value) } else { Err(Reason::OutOfRange) }
}
