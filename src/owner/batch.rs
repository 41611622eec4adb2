//! A batch: the rows of one source partition between two commits.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use tokio::time::Instant;

use crate::budget::{Budget, Charge, bytes_with};
use crate::hand_over::frame::RecordOffset;
use crate::hand_over::part::HandOverPart;
use crate::owner::left_out::LeftOut;
use crate::position::Position;
use crate::protocol::batch_file::{BatchFile, streamed_failure};
use crate::protocol::failure::Failure;
use crate::protocol::layout::SourcePartitionLayout;
use crate::protocol::manifest::OpenFile;
use crate::protocol::nonce::nonce;
use crate::protocol::stage::StagedFile;
use crate::record::Record;
use crate::row::compression::{Compression, Compressor};
use crate::row::partition::PartitionKey;
use crate::slots::Slots;
use crate::storage::Storage;
use crate::value::BadRecord;

/// So many bytes of rows are counted in the midst of a hand-over; most of those that are larger than it have JSON text of
/// values that take few bytes in Avro.
const MOST_UNCOUNTED: usize = 4 << 20;
/// So many bytes are kept for later rows at most where a row was taken away.
const MOST_ROOM: usize = 8 << 20;

/// hdfs-native keeps what does not fill a packet until more comes (0.14.8), and with it the whole of which that is a part: a
/// packet's bytes, of which its checksums are a part.
const MOST_KEPT: usize = 64 << 10;

/// When rows are streamed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streaming {
    /// From this many bytes in memory on, a batch streams its large files instead of keeping them.
    pub(crate) from: usize,
    /// A file's rows are streamed in pieces of at least this size.
    pub(crate) piece: usize,
}

impl Default for Streaming {
    fn default() -> Self {
        Streaming { from: 4 << 20, piece: 256 << 10 }
    }
}

/// Records that the batch may need again.
#[derive(Debug)]
pub(crate) struct RetainedPart {
    /// The records.
    pub(crate) part: HandOverPart,
    /// Where the first one is that is in the batch.
    pub(crate) first: RecordOffset,
}

/// Rows of one partition directory.
struct DirectoryRows<S: Storage> {
    key: PartitionKey,
    rows: u64,
    buffer: Vec<u8>,
    /// Begun when rows are streamed.
    compressor: Option<Compressor>,
    /// It begins with a header, which belongs in no other place of a file.
    has_header: bool,
    /// That header, until it is written.
    header: Vec<u8>,
    streamed: Option<StagedFile<S>>,
}

impl<S: Storage> DirectoryRows<S> {
    fn length(&self) -> u64 {
        (self.header.len() + self.buffer.len()) as u64 + self.streamed.as_ref().map_or(0, StagedFile::length)
    }

    /// Bytes of memory: what is reserved was mostly used before.
    fn memory(&self) -> usize {
        self.buffer.capacity() + self.compressor.as_ref().map_or(0, Compressor::memory)
    }
}

/// What a batch has of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) first: Position,
    pub(crate) last: Position,
    /// The largest publish time, milliseconds since 1970.
    pub(crate) largest_publish_time: i64,
    /// When the first record came.
    pub(crate) began: Instant,
}

/// A batch that is being filled.
pub(crate) struct Batch<S: Storage> {
    files: Vec<DirectoryRows<S>>,
    /// Where each key's file is.
    by_key: HashMap<PartitionKey, usize>,
    current: usize,
    scratch: Vec<u8>,
    /// Counts its rows until they are written.
    budget: Budget,
    charge: Charge,
    /// Bytes of rows that came since they were counted.
    uncounted: usize,
    /// What it has of records; none while it is empty.
    pub(crate) extent: Option<Extent>,
    pub(crate) rows: u64,
    /// Bad records.
    pub(crate) dropped: u64,
    /// The newest version of the columns that its rows are written under.
    pub(crate) schema_version: u64,
    /// The records themselves, to stage them again; none once rows were streamed, or memory was short.
    pub(crate) retained: Option<Vec<RetainedPart>>,
    /// Dead letters that the broker has not yet confirmed, and gaps of which it is not yet known what stands in them, by their
    /// numbers, with the position of the bad record or of the one behind the gap.
    pub(crate) unconfirmed: BTreeMap<u64, Position>,
    /// A record stands in one of the gaps.
    pub(super) left_out: Option<LeftOut>,
    /// The last hand-over that is in it.
    pub(crate) hand_over: u64,
    streaming: Streaming,
}

