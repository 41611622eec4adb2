//! The record: one Pulsar message, borrowed from where it lies.

use crate::position::Position;

/// The writer's schema id of a message without a schema version.
pub(crate) const NO_SCHEMA: u32 = u32::MAX;

/// One record as it lies in the buffer, with what it shares with the others of its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The source partition's id.
    pub source_partition: u32,
    /// The writer's schema id, or [`NO_SCHEMA`].
    pub schema: u32,
    /// Where it stands in its source partition.
    pub position: Position,
    /// Publish time, milliseconds since 1970.
    pub publish_time: i64,
    /// Event time, milliseconds since 1970; none when the producer set none.
    pub event_time: Option<i64>,
    /// The message key's bytes.
    pub key: Option<&'a [u8]>,
    /// Whether the producer gave the key as bytes and not as text.
    pub key_is_bytes: bool,
    /// The message properties as a JSON object.
    pub properties: Option<&'a [u8]>,
    /// The message as its producer encoded it.
    pub payload: &'a [u8],
    /// Whether its producer gave it no value (a tombstone); then the payload is empty.
    pub null_value: bool,
}

impl<'a> Record<'a> {
    /// A record of source partition 0 and schema 0 with nothing but this payload.
    pub fn plain(position: Position, payload: &'a [u8]) -> Self {
        Record {
            source_partition: 0,
            schema: 0,
            position,
            publish_time: 0,
            event_time: None,
            key: None,
            key_is_bytes: false,
            properties: None,
            payload,
            null_value: false,
        }
    }
}
