//! What makes a record bad.

use std::fmt;

/// Why a record is bad; the names are those of the metrics and of the dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The message has no value (a tombstone), under `onNullValue: deadLetter`.
    NullValue,
    /// The message has no schema version.
    NoSchema,
    /// The writer's schema cannot be written as rows, or does not fit the table's columns.
    IncompatibleSchema,
    /// The payload ends before the record does.
    Truncated,
    /// Bytes are left over after the record.
    TrailingBytes,
    /// A value that the format does not allow: a varint of over 10 bytes, a negative length, a boolean of 2.
    Malformed,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// A union branch or an enum symbol that the schema does not have.
    UnknownBranch,
    /// A JSON value of another type than the schema declares.
    WrongType,
    /// What the column's type cannot hold: a date or time outside the years 0001 to 9999, a decimal of more digits than its
    /// precision, a JSON number beyond its type.
    OutOfRange,
    /// A nested value with more levels than [`crate::decode::fields::MOST_LEVELS`] or more text than [`crate::decode::fields::MOST_TEXT`].
    TooLarge,
}

impl Reason {
    /// Every reason.
    pub(crate) const ALL: [Reason; 11] = [
        Reason::NullValue,
        Reason::NoSchema,
        Reason::IncompatibleSchema,
        Reason::Truncated,
        Reason::TrailingBytes,
        Reason::Malformed,
        Reason::InvalidUtf8,
        Reason::UnknownBranch,
        Reason::WrongType,
        Reason::OutOfRange,
        Reason::TooLarge,
    ];

    /// The reason's name in metrics and dead letters.
    pub fn name(self) -> &'static str {
        match self {
            Reason::NullValue => "null-value",
            Reason::NoSchema => "no-schema",
            Reason::IncompatibleSchema => "incompatible-schema",
            Reason::Truncated => "truncated",
            Reason::TrailingBytes => "trailing-bytes",
            Reason::Malformed => "malformed",
            Reason::InvalidUtf8 => "invalid-utf8",
            Reason::UnknownBranch => "unknown-branch",
            Reason::WrongType => "wrong-type",
            Reason::OutOfRange => "out-of-range",
            Reason::TooLarge => "too-large",
        }
    }
}

/// A record that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadRecord {
    /// What kind of bad.
    pub(crate) reason: Reason,
    /// The field, if it is one field's fault, and what is wrong with it.
    pub(crate) detail: String,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.detail)
    }
}
