//! The storage of one process: every call waits until it is answered from outside. Safeguards that are a property of the calls
//! themselves are switched off here.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use bytes::Bytes;

use crate::owner::systematic::disk::{Answer, Call, Entry, Value};
use crate::owner::systematic::name::{Blob, Name};
use crate::safeguard::{Safeguard, is_on};
use crate::storage::{FileStatus, Overwrite, Storage, StorageError, StorageResult, StorageWriter};

/// What happens to a process.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// It is handed these records.
    Take { hand_over: u8, records: Vec<u8> },
    /// The batch's time has come.
    Begin,
    /// Nothing stands in the gap of this number that still has to come, or something does.
    Gap { number: u64, left_out: bool },
    /// The broker has had its time to send what it left out.
    LeftOut,
    /// Memory is short.
    FreeMemory,
    /// It is time to look whether the other owner has committed what this one cannot any more; the last time, or not.
    LookForAbandoned { last: bool },
    /// The storage answers its call of this number.
    Answer(u8, Answer),
}

/// A call that waits.
pub struct Slot {
    /// It is a call of the recovery in the background.
    pub of_recovery: bool,
    pub number: u8,
    pub call: Call,
    pub answer: Option<Answer>,
    pub waker: Option<Waker>,
}

/// What waits between a process and the search.
#[derive(Default)]
pub struct Gate {
    pub slots: Vec<Slot>,
    pub abandoned: Vec<Call>,
    pub message: Option<Input>,
    pub parked: Option<Parked>,
    /// The recovery in the background is polled.
    pub in_recovery: bool,
    /// What it was answered so far, which is its state; none once it has ended.
    pub recovery: Option<Vec<Answer>>,
    /// Bytes that this process wrote into each file.
    written: HashMap<Name, u32>,
}

/// An owner that waits for a message or for the end of its commit.
pub struct Parked {
    pub may_begin: bool,
    pub has_rows: bool,
    pub left_out: bool,
    pub abandoned: bool,
    pub state: Option<String>,
}

/// The storage of one process.
#[derive(Clone, Default)]
pub struct Gated {
    gate: Arc<Mutex<Gate>>,
}

/// Takes its call back when it is dropped without an answer.
struct Waiting<'a> {
    gated: &'a Gated,
    number: Option<u8>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut gate = self.gated.gate();
        let at = gate.slots.iter().position(|slot| Some(slot.number) == self.number);
        if let Some(slot) = at.map(|at| gate.slots.remove(at))
            && slot.answer.is_none()
        {
            gate.abandoned.push(slot.call);
        }
    }
}

impl Gated {
    pub fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap()
    }

    async fn call(&self, call: Call) -> StorageResult<Value> {
        let mut waiting = Waiting { gated: self, number: None };
        let answer = poll_fn(|context| {
            let mut gate = self.gate();
            let Some(number) = waiting.number else {
                let number = (0..).find(|number| gate.slots.iter().all(|slot| slot.number != *number)).unwrap();
                waiting.number = Some(number);
                let of_recovery = gate.in_recovery;
                let waker = Some(context.waker().clone());
                gate.slots.push(Slot { of_recovery, number, call, answer: None, waker });
                return Poll::Pending;
            };
            let at = gate.slots.iter().position(|slot| slot.number == number).unwrap();
            match gate.slots[at].answer.take() {
                Some(answer) => {
                    gate.slots.remove(at);
                    waiting.number = None;
                    Poll::Ready(answer)
                }
                None => {
                    gate.slots[at].waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        });
        let answer = answer.await;
        answer.map_err(|kind| StorageError {
            kind,
            operation: call.operation(),
            path: call.path().text().to_string(),
            message: format!("{kind:?}"),
        })
    }

    /// Without [`Safeguard::Length`] the length of a file that this process wrote is what it wrote.
    fn reported(&self, name: Name, entry: Option<Entry>) -> Option<Entry> {
        let written = self.gate().written.get(&name).copied().filter(|_| !is_on(Safeguard::Length));
        written.map(|length| Entry { length, is_directory: false }).or(entry)
    }

    pub async fn message(&self) -> Input {
        poll_fn(|_| self.gate().message.take().map_or(Poll::Pending, Poll::Ready)).await
    }
}

fn status(name: Name, entry: Entry) -> FileStatus {
    let path = name.text();
    let name = path.rsplit('/').next().unwrap().to_owned();
    FileStatus { name, length: entry.length.into(), is_directory: entry.is_directory }
}

impl Storage for Gated {
    type Writer = GatedWriter;

    async fn create(&self, path: &str) -> StorageResult<GatedWriter> {
        let path = Name::of(path);
        self.call(Call::Create(path)).await?;
        Ok(GatedWriter { gated: self.clone(), path })
    }

    async fn rename(&self, from: &str, to: &str, overwrite: Overwrite) -> StorageResult<()> {
        let blind = to.contains("/_commits/") && !is_on(Safeguard::PutIfAbsent);
        let overwrite = if blind { Overwrite::Replace } else { overwrite };
        self.call(Call::rename(from, to, overwrite)).await.map(drop)
    }

    async fn read(&self, path: &str) -> StorageResult<Bytes> {
        match self.call(Call::Read(Name::of(path))).await? {
            Value::Bytes(bytes) => Ok(Bytes::copy_from_slice(&bytes.bytes())),
            _ => unreachable!(),
        }
    }

    async fn list(&self, directory: &str) -> StorageResult<Vec<FileStatus>> {
        match self.call(Call::List(Name::of(directory))).await? {
            Value::List(entries) => Ok(entries.into_iter().map(|(name, entry)| status(name, entry)).collect()),
            _ => unreachable!(),
        }
    }

    async fn status(&self, path: &str) -> StorageResult<Option<FileStatus>> {
        let name = Name::of(path);
        match self.call(Call::Status(name)).await? {
            Value::Status(entry) => Ok(self.reported(name, entry).map(|entry| status(name, entry))),
            _ => unreachable!(),
        }
    }

    async fn delete(&self, path: &str) -> StorageResult<bool> {
        match self.call(Call::Delete(Name::of(path))).await? {
            Value::Deleted(deleted) => Ok(deleted),
            _ => unreachable!(),
        }
    }

    async fn mkdirs(&self, directory: &str) -> StorageResult<()> {
        self.call(Call::Mkdirs(Name::of(directory))).await.map(drop)
    }
}

pub struct GatedWriter {
    gated: Gated,
    path: Name,
}

impl StorageWriter for GatedWriter {
    async fn write(&mut self, bytes: Bytes) -> StorageResult<()> {
        *self.gated.gate().written.entry(self.path).or_default() += bytes.len() as u32;
        self.gated.call(Call::Write(self.path, Blob::of(&bytes))).await.map(drop)
    }

    async fn hsync(&mut self) -> StorageResult<()> {
        if !self.path.text().ends_with(".json") && !is_on(Safeguard::Hsync) {
            return Ok(());
        }
        self.gated.call(Call::Hsync(self.path)).await.map(drop)
    }

    async fn close(self) -> StorageResult<()> {
        self.gated.call(Call::Close(self.path)).await.map(drop)
    }
}
