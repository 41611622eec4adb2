//! Avro's binary encoding: bytes to values by the writer's types, without an allocation for what is not nested.

mod nested;
mod reader;
mod scalar;

use crate::decode::fields::{Fields, MOST_TEXT, Put};
use crate::decode::types::{Kind, RecordType, Type};
use crate::value::{Reason, Value};
use reader::Reader;
use scalar::scalar;

/// The fields of an Avro payload.
#[derive(Clone, Debug)]
pub(crate) struct Avro<'a> {
    fields: std::slice::Iter<'a, Type>,
    records: &'a [RecordType],
    reader: Reader<'a>,
    /// Bytes of text that its nested fields may still have.
    text_left: usize,
}

impl<'a> Avro<'a> {
    /// The fields of this payload, which are of these types.
    #[inline]
    pub(crate) fn new(payload: &'a [u8], fields: &'a [Type], records: &'a [RecordType]) -> Self {
        Avro { fields: fields.iter(), records, reader: Reader::new(payload), text_left: MOST_TEXT }
    }
}

impl<'a> Fields<'a> for Avro<'a> {
    #[inline]
    fn next<P: Put<'a>>(&mut self, put: P) -> Result<P::Done, Reason> {
        let Some(field) = self.fields.next() else { return put.put(Value::Null) };
        if let Some(null_branch) = field.null_branch {
            match self.reader.long()? {
                branch if branch == i64::from(null_branch) => return put.put(Value::Null),
                0 | 1 => {}
                _ => return Err(Reason::UnknownBranch),
            }
        }
        match &field.kind {
            kind @ (Kind::Record(_) | Kind::Array(_) | Kind::Map(_) | Kind::Union(_)) => {
                put.put(nested::read(kind, self.records, &mut self.reader, &mut self.text_left)?)
            }
            kind => scalar(kind, &mut self.reader, put),
        }
    }

    fn end(self) -> Result<(), Reason> {
        if self.reader.remaining() == 0 { Ok(()) } else { Err(Reason::TrailingBytes) }
    }
}

#[cfg(test)]
pub(crate) mod tests;
