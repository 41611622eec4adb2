//! Avro's binary encoding: bytes to values by the writer's types, without an allocation for what is not nested.

mod nested;
mod reader;

use std::borrow::Cow;

use super::{Fields, Reason, Value, decimal};
use crate::schema::types::{Kind, RecordType, Type};
use reader::Reader;

/// The fields of an Avro payload.
#[derive(Clone, Debug)]
pub struct Avro<'a> {
    fields: std::slice::Iter<'a, Type>,
    records: &'a [RecordType],
    reader: Reader<'a>,
}

impl<'a> Avro<'a> {
    /// The fields of this payload, which are of these types.
    #[inline]
    pub fn new(payload: &'a [u8], fields: &'a [Type], records: &'a [RecordType]) -> Self {
        Avro { fields: fields.iter(), records, reader: Reader::new(payload) }
    }
}

impl<'a> Fields<'a> for Avro<'a> {
    #[inline]
    fn next(&mut self) -> Result<Value<'a>, Reason> {
        let Some(field) = self.fields.next() else { return Ok(Value::Null) };
        read(field, self.records, &mut self.reader)
    }

    fn end(self) -> Result<(), Reason> {
        if self.reader.remaining() == 0 { Ok(()) } else { Err(Reason::TrailingBytes) }
    }
}

#[inline]
fn read<'a>(field: &'a Type, records: &[RecordType], reader: &mut Reader<'a>) -> Result<Value<'a>, Reason> {
    if let Some(null_branch) = field.null_branch {
        match reader.long()? {
            branch if branch == i64::from(null_branch) => return Ok(Value::Null),
            0 | 1 => {}
            _ => return Err(Reason::UnknownBranch),
        }
    }
    scalar(&field.kind, reader).unwrap_or_else(|| nested::read(&field.kind, records, reader))
}

/// Reads a value that is not nested; none for a type that is.
#[inline]
fn scalar<'a, 'p: 'a>(kind: &'a Kind, reader: &mut Reader<'p>) -> Option<Result<Value<'a>, Reason>> {
    Some(match kind {
        Kind::Null => Ok(Value::Null),
        Kind::Boolean => reader.boolean().map(Value::Boolean),
        Kind::Int => reader.int().map(|value| Value::Long(i64::from(value))),
        Kind::Long => reader.long().map(Value::Long),
        Kind::Float => reader.array().map(|bytes| Value::Float(f32::from_le_bytes(bytes))),
        Kind::Double => reader.array().map(|bytes| Value::Double(f64::from_le_bytes(bytes))),
        Kind::Bytes => reader.bytes().map(|bytes| Value::Bytes(Cow::Borrowed(bytes))),
        Kind::String => reader.text().map(|text| Value::Text(Cow::Borrowed(text))),
        Kind::Fixed(size) => reader.fixed(*size).map(|bytes| Value::Bytes(Cow::Borrowed(bytes))),
        Kind::Enum(symbols) => symbol(symbols, reader).map(|symbol| Value::Text(Cow::Borrowed(symbol))),
        Kind::Decimal(decimal) => {
            let bytes = match decimal.size {
                Some(size) => reader.fixed(size),
                None => reader.bytes(),
            };
            bytes.and_then(|bytes| decimal::from_bytes(bytes, *decimal))
        }
        Kind::BigDecimal => big_decimal(reader).map(|text| Value::Text(Cow::Owned(text))),
        Kind::Date => reader.int().map(|days| Value::Date(i64::from(days))),
        Kind::TimeMillis => reader.int().map(|millis| Value::TimeMillis(i64::from(millis))),
        Kind::TimeMicros => reader.long().map(Value::TimeMicros),
        Kind::TimestampMillis => reader.long().map(Value::TimestampMillis),
        Kind::TimestampMicros => reader.long().map(Value::TimestampMicros),
        Kind::TimestampNanos => reader.long().map(Value::timestamp_nanos),
        Kind::Uuid => reader.array().map(Value::Uuid),
        Kind::Duration => reader.array().map(|bytes: [u8; 12]| {
            let part = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            Value::Duration([part(0), part(4), part(8)])
        }),
        Kind::Record(_) | Kind::Array(_) | Kind::Map(_) | Kind::Union(_) => return None,
    })
}

fn symbol<'a>(symbols: &'a [Box<str>], reader: &mut Reader<'_>) -> Result<&'a str, Reason> {
    let number = usize::try_from(reader.long()?).map_err(|_| Reason::UnknownBranch)?;
    symbols.get(number).map(|symbol| &**symbol).ok_or(Reason::UnknownBranch)
}

/// Bytes that hold an integer as bytes, and its scale.
fn big_decimal(reader: &mut Reader<'_>) -> Result<String, Reason> {
    let mut inner = Reader::new(reader.bytes()?);
    let unscaled = decimal::unscaled(inner.bytes()?)?;
    let scale = inner.long()?;
    if inner.remaining() > 0 {
        return Err(Reason::Malformed);
    }
    decimal::plain_text(unscaled, scale)
}

#[cfg(test)]
mod tests;