impl<S: Storage> Batch<S> {
    /// An empty batch.
    pub(crate) fn new(budget: &Budget, streaming: Streaming) -> Self {
        let budget = budget.part();
        Batch {
            streaming,
            files: Vec::new(),
            by_key: HashMap::new(),
            current: 0,
            scratch: Vec::new(),
            charge: budget.charge(0),
            budget,
            uncounted: 0,
            extent: None,
            rows: 0,
            dropped: 0,
            schema_version: 0,
            retained: Some(Vec::new()),
            unconfirmed: BTreeMap::new(),
            left_out: None,
            hand_over: 0,
        }
    }

    /// Adds a record's row, which `encode` appends to a buffer; a file that it is the first row of begins with the header.
    /// On an error the batch is as before.
    #[inline]
    pub(crate) fn add(
        &mut self,
        record: &Record<'_>,
        header: &[u8],
        encode: impl FnOnce(&mut Vec<u8>) -> Result<PartitionKey, BadRecord>,
    ) -> Result<PartitionKey, BadRecord> {
        // Most rows belong where the one before does: they are written in place, the others are moved.
        let current = self.files.get_mut(self.current);
        let (own, buffer) = match current {
            Some(file) => (Some(file.key), &mut file.buffer),
            None => (None, &mut self.scratch),
        };
        let start = buffer.len();
        let key = match encode(buffer) {
            Ok(key) => key,
            Err(bad) => {
                buffer.truncate(start);
                give_back(buffer);
                return Err(bad);
            }
        };
        self.uncounted += buffer.len() - start;
        if own != Some(key) {
            let mut row = std::mem::take(&mut self.scratch);
            if own.is_some() {
                let buffer = &mut self.files[self.current].buffer;
                row.clear();
                row.extend_from_slice(&buffer[start..]);
                buffer.truncate(start);
                give_back(buffer);
            }
            self.current = self.file_of(key, header);
            let buffer = &mut self.files[self.current].buffer;
            if own.is_none() && buffer.is_empty() {
                *buffer = row;
            } else {
                buffer.extend_from_slice(&row);
                row.clear();
                give_back(&mut row);
                self.scratch = row;
            }
        }
        self.files[self.current].rows += 1;
        self.rows += 1;
        self.extend(record);
        Ok(key)
    }

    /// Counts a record that is not written.
    pub(crate) fn add_dropped(&mut self, record: &Record<'_>) {
        self.dropped += 1;
        self.extend(record);
    }

    fn file_of(&mut self, key: PartitionKey, header: &[u8]) -> usize {
        let files = &mut self.files;
        *self.by_key.entry(key).or_insert_with(|| {
            files.push(DirectoryRows {
                key,
                rows: 0,
                buffer: Vec::new(),
                compressor: None,
                has_header: !header.is_empty(),
                header: header.to_vec(),
                streamed: None,
            });
            files.len() - 1
        })
    }

    /// Rows of more columns will come, under this header: the files begun take it. False when one of them cannot, because the
    /// header that it has is written.
    pub(crate) fn take_header(&mut self, header: &[u8]) -> bool {
        for file in self.files.iter_mut().filter(|file| !file.header.is_empty()) {
            file.header = header.to_vec();
        }
        self.files.iter().all(|file| !file.has_header || !file.header.is_empty())
    }

