//! Received: the records of one hand-over, as docs/hand-over.md lays them out in the buffer.

use crate::position::Position;

/// Bytes before a record's key, properties and payload.
pub const HEADER: usize = 56;
/// The writer's schema id of a message without a schema version.
pub const NO_SCHEMA: u32 = u32::MAX;
const FLAG_KEY: u32 = 1;
const FLAG_PROPERTIES: u32 = 2;
/// The producer gave the key as bytes and not as text.
pub const FLAG_KEY_IS_BYTES: u32 = 4;

/// One record as it lies in the buffer.
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
    /// The whole record, header included.
    pub bytes: &'a [u8],
}

/// A buffer that is not what docs/hand-over.md says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hand-over's buffer is malformed at byte {offset}: {what}")]
pub struct MalformedFrame {
    /// Where the record that is wrong begins.
    pub offset: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Reads the records of a buffer one after another.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    buffer: &'a [u8],
    offset: usize,
}

impl<'a> Records<'a> {
    /// The records of this buffer from this byte on, which must be a record's first.
    pub fn from(buffer: &'a [u8], offset: usize) -> Self {
        Records { buffer, offset }
    }

    /// Where the next record begins.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, MalformedFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.buffer.get(self.offset..).filter(|rest| !rest.is_empty())?;
        match read(rest) {
            Ok(record) => {
                self.offset += record.bytes.len();
                Some(Ok(record))
            }
            Err(what) => {
                let error = MalformedFrame { offset: self.offset, what };
                self.offset = self.buffer.len();
                Some(Err(error))
            }
        }
    }
}

/// The source partition of the record that begins here, and the record's length. Nothing else of it is looked at: to deal the
/// records of a buffer out, that is enough.
pub fn source_partition_and_length(buffer: &[u8], offset: usize) -> Result<(u32, usize), MalformedFrame> {
    match whole(buffer.get(offset..).unwrap_or_default()) {
        Ok((header, bytes)) => Ok((u32_at(header, 4), bytes.len())),
        Err(what) => Err(MalformedFrame { offset, what }),
    }
}

/// A record's header and all its bytes.
fn whole(rest: &[u8]) -> Result<(&[u8; HEADER], &[u8]), &'static str> {
    let header: &[u8; HEADER] = rest.first_chunk().ok_or("its header is cut off")?;
    let length = u32_at(header, 0) as usize;
    if length < HEADER {
        return Err("its length is below that of its header");
    }
    Ok((header, rest.get(..length).ok_or("it is longer than the buffer")?))
}

fn read(rest: &[u8]) -> Result<Record<'_>, &'static str> {
    let (header, bytes) = whole(rest)?;
    let flags = u32_at(header, 12);
    if flags & !(FLAG_KEY | FLAG_PROPERTIES | FLAG_KEY_IS_BYTES) != 0 {
        return Err("it has unknown flags");
    }
    let mut tail = &bytes[HEADER..];
    let key = optional_part(&mut tail, flags & FLAG_KEY != 0)?;
    let properties = optional_part(&mut tail, flags & FLAG_PROPERTIES != 0)?;
    if tail.len() != u32_at(header, 36) as usize {
        return Err("its parts do not add up to its length");
    }
    let event_time = u64_at(header, 48) as i64;
    Ok(Record {
        source_partition: u32_at(header, 4),
        schema: u32_at(header, 8),
        position: Position { ledger: u64_at(header, 16), entry: u64_at(header, 24), batch_index: u32_at(header, 32) },
        publish_time: u64_at(header, 40) as i64,
        event_time: (event_time != 0).then_some(event_time),
        key,
        key_is_bytes: flags & FLAG_KEY_IS_BYTES != 0,
        properties,
        payload: tail,
        bytes,
    })
}

fn optional_part<'a>(tail: &mut &'a [u8], present: bool) -> Result<Option<&'a [u8]>, &'static str> {
    if !present {
        return Ok(None);
    }
    let (length, rest) = tail.split_first_chunk().ok_or("a part's length is cut off")?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > rest.len() {
        return Err("a part is longer than the record");
    }
    let (part, rest) = rest.split_at(length);
    *tail = rest;
    Ok(Some(part))
}

// Offsets are constants below HEADER: the slices cannot miss.
fn u32_at(header: &[u8; HEADER], offset: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&header[offset..offset + 4]);
    u32::from_le_bytes(bytes)
}

fn u64_at(header: &[u8; HEADER], offset: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&header[offset..offset + 8]);
    u64::from_le_bytes(bytes)
}

