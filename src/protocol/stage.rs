//! Staged: a file under `_staging/` that no reader sees.

use bytes::Bytes;

use crate::safeguard::{Safeguard, is_on};
use crate::slots::Slot;
use crate::storage::{Operation, Storage, StorageError, StorageErrorKind, StorageResult, StorageWriter, check_length};

/// A file being staged.
pub struct StagedFile<S: Storage> {
    path: String,
    state: State<S::Writer>,
    length: u64,
    checksum: crc32fast::Hasher,
    /// Given back when it is closed.
    slot: Option<Slot>,
}

/// A CRC-32 as manifests name it.
pub(crate) fn checksum_text(crc32: u32) -> String {
    format!("{crc32:08x}")
}

/// Taking the writer leaves `Poisoned`, so that every early return, and a call that is never finished, is safe: a
/// poisoned file is deleted later, never closed and kept, never written again.
enum State<W> {
    Writing(W),
    Closed,
    Poisoned,
}

impl<S: Storage> StagedFile<S> {
    /// Creates the file.
    pub async fn create(storage: &S, path: String) -> StorageResult<Self> {
        let writer = storage.create(&path).await?;
        let checksum = crc32fast::Hasher::new();
        Ok(StagedFile { path, state: State::Writing(writer), length: 0, checksum, slot: None })
    }

    /// Has it keep a slot until it is closed.
    pub(crate) fn in_slot(self, slot: Option<Slot>) -> Self {
        StagedFile { slot, ..self }
    }

    /// Its absolute path.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Bytes appended so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The checksum of what was appended so far, as a manifest names it.
    pub(crate) fn checksum(&self) -> String {
        checksum_text(self.checksum.clone().finalize())
    }

    /// Appends bytes. After an error the file is poisoned.
    pub async fn append(&mut self, bytes: Bytes) -> StorageResult<()> {
        let mut writer = self.take_writer()?;
        self.checksum.update(&bytes);
        self.length += bytes.len() as u64;
        let written = writer.write(bytes).await;
        if is_on(Safeguard::Poisoning) {
            written?;
        }
        self.state = State::Writing(writer);
        Ok(())
    }

    /// Makes the file durable and whole: hsync, close, and a check of the length that the NameNode reports. After an
    /// error the file is poisoned.
    pub async fn finish(&mut self, storage: &S) -> StorageResult<()> {
        self.finish_and_free(storage, ()).await
    }

    /// The same; what stands for the memory of its bytes is dropped as soon as they are durable: closing takes long.
    pub(crate) async fn finish_and_free<M: Send>(&mut self, storage: &S, memory: M) -> StorageResult<()> {
        if let State::Closed = self.state {
            return Ok(());
        }
        let mut writer = self.take_writer()?;
        writer.hsync().await?;
        drop(memory);
        writer.close().await?;
        check_length(storage, &self.path, self.length).await?;
        self.state = State::Closed;
        self.slot = None;
        Ok(())
    }

    fn take_writer(&mut self) -> StorageResult<S::Writer> {
        match std::mem::replace(&mut self.state, State::Poisoned) {
            State::Writing(writer) => Ok(writer),
            State::Closed | State::Poisoned => Err(StorageError {
                kind: StorageErrorKind::Refused,
                operation: Operation::Write,
                path: self.path.clone(),
                message: "an earlier call on this file failed: it is never written or closed again".to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::{Fault, Memory};

    async fn staged(memory: &Memory) -> StagedFile<Memory> {
        StagedFile::create(memory, "/t/_staging/f".to_owned()).await.unwrap()
    }

    #[tokio::test]
    async fn a_finished_file_has_every_byte_and_their_crc32() {
        let memory = Memory::new();
        let mut file = staged(&memory).await;
        file.append(Bytes::from_static(b"1234")).await.unwrap();
        file.append(Bytes::from_static(b"56789")).await.unwrap();
        file.finish(&memory).await.unwrap();
        assert_eq!(memory.files()["/t/_staging/f"], b"123456789");
        // The check value that the CRC-32 catalogue gives for these bytes.
        assert_eq!(file.checksum(), "cbf43926");
        assert_eq!(file.length(), 9);
    }

    #[tokio::test]
    async fn an_error_of_any_call_poisons_the_file_for_good() {
        for (operation, fault) in [
            (Operation::Write, Fault::Refused),
            (Operation::Write, Fault::AnswerLost),
            (Operation::Hsync, Fault::RequestLost),
            (Operation::Close, Fault::AnswerLost),
        ] {
            let memory = Memory::new();
            let mut file = staged(&memory).await;
            memory.fail_next(operation, "", fault);
            let appended = file.append(Bytes::from_static(b"x")).await;
            assert!(appended.is_err() || file.finish(&memory).await.is_err());
            memory.take_calls();
            assert!(file.append(Bytes::from_static(b"y")).await.is_err());
            assert!(file.finish(&memory).await.is_err());
            assert_eq!(memory.take_calls(), [], "a poisoned file is not touched");
        }
    }

    #[tokio::test]
    async fn a_file_that_the_name_node_reports_shorter_than_written_is_not_taken() {
        let memory = Memory::new();
        let mut file = staged(&memory).await;
        file.append(Bytes::from_static(b"whole")).await.unwrap();
        // HDFS can answer OK to a write that it loses: here the bytes are replaced before the check.
        let error = {
            memory.fail_next(Operation::Status, "", Fault::Refused);
            file.finish(&memory).await.unwrap_err()
        };
        assert_eq!(error.operation, Operation::Status);
        memory.put("/t/short", b"abc");
        assert!(check_length(&memory, "/t/short", 4).await.is_err());
        assert!(check_length(&memory, "/t/short", 3).await.is_ok());
        assert!(check_length(&memory, "/t/none", 0).await.is_err());
    }
}
