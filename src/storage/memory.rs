//! A file system in memory that behaves as HDFS does (visibility, missing parents, deleted open files) and lies as
//! HDFS lies: answers can be lost with the effect done, dropped, or under way until later.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::storage::{
    FileStatus, Operation, Overwrite, Storage, StorageError, StorageErrorKind, StorageResult, StorageWriter,
};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused: nothing is done.
    Refused,
    /// The file's bytes cannot be read.
    Unreadable,
    /// The answer is lost, the effect done.
    AnswerLost,
    /// The request is lost: no effect, no answer.
    RequestLost,
    /// No answer, and the effect comes at [`Memory::land`].
    UnderWay,
    /// The call does not end and has no effect: who drops it has crashed before it. Renames only.
    Hang,
}

/// The next calls of an operation on paths that contain a text end in a fault.
#[derive(Clone, Debug)]
struct Plan {
    operation: Operation,
    path_contains: String,
    skip: usize,
    times: usize,
    fault: Fault,
}

type Before = Box<dyn FnOnce(&Memory) + Send>;

#[derive(Clone, Debug, Default)]
struct File {
    written: Vec<u8>,
    visible: usize,
    open: bool,
    id: u64,
}

#[derive(Clone, Debug)]
enum Effect {
    Rename { from: String, to: String, overwrite: Overwrite },
    Delete { path: String },
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, File>,
    directories: BTreeSet<String>,
    plans: Vec<Plan>,
    before: Vec<(Operation, String, Before)>,
    under_way: Vec<Effect>,
    calls: Vec<(Operation, String)>,
    next_id: u64,
}

/// The file system; clones share it.
#[derive(Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

impl Memory {
    /// An empty file system.
    pub fn new() -> Self {
        Memory::default()
    }

    /// A file system that has what is in a folder below this path.
    pub fn of_folder(folder: &Path, path: &str) -> std::io::Result<Self> {
        let memory = Memory::new();
        memory.put_folder(folder, path)?;
        Ok(memory)
    }

    fn put_folder(&self, folder: &Path, path: &str) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let path = format!("{path}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.put_folder(&entry.path(), &path)?;
            } else {
                self.put(&path, &std::fs::read(entry.path())?);
            }
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every call of this operation on such a path ends in this fault, this many times.
    pub fn fail_times(&self, times: usize, operation: Operation, path_contains: &str, fault: Fault) {
        self.fail(Plan { operation, path_contains: path_contains.to_owned(), skip: 0, times, fault });
    }

    /// The `nth` (from 0) next call of this operation on a path that contains this text ends in this fault.
    pub fn fail_nth(&self, nth: usize, operation: Operation, path_contains: &str, fault: Fault) {
        self.fail(Plan { operation, path_contains: path_contains.to_owned(), skip: nth, times: 1, fault });
    }

    /// The next such call ends in this fault.
    pub fn fail_next(&self, operation: Operation, path_contains: &str, fault: Fault) {
        self.fail_nth(0, operation, path_contains, fault);
    }

    fn fail(&self, plan: Plan) {
        self.state().plans.push(plan);
    }

    /// Does something just before the next call of this operation on a path that contains this text: what another process
    /// does between two calls of the one under test.
    pub fn before_next(&self, operation: Operation, path_contains: &str, what: impl FnOnce(&Memory) + Send + 'static) {
        self.state().before.push((operation, path_contains.to_owned(), Box::new(what)));
    }

    /// Whether every fault that was planned has happened.
    pub fn all_faults_happened(&self) -> bool {
        let state = self.state();
        state.plans.is_empty() && state.before.is_empty()
    }

    /// Carries out what is under way, oldest first. What it answers reaches nobody.
    pub fn land(&self) {
        let mut state = self.state();
        for effect in std::mem::take(&mut state.under_way) {
            let _ = state.apply(effect);
        }
    }

