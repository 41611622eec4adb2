//! Committed: the act that makes a batch part of the table, as a state machine that can be called again after any error.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};

use crate::error::Error;
use crate::layout::{SourcePartitionLayout, TableLayout, parent};
use crate::manifest::{Content, FileEntry, Manifest, OpenFile};
use crate::recovery::{Failure, newest_sequence, nonce};
use crate::row::file_format::FileFormat;
use crate::safeguard::{Safeguard, is_on};
use crate::stage::{StagedFile, checksum_text};
use crate::storage::{Overwrite, Storage, StorageError, StorageErrorKind, write_whole};

/// How many files are closed at once: a close takes about half a second, most of it waiting, and late events can be of hundreds of days.
const CLOSES_AT_ONCE: usize = 64;

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The batch is in the table.
    Committed,
    /// Another owner's manifest counts: load, and stage again what lies above the new mark.
    Lost,
}

/// One file of a batch on its way into the table.
pub struct BatchFile<S: Storage> {
    /// Its partition directory; empty for a table without partitions.
    pub directory: String,
    /// Its final name if it is a new file, relative to the table's directory.
    pub name: String,
    /// The file that it is folded into, if that is still as its manifest says.
    pub fold: Option<OpenFile>,
    /// The staged name's extension.
    pub extension: &'static str,
    /// Rows in it.
    pub rows: u64,
    /// What is written already: only when the batch is streamed. It cannot be staged again.
    pub streamed: Option<StagedFile<S>>,
    /// The rows that are still in memory; all of them unless the batch is streamed.
    pub bytes: Bytes,
}

/// A commit. [`Commit::advance`] takes it as far as it gets; after an error that says so, it goes on where it was.
pub struct Commit<S: Storage> {
    layout: SourcePartitionLayout,
    manifest: Manifest,
    folding: Folding,
    state: State<S>,
    has_poisoned: bool,
}

/// When a batch is folded into a file that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folding {
    /// Files below this many bytes grow; 0 for none.
    pub below: u64,
    /// How rows are written: a file that was written otherwise does not grow.
    pub format: FileFormat,
}

/// Directories whose open files a manifest carries: it must not grow without bound.
const MOST_OPEN_FILES: usize = 64;

impl Folding {
    /// The open file of a directory, if a batch may be folded into it.
    pub fn target(&self, open_files: &[OpenFile], directory: &str) -> Option<OpenFile> {
        let open = open_files.iter().find(|open| open.directory == directory)?;
        (open.content.format == self.format && open.content.length < self.below).then(|| open.clone())
    }

    /// The open files after a batch has written these.
    fn open_files<'a>(
        &self,
        mut open_files: Vec<OpenFile>,
        written: impl Iterator<Item = (&'a str, &'a FileEntry)>,
    ) -> Vec<OpenFile> {
        for (directory, file) in written {
            open_files.retain(|open| open.directory != directory);
            if file.content.length < self.below {
                let (name, content) = (file.name.clone(), file.content.clone());
                open_files.push(OpenFile { directory: directory.to_owned(), name, content });
            }
        }
        let excess = open_files.len().saturating_sub(MOST_OPEN_FILES);
        open_files.split_off(excess)
    }
}

enum State<S: Storage> {
    /// Files are written, synced, closed and checked.
    Stage(Vec<BatchFile<S>>),
    /// The manifest is written under a temporary name.
    Write,
    /// The manifest is renamed to its sequence without overwriting.
    Put { temporary: String },
    /// The rename's answer was not OK: only reading tells.
    Settle { temporary: String, source_missing: bool },
    /// The manifest is there: it counts only if it is the newest.
    Check,
    /// The files from this one on are renamed to their final names.
    Publish(usize),
    /// The race is lost; the temporary manifest and then the staged files are deleted.
    Abandon { temporary: Option<String> },
    /// Nothing is left to do.
    Ended(Outcome),
}

