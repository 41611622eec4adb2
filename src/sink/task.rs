//! The task of a source partition: gives its owner what comes, and commits when it is time.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::Result;
use crate::hand_over::answers::Answers;
use crate::hand_over::part::HandOverPart;
use crate::owner::Owner;
use crate::owner::schedule::Schedule;
use crate::sink::watch::waits_for_long;
use crate::storage::Storage;

/// How soon to look again whether the broker has confirmed dead letters that take the memory.
const LETTERS_PAUSE: Duration = Duration::from_millis(100);

/// What a source partition's task is told.
pub(super) enum Message {
    /// Records, and when they came.
    HandOver(HandOverPart, Instant),
    /// The broker has confirmed the dead letter of this number, or nothing stands in the gap of this number.
    Confirmed(u64),
    /// A record stands in the gap of this number that the broker has not sent.
    LeftOut(u64),
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
    /// Whether Java was asked to fetch no more of its records. Java is told under the lock, so that the last word is this.
    paused: Mutex<bool>,
    /// When the first of its records came that are not committed.
    pub(super) uncommitted_since: Mutex<Option<Instant>>,
}

impl TaskState {
    /// Has Java fetch no more of its records, or fetch them again.
    pub(super) fn pause(&self, paused: bool, id: u32, answers: &Answers) {
        let mut now = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != paused {
            *now = paused;
            answers.pause(id, paused);
        }
    }

    /// Asks again for a pause.
    pub(super) fn pause_again(&self, id: u32, answers: &Answers) {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if *paused {
            answers.pause(id, true);
        }
    }

    fn note<S: Storage>(&self, owner: &Owner<S>, waiting: &VecDeque<(HandOverPart, Instant)>) {
        self.held.store(owner.held(), Ordering::Relaxed);
        *self.uncommitted_since() = owner.uncommitted_since().or(waiting.front().map(|(_, came)| *came));
    }