    /// Every file's path and visible bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        state.files.iter().map(|(path, file)| (path.clone(), file.written[..file.visible].to_vec())).collect()
    }

    /// The calls since the last time this was asked, in order.
    pub fn take_calls(&self) -> Vec<(Operation, String)> {
        std::mem::take(&mut self.state().calls)
    }

    /// Puts a closed file there, as some other program would.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        let mut state = self.state();
        state.make_parents(path);
        let id = state.new_id();
        let file = File { written: bytes.to_vec(), visible: bytes.len(), open: false, id };
        state.files.insert(path.to_owned(), file);
    }

    /// Removes a file, as some other program would.
    pub fn remove(&self, path: &str) -> bool {
        self.state().files.remove(path).is_some()
    }

    /// Removes a directory that holds nothing, as some other program would.
    pub fn remove_directory(&self, path: &str) -> bool {
        self.state().directories.remove(path)
    }

    fn begin(&self, operation: Operation, path: &str) -> (MutexGuard<'_, State>, Option<Fault>) {
        let mut state = self.state();
        let planned = state.before.iter().position(|(on, contains, _)| *on == operation && path.contains(contains));
        if let Some(at) = planned {
            let (_, _, what) = state.before.remove(at);
            drop(state);
            what(self);
            state = self.state();
        }
        state.calls.push((operation, path.to_owned()));
        let mut fault = None;
        for plan in &mut state.plans {
            if plan.operation == operation && path.contains(&plan.path_contains) {
                if plan.skip > 0 {
                    plan.skip -= 1;
                } else if fault.is_none() {
                    plan.times -= 1;
                    fault = Some(plan.fault);
                }
            }
        }
        state.plans.retain(|plan| plan.times > 0);
        (state, fault)
    }

    fn change(&self, operation: Operation, path: &str, effect: Effect) -> StorageResult<bool> {
        let (mut state, fault) = self.begin(operation, path);
        match fault {
            None => state.apply(effect).map_err(|kind| error(operation, path, kind)),
            Some(Fault::Hang) => {
                let message = HANGS.to_owned();
                Err(StorageError { message, ..error(operation, path, StorageErrorKind::Unknown) })
            }
            Some(Fault::Refused) => Err(error(operation, path, StorageErrorKind::Refused)),
            Some(other) => {
                match other {
                    Fault::AnswerLost => drop(state.apply(effect)),
                    Fault::UnderWay => state.under_way.push(effect),
                    _ => {}
                }
                Err(error(operation, path, StorageErrorKind::Unknown))
            }
        }
    }
}

const HANGS: &str = "does not end";