/// Packs a record as the Java class does; for tests and benchmarks.
pub fn pack(buffer: &mut Vec<u8>, record: &Record<'_>) {
    let start = buffer.len();
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    let flags = flag(record.key.is_some(), FLAG_KEY)
        | flag(record.properties.is_some(), FLAG_PROPERTIES)
        | flag(record.key_is_bytes, FLAG_KEY_IS_BYTES);
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&record.source_partition.to_le_bytes());
    buffer.extend_from_slice(&record.schema.to_le_bytes());
    buffer.extend_from_slice(&flags.to_le_bytes());
    buffer.extend_from_slice(&record.position.ledger.to_le_bytes());
    buffer.extend_from_slice(&record.position.entry.to_le_bytes());
    buffer.extend_from_slice(&record.position.batch_index.to_le_bytes());
    buffer.extend_from_slice(&(record.payload.len() as u32).to_le_bytes());
    buffer.extend_from_slice(&record.publish_time.to_le_bytes());
    buffer.extend_from_slice(&record.event_time.unwrap_or(0).to_le_bytes());
    for part in [record.key, record.properties].into_iter().flatten() {
        buffer.extend_from_slice(&(part.len() as u32).to_le_bytes());
        buffer.extend_from_slice(part);
    }
    buffer.extend_from_slice(record.payload);
    let length = (buffer.len() - start) as u32;
    buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    type Parts = (u32, u32, (u64, u64, u32), i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>);

    fn parts() -> impl Strategy<Value = Parts> {
        (
            any::<u32>(),
            any::<u32>(),
            any::<(u64, u64, u32)>(),
            any::<i64>(),
            any::<i64>(),
            option::of(vec(any::<u8>(), 0..20)),
            option::of(vec(any::<u8>(), 0..20)),
            vec(any::<u8>(), 0..200),
        )
    }

    fn record(parts: &Parts) -> Record<'_> {
        let (
            source_partition,
            schema,
            (ledger, entry, batch_index),
            publish_time,
            event_time,
            key,
            properties,
            payload,
        ) = parts;
        Record {
            source_partition: *source_partition,
            schema: *schema,
            position: Position { ledger: *ledger, entry: *entry, batch_index: *batch_index },
            publish_time: *publish_time,
            event_time: Some(*event_time).filter(|time| *time != 0),
            key: key.as_deref(),
            key_is_bytes: key.as_ref().is_some_and(|key| key.len() % 2 == 1),
            properties: properties.as_deref(),
            payload,
            bytes: &[],
        }
    }

    proptest! {
        #[test]
        fn records_come_back_from_the_buffer(all in vec(parts(), 0..20)) {
            let mut buffer = Vec::new();
            for parts in &all {
                pack(&mut buffer, &record(parts));
            }
            let mut read = Vec::new();
            for found in Records::from(&buffer, 0) {
                read.push(Record { bytes: &[], ..found.unwrap() });
            }
            prop_assert_eq!(read, all.iter().map(record).collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_end_without_a_panic(buffer in vec(any::<u8>(), 0..300)) {
            let count = Records::from(&buffer, 0).count();
            prop_assert!(count <= buffer.len());
        }

        #[test]
        fn a_damaged_buffer_never_yields_bytes_outside_it(all in vec(parts(), 1..5), at in any::<prop::sample::Index>(), with: u8) {
            let mut buffer = Vec::new();
            for parts in &all {
                pack(&mut buffer, &record(parts));
            }
            let at = at.index(buffer.len());
            buffer[at] = with;
            let total: usize = Records::from(&buffer, 0).filter_map(Result::ok).map(|found| found.bytes.len()).sum();
            prop_assert!(total <= buffer.len());
        }

        #[test]
        fn a_record_has_the_length_and_source_partition_that_reading_it_gives(all in vec(parts(), 1..5), cut: prop::sample::Index) {
            let mut buffer = Vec::new();
            for parts in &all {
                pack(&mut buffer, &record(parts));
            }
            buffer.truncate(cut.index(buffer.len()) + 1);
            let mut records = Records::from(&buffer, 0);
            loop {
                let offset = records.offset();
                let Some(record) = records.next() else { break };
                let expected = record.map(|record| (record.source_partition, record.bytes.len()));
                prop_assert_eq!(source_partition_and_length(&buffer, offset), expected);
            }
        }
    }

    #[test]
    fn a_cut_off_record_is_named_with_its_place() {
        let mut buffer = Vec::new();
        pack(&mut buffer, &record(&(1, 2, (3, 4, 5), 6, 7, None, None, vec![8; 10])));
        let whole = buffer.len();
        buffer.extend_from_within(..);
        buffer.truncate(whole + 60);
        let found: Vec<_> = Records::from(&buffer, 0).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], Err(MalformedFrame { offset: whole, what: "it is longer than the buffer" }));
    }
}