    #[inline]
    fn extend(&mut self, record: &Record<'_>) {
        match &mut self.extent {
            Some(extent) => {
                // Without order, the last one that came need not be the largest.
                extent.first = extent.first.min(record.position);
                extent.last = extent.last.max(record.position);
                extent.largest_publish_time = extent.largest_publish_time.max(record.publish_time);
            }
            None => {
                self.extent = Some(Extent {
                    first: record.position,
                    last: record.position,
                    largest_publish_time: record.publish_time,
                    began: Instant::now(),
                });
            }
        }
    }

    /// Whether it must be committed for its size.
    pub(crate) fn is_full(&self, max_rows: u64, max_file_size: u64) -> bool {
        self.rows >= max_rows || self.files.iter().any(|file| file.length() >= max_file_size)
    }

    /// Keeps a hand-over's records, in case they must be staged again, and counts the rows' memory.
    pub(crate) fn retain(&mut self, mut part: HandOverPart, first: RecordOffset) {
        self.count_memory();
        if let Some(retained) = &mut self.retained {
            part.charge.reserve(0);
            retained.push(RetainedPart { part, first });
        }
    }

    /// Forgets the records, so that only their rows are left: it cannot be staged again. Returns whether there were any.
    pub(crate) fn forget_records(&mut self) -> bool {
        self.retained.take().is_some_and(|retained| !retained.is_empty())
    }

    /// Counts the rows' memory.
    pub(crate) fn count_memory(&mut self) {
        let of_files: usize = self.files.iter().map(DirectoryRows::memory).sum();
        self.charge.set(of_files + self.scratch.capacity());
        self.uncounted = 0;
    }

    /// Whether rows have become much more than the records that they are of, so that they must be counted before more come.
    #[inline]
    pub(crate) fn has_grown(&self) -> bool {
        self.uncounted >= MOST_UNCOUNTED
    }

    /// Bytes of memory that it takes, records included. Of what is streamed only what writers keep: the rest goes by itself.
    pub(crate) fn held(&self) -> usize {
        let retained: usize = self.retained.iter().flatten().map(|retained| retained.part.charge.bytes()).sum();
        let kept = MOST_KEPT * self.files.iter().filter(|file| file.streamed.is_some()).count();
        let rows = self.charge.bytes();
        rows + kept.min(self.budget.used().saturating_sub(rows)) + retained
    }

    /// Whether it keeps records that it could forget.
    pub(crate) fn keeps_records(&self) -> bool {
        self.retained.as_ref().is_some_and(|retained| !retained.is_empty())
    }

    /// Whether a file has rows enough in memory to stream.
    pub(crate) fn has_piece(&self) -> bool {
        self.files.iter().any(|file| file.buffer.len() >= self.streaming.piece)
    }

    /// Whether it is large enough to stream, or streams already and has a piece ready.
    pub(crate) fn wants_streaming(&self) -> bool {
        let buffered: usize = self.files.iter().map(|file| file.buffer.len()).sum();
        (self.retained.is_none() || buffered >= self.streaming.from) && self.has_piece()
    }

