//! A batch: the rows of one source partition between two commits.

use std::collections::BTreeSet;

use bytes::Bytes;
use tokio::time::Instant;

use crate::budget::{Budget, Charge};
use crate::commit::{BatchFile, streamed_failure};
use crate::decode::BadRecord;
use crate::frame::Record;
use crate::layout::SourcePartitionLayout;
use crate::manifest::OpenFile;
use crate::position::Position;
use crate::recovery::{Failure, nonce};
use crate::row::partition::PartitionKey;
use crate::stage::StagedFile;
use crate::storage::Storage;

/// From this many bytes in memory on, a batch streams its large files instead of keeping them.
const STREAM_FROM: usize = 4 << 20;
/// A file's rows are streamed in pieces of at least this size.
const PIECE: usize = 256 << 10;

/// The records of one hand-over for one source partition.
#[derive(Debug)]
pub struct Chunk {
    /// The hand-over's number.
    pub hand_over: u64,
    /// The records, as docs/hand-over.md lays them out.
    pub bytes: Vec<u8>,
    /// The memory that they take.
    pub charge: Charge,
}

/// A chunk that the batch may need again, from this byte on.
#[derive(Debug)]
pub struct Kept {
    /// The records.
    pub chunk: Chunk,
    /// Where the first that is in the batch begins.
    pub from: usize,
}

/// Rows of one partition directory.
struct DirectoryRows<S: Storage> {
    key: PartitionKey,
    rows: u64,
    buffer: Vec<u8>,
    streamed: Option<StagedFile<S>>,
}

impl<S: Storage> DirectoryRows<S> {
    fn length(&self) -> u64 {
        self.buffer.len() as u64 + self.streamed.as_ref().map_or(0, StagedFile::length)
    }
}

/// What a batch has of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first position.
    pub first: Position,
    /// The last position.
    pub last: Position,
    /// The largest publish time, milliseconds since 1970.
    pub largest_publish_time: i64,
    /// When the first record came.
    pub began: Instant,
}

/// A batch that is being filled.
pub struct Batch<S: Storage> {
    files: Vec<DirectoryRows<S>>,
    current: usize,
    scratch: Vec<u8>,
    charge: Charge,
    /// What it has of records; none while it is empty.
    pub extent: Option<Extent>,
    /// Rows.
    pub rows: u64,
    /// Bad records.
    pub dropped: u64,
    /// The newest version of the columns that its rows are written under.
    pub schema_version: u64,
    /// The records themselves, to stage them again; none once rows were streamed.
    pub kept: Option<Vec<Kept>>,
    /// Dead letters that the broker has not yet confirmed.
    pub unconfirmed: BTreeSet<u64>,
    /// The last hand-over that is in it.
    pub hand_over: u64,
}

impl<S: Storage> Batch<S> {
    /// An empty batch.
    pub fn new(budget: &Budget) -> Self {
        Batch {
            files: Vec::new(),
            current: 0,
            scratch: Vec::new(),
            charge: budget.charge(0),
            extent: None,
            rows: 0,
            dropped: 0,
            schema_version: 0,
            kept: Some(Vec::new()),
            unconfirmed: BTreeSet::new(),
            hand_over: 0,
        }
    }

