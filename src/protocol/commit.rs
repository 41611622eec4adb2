//! Committed: the act that makes a batch part of the table, as a state machine that can be called again after any error.

use std::cmp::Ordering;

use futures_util::future::join_all;

use crate::error::Error;
use crate::protocol::batch_file::{BatchFile, entry, stage};
use crate::protocol::failure::Failure;
use crate::protocol::folding::Folding;
use crate::protocol::layout::SourcePartitionLayout;
use crate::protocol::manifest::Manifest;
use crate::protocol::manifests::newest_sequence;
use crate::protocol::newest::Newest;
use crate::protocol::nonce::nonce;
use crate::protocol::open_files::OpenFiles;
use crate::protocol::publish::{Published, gone, publish};
use crate::protocol::settle::{Settled, settle};
use crate::safeguard::{Safeguard, is_on};
use crate::slots::Slots;
use crate::storage::{Overwrite, Storage, StorageError, StorageErrorKind, write_whole};

/// How many files of a commit get their final names at once: late events can be of hundreds of days.
const RENAMES_AT_ONCE: usize = 16;

/// How a commit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The batch is in the table.
    Committed,
    /// Another owner's manifest counts: load, and stage again what lies above the new mark.
    Lost,
}

/// A commit. [`Commit::advance`] takes it as far as it gets; after an error that says so, it goes on where it was.
pub(crate) struct Commit<S: Storage> {
    layout: SourcePartitionLayout,
    manifest: Manifest,
    open_files: OpenFiles,
    folding: Folding,
    slots: Slots,
    state: State<S>,
    has_poisoned: bool,
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
    /// The commit of these files as this manifest, whose files are filled in as they are staged. The open files are those of
    /// the manifest before, whose renames must all be done. Each file is written in one of the slots.
    pub(crate) fn new(
        layout: SourcePartitionLayout,
        manifest: Manifest,
        open_files: OpenFiles,
        files: Vec<BatchFile<S>>,
        folding: Folding,
        slots: Slots,
    ) -> Self {
        Commit { layout, manifest, open_files, folding, slots, state: State::Stage(files), has_poisoned: false }
    }

    /// The manifest; complete once the commit has ended.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What is known once it is the newest one.
    pub(crate) fn into_newest(self) -> Newest {
        Newest::new(&self.manifest, self.open_files)
    }

    /// Whether its files are whole. Before, there is no manifest.
    pub(crate) fn is_staged(&self) -> bool {
        !matches!(self.state, State::Stage(_))
    }

    /// Whether a file that was being written failed: it is left in `_staging/`.
    pub(crate) fn has_poisoned(&self) -> bool {
        self.has_poisoned
    }

    /// Goes on until the commit has ended or a call fails.
    pub(crate) async fn advance(&mut self, storage: &S) -> Result<Outcome, Failure> {
        loop {
            let next = match &mut self.state {
                State::Stage(files) => {
                    let (layout, sequence) = (&self.layout, self.manifest.sequence);
                    let staged = stage(storage, layout, sequence, files, &self.folding.memory, &self.slots).await;
                    self.has_poisoned |= staged.is_err();
                    staged?;
                    self.manifest.files =
                        files.iter().filter_map(|file| entry(&self.layout.table, file, &self.folding.format)).collect();
                    if self.manifest.files.len() != files.len() {
                        return Err(Error::bug("a file was staged but is not there").into());
                    }
                    let directories = files.iter().map(|file| file.directory.as_str());
                    for (directory, file) in directories.zip(&self.manifest.files) {
                        self.open_files.written(directory, &file.name, &file.content);
                    }
                    (self.manifest.open_files, self.manifest.open_files_since) =
                        self.open_files.for_manifest(self.manifest.sequence, self.folding.below);
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
                    match storage.rename(temporary, &target, Overwrite::Never).await {
                        Ok(()) => State::Check,
                        Err(error) => {
                            self.state = in_doubt(std::mem::take(temporary), &error);
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
                        Settled::Deleted => {
                            let what = format!("the manifest {temporary} was written");
                            self.state = State::Write;
                            return Err(self.deleted(&what));
                        }
                    }
                }
                State::Check => {
                    let newest = newest_sequence(storage, &self.layout).await?;
                    match among_newest(newest, self.manifest.sequence) {
                        Ordering::Equal => State::Publish(0),
                        Ordering::Greater => State::Abandon { temporary: None },
                        Ordering::Less => {
                            let path = self.layout.manifest(self.manifest.sequence);
                            self.state = State::Write;
                            return Err(self.deleted(&format!("the manifest {path} was put")));
                        }
                    }
                }
                State::Publish(done) => {
                    let table = &self.layout.table;
                    let next: Vec<_> = self.manifest.files.iter().skip(*done).take(RENAMES_AT_ONCE).collect();
                    let all = join_all(next.iter().map(|file| publish(storage, table, file))).await;
                    for (file, published) in next.iter().zip(all) {
                        if published? == Published::Gone {
                            return Err(gone(&table.path(&file.name), file, None).into());
                        }
                    }
                    if next.is_empty() { State::Ended(Outcome::Committed) } else { State::Publish(*done + next.len()) }
                }
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

    /// What was this commit's is gone. It can be written again: whoever put a manifest meanwhile is found at the next put.
    fn deleted(&self, what: &str) -> Failure {
        Error::protocol(format_args!(
            "{what}, and is gone: something else deletes files below {}. Nothing but this sink may write there",
            self.layout.table.root()
        ))
        .into()
    }
}

/// What follows when the answer to the manifest's rename is not OK.
fn in_doubt<S: Storage>(temporary: String, error: &StorageError) -> State<S> {
    if is_on(Safeguard::Settle) {
        State::Settle { temporary, source_missing: error.kind == StorageErrorKind::NotFound }
    } else {
        State::Abandon { temporary: None }
    }
}

/// How the newest manifest stands to the one that was put.
fn among_newest(newest: Option<u64>, put: u64) -> Ordering {
    if is_on(Safeguard::Check) { newest.cmp(&Some(put)) } else { Ordering::Equal }
}
