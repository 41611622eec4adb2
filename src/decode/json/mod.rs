//! JSON topics. Pulsar describes them by an Avro schema; the payload is an object, or what the schema's type is, as Jackson
//! writes it:
//!
//! - a field that is missing, or null, is NULL, whether the schema allows null or not; a member that is no field is left out;
//! - of members of one name the last one counts;
//! - numbers are exact; a fraction or an exponent is no integer; NaN and the infinities are strings;
//! - bytes and fixed are base64, enums and uuids text, decimals numbers;
//! - dates and times are numbers as in Avro's encoding, or what Jackson makes of Java's date and time classes ([`moment`]);
//! - a union of several types is what it is: Jackson does not say which of them.

mod cursor;
mod moment;
mod nested;

use std::borrow::Cow;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{BadRecord, Fields, Put, Reason, Value, decimal};
use crate::schema::types::{Kind, Type, Types};
use cursor::Cursor;

/// The fields of a JSON payload.
#[derive(Clone, Debug)]
pub struct Json<'a> {
    values: std::vec::IntoIter<Value<'a>>,
}

impl<'a> Json<'a> {
    /// Reads a whole payload: its members come in any order.
    pub fn parse(payload: &'a [u8], types: &'a Types) -> Result<Self, BadRecord> {
        let mut current = None;
        read(payload, types, &mut current).map(|values| Json { values: values.into_iter() }).map_err(|reason| {
            let detail = match current {
                Some(field) => format!("field `{field}`"),
                None => "the JSON text".to_owned(),
            };
            BadRecord { reason, detail }
        })
    }
}

impl<'a> Fields<'a> for Json<'a> {
    fn next<P: Put<'a>>(&mut self, put: P) -> Result<P::Done, Reason> {
        put.put(self.values.next().unwrap_or(Value::Null))
    }

    fn end(self) -> Result<(), Reason> {
        Ok(())
    }
}

/// The values of the fields; on an error `current` is the field that it is in.
fn read<'a>(payload: &'a [u8], types: &'a Types, current: &mut Option<&'a str>) -> Result<Vec<Value<'a>>, Reason> {
    let mut cursor = Cursor::new(payload)?;
    let values = match types.root_record() {
        Some(record) => {
            let mut values = vec![Value::Null; record.fields.len()];
            // Producers mostly write the fields in the schema's order.
            let mut next = 0;
            if cursor.peek()? != b'{' {
                return Err(Reason::WrongType);
            }
            cursor.object(|cursor, name| {
                let expected = record.fields.get(next).filter(|(expected, _)| **expected == *name).map(|_| next);
                let found = expected.or_else(|| record.by_name.get(&*name).copied());
                let Some(at) = found else { return cursor.skip() };
                let (name, field) = &record.fields[at];
                next = at + 1;
                *current = Some(name);
                values[at] = value(cursor, field, types)?;
                *current = None;
                Ok(())
            })?;
            values
        }
        None => vec![value(&mut cursor, &types.root, types)?],
    };
    cursor.end()?;
    Ok(values)
}

/// Reads a value of this type.
fn value<'a>(cursor: &mut Cursor<'a>, field: &Type, types: &Types) -> Result<Value<'a>, Reason> {
    if cursor.peek()? == b'n' {
        return cursor.literal("null").map(|()| Value::Null);
    }
    match &field.kind {
        Kind::Record(_) | Kind::Array(_) | Kind::Map(_) | Kind::Union(_) => nested::read(cursor, &field.kind, types),
        kind => scalar(cursor, kind),
    }
}

/// Reads a value that is neither nested nor null.
fn scalar<'a>(cursor: &mut Cursor<'a>, kind: &Kind) -> Result<Value<'a>, Reason> {
    Ok(match kind {
        Kind::Boolean => match cursor.peek()? {
            b't' => cursor.literal("true").map(|()| Value::Boolean(true))?,
            b'f' => cursor.literal("false").map(|()| Value::Boolean(false))?,
            _ => return Err(Reason::WrongType),
        },
        Kind::Int => Value::Long(i64::from(int(cursor)?)),
        Kind::Long => Value::Long(long(cursor)?),
        Kind::Float => Value::Float(float(cursor, f32::is_finite)?),
        Kind::Double => Value::Double(float(cursor, f64::is_finite)?),
        Kind::String => Value::Text(string(cursor)?.into()),
        Kind::Enum(symbols) => {
            let text = string(cursor)?;
            if !symbols.iter().any(|symbol| **symbol == *text) {
                return Err(Reason::UnknownBranch);
            }
            Value::Text(text.into())
        }
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

fn base64(cursor: &mut Cursor<'_>) -> Result<Vec<u8>, Reason> {
    STANDARD.decode(string(cursor)?.as_bytes()).map_err(|_| Reason::Malformed)
}

fn number<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Reason> {
    match cursor.peek()? {
        b'-' | b'0'..=b'9' => cursor.number(),
        b'"' | b'[' | b'{' | b't' | b'f' => Err(Reason::WrongType),
        _ => Err(Reason::Malformed),
    }
}

fn long(cursor: &mut Cursor<'_>) -> Result<i64, Reason> {
    integer(number(cursor)?)
}

fn integer(number: &str) -> Result<i64, Reason> {
    if number.contains(['.', 'e', 'E']) {
        return Err(Reason::WrongType);
    }
    number.parse().map_err(|_| Reason::OutOfRange)
}

fn int(cursor: &mut Cursor<'_>) -> Result<i32, Reason> {
    i32::try_from(long(cursor)?).map_err(|_| Reason::OutOfRange)
}

/// A floating point number: the nearest one. Rust reads the names of NaN and the infinities as Java writes them.
fn float<F: FromStr + Copy>(cursor: &mut Cursor<'_>, is_finite: fn(F) -> bool) -> Result<F, Reason> {
    if cursor.peek()? == b'"' {
        let name = cursor.string()?;
        return match &*name {
            "NaN" | "Infinity" | "-Infinity" => name.parse().map_err(|_| Reason::WrongType),
            _ => Err(Reason::WrongType),
        };
    }
    let value = number(cursor)?.parse().map_err(|_| Reason::Malformed)?;
    if is_finite(value) { Ok(value) } else { Err(Reason::OutOfRange) }
}

#[cfg(test)]
mod tests;