    /// Adds a record's row, which `encode` appends to a buffer. On an error the batch is as before.
    #[inline]
    pub fn add(
        &mut self,
        record: &Record<'_>,
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
                return Err(bad);
            }
        };
        if own != Some(key) {
            let mut row = std::mem::take(&mut self.scratch);
            if own.is_some() {
                let buffer = &mut self.files[self.current].buffer;
                row.clear();
                row.extend_from_slice(&buffer[start..]);
                buffer.truncate(start);
            }
            self.current = self.file_of(key);
            self.files[self.current].buffer.extend_from_slice(&row);
            row.clear();
            self.scratch = row;
        }
        self.files[self.current].rows += 1;
        self.rows += 1;
        self.extend(record);
        Ok(key)
    }

    /// Counts a record that is not written.
    pub fn add_dropped(&mut self, record: &Record<'_>) {
        self.dropped += 1;
        self.extend(record);
    }

    fn file_of(&mut self, key: PartitionKey) -> usize {
        let found = self.files.iter().position(|file| file.key == key);
        found.unwrap_or_else(|| {
            self.files.push(DirectoryRows { key, rows: 0, buffer: Vec::new(), streamed: None });
            self.files.len() - 1
        })
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
    pub fn is_full(&self, max_rows: u64, max_file_size: u64) -> bool {
        self.rows >= max_rows || self.files.iter().any(|file| file.length() >= max_file_size)
    }

    /// Keeps a hand-over's records, in case they must be staged again, and counts the rows' memory.
    pub fn keep(&mut self, chunk: Chunk, from: usize) {
        self.hand_over = chunk.hand_over;
        if let Some(kept) = &mut self.kept {
            kept.push(Kept { chunk, from });
        }
        self.count_memory();
    }

    fn count_memory(&mut self) {
        self.charge.set(self.files.iter().map(|file| file.buffer.capacity()).sum());
    }

    /// Bytes of memory that it takes, records included.
    pub fn held(&self) -> usize {
        let kept = self.kept.iter().flatten().map(|kept| kept.chunk.charge.bytes()).sum::<usize>();
        self.charge.bytes() + kept
    }

    /// Whether a file has rows enough in memory to stream.
    pub fn has_piece(&self) -> bool {
        self.files.iter().any(|file| file.buffer.len() >= PIECE)
    }

    /// Whether it is large enough to stream, or streams already and has a piece ready.
    pub fn wants_streaming(&self) -> bool {
        let buffered: usize = self.files.iter().map(|file| file.buffer.len()).sum();
        (self.kept.is_none() || buffered >= STREAM_FROM) && self.has_piece()
    }

    /// Writes the large files' rows to their staged files. The records themselves are forgotten: from now on a failure
    /// ends the instance. A file that cannot even be created leaves all in memory, to be tried again.
    pub async fn stream(
        &mut self,
        storage: &S,
        layout: &SourcePartitionLayout,
        sequence: u64,
        extension: &str,
    ) -> Result<(), Failure> {
        for file in self.files.iter_mut().filter(|file| file.buffer.len() >= PIECE) {
            let staged = match &mut file.streamed {
                Some(staged) => staged,
                None => {
                    let path = layout.table.path(&layout.staged(sequence, &nonce(), extension));
                    file.streamed.insert(StagedFile::create(storage, path).await?)
                }
            };
            self.kept = None;
            let next = Vec::with_capacity(2 * PIECE);
            let piece = std::mem::replace(&mut file.buffer, next);
            staged.append(Bytes::from(piece)).await.map_err(|error| Failure::Fatal(streamed_failure(error)))?;
        }
        self.count_memory();
        Ok(())
    }

    /// The staged files of a streamed batch that is given up.
    pub fn streamed_paths(&self) -> Vec<String> {
        self.files.iter().filter_map(|file| file.streamed.as_ref()).map(|staged| staged.path().to_owned()).collect()
    }

    /// Its files for a commit, and the memory that they take.
    pub fn into_files(
        self,
        directory: impl Fn(PartitionKey) -> String,
        name: impl Fn(&str) -> String,
        open_file: impl Fn(&str) -> Option<OpenFile>,
        extension: &'static str,
    ) -> (Vec<BatchFile<S>>, Charge) {
        let files = self.files.into_iter().map(|file| {
            let directory = directory(file.key);
            BatchFile {
                name: name(&directory),
                // A streamed file is large already, and its beginning is written.
                fold: open_file(&directory).filter(|_| file.streamed.is_none()),
                directory,
                extension,
                rows: file.rows,
                streamed: file.streamed,
                bytes: Bytes::from(file.buffer),
            }
        });
        (files.collect(), self.charge)
    }
}