impl<S: Storage> Commit<S> {
    /// The commit of these files as this manifest, whose files are filled in as they are staged; its open files are those of
    /// the manifest before. Every rename of that one must be done.
    pub fn new(layout: SourcePartitionLayout, manifest: Manifest, files: Vec<BatchFile<S>>, folding: Folding) -> Self {
        Commit { layout, manifest, folding, state: State::Stage(files), has_poisoned: false }
    }

    /// The manifest; complete once the commit has ended.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether its files are whole. Before, there is no manifest.
    pub fn is_staged(&self) -> bool {
        !matches!(self.state, State::Stage(_))
    }

    /// Whether a file that was being written failed: it is left in `_staging/`.
    pub fn has_poisoned(&self) -> bool {
        self.has_poisoned
    }

    /// Goes on until the commit has ended or a call fails.
    pub async fn advance(&mut self, storage: &S) -> Result<Outcome, Failure> {
        loop {
            let next = match &mut self.state {
                State::Stage(files) => {
                    let staged = stage(storage, &self.layout, self.manifest.sequence, files).await;
                    self.has_poisoned |= staged.is_err();
                    staged?;
                    self.manifest.files =
                        files.iter().filter_map(|file| entry(&self.layout.table, file, self.folding.format)).collect();
                    if self.manifest.files.len() != files.len() {
                        return Err(Error::bug("a file was staged but is not there").into());
                    }
                    let directories = files.iter().map(|file| file.directory.as_str());
                    self.manifest.open_files = self.folding.open_files(
                        std::mem::take(&mut self.manifest.open_files),
                        directories.zip(&self.manifest.files),
                    );
                    State::Write
                }
                State::Write => {
                    // A fresh name each time: a name whose writing failed is never written again.
                    let name = self.layout.staged(self.manifest.sequence, &nonce(), "json");
                    let temporary = self.layout.table.path(&name);
                    let written = write_whole(storage, &temporary, self.manifest.to_json()?.into()).await;
                    self.has_poisoned |= written.is_err();
                    written?;
                    if self.manifest.sequence == 1 {
                        storage.mkdirs(&self.layout.manifests()).await?;
                    }
                    State::Put { temporary }
                }
                State::Put { temporary } => {
                    let target = self.layout.manifest(self.manifest.sequence);
                    let overwrite = if is_on(Safeguard::PutIfAbsent) { Overwrite::Never } else { Overwrite::Replace };
                    match storage.rename(temporary, &target, overwrite).await {
                        Ok(()) => State::Check,
                        Err(_) if !is_on(Safeguard::Settle) => State::Abandon { temporary: None },
                        Err(error) => {
                            let source_missing = error.kind == StorageErrorKind::NotFound;
                            let temporary = std::mem::take(temporary);
                            self.state = State::Settle { temporary, source_missing };
                            if matches!(error.kind, StorageErrorKind::Refused | StorageErrorKind::Unknown) {
                                return Err(error.into());
                            }
                            continue;
                        }
                    }
                }
                State::Settle { temporary, source_missing } => {
                    match settle(storage, &self.layout, &self.manifest, temporary, *source_missing).await? {
                        Settled::Put => State::Check,
                        Settled::Absent => State::Put { temporary: std::mem::take(temporary) },
                        Settled::Other => State::Abandon { temporary: Some(std::mem::take(temporary)) },
                    }
                }
                State::Check => {
                    let newest = newest_sequence(storage, &self.layout).await?;
                    match newest.cmp(&Some(self.manifest.sequence)) {
                        _ if !is_on(Safeguard::Check) => State::Publish(0),
                        std::cmp::Ordering::Equal => State::Publish(0),
                        std::cmp::Ordering::Greater => State::Abandon { temporary: None },
                        std::cmp::Ordering::Less => {
                            return Err(Error::protocol(format_args!(
                                "the manifest {} was put and is gone: something else deletes manifests. Nothing but this \
                                 sink may write below {}",
                                self.layout.manifest(self.manifest.sequence),
                                self.layout.table.commits()
                            ))
                            .into());
                        }
                    }
                }
                State::Publish(done) => match self.manifest.files.get(*done) {
                    Some(file) => {
                        publish(storage, &self.layout.table, file).await?;
                        State::Publish(*done + 1)
                    }
                    None => State::Ended(Outcome::Committed),
                },
                State::Abandon { temporary } => {
                    // In this order: while the temporary manifest is there, a rename under way could still put it, and
                    // then what it names must exist. What cannot be deleted now, cleaning deletes later.
                    let deleted = match temporary {
                        Some(temporary) => storage.delete(temporary).await.is_ok(),
                        None => true,
                    };
                    if deleted {
                        for file in &self.manifest.files {
                            let _ = storage.delete(&self.layout.table.path(&file.staged)).await;
                        }
                    }
                    State::Ended(Outcome::Lost)
                }
                State::Ended(outcome) => return Ok(*outcome),
            };
            self.state = next;
        }
    }
}

