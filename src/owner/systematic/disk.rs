//! The file system of a world: [`crate::storage::memory`]'s behaviour as a value that can be copied and hashed. A test
//! below holds the two against each other.

use crate::owner::systematic::name::{Blob, Name};
use crate::protocol::layout::parent;
use crate::storage::{Operation, Overwrite, StorageErrorKind};

/// A storage call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    Create(Name),
    Write(Name, Blob),
    Hsync(Name),
    Close(Name),
    Rename { from: Name, to: Name, replace: bool },
    Read(Name),
    List(Name),
    Status(Name),
    Delete(Name),
    Mkdirs(Name),
}

impl Call {
    pub fn rename(from: &str, to: &str, overwrite: Overwrite) -> Self {
        Call::Rename { from: Name::of(from), to: Name::of(to), replace: overwrite == Overwrite::Replace }
    }

    pub fn operation(self) -> Operation {
        match self {
            Call::Create(_) => Operation::Create,
            Call::Write(..) => Operation::Write,
            Call::Hsync(_) => Operation::Hsync,
            Call::Close(_) => Operation::Close,
            Call::Rename { .. } => Operation::Rename,
            Call::Read(_) => Operation::Read,
            Call::List(_) => Operation::List,
            Call::Status(_) => Operation::Status,
            Call::Delete(_) => Operation::Delete,
            Call::Mkdirs(_) => Operation::Mkdirs,
        }
    }

    /// The path it is about, as errors name it.
    pub fn path(self) -> Name {
        match self {
            Call::Rename { to, .. } => to,
            Call::Create(path)
            | Call::Write(path, _)
            | Call::Hsync(path)
            | Call::Close(path)
            | Call::Read(path)
            | Call::List(path)
            | Call::Status(path)
            | Call::Delete(path)
            | Call::Mkdirs(path) => path,
        }
    }

    pub fn only_looks(self) -> bool {
        matches!(self, Call::Read(_) | Call::List(_) | Call::Status(_))
    }
}

/// What stands at a path, or in a directory under this path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    pub length: u32,
    pub is_directory: bool,
}

/// What a call answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    Nothing,
    Bytes(Blob),
    List(Vec<(Name, Entry)>),
    Status(Option<Entry>),
    Deleted(bool),
}

pub type Answer = Result<Value, StorageErrorKind>;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct File {
    pub name: Name,
    pub written: Blob,
    /// Bytes that a reader sees.
    pub visible: u32,
    /// Bytes that outlive a loss of power.
    pub synced: u32,
    pub open: bool,
}

impl File {
    /// What a reader sees.
    pub fn seen(&self) -> Blob {
        if self.visible == self.written.length() {
            return self.written;
        }
        Blob::of(&self.written.bytes()[..self.visible as usize])
    }
}

/// All files, by name.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Disk {
    files: Vec<File>,
    directories: Vec<Name>,
}

impl Disk {
    pub fn files(&self) -> &[File] {
        &self.files
    }

    pub fn file(&self, name: Name) -> Option<&File> {
        self.files.binary_search_by_key(&name, |file| file.name).ok().map(|at| &self.files[at])
    }

    pub fn has_directory(&self, name: Name) -> bool {
        self.directories.binary_search(&name).is_ok()
    }

    fn open_file(&mut self, name: Name) -> Result<&mut File, StorageErrorKind> {
        let at = self.files.binary_search_by_key(&name, |file| file.name).map_err(|_| StorageErrorKind::NotFound)?;
        Some(&mut self.files[at]).filter(|file| file.open).ok_or(StorageErrorKind::NotFound)
    }

    fn insert(&mut self, file: File) {
        match self.files.binary_search_by_key(&file.name, |file| file.name) {
            Ok(at) => self.files[at] = file,
            Err(at) => self.files.insert(at, file),
        }
    }

    fn remove(&mut self, name: Name) -> Option<File> {
        self.files.binary_search_by_key(&name, |file| file.name).ok().map(|at| self.files.remove(at))
    }

    fn make_directories(&mut self, mut path: &str) {
        while !path.is_empty() {
            let name = Name::of(path);
            if let Err(at) = self.directories.binary_search(&name) {
                self.directories.insert(at, name);
            }
            path = parent(path);
        }
    }

    /// Puts a closed file there.
    pub fn put(&mut self, path: &str, bytes: &[u8]) {
        self.make_directories(parent(path));
        let length = bytes.len() as u32;
        let written = Blob::of(bytes);
        self.insert(File { name: Name::of(path), written, visible: length, synced: length, open: false });
    }

    /// Every machine loses power: what was not synced is gone, and nobody can write on.
    pub fn lose_power(&mut self) {
        for file in &mut self.files {
            file.written = Blob::of(&file.written.bytes()[..file.synced as usize]);
            file.visible = file.visible.min(file.synced);
            file.open = false;
        }
    }

