//! JSON topics. Pulsar describes them by an Avro schema; the payload is an object, or what the schema's type is, as Jackson
//! writes it:
//!
//! - a field that is missing, or null, is NULL, whether the schema allows null or not; a member that is no field is left out;
//! - of members of one name the last one counts;
//! - numbers are exact: `5.0` is an integer, `5.5` is none; NaN and the infinities are strings, or bare as Python writes them;
//! - a number or a truth value in a string's place is its text, and one in quotes is that number or truth value;
//! - bytes and fixed are base64, enums and uuids any text, decimals numbers;
//! - dates and times are numbers as in Avro's encoding, what Jackson makes of Java's date and time classes, or ISO 8601
//!   ([`moment`]);
//! - a map whose keys are no strings is an object, though its schema is an array of pairs; a record without fields is whatever
//!   comes;
//! - a union of several types is what it is: Jackson does not say which of them.

mod cursor;
mod moment;
mod nested;
mod number;
mod scalar;

use crate::decode::fields::{Fields, MOST_TEXT, Put};
use crate::decode::types::{Kind, Type, Types};
use crate::value::{BadRecord, Reason, Value};
use cursor::Cursor;
use scalar::scalar;

/// The fields of a JSON payload.
#[derive(Clone, Debug)]
pub(crate) struct Json<'a> {
    values: std::vec::IntoIter<Value<'a>>,
}

impl<'a> Json<'a> {
    /// Reads a whole payload: its members come in any order.
    pub(crate) fn parse(payload: &'a [u8], types: &'a Types) -> Result<Self, BadRecord> {
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
    let mut text_left = payload.len().saturating_add(MOST_TEXT);
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
                let Some(at) = found else {
                    types.left_out.count(&name);
                    return cursor.skip();
                };
                let (name, field) = &record.fields[at];
                next = at + 1;
                *current = Some(name);
                values[at] = value(cursor, field, types, &mut text_left)?;
                *current = None;
                Ok(())
            })?;
            values
        }
        None => vec![value(&mut cursor, &types.root, types, &mut text_left)?],
    };
    cursor.end()?;
    Ok(values)
}

/// Reads a value of this type.
fn value<'a>(cursor: &mut Cursor<'a>, field: &Type, types: &Types, text_left: &mut usize) -> Result<Value<'a>, Reason> {
    if cursor.peek()? == b'n' {
        return cursor.literal("null").map(|()| Value::Null);
    }
    match &field.kind {
        Kind::Record(_) | Kind::Array(_) | Kind::Map(_) | Kind::Union(_) => {
            nested::read(cursor, &field.kind, types, text_left)
        }
        kind => scalar(cursor, kind),
    }
}

#[cfg(test)]
mod tests;
