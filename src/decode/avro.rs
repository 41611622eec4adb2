//! Avro's binary encoding: a schema compiled to operations, and a reader that never leaves the payload.

use apache_avro::Schema;

use super::{Reason, Value};

/// What an operation reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the Avro type of that name")]
pub enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Date,
    TimestampMillis,
    TimestampMicros,
}

/// How to read one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// What the value is.
    pub kind: Kind,
    /// For a union of null and one type: the branch number of null (0 or 1).
    pub null_branch: Option<u8>,
}

impl Op {
    /// The operation that reads a field of this schema; what is not supported, in words.
    pub fn compile(schema: &Schema) -> Result<Op, String> {
        if let Schema::Union(union) = schema {
            return match union.variants() {
                [Schema::Null, other] => Ok(Op { kind: kind(other)?, null_branch: Some(0) }),
                [other, Schema::Null] => Ok(Op { kind: kind(other)?, null_branch: Some(1) }),
                _ => Err("a union is taken only of null and one other type".to_owned()),
            };
        }
        Ok(Op { kind: kind(schema)?, null_branch: None })
    }

    /// Reads the field's value.
    #[inline]
    pub fn read<'a>(self, reader: &mut Reader<'a>) -> Result<Value<'a>, Reason> {
        if let Some(null_branch) = self.null_branch {
            match reader.long()? {
                branch if branch == i64::from(null_branch) => return Ok(Value::Null),
                0 | 1 => {}
                _ => return Err(Reason::UnknownBranch),
            }
        }
        Ok(match self.kind {
            Kind::Null => Value::Null,
            Kind::Boolean => Value::Boolean(reader.boolean()?),
            Kind::Int => Value::Long(i64::from(reader.int()?)),
            Kind::Long => Value::Long(reader.long()?),
            Kind::Float => Value::Float(f32::from_le_bytes(reader.array()?)),
            Kind::Double => Value::Double(f64::from_le_bytes(reader.array()?)),
            Kind::Bytes => Value::Bytes(reader.bytes()?),
            Kind::String => Value::Text(std::str::from_utf8(reader.bytes()?).map_err(|_| Reason::InvalidUtf8)?),
            Kind::Date => Value::Date(reader.int()?),
            Kind::TimestampMillis => Value::TimestampMillis(reader.long()?),
            Kind::TimestampMicros => Value::TimestampMicros(reader.long()?),
        })
    }
}

fn kind(schema: &Schema) -> Result<Kind, String> {
    Ok(match schema {
        Schema::Null => Kind::Null,
        Schema::Boolean => Kind::Boolean,
        Schema::Int => Kind::Int,
        Schema::Long => Kind::Long,
        Schema::Float => Kind::Float,
        Schema::Double => Kind::Double,
        Schema::Bytes => Kind::Bytes,
        Schema::String => Kind::String,
        Schema::Date => Kind::Date,
        Schema::TimestampMillis | Schema::LocalTimestampMillis => Kind::TimestampMillis,
        Schema::TimestampMicros | Schema::LocalTimestampMicros => Kind::TimestampMicros,
        other => return Err(format!("type {} is not supported", type_name(other))),
    })
}

fn type_name(schema: &Schema) -> String {
    // The debug form begins with the variant's name.
    let debug = format!("{schema:?}");
    debug.chars().take_while(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
}

/// Reads a payload from its start.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of this payload.
    pub fn new(payload: &'a [u8]) -> Self {
        Reader { rest: payload }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    fn long(&mut self) -> Result<i64, Reason> {
        let mut value: u64 = 0;
        for (at, &byte) in self.rest.iter().enumerate().take(10) {
            // The tenth byte has room for one bit only.
            if at == 9 && byte > 1 {
                return Err(Reason::Malformed);
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(if self.rest.len() < 10 { Reason::Truncated } else { Reason::Malformed })
    }

    fn int(&mut self) -> Result<i32, Reason> {
        i32::try_from(self.long()?).map_err(|_| Reason::Malformed)
    }

    fn boolean(&mut self) -> Result<bool, Reason> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Reason::Malformed),
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Reason::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], Reason> {
        let length = usize::try_from(self.long()?).map_err(|_| Reason::Malformed)?;
        if length > self.rest.len() {
            return Err(Reason::Truncated);
        }
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apache_avro::types::Value as Avro;
    use proptest::prelude::*;

    fn long(bytes: &[u8]) -> Result<i64, Reason> {
        Reader::new(bytes).long()
    }

    proptest! {
        #[test]
        fn longs_are_read_as_apache_avro_writes_them(value: i64) {
            let written = apache_avro::writer::datum::GenericDatumWriter::builder(&Schema::Long).build().unwrap()
                .write_value_to_vec(Avro::Long(value)).unwrap();
            prop_assert_eq!(long(&written), Ok(value));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic_and_never_past_their_end(bytes: Vec<u8>, kind in 0..11usize, nullable: bool) {
            let kinds = [Kind::Null, Kind::Boolean, Kind::Int, Kind::Long, Kind::Float, Kind::Double, Kind::Bytes,
                Kind::String, Kind::Date, Kind::TimestampMillis, Kind::TimestampMicros];
            let mut reader = Reader::new(&bytes);
            let _ = Op { kind: kinds[kind], null_branch: nullable.then_some(0) }.read(&mut reader);
            prop_assert!(reader.remaining() <= bytes.len());
        }
    }

    #[test]
    fn a_varint_that_is_cut_off_is_truncated_and_one_that_does_not_end_is_malformed() {
        assert_eq!(long(&[]), Err(Reason::Truncated));
        assert_eq!(long(&[0x80, 0x80]), Err(Reason::Truncated));
        assert_eq!(long(&[0x80; 10]), Err(Reason::Malformed));
        assert_eq!(long(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), Err(Reason::Malformed));
        assert_eq!(long(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Ok(i64::MIN));
    }

    #[test]
    fn lengths_that_are_negative_or_past_the_end_are_refused() {
        let text = Op { kind: Kind::String, null_branch: None };
        assert_eq!(text.read(&mut Reader::new(&[0x01])), Err(Reason::Malformed));
        assert_eq!(text.read(&mut Reader::new(&[0x06, b'a', b'b'])), Err(Reason::Truncated));
        assert_eq!(text.read(&mut Reader::new(&[0x02, 0xff])), Err(Reason::InvalidUtf8));
        assert_eq!(text.read(&mut Reader::new(&[0x04, b'a', b'b'])), Ok(Value::Text("ab")));
    }
}
