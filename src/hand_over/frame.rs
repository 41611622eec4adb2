//! Received: the records of one hand-over, as docs/understand/hand-over.md lays them out in the buffer.

use crate::position::Position;
use crate::record::Record;

/// Bytes before the records of an entry.
pub(crate) const ENTRY_HEADER: usize = 40;
/// Bytes before a record's event time, key, properties and payload.
const RECORD_HEADER: usize = 8;
const FLAG_KEY: u32 = 1;
const FLAG_PROPERTIES: u32 = 2;
/// The producer gave the key as bytes and not as text.
pub(crate) const FLAG_KEY_IS_BYTES: u32 = 4;
const FLAG_EVENT_TIME: u32 = 8;
/// The payload's length where there is none, because the producer gave no value.
const NULL_VALUE: u32 = u32::MAX;
/// The flags are that many low bits, the batch index is above them.
const FLAG_BITS: u32 = 4;

/// A buffer that is not what docs/understand/hand-over.md says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hand-over's buffer is malformed at byte {offset}: {what}")]
pub struct MalformedFrame {
    /// Where the entry or record that is wrong begins.
    pub(crate) offset: usize,
    /// What is wrong with it.
    pub(crate) what: &'static str,
}

/// Where a record begins in a buffer: reading goes on there. The default is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordOffset {
    /// Where the entry of the record before begins.
    entry: usize,
    /// Where the next record begins, or the next entry.
    next: usize,
}

/// What the records of an entry share. The default is none.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// Where it ends in the buffer.
    end: usize,
    source_partition: u32,
    schema: u32,
    ledger: u64,
    entry: u64,
    publish_time: i64,
}

/// Reads the records of a buffer one after another.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    buffer: &'a [u8],
    at: RecordOffset,
    entry: Entry,
}

impl<'a> Records<'a> {
    /// The records of this buffer from this offset on, which must be one of it.
    pub fn from(buffer: &'a [u8], at: RecordOffset) -> Self {
        let begun = at.next > at.entry;
        let entry = if begun { entry_at(buffer, at.entry).unwrap_or_default() } else { Entry::default() };
        Records { buffer, at, entry }
    }

    /// Where it is: behind the last record read.
    pub(crate) fn offset(&self) -> RecordOffset {
        self.at
    }

    /// Goes on to the next entry when this one has ended; the bytes of it that are left.
    fn rest(&mut self) -> Result<&'a [u8], &'static str> {
        if self.at.next >= self.entry.end {
            self.entry = entry_at(self.buffer, self.at.next)?;
            self.at = RecordOffset { entry: self.at.next, next: self.at.next + ENTRY_HEADER };
        }
        Ok(self.buffer.get(self.at.next..self.entry.end).unwrap_or_default())
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, MalformedFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at.next >= self.buffer.len() {
            return None;
        }
        let parts = self.rest().and_then(|rest| Ok((rest, parts(rest)?)));
        match parts {
            Ok((rest, parts)) => {
                self.at.next += rest.len() - parts.behind;
                let entry = &self.entry;
                // Built once, where it is returned: copying it is dearer than reading it.
                Some(Ok(Record {
                    source_partition: entry.source_partition,
                    schema: entry.schema,
                    position: Position {
                        ledger: entry.ledger,
                        entry: entry.entry,
                        batch_index: parts.flags >> FLAG_BITS,
                    },
                    publish_time: entry.publish_time,
                    event_time: parts.event_time,
                    key: parts.key,
                    key_is_bytes: parts.flags & FLAG_KEY_IS_BYTES != 0,
                    properties: parts.properties,
                    payload: parts.payload,
                    null_value: parts.null_value,
                }))
            }
            Err(what) => {
                let offset = self.at.next;
                self.at.next = self.buffer.len();
                Some(Err(MalformedFrame { offset, what }))
            }
        }
    }
}

/// An entry's records, as one run of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryBytes {
    /// The source partition's id.
    pub(crate) source_partition: u32,
    /// The records that it is said to have.
    pub(crate) records: u32,
    /// The bytes of all of it, header included.
    pub(crate) length: usize,
}

/// The entry that begins here. Nothing but its header is looked at: to deal the records of a buffer out, that is enough.
pub(crate) fn entry_bytes(buffer: &[u8], offset: usize) -> Result<EntryBytes, MalformedFrame> {
    let header = entry_header(buffer, offset).map_err(|what| MalformedFrame { offset, what })?;
    Ok(EntryBytes {
        source_partition: u32_at(header, 8),
        records: u32_at(header, 4),
        length: u32_at(header, 0) as usize,
    })
}

fn entry_header(buffer: &[u8], offset: usize) -> Result<&[u8; ENTRY_HEADER], &'static str> {
    let rest = buffer.get(offset..).unwrap_or_default();
    let header: &[u8; ENTRY_HEADER] = rest.first_chunk().ok_or("its header is cut off")?;
    let length = u32_at(header, 0) as usize;
    if length <= ENTRY_HEADER {
        return Err("the entry has no record");
    }
    if length > rest.len() {
        return Err("the entry is longer than the buffer");
    }
    Ok(header)
}