    /// Writes the large files' rows to their staged files, of which each takes a slot until it is committed: how many bytes. What
    /// finds no slot stays in memory, unless the batch cannot be committed either. The records themselves are forgotten: from now
    /// on a failure ends the instance. A file that cannot even be created leaves all in memory, to be tried again.
    pub(crate) async fn stream(
        &mut self,
        storage: &S,
        layout: &SourcePartitionLayout,
        sequence: u64,
        compression: Compression,
        slots: &Slots,
    ) -> Result<u64, Failure> {
        let piece = self.streaming.piece;
        let mut written = 0;
        for file in self.files.iter_mut().filter(|file| file.buffer.len() >= piece) {
            let staged = match &mut file.streamed {
                Some(staged) => staged,
                None => {
                    let slot = slots.try_take();
                    if slot.is_none() && self.unconfirmed.is_empty() {
                        continue;
                    }
                    let path = layout.table.path(&layout.staged(sequence, &nonce(), compression.extension()));
                    file.streamed.insert(StagedFile::create(storage, path).await?.in_slot(slot))
                }
            };
            self.retained = None;
            // Nothing is reserved ahead where the rows of all batches take much.
            let next = if self.budget.whole().is_used_to(25) { Vec::new() } else { Vec::with_capacity(2 * piece) };
            let rows = std::mem::replace(&mut file.buffer, next);
            self.charge.set(self.charge.bytes().saturating_sub(rows.capacity()));
            let rows = behind_header(std::mem::take(&mut file.header), rows);
            let bytes = file.compressor.get_or_insert_with(|| compression.begin()).piece(rows);
            written += bytes.len() as u64;
            let parts = with_own_end(bytes, &self.budget);
            for bytes in parts.into_iter().filter(|part| !part.is_empty()) {
                staged.append(bytes).await.map_err(|error| Failure::Fatal(streamed_failure(error)))?;
            }
        }
        self.count_memory();
        Ok(written)
    }

    /// The staged files of a streamed batch that is given up.
    pub(crate) fn streamed_paths(&self) -> Vec<String> {
        self.files.iter().filter_map(|file| file.streamed.as_ref()).map(|staged| staged.path().to_owned()).collect()
    }

    /// Its files for a commit.
    pub(crate) fn into_files(
        self,
        directory: impl Fn(PartitionKey) -> String,
        name: impl Fn(&str) -> String,
        open_file: impl Fn(&str) -> Option<OpenFile>,
        compression: Compression,
    ) -> Vec<BatchFile<S>> {
        let files = self.files.into_iter().map(|file| {
            let directory = directory(file.key);
            let rows = behind_header(file.header, file.buffer);
            let bytes = file.compressor.unwrap_or_else(|| compression.begin()).end(rows);
            BatchFile {
                name: name(&directory),
                // A streamed file is large already, and its beginning is written.
                fold: open_file(&directory).filter(|_| file.streamed.is_none() && !file.has_header),
                failed_reads: 0,
                directory,
                extension: compression.extension(),
                rows: file.rows,
                streamed: file.streamed,
                memory: self.budget.charge(bytes.capacity()),
                bytes: bytes.into(),
            }
        });
        // Until then all that was counted before is.
        let files = files.collect();
        drop(self.charge);
        files
    }
}

/// Rows that are counted until the DataNodes have acknowledged them.
fn charged(bytes: Vec<u8>, budget: &Budget) -> Bytes {
    let charge = budget.charge(bytes.capacity());
    bytes_with(bytes, charge)
}

/// The same in two parts, the second no longer than what a writer keeps.
fn with_own_end(bytes: Vec<u8>, budget: &Budget) -> [Bytes; 2] {
    let end = bytes.len().saturating_sub(MOST_KEPT);
    let end = charged(bytes[end..].to_vec(), budget);
    let start = charged(bytes, budget);
    let start = start.slice(..start.len() - end.len());
    [start, end]
}

/// Keeps no room that one large row has made.
fn give_back(buffer: &mut Vec<u8>) {
    if buffer.capacity() - buffer.len() > MOST_ROOM {
        buffer.shrink_to_fit();
    }
}

