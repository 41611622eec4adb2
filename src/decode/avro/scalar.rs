//! Values that are not nested.

use std::borrow::Cow;

use crate::decode::avro::reader::Reader;
use crate::decode::fields::Put;
use crate::decode::types::Kind;
use crate::value::text::Text;
use crate::value::{Reason, Value, decimal};

/// Reads a value that is not nested.
#[inline]
pub(super) fn scalar<'a, 'p: 'a, P: Put<'a>>(
    kind: &'a Kind,
    reader: &mut Reader<'p>,
    put: P,
) -> Result<P::Done, Reason> {
    match kind {
        Kind::Null => put.put(Value::Null),
        Kind::Boolean => put.put(Value::Boolean(reader.boolean()?)),
        Kind::Int | Kind::Character => put.put(Value::Long(i64::from(reader.int()?))),
        Kind::Long => put.put(Value::Long(reader.long()?)),
        Kind::Float => put.put(Value::Float(f32::from_le_bytes(reader.array()?))),
        Kind::Double => put.put(Value::Double(f64::from_le_bytes(reader.array()?))),
        Kind::Bytes => put.put(Value::Bytes(Cow::Borrowed(reader.bytes()?))),
        Kind::String => put.put(Value::Text(Text::checked(reader.bytes()?)?)),
        Kind::Fixed(size) => put.put(Value::Bytes(Cow::Borrowed(reader.fixed(*size)?))),
        Kind::Enum(symbols) => put.put(Value::Text(symbol(symbols, reader)?.into())),
        Kind::TimestampMillis => put.put(Value::TimestampMillis(reader.long()?)),
        Kind::TimestampMicros => put.put(Value::TimestampMicros(reader.long()?)),
        Kind::Date => put.put(Value::Date(i64::from(reader.int()?))),
        rare => put.put(rare_scalar(rare, reader)?),
    }
}

fn rare_scalar<'a>(kind: &Kind, reader: &mut Reader<'_>) -> Result<Value<'a>, Reason> {
    Ok(match kind {
        Kind::Decimal(decimal) => {
            let bytes = match decimal.size {
                Some(size) => reader.fixed(size)?,
                None => reader.bytes()?,
            };
            decimal::from_bytes(bytes, *decimal)?
        }
        Kind::BigDecimal => Value::Text(big_decimal(reader)?.into()),
        Kind::TimeMillis => Value::TimeMillis(i64::from(reader.int()?)),
        Kind::TimeMicros => Value::TimeMicros(reader.long()?),
        Kind::TimestampNanos => Value::timestamp_nanos(reader.long()?),
        Kind::Uuid => Value::Uuid(reader.array()?),
        Kind::Duration => {
            let bytes: [u8; 12] = reader.array()?;
            let part = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            Value::Duration([part(0), part(4), part(8)])
        }
        // The others are read elsewhere.
        _ => return Err(Reason::Malformed),
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