    /// When the first of its records came that are not committed.
    pub(super) fn uncommitted_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.uncommitted_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A source partition's task: takes what comes, commits when it is time. Returns whether all was committed when it closed.
/// There are thousands of them, and most wait: what one does now and then has a box of its own, and takes memory meanwhile only.
pub(super) async fn run<S: Storage>(
    mut owner: Owner<S>,
    mut inbox: UnboundedReceiver<Message>,
    state: Arc<TaskState>,
    schedule: Schedule,
) -> Result<bool> {
    let mut closing = false;
    let mut waiting = VecDeque::new();
    let health = Arc::clone(owner.health());
    let shared = owner.shared();
    let memory = &shared.row_memory;
    let mut unconfirmed = None;
    loop {
        let waits_for_letters = !waiting.is_empty() && owner.waits_for_letters();
        if !owner.is_held_up(&schedule) && !waits_for_letters {
            unconfirmed = None;
        } else if unconfirmed.is_none() {
            unconfirmed = Some(health.wait("waiting for the broker to confirm dead letters or gaps"));
        }
        let held_back = health.held_back();
        let gets_on = !held_back.as_ref().is_some_and(|own| waits_for_long(own, false));
        let waits_for_memory = !waiting.is_empty() && memory.is_short(gets_on);
        if held_back.is_none() {
            state.pause(false, owner.id(), owner.answers());
        }
        state.note(&owner, &waiting);
        if !owner.is_held_up(&schedule)
            && !waits_for_letters
            && !waits_for_memory
            && let Some((part, _)) = waiting.pop_front()
        {
            Box::pin(owner.accept(part)).await?;
            state.note(&owner, &waiting);
            memory.pass_on();
        }
        if closing && waiting.is_empty() {
            owner.begin_commit()?;
            if owner.is_idle() {
                return Ok(!owner.leaves_records());
            }
        }
        let (due, check_due) = (owner.commit_due(&schedule), owner.abandoned_check_due());
        let (left_out_due, forget_due) = (owner.left_out_due(), owner.forget_due().filter(|_| waiting.is_empty()));
        let held_up_due = owner.held_up_due(&schedule).filter(|_| unconfirmed.is_none());
        tokio::select! {
            biased;
            end = owner.commit_end() => Box::pin(owner.conclude_commit(end?)).await?,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => owner.begin_commit()?,
            () = sleep_until(check_due.unwrap_or_else(Instant::now)), if check_due.is_some() => Box::pin(owner.check_abandoned()).await?,
            () = sleep_until(left_out_due.unwrap_or_else(Instant::now)), if left_out_due.is_some() => Box::pin(owner.look_for_left_out()).await?,
            () = sleep_until(held_up_due.unwrap_or_else(Instant::now)), if held_up_due.is_some() => {}
            () = std::future::ready(()), if !waiting.is_empty() && !waits_for_letters && !waits_for_memory && !owner.is_held_up(&schedule) => {}
            () = sleep(LETTERS_PAUSE), if waits_for_letters => {}
            () = sleep_until(forget_due.unwrap_or_else(Instant::now)), if forget_due.is_some() => owner.forget(),
            () = memory.wait(gets_on), if waits_for_memory => {}
            message = inbox.recv() => match message {
                Some(Message::HandOver(part, came)) => waiting.push_back((part, came)),
                Some(Message::Confirmed(number)) => owner.confirm(number),
                Some(Message::LeftOut(number)) => owner.note_left_out(number),
                Some(Message::FreeMemory) => {
                    Box::pin(owner.free_memory()).await?;
                    state.note(&owner, &waiting);
                    state.freeing_memory.store(false, Ordering::Relaxed);
                }
                // What waits for dead letters or gaps to be confirmed is committed when they are.
                Some(Message::Close) => closing = true,
                None => return Ok(owner.is_idle()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;
    use tokio::time::timeout;

    use super::*;
    use crate::config::OnBadRecord;
    use crate::owner::tests::{acknowledged, commit, owner, part, rows, sent, shared_with};
    use crate::storage::hdfs::Hdfs;
    use crate::storage::memory::Memory;

    /// There are thousands of them.
    const MOST_OF_A_TASK: usize = 6 << 10;

    #[test]
    fn a_task_takes_little_memory_while_it_waits() {
        fn size<F>(_: impl FnOnce(Owner<Hdfs>, UnboundedReceiver<Message>, Arc<TaskState>, Schedule) -> F) -> usize {
            size_of::<F>()
        }
        let bytes = size(run::<Hdfs>);
        assert!(bytes <= MOST_OF_A_TASK, "{bytes}");
    }

    #[tokio::test]
    async fn records_wait_while_rows_have_their_share_of_the_memory_and_ask_for_some() {
        let memory = Memory::new();
        let shared = shared_with(&memory, OnBadRecord::Skip, false);
        let rows_of_others = shared.row_memory.budget().charge(shared.budget.bound() / 4 * 3);
        let (sender, inbox) = unbounded_channel();
        let schedule = Schedule::new(Duration::from_millis(1), Instant::now(), 0);
        let task = tokio::spawn(run(owner(&shared), inbox, Arc::default(), schedule));
        let part = part(&shared, 1, (1..=2).map(sent));
        assert!(sender.send(Message::HandOver(part, Instant::now())).is_ok());
        timeout(Duration::from_secs(60), shared.row_memory.wanted()).await.unwrap();
        // Nor does it end without them.
        assert!(sender.send(Message::Close).is_ok());
        timeout(Duration::from_secs(60), shared.row_memory.wanted()).await.unwrap();
        assert_eq!((rows(&memory), acknowledged(&shared)), (vec![], None));
        drop(rows_of_others);
        assert!(timeout(Duration::from_secs(60), task).await.unwrap().unwrap().unwrap());
        assert_eq!((rows(&memory), acknowledged(&shared)), (vec![1, 2], Some(1)));
    }

    #[tokio::test]
    async fn a_source_partition_that_does_not_get_on_leaves_half_of_the_memory_to_the_others() {
        let memory = Memory::new();
        let shared = shared_with(&memory, OnBadRecord::Skip, false);
        let rows_of_others = shared.row_memory.budget().charge(shared.budget.bound() / 2);
        let owner = owner(&shared);
        let health = Arc::clone(owner.health());
        let struck = health.wait("committing");
        struck.failed("refused".to_owned(), Instant::now());
        while !health.held_back().is_some_and(|own| waits_for_long(&own, false)) {
            sleep(Duration::from_millis(10)).await;
        }
        let (sender, inbox) = unbounded_channel();
        let schedule = Schedule::new(Duration::from_millis(1), Instant::now(), 0);
        let mut task = Box::pin(run(owner, inbox, Arc::default(), schedule));
        let part = part(&shared, 1, (1..=2).map(sent));
        assert!(sender.send(Message::HandOver(part, Instant::now())).is_ok());
        assert!(sender.send(Message::Close).is_ok());
        // Everything of it is in memory, and takes no time.
        assert!(timeout(Duration::from_millis(200), &mut task).await.is_err());
        assert!(rows(&memory).is_empty());
        drop(struck);
        assert!(timeout(Duration::from_secs(60), task).await.unwrap().unwrap());
        assert_eq!(rows(&memory), [1, 2]);
        drop(rows_of_others);
    }

    #[tokio::test]
    async fn a_task_of_which_nothing_came_for_long_meets_the_next_record_as_a_new_owner_does() {
        let memory = Memory::new();
        // Forgets at once.
        let shared = shared_with(&memory, OnBadRecord::Skip, false);
        let (sender, inbox) = unbounded_channel();
        let schedule = Schedule::new(Duration::from_millis(1), Instant::now(), 0);
        let task = tokio::spawn(run(owner(&shared), inbox, Arc::default(), schedule));
        let hand_over = |number, entries: std::ops::RangeInclusive<u64>| {
            let message = Message::HandOver(part(&shared, number, entries.map(sent)), Instant::now());
            assert!(sender.send(message).is_ok());
        };
        hand_over(1, 1..=2);
        let committed = async {
            while acknowledged(&shared).is_none() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(60), committed).await.unwrap();
        // Meanwhile the topic was another instance's. Who still knew the old state would commit beside that, and lose.
        commit(&mut owner(&shared), 1, 3..=4).await;
        hand_over(2, 2..=5);
        assert!(sender.send(Message::Close).is_ok());
        assert!(task.await.unwrap().unwrap());
        assert_eq!((rows(&memory), shared.metrics.races_lost.get()), (vec![1, 2, 3, 4, 5], 0));
    }
}