enum Settled {
    Put,
    Absent,
    Other,
}

/// Finds out by reading whether the manifest was put: a request without an answer can still land.
async fn settle<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    manifest: &Manifest,
    temporary: &str,
    source_missing: bool,
) -> Result<Settled, Failure> {
    let path = layout.manifest(manifest.sequence);
    // Each turn but the last is one in which the rename landed between two looks.
    for _ in 0..3 {
        match storage.read(&path).await {
            Ok(bytes) => {
                let found = Manifest::from_json(&bytes, &path, manifest.sequence)?;
                let own = found.nonce == manifest.nonce || !is_on(Safeguard::Nonce);
                return Ok(if own { Settled::Put } else { Settled::Other });
            }
            Err(error) if error.kind == StorageErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        match newest_sequence(storage, layout).await? {
            Some(newest) if newest == manifest.sequence => continue,
            Some(newest) if newest > manifest.sequence => return Ok(Settled::Other),
            _ => {}
        }
        if !source_missing {
            return Ok(Settled::Absent);
        }
        if storage.status(temporary).await?.is_some() {
            storage.mkdirs(&layout.manifests()).await?;
            return Ok(Settled::Absent);
        }
    }
    Err(Error::protocol(format_args!(
        "the manifest {temporary} was written and is gone before its commit: something else deletes files below {}. Nothing \
         but this sink may write there",
        layout.table.root()
    ))
    .into())
}

async fn stage<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    sequence: u64,
    files: &mut [BatchFile<S>],
) -> Result<(), Failure> {
    let calls: Vec<_> = files.iter_mut().map(|file| stage_file(storage, layout, sequence, file)).collect();
    let staged: Vec<_> = stream::iter(calls).buffer_unordered(CLOSES_AT_ONCE).collect().await;
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
) -> Result<(), Failure> {
    if let Some(streamed) = &mut file.streamed {
        let rest = std::mem::take(&mut file.bytes);
        let finished = async {
            if !rest.is_empty() {
                streamed.append(rest).await?;
            }
            streamed.finish(storage).await
        };
        return finished.await.map_err(|error| Failure::Fatal(streamed_failure(error)));
    }
    let old = match &file.fold {
        Some(open) => read_open_file(storage, &layout.table, open).await?,
        None => None,
    };
    if old.is_none() {
        file.fold = None;
    }
    let name = layout.staged(sequence, &nonce(), file.extension);
    let mut staged = StagedFile::create(storage, layout.table.path(&name)).await?;
    if let Some(old) = old {
        staged.append(old).await?;
    }
    staged.append(file.bytes.clone()).await?;
    staged.finish(storage).await?;
    file.bytes = Bytes::new();
    file.streamed = Some(staged);
    Ok(())
}

