//! The fields of a record, as every decoder gives them.

use crate::value::{Reason, Value};

/// How deep a value may be nested: readers of JSON have limits too, and so has the stack.
pub(crate) const MOST_LEVELS: usize = 256;
/// How many bytes of JSON text the nested fields of an Avro record may have together: a payload of a few bytes can claim arrays of
/// any length. Each of a JSON payload may have as much, and together as much beyond the payload's own length: members that are
/// missing are nulls in the text, with their names. (Less under cargo-fuzz, which is to come beyond it in no time.)
pub(crate) const MOST_TEXT: usize = if cfg!(fuzzing) { 64 << 10 } else { 64 << 20 };

/// The fields of a record, one after another in the order of the writer's schema.
pub(crate) trait Fields<'a> {
    /// Gives the next field's value to `put`.
    fn next<P: Put<'a>>(&mut self, put: P) -> Result<P::Done, Reason>;

    /// Checks that nothing is left over after the last field.
    fn end(self) -> Result<(), Reason>;
}

/// No field has a value: those of a message that its producer gave none.
pub(crate) struct NoValues;

impl<'a> Fields<'a> for NoValues {
    fn next<P: Put<'a>>(&mut self, put: P) -> Result<P::Done, Reason> {
        put.put(Value::Null)
    }

    fn end(self) -> Result<(), Reason> {
        Ok(())
    }
}

/// What is done with a field's value: any function, and what wants to be more than called. A function is compiled once for values
/// of every type, and each value is moved to it, which takes longer than to write a short one. What is inlined instead where a
/// value is read is compiled for values of its type.
pub(crate) trait Put<'a> {
    /// What comes of it.
    type Done;

    /// Does it.
    fn put(self, value: Value<'a>) -> Result<Self::Done, Reason>;
}

impl<'a, R, F: FnOnce(Value<'a>) -> Result<R, Reason>> Put<'a> for F {
    type Done = R;

    fn put(self, value: Value<'a>) -> Result<R, Reason> {
        self(value)
    }
}
