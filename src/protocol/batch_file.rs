//! The files of a batch, staged one beside the other.

use bytes::Bytes;

use crate::budget::Charge;
use crate::error::{Error, ErrorKind};
use crate::protocol::failure::Failure;
use crate::protocol::folding::{FoldingMemory, read_open_file};
use crate::protocol::layout::{SourcePartitionLayout, TableLayout};
use crate::protocol::manifest::{Content, FileEntry, OpenFile, RowFormat};
use crate::protocol::nonce::nonce;
use crate::protocol::stage::StagedFile;
use crate::slots::Slots;
use crate::storage::{Storage, StorageError};

/// One file of a batch on its way into the table.
pub(crate) struct BatchFile<S: Storage> {
    /// Its partition directory; empty for a table without partitions.
    pub(crate) directory: String,
    /// Its final name if it is a new file, relative to the table's directory.
    pub(crate) name: String,
    /// The file that it is folded into, if that is still as its manifest says.
    pub(crate) fold: Option<OpenFile>,
    /// How often that file could not be read.
    pub(crate) failed_reads: u32,
    /// The staged name's extension.
    pub(crate) extension: &'static str,
    pub(crate) rows: u64,
    /// What is written already: only when the batch is streamed. It cannot be staged again.
    pub(crate) streamed: Option<StagedFile<S>>,
    /// The rows that are still in memory; all of them unless the batch is streamed.
    pub(crate) bytes: Bytes,
    /// The memory that these take.
    pub(crate) memory: Charge,
}

/// Stages what is not staged yet, many at once: a close takes about half a second, most of it waiting, and late events can be of
/// hundreds of days.
pub(crate) async fn stage<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    sequence: u64,
    files: &mut [BatchFile<S>],
    memory: &FoldingMemory,
    slots: &Slots,
) -> Result<(), Failure> {
    let calls: Vec<_> = files.iter_mut().map(|file| stage_file(storage, layout, sequence, file, memory)).collect();
    let staged = slots.run_all(calls).await?;
    // An error that ends the instance comes before one that is tried again.
    let (fatal, again): (Vec<_>, Vec<_>) =
        staged.into_iter().filter_map(Result::err).partition(|failure| matches!(failure, Failure::Fatal(_)));
    fatal.into_iter().chain(again).next().map_or(Ok(()), Err)
}

async fn stage_file<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    sequence: u64,
    file: &mut BatchFile<S>,
    memory: &FoldingMemory,
) -> Result<(), Failure> {
    if let Some(streamed) = &mut file.streamed {
        let rest = std::mem::take(&mut file.bytes);
        let finished = async {
            if !rest.is_empty() {
                streamed.append(rest).await?;
            }
            streamed.finish(storage).await?;
            file.memory.set(0);
            Ok(())
        };
        return finished.await.map_err(|error| Failure::Fatal(streamed_failure(error)));
    }
    let old = match &file.fold {
        Some(open) => {
            let read = read_open_file(storage, &layout.table, open, file.failed_reads, memory).await;
            file.failed_reads += u32::from(read.is_err());
            read?
        }
        None => None,
    };
    if old.is_none() {
        file.fold = None;
    }
    let name = layout.staged(sequence, &nonce(), file.extension);
    let mut staged = StagedFile::create(storage, layout.table.path(&name)).await?;
    let room = match old {
        Some((old, room)) => {
            staged.append(old).await?;
            Some(room)
        }
        None => None,
    };
    staged.append(file.bytes.clone()).await?;
    staged.finish_and_free(storage, room).await?;
    file.bytes = Bytes::new();
    file.memory.set(0);
    file.streamed = Some(staged);
    Ok(())
}

/// A file of a streamed batch failed: its rows are not in memory any more.
pub(crate) fn streamed_failure(error: StorageError) -> Error {
    Error::new(
        ErrorKind::Storage,
        format_args!(
            "{error}. The file's rows are not in memory any more, so this instance ends and the broker sends them again; nothing is lost"
        ),
    )
}

/// What a manifest says of a file that is staged; none when it is not.
pub(crate) fn entry<S: Storage>(table: &TableLayout, file: &BatchFile<S>, format: &RowFormat) -> Option<FileEntry> {
    let staged = file.streamed.as_ref()?;
    Some(FileEntry {
        staged: staged.path().strip_prefix(table.root())?.strip_prefix('/')?.to_owned(),
        name: file.fold.as_ref().map_or(&file.name, |open| &open.name).clone(),
        content: Content {
            length: staged.length(),
            rows: file.rows + file.fold.as_ref().map_or(0, |open| open.content.rows),
            checksum: staged.checksum(),
            format: format.clone(),
        },
        replaces: file.fold.as_ref().map(|open| open.content.clone()),
    })
}