fn entry_at(buffer: &[u8], offset: usize) -> Result<Entry, &'static str> {
    let header = entry_header(buffer, offset)?;
    Ok(Entry {
        end: offset + u32_at(header, 0) as usize,
        source_partition: u32_at(header, 8),
        schema: u32_at(header, 12),
        ledger: u64_at(header, 16),
        entry: u64_at(header, 24),
        publish_time: u64_at(header, 32) as i64,
    })
}

/// What a record has of its own.
struct Parts<'a> {
    flags: u32,
    event_time: Option<i64>,
    key: Option<&'a [u8]>,
    properties: Option<&'a [u8]>,
    payload: &'a [u8],
    null_value: bool,
    /// Bytes behind it.
    behind: usize,
}

/// The first record of these bytes.
#[inline]
fn parts(bytes: &[u8]) -> Result<Parts<'_>, &'static str> {
    let (header, mut tail) = bytes.split_first_chunk::<RECORD_HEADER>().ok_or("its header is cut off")?;
    let header = u64::from_le_bytes(*header);
    let (length, flags) = (header as u32, (header >> 32) as u32);
    let null_value = length == NULL_VALUE;
    let payload = if null_value { 0 } else { length as usize };
    let (mut event_time, mut key, mut properties) = (None, None, None);
    if flags & (FLAG_EVENT_TIME | FLAG_KEY | FLAG_PROPERTIES) != 0 {
        if flags & FLAG_EVENT_TIME != 0 {
            let (time, rest) = tail.split_first_chunk().ok_or("its event time is cut off")?;
            tail = rest;
            event_time = Some(i64::from_le_bytes(*time));
        }
        key = optional_part(&mut tail, flags & FLAG_KEY != 0)?;
        properties = optional_part(&mut tail, flags & FLAG_PROPERTIES != 0)?;
    }
    let (payload, rest) = tail.split_at_checked(payload).ok_or("it is longer than its entry")?;
    Ok(Parts { flags, event_time, key, properties, payload, null_value, behind: rest.len() })
}

fn optional_part<'a>(tail: &mut &'a [u8], present: bool) -> Result<Option<&'a [u8]>, &'static str> {
    if !present {
        return Ok(None);
    }
    let (length, rest) = tail.split_first_chunk().ok_or("a part's length is cut off")?;
    let (part, rest) =
        rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or("a part is longer than its entry")?;
    *tail = rest;
    Ok(Some(part))
}

// Offsets are constants below ENTRY_HEADER: the slices cannot miss.
fn u32_at(header: &[u8; ENTRY_HEADER], offset: usize) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&header[offset..offset + 4]);
    u32::from_le_bytes(bytes)
}

fn u64_at(header: &[u8; ENTRY_HEADER], offset: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&header[offset..offset + 8]);
    u64::from_le_bytes(bytes)
}

/// Packs records as the Java class does; for tests and benchmarks.
pub fn pack<'r>(records: impl IntoIterator<Item = Record<'r>>) -> Vec<u8> {
    let mut buffer = Vec::new();
    let mut shared = None;
    let mut start = 0;
    for record in records {
        let own = entry_start(&record);
        if shared != Some(own) {
            shared = Some(own);
            start = buffer.len();
            buffer.extend_from_slice(&[0; 8]);
            buffer.extend_from_slice(&own);
        }
        put(&mut buffer, &record);
        let length = (buffer.len() - start) as u32;
        buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
        let records = u32_at(buffer[start..].first_chunk().unwrap_or(&[0; ENTRY_HEADER]), 4) + 1;
        buffer[start + 4..start + 8].copy_from_slice(&records.to_le_bytes());
    }
    buffer
}

/// What a record shares with the others of its entry, as it lies in the buffer.
fn entry_start(record: &Record<'_>) -> [u8; ENTRY_HEADER - 8] {
    let mut bytes = [0; ENTRY_HEADER - 8];
    bytes[..4].copy_from_slice(&record.source_partition.to_le_bytes());
    bytes[4..8].copy_from_slice(&record.schema.to_le_bytes());
    bytes[8..16].copy_from_slice(&record.position.ledger.to_le_bytes());
    bytes[16..24].copy_from_slice(&record.position.entry.to_le_bytes());
    bytes[24..].copy_from_slice(&record.publish_time.to_le_bytes());
    bytes
}

