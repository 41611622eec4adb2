//! A payload, or a part of it, in any encoding.

use crate::decode::avro::Avro;
use crate::decode::fields::{Fields, Put};
use crate::decode::json::Json;
use crate::decode::primitive::Primitive;
use crate::value::{Reason, Value};

/// The fields of a payload, or of a part of it, in any encoding.
#[derive(Clone, Debug)]
pub(crate) enum Part<'a> {
    /// There is no such part: each field is NULL.
    Absent,
    /// Avro's binary encoding.
    Avro(Avro<'a>),
    /// JSON text.
    Json(Json<'a>),
    /// One value of a primitive schema.
    Primitive(Primitive, &'a [u8]),
}

impl<'a> Fields<'a> for Part<'a> {
    fn next<P: Put<'a>>(&mut self, put: P) -> Result<P::Done, Reason> {
        match self {
            Part::Absent => put.put(Value::Null),
            Part::Avro(avro) => avro.next(put),
            Part::Json(json) => json.next(put),
            Part::Primitive(primitive, bytes) => put.put(primitive.read(bytes)?),
        }
    }

    fn end(self) -> Result<(), Reason> {
        match self {
            Part::Avro(avro) => avro.end(),
            Part::Json(json) => json.end(),
            Part::Absent | Part::Primitive(..) => Ok(()),
        }
    }
}
