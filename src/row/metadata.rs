//! The optional metadata columns.

use std::borrow::Cow;

use crate::record::Record;
use crate::value::Value;
use crate::value::column::{Column, ColumnType};

/// A metadata column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the part of the record of that name")]
pub enum Metadata {
    LedgerId,
    EntryId,
    BatchIndex,
    PublishTime,
    EventTime,
    Key,
    Topic,
}

impl Metadata {
    /// Every metadata column, in the order in which they stand in a table.
    pub const ALL: [Metadata; 7] = [
        Metadata::LedgerId,
        Metadata::EntryId,
        Metadata::BatchIndex,
        Metadata::PublishTime,
        Metadata::EventTime,
        Metadata::Key,
        Metadata::Topic,
    ];

    /// The column's name.
    pub fn name(self) -> &'static str {
        match self {
            Metadata::LedgerId => "_ledger_id",
            Metadata::EntryId => "_entry_id",
            Metadata::BatchIndex => "_batch_index",
            Metadata::PublishTime => "_publish_time",
            Metadata::EventTime => "_event_time",
            Metadata::Key => "_key",
            Metadata::Topic => "_topic",
        }
    }

    /// The column.
    pub fn column(self) -> Column {
        let column_type = match self {
            Metadata::LedgerId | Metadata::EntryId => ColumnType::BigInt,
            Metadata::BatchIndex => ColumnType::Int,
            Metadata::PublishTime | Metadata::EventTime => ColumnType::Timestamp,
            // A key can be any bytes.
            Metadata::Key => ColumnType::Binary,
            Metadata::Topic => ColumnType::String,
        };
        Column { name: self.name().to_owned(), column_type }
    }

    /// Its value for a record of this topic.
    pub(crate) fn value<'a>(self, record: &Record<'a>, topic: &'a str) -> Value<'a> {
        match self {
            Metadata::LedgerId => Value::Long(record.position.ledger as i64),
            Metadata::EntryId => Value::Long(record.position.entry as i64),
            Metadata::BatchIndex => Value::Long(i64::from(record.position.batch_index)),
            Metadata::PublishTime => Value::TimestampMillis(record.publish_time),
            Metadata::EventTime => record.event_time.map_or(Value::Null, Value::TimestampMillis),
            Metadata::Key => record.key.map_or(Value::Null, |key| Value::Bytes(Cow::Borrowed(key))),
            Metadata::Topic => Value::Text(topic.into()),
        }
    }
}