    /// Carries a call out.
    pub fn apply(&mut self, call: Call) -> Answer {
        match call {
            Call::Create(name) => {
                if self.file(name).is_some() {
                    return Err(StorageErrorKind::AlreadyExists);
                }
                self.make_directories(parent(&name.text()));
                self.insert(File { name, written: Blob::of(b""), visible: 0, synced: 0, open: true });
            }
            Call::Write(name, bytes) => {
                let file = self.open_file(name)?;
                let mut written = file.written.bytes().to_vec();
                written.extend_from_slice(&bytes.bytes());
                file.written = Blob::of(&written);
            }
            Call::Hsync(name) => {
                let file = self.open_file(name)?;
                file.visible = file.written.length();
                file.synced = file.visible;
            }
            Call::Close(name) => {
                let file = self.open_file(name)?;
                file.visible = file.written.length();
                file.open = false;
            }
            Call::Rename { from, to, replace } => {
                let file = *self.file(from).ok_or(StorageErrorKind::NotFound)?;
                if self.file(to).is_some() && !replace {
                    return Err(StorageErrorKind::AlreadyExists);
                }
                if !self.directories.iter().any(|directory| to.is_in(&directory.text())) {
                    return Err(StorageErrorKind::NotFound);
                }
                self.remove(from);
                self.insert(File { name: to, ..file });
            }
            Call::Read(name) => {
                let file = self.file(name).ok_or(StorageErrorKind::NotFound)?;
                return Ok(Value::Bytes(file.seen()));
            }
            Call::List(directory) => {
                let directory = directory.text();
                let directories = self.directories.iter().map(|name| (*name, Entry { length: 0, is_directory: true }));
                let files =
                    self.files.iter().map(|file| (file.name, Entry { length: file.visible, is_directory: false }));
                let mut entries: Vec<_> = directories.chain(files).filter(|(name, _)| name.is_in(&directory)).collect();
                entries.sort_by_key(|(name, _)| name.text());
                return Ok(Value::List(entries));
            }
            Call::Status(name) => {
                let file = self.file(name).map(|file| Entry { length: file.visible, is_directory: false });
                let directory = || self.directories.contains(&name).then_some(Entry { length: 0, is_directory: true });
                return Ok(Value::Status(file.or_else(directory)));
            }
            Call::Delete(name) => return Ok(Value::Deleted(self.remove(name).is_some())),
            Call::Mkdirs(name) => self.make_directories(&name.text()),
        }
        Ok(Value::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bytes::Bytes;
    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;
    use crate::storage::memory::{Memory, MemoryWriter};
    use crate::storage::{FileStatus, Storage, StorageResult, StorageWriter};

    fn entry(status: &FileStatus) -> Entry {
        Entry { length: status.length as u32, is_directory: status.is_directory }
    }

    /// The same call on the storage that the other tests use.
    async fn on_memory(memory: &Memory, writers: &mut HashMap<Name, MemoryWriter>, call: Call) -> StorageResult<Value> {
        let path = call.path().text();
        Ok(match call {
            Call::Create(name) => {
                writers.insert(name, memory.create(&path).await?);
                Value::Nothing
            }
            Call::Write(name, bytes) => {
                let writer = writers.get_mut(&name).unwrap();
                writer.write(Bytes::copy_from_slice(&bytes.bytes())).await.map(|()| Value::Nothing)?
            }
            Call::Hsync(name) => writers.get_mut(&name).unwrap().hsync().await.map(|()| Value::Nothing)?,
            Call::Close(name) => writers.remove(&name).unwrap().close().await.map(|()| Value::Nothing)?,
            Call::Rename { from, replace, .. } => {
                let overwrite = if replace { Overwrite::Replace } else { Overwrite::Never };
                memory.rename(&from.text(), &path, overwrite).await.map(|()| Value::Nothing)?
            }
            Call::Read(_) => Value::Bytes(Blob::of(&memory.read(&path).await?)),
            Call::List(_) => {
                let mut listed = memory.list(&path).await?;
                listed.sort_by(|one, other| one.name.cmp(&other.name));
                let full = |status: &FileStatus| Name::of(&format!("{path}/{}", status.name));
                Value::List(listed.iter().map(|status| (full(status), entry(status))).collect())
            }
            Call::Status(_) => Value::Status(memory.status(&path).await?.as_ref().map(entry)),
            Call::Delete(_) => Value::Deleted(memory.delete(&path).await?),
            Call::Mkdirs(_) => memory.mkdirs(&path).await.map(|()| Value::Nothing)?,
        })
    }

    fn call() -> impl Strategy<Value = Call> {
        let path = || prop::sample::select(vec!["/t/a", "/t/b", "/t/d/a", "/t/d/b"]);
        (0..10, path(), path(), any::<bool>()).prop_map(|(operation, path, other, replace)| {
            let name = Name::of(path);
            match operation {
                0 => Call::Create(name),
                1 => Call::Write(name, Blob::of(b"xy")),
                2 => Call::Hsync(name),
                3 => Call::Close(name),
                4 => Call::Rename { from: name, to: Name::of(other), replace },
                5 => Call::Read(name),
                6 => Call::List(Name::of(parent(path))),
                7 => Call::Status(name),
                8 => Call::Delete(name),
                _ => Call::Mkdirs(Name::of("/t/d")),
            }
        })
    }

    proptest! {
        #[test]
        fn it_answers_what_the_storage_in_memory_answers(calls in prop::collection::vec(call(), 1..40)) {
            let (mut disk, memory, mut writers) = (Disk::default(), Memory::new(), HashMap::new());
            for call in calls {
                // A writer goes with the file that it was opened for: the protocol renames and reuses none that is open.
                let renames_open = match call {
                    Call::Rename { from, to, .. } => writers.contains_key(&from) || writers.contains_key(&to),
                    Call::Delete(name) => writers.contains_key(&name),
                    Call::Write(name, _) | Call::Hsync(name) | Call::Close(name) => !writers.contains_key(&name),
                    _ => false,
                };
                if renames_open {
                    continue;
                }
                let expected = on_memory(&memory, &mut writers, call).now_or_never().unwrap();
                prop_assert!(disk.apply(call) == expected.map_err(|error| error.kind));
            }
        }
    }
}