/// Rows behind their header. Mostly there is none, and then nothing is copied.
fn behind_header(mut header: Vec<u8>, rows: Vec<u8>) -> Vec<u8> {
    if header.is_empty() {
        return rows;
    }
    header.extend_from_slice(&rows);
    header
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::protocol::layout::TableLayout;
    use crate::protocol::manifest::Content;
    use crate::row::Dialect;
    use crate::row::file_format::FileFormat;
    use crate::row::hive::Hive;
    use crate::storage::memory::Memory;

    const TABLE: &str = "/d/t";

    /// A batch of rows of one directory; every so many rows it streams.
    async fn files(
        rows: &[&[u8]],
        header: &[u8],
        compression: Compression,
        stream_every: usize,
    ) -> (Memory, Vec<u8>, bool) {
        let memory = Memory::new();
        let layout = SourcePartitionLayout::new(TableLayout::new("/d", "t").unwrap(), "t", None).unwrap();
        let mut batch: Batch<Memory> = Batch::new(&Budget::new(1 << 30), Streaming::default());
        let position = Position { ledger: 0, entry: 0, batch_index: 0 };
        let record = Record::plain(position, &[]);
        for (at, row) in rows.iter().enumerate() {
            let encode = |out: &mut Vec<u8>| {
                out.extend_from_slice(row);
                Ok(PartitionKey::Whole)
            };
            batch.add(&record, header, encode).unwrap();
            if (at + 1) % stream_every == 0 {
                batch.stream(&memory, &layout, 1, compression, &Slots::new(1)).await.unwrap();
            }
        }
        let open = |_: &str| {
            let format = FileFormat { dialect: Dialect::Hive(Hive { delimiter: b',' }), compression };
            let content = Content { length: 1, rows: 1, checksum: String::new(), format: format.into() };
            let (directory, name) = (String::new(), "open".to_owned());
            Some(OpenFile { directory, name, content })
        };
        let name = |_: &str| format!("name.{}", compression.extension());
        let mut files = batch.into_files(|_| String::new(), name, open, compression);
        let mut file = files.remove(0);
        assert!(files.is_empty());
        assert_eq!(file.rows, rows.len() as u64);
        let mut bytes = Vec::new();
        if let Some(streamed) = &mut file.streamed {
            streamed.append(file.bytes).await.unwrap();
            streamed.finish(&memory).await.unwrap();
            let path = streamed.path();
            assert!(path.starts_with(TABLE) && path.ends_with(compression.extension()), "{path}");
            bytes.extend_from_slice(&memory.files()[path]);
        } else {
            bytes.extend_from_slice(&file.bytes);
        }
        (memory, bytes, file.fold.is_some())
    }

    #[tokio::test]
    async fn a_compressed_file_is_one_member_however_it_was_streamed() {
        let rows: Vec<Vec<u8>> = (0..7u8).map(|row| vec![b'a' + row; Streaming::default().piece]).collect();
        let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        for stream_every in [1, 3, 100] {
            let (_, bytes, _) = files(&rows, b"", Compression::Gzip, stream_every).await;
            let mut read = Vec::new();
            // Reads one member only.
            flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut read).unwrap();
            assert!(read == rows.concat(), "streamed every {stream_every}");
            let (_, plain, _) = files(&rows, b"", Compression::None, stream_every).await;
            assert!(plain == rows.concat());
        }
    }

    #[test]
    fn what_a_writer_keeps_of_a_streamed_piece_is_counted_and_is_no_more_than_a_packet() {
        let budget = Budget::new(1 << 30);
        for length in [0, 1, MOST_KEPT, MOST_KEPT + 1, 1 << 20] {
            let mut piece = Vec::with_capacity(2 << 20);
            piece.resize(length, b'x');
            let [start, end] = with_own_end(piece, &budget);
            let of_start = if start.is_empty() { 0 } else { 2 << 20 };
            assert_eq!((start.len() + end.len(), budget.used()), (length, of_start + end.len()));
            drop(start);
            assert_eq!(budget.used(), length.min(MOST_KEPT));
        }
    }

    #[tokio::test]
    async fn a_header_is_a_files_first_line_and_such_a_file_is_folded_into_no_other() {
        let rows: [&[u8]; 2] = [b"1\n", b"2\n"];
        let (_, bytes, folded) = files(&rows, b"v\n", Compression::None, 100).await;
        assert_eq!((&bytes[..], folded), (&b"v\n1\n2\n"[..], false));
        let (_, bytes, folded) = files(&rows, b"", Compression::None, 100).await;
        assert_eq!((&bytes[..], folded), (&b"1\n2\n"[..], true));
    }
}
