//! Decoded: from a record's bytes to values.

pub(crate) mod avro;
pub(crate) mod fields;
pub(crate) mod json;
pub(crate) mod json_text;
pub(crate) mod key_value;
pub(crate) mod left_out;
pub(crate) mod part;
pub(crate) mod primitive;
pub mod types;