fn put(buffer: &mut Vec<u8>, record: &Record<'_>) {
    let flag = |set: bool, flag: u32| if set { flag } else { 0 };
    let flags = flag(record.key.is_some(), FLAG_KEY)
        | flag(record.properties.is_some(), FLAG_PROPERTIES)
        | flag(record.key_is_bytes, FLAG_KEY_IS_BYTES)
        | flag(record.event_time.is_some(), FLAG_EVENT_TIME);
    let length = if record.null_value { NULL_VALUE } else { record.payload.len() as u32 };
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&(record.position.batch_index << FLAG_BITS | flags).to_le_bytes());
    if let Some(time) = record.event_time {
        buffer.extend_from_slice(&time.to_le_bytes());
    }
    for part in [record.key, record.properties].into_iter().flatten() {
        buffer.extend_from_slice(&(part.len() as u32).to_le_bytes());
        buffer.extend_from_slice(part);
    }
    buffer.extend_from_slice(record.payload);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    type Parts = (u32, u32, (u64, u64, u32), i64, i64, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);

    fn parts() -> impl Strategy<Value = Parts> {
        (
            0..3u32,
            0..2u32,
            (
                0..2u64,
                any::<bool>().prop_flat_map(|large| if large { 0..u64::MAX } else { 0..2 }),
                0..u32::MAX >> FLAG_BITS,
            ),
            prop_oneof![Just(7), any::<i64>()],
            any::<i64>(),
            option::of(vec(any::<u8>(), 0..20)),
            option::of(vec(any::<u8>(), 0..20)),
            option::weighted(0.9, vec(any::<u8>(), 0..200)),
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
            payload: payload.as_deref().unwrap_or_default(),
            null_value: payload.is_none(),
        }
    }

    proptest! {
        #[test]
        fn records_come_back_from_the_buffer(all in vec(parts(), 0..20)) {
            let buffer = pack(all.iter().map(record));
            let read: Vec<_> = Records::from(&buffer, RecordOffset::default()).map(Result::unwrap).collect();
            prop_assert_eq!(read, all.iter().map(record).collect::<Vec<_>>());
        }

        #[test]
        fn reading_goes_on_where_it_was_left(all in vec(parts(), 0..20)) {
            let buffer = pack(all.iter().map(record));
            let mut offset = RecordOffset::default();
            for expected in all.iter().map(record) {
                let mut records = Records::from(&buffer, offset);
                prop_assert_eq!(records.next(), Some(Ok(expected)));
                offset = records.offset();
            }
            prop_assert_eq!(Records::from(&buffer, offset).next(), None);
        }

        #[test]
        fn any_bytes_end_without_a_panic(buffer in vec(any::<u8>(), 0..300)) {
            let count = Records::from(&buffer, RecordOffset::default()).count();
            prop_assert!(count <= buffer.len());
        }

        #[test]
        fn a_damaged_buffer_never_yields_bytes_outside_it(all in vec(parts(), 1..5), at in any::<prop::sample::Index>(), with: u8) {
            let mut buffer = pack(all.iter().map(record));
            let at = at.index(buffer.len());
            buffer[at] = with;
            let total: usize = Records::from(&buffer, RecordOffset::default())
                .filter_map(Result::ok)
                .map(|found| found.payload.len() + [found.key, found.properties].into_iter().flatten().map(<[u8]>::len).sum::<usize>())
                .sum();
            prop_assert!(total <= buffer.len());
        }

        #[test]
        fn an_entrys_header_tells_what_reading_it_gives(all in vec(parts(), 1..20)) {
            let buffer = pack(all.iter().map(record));
            let (mut offset, mut dealt) = (0, Vec::new());
            while offset < buffer.len() {
                let entry = entry_bytes(&buffer, offset).unwrap();
                let bytes = &buffer[offset..offset + entry.length];
                let records: Vec<_> = Records::from(bytes, RecordOffset::default()).map(Result::unwrap).collect();
                prop_assert_eq!(records.len(), entry.records as usize);
                prop_assert!(records.iter().all(|record| record.source_partition == entry.source_partition));
                dealt.extend(records);
                offset += entry.length;
            }
            prop_assert_eq!(dealt, all.iter().map(record).collect::<Vec<_>>());
        }
    }

    #[test]
    fn records_of_one_entry_have_one_header() {
        let all = [0, 1].map(|batch_index| (1, 2, (3, 4, batch_index), 6, 0, None, None, Some(vec![8; 10])));
        assert_eq!(pack(all.iter().map(record)).len(), ENTRY_HEADER + 2 * (RECORD_HEADER + 10));
    }

    #[test]
    fn what_is_cut_off_is_named_with_its_place() {
        let parts = |entry| (1, 2, (3, entry, 5), 6, 7, None, None, Some(vec![8; 10]));
        let (first, second) = (parts(4), parts(5));
        let whole = pack([record(&first)]).len();
        let mut buffer = pack([record(&first), record(&second)]);
        buffer.pop();
        let found: Vec<_> = Records::from(&buffer, RecordOffset::default()).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], Err(MalformedFrame { offset: whole, what: "the entry is longer than the buffer" }));
        assert_eq!(entry_bytes(&buffer, whole), Err(found[1].unwrap_err()));
        // An entry that ends in the midst of a record.
        buffer[whole] = buffer[whole].checked_sub(1).unwrap();
        let found: Vec<_> = Records::from(&buffer, RecordOffset::default()).collect();
        let offset = whole + ENTRY_HEADER;
        assert_eq!(found[1], Err(MalformedFrame { offset, what: "it is longer than its entry" }));
    }
}