/// The bytes of the file that a batch is folded into; none when it is not what its manifest says: then the batch begins a
/// new file.
async fn read_open_file<S: Storage>(
    storage: &S,
    table: &TableLayout,
    open: &OpenFile,
) -> Result<Option<Bytes>, Failure> {
    let path = table.path(&open.name);
    let found = match storage.read(&path).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind == StorageErrorKind::NotFound => {
            tracing::warn!(
                path,
                "the table's open file is gone; a new one begins. `hdfs-csv verify` says what is missing"
            );
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let expected = (open.content.length, open.content.checksum.as_str());
    if (found.len() as u64, checksum_text(crc32fast::hash(&found)).as_str()) == expected || !is_on(Safeguard::FoldCheck)
    {
        return Ok(Some(found));
    }
    tracing::warn!(
        path,
        "something else changed the table's open file; a new one begins. `hdfs-csv verify` says how it differs"
    );
    Ok(None)
}

/// A file of a streamed batch failed: its rows are not in memory any more.
pub fn streamed_failure(error: StorageError) -> Error {
    Error::new(
        crate::error::ErrorKind::Storage,
        format_args!(
            "{error}. The file's rows are not in memory any more, so this instance ends and the broker sends them again; nothing is lost"
        ),
    )
}

fn entry<S: Storage>(table: &TableLayout, file: &BatchFile<S>, format: FileFormat) -> Option<FileEntry> {
    let staged = file.streamed.as_ref()?;
    Some(FileEntry {
        staged: staged.path().strip_prefix(table.root())?.strip_prefix('/')?.to_owned(),
        name: file.fold.as_ref().map_or(&file.name, |open| &open.name).clone(),
        content: Content {
            length: staged.length(),
            rows: file.rows + file.fold.as_ref().map_or(0, |open| open.content.rows),
            checksum: staged.checksum(),
            format,
        },
        replaces: file.fold.as_ref().map(|open| open.content.clone()),
    })
}

/// Renames a committed file to its final name. Each rename moves a unique name once, so repeating it is harmless.
pub async fn publish<S: Storage>(storage: &S, table: &TableLayout, file: &FileEntry) -> Result<(), Failure> {
    let from = table.path(&file.staged);
    let to = table.path(&file.name);
    let overwrite = if file.replaces.is_some() { Overwrite::Replace } else { Overwrite::Never };
    for _ in 0..2 {
        let error = match storage.rename(&from, &to, overwrite).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if !matches!(error.kind, StorageErrorKind::NotFound | StorageErrorKind::AlreadyExists) {
            return Err(error.into());
        }
        // HDFS says "not found" for a missing source and for a missing parent alike.
        let source = storage.status(&from).await?;
        let target = storage.status(&to).await?;
        match (source, target) {
            (None, Some(target)) if target.length >= file.content.length => return Ok(()),
            // Only this rename can have taken the staged file away, so the file was there and went with its whole directory.
            (None, None) if deleted_by_retention(storage, table, &to).await? => {
                tracing::warn!(path = to, "the committed file's whole partition directory was deleted");
                return Ok(());
            }
            (None, found) => return Err(gone(&to, file, found.map(|found| found.length)).into()),
            (Some(_), Some(_)) if overwrite == Overwrite::Replace => return Err(error.into()),
            // Someone else publishes the same commit: the directory was missing a moment ago.
            (Some(_), Some(_)) if error.kind == StorageErrorKind::NotFound => {}
            (Some(_), Some(_)) => {
                return Err(Error::protocol(format_args!(
                    "{to} is there before its commit published it: something else wrote it. Move it away and restart the sink"
                ))
                .into());
            }
            (Some(_), None) => storage.mkdirs(parent(&to)).await?,
        }
    }
    Err(StorageError {
        kind: StorageErrorKind::Unknown,
        operation: crate::storage::Operation::Rename,
        path: to,
        message: "its directory comes and goes; something else makes and deletes directories here".to_owned(),
    }
    .into())
}

/// Whether a partition directory is gone as a whole, as retention deletes days.
async fn deleted_by_retention<S: Storage>(storage: &S, table: &TableLayout, path: &str) -> Result<bool, Failure> {
    let directory = parent(path);
    Ok(directory != table.root() && storage.status(directory).await?.is_none())
}

fn gone(path: &str, file: &FileEntry, found: Option<u64>) -> Error {
    let found = found.map_or("there is no such file".to_owned(), |length| format!("there are {length} bytes"));
    Error::protocol(format_args!(
        "the committed file {path} should have {} bytes in {} rows, but {found}. Restore it from a snapshot or the trash, then \
         restart the sink; `hdfs-csv verify` says what else is missing",
        file.content.length, file.content.rows
    ))
}