fn error(operation: Operation, path: &str, kind: StorageErrorKind) -> StorageError {
    StorageError { kind, operation, path: path.to_owned(), message: format!("{kind:?} (in memory)") }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn fault_kind(fault: Fault) -> StorageErrorKind {
    match fault {
        Fault::Refused => StorageErrorKind::Refused,
        Fault::Unreadable => StorageErrorKind::Unreadable,
        _ => StorageErrorKind::Unknown,
    }
}

impl State {
    fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn make_parents(&mut self, path: &str) {
        let mut directory = parent(path);
        while !directory.is_empty() {
            self.directories.insert(directory.to_owned());
            directory = parent(directory);
        }
    }

    fn apply(&mut self, effect: Effect) -> Result<bool, StorageErrorKind> {
        match effect {
            Effect::Rename { from, to, overwrite } => {
                // HDFS looks at the source first, then at the target, then at the target's parent.
                let file = self.files.get(&from).cloned().ok_or(StorageErrorKind::NotFound)?;
                if self.files.contains_key(&to) && overwrite == Overwrite::Never {
                    return Err(StorageErrorKind::AlreadyExists);
                }
                if !self.directories.contains(parent(&to)) {
                    return Err(StorageErrorKind::NotFound);
                }
                self.files.remove(&from);
                self.files.insert(to, file);
                Ok(true)
            }
            Effect::Delete { path } => Ok(self.files.remove(&path).is_some()),
        }
    }

    fn file_by_id(&mut self, id: u64) -> Option<&mut File> {
        self.files.values_mut().find(|file| file.id == id && file.open)
    }
}

impl Storage for Memory {
    type Writer = MemoryWriter;

    async fn create(&self, path: &str) -> StorageResult<MemoryWriter> {
        let (mut state, fault) = self.begin(Operation::Create, path);
        if let Some(fault @ (Fault::Refused | Fault::RequestLost)) = fault {
            return Err(error(Operation::Create, path, fault_kind(fault)));
        }
        if state.files.contains_key(path) {
            return Err(error(Operation::Create, path, StorageErrorKind::AlreadyExists));
        }
        state.make_parents(path);
        let id = state.new_id();
        state.files.insert(path.to_owned(), File { open: true, id, ..File::default() });
        if let Some(fault) = fault {
            return Err(error(Operation::Create, path, fault_kind(fault)));
        }
        Ok(MemoryWriter { memory: self.clone(), path: path.to_owned(), id })
    }

    async fn rename(&self, from: &str, to: &str, overwrite: Overwrite) -> StorageResult<()> {
        let effect = Effect::Rename { from: from.to_owned(), to: to.to_owned(), overwrite };
        match self.change(Operation::Rename, to, effect) {
            Err(error) if error.message == HANGS => std::future::pending().await,
            result => result.map(drop),
        }
    }

    async fn read(&self, path: &str) -> StorageResult<Bytes> {
        let (state, fault) = self.begin(Operation::Read, path);
        match (fault, state.files.get(path)) {
            (Some(fault), _) => Err(error(Operation::Read, path, fault_kind(fault))),
            (None, Some(file)) => Ok(Bytes::copy_from_slice(&file.written[..file.visible])),
            (None, None) => Err(error(Operation::Read, path, StorageErrorKind::NotFound)),
        }
    }

    async fn list(&self, directory: &str) -> StorageResult<Vec<FileStatus>> {
        let (state, fault) = self.begin(Operation::List, directory);
        if let Some(fault) = fault {
            return Err(error(Operation::List, directory, fault_kind(fault)));
        }
        let prefix = format!("{directory}/");
        let own = |path: &&String| path.strip_prefix(&prefix).is_some_and(|name| !name.contains('/'));
        let name = |path: &str| path[prefix.len()..].to_owned();
        let directories = state.directories.iter().filter(own).map(|path| FileStatus {
            name: name(path),
            length: 0,
            is_directory: true,
        });
        let files = state.files.iter().filter(|(path, _)| own(path)).map(|(path, file)| FileStatus {
            name: name(path),
            length: file.visible as u64,
            is_directory: false,
        });
        Ok(directories.chain(files).collect())
    }

    async fn status(&self, path: &str) -> StorageResult<Option<FileStatus>> {
        let (state, fault) = self.begin(Operation::Status, path);
        if let Some(fault) = fault {
            return Err(error(Operation::Status, path, fault_kind(fault)));
        }
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(match state.files.get(path) {
            Some(file) => Some(FileStatus { name, length: file.visible as u64, is_directory: false }),
            None => state.directories.contains(path).then_some(FileStatus { name, length: 0, is_directory: true }),
        })
    }

    async fn delete(&self, path: &str) -> StorageResult<bool> {
        self.change(Operation::Delete, path, Effect::Delete { path: path.to_owned() })
    }

    async fn mkdirs(&self, directory: &str) -> StorageResult<()> {
        let (mut state, fault) = self.begin(Operation::Mkdirs, directory);
        if !matches!(fault, Some(Fault::Refused | Fault::RequestLost | Fault::UnderWay)) {
            state.make_parents(&format!("{directory}/x"));
        }
        fault.map_or(Ok(()), |fault| Err(error(Operation::Mkdirs, directory, fault_kind(fault))))
    }
}

/// A file being written in memory. It stays the same file when it is renamed, and errors when it is deleted.
pub struct MemoryWriter {
    memory: Memory,
    path: String,
    id: u64,
}

impl MemoryWriter {
    fn change(&mut self, operation: Operation, change: impl FnOnce(&mut File)) -> StorageResult<()> {
        let (mut state, fault) = self.memory.begin(operation, &self.path);
        let Some(file) = state.file_by_id(self.id) else {
            return Err(error(operation, &self.path, StorageErrorKind::NotFound));
        };
        if !matches!(fault, Some(Fault::Refused | Fault::RequestLost | Fault::UnderWay)) {
            change(file);
        }
        fault.map_or(Ok(()), |fault| Err(error(operation, &self.path, fault_kind(fault))))
    }
}

impl StorageWriter for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> StorageResult<()> {
        self.change(Operation::Write, |file| file.written.extend_from_slice(&bytes))
    }

    async fn hsync(&mut self) -> StorageResult<()> {
        self.change(Operation::Hsync, |file| file.visible = file.written.len())
    }

    async fn close(mut self) -> StorageResult<()> {
        self.change(Operation::Close, |file| {
            file.visible = file.written.len();
            file.open = false;
        })
    }
}
