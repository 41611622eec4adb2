//! The task of a source partition: gives its owner what comes, and commits when it is time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use crate::error::Result;
use crate::hand_over::part::HandOverPart;
use crate::owner::Owner;
use crate::owner::schedule::Schedule;
use crate::storage::Storage;

/// What a source partition's task is told.
pub(super) enum Message {
    /// Records.
    HandOver(HandOverPart),
    /// The broker has confirmed the dead letter or the gap of this number.
    Confirmed(u64),
    /// Give memory back.
    FreeMemory,
    /// Commit everything and end.
    Close,
}

/// What the sink sees of a source partition's task.
#[derive(Debug, Default)]
pub(super) struct TaskState {
    /// Bytes of memory that its batch takes.
    pub(super) held: AtomicUsize,
    /// Whether it was asked to give memory back and has not yet.
    pub(super) freeing_memory: AtomicBool,
}

/// A source partition's task: takes what comes, commits when it is time. Returns whether all was committed when it closed.
pub(super) async fn run<S: Storage>(
    mut owner: Owner<S>,
    mut inbox: UnboundedReceiver<Message>,
    state: Arc<TaskState>,
    schedule: Schedule,
) -> Result<bool> {
    let mut closing = false;
    let mut waiting = VecDeque::new();
    loop {
        if !owner.is_held_up(&schedule)
            && let Some(part) = waiting.pop_front()
        {
            owner.accept(part).await?;
            state.held.store(owner.held(), Ordering::Relaxed);
        }
        if closing && waiting.is_empty() {
            owner.begin_commit()?;
            if owner.is_idle() {
                return Ok(owner.abandoned_check_due().is_none());
            }
        }
        let (due, check_due) = (owner.commit_due(&schedule), owner.abandoned_check_due());
        tokio::select! {
            biased;
            end = owner.commit_end() => owner.conclude_commit(end?).await?,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => owner.begin_commit()?,
            () = sleep_until(check_due.unwrap_or_else(Instant::now)), if check_due.is_some() => owner.check_abandoned().await?,
            () = std::future::ready(()), if !waiting.is_empty() && !owner.is_held_up(&schedule) => {}
            message = inbox.recv() => match message {
                Some(Message::HandOver(part)) => waiting.push_back(part),
                Some(Message::Confirmed(number)) => owner.confirm(number),
                Some(Message::FreeMemory) => {
                    owner.free_memory().await?;
                    state.held.store(owner.held(), Ordering::Relaxed);
                    state.freeing_memory.store(false, Ordering::Relaxed);
                }
                // What waits for dead letters or gaps to be confirmed is committed when they are.
                Some(Message::Close) => closing = true,
                None => return Ok(owner.is_idle()),
            },
        }
    }
}
