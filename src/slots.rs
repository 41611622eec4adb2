//! Slots: how much of one kind is done at the same time. Their number can change while they are in use.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// So many slots, taken in the order in which they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    free: Arc<Semaphore>,
    count: Mutex<Count>,
    /// Whether someone had to wait since that was asked last.
    were_short: AtomicBool,
}

#[derive(Debug)]
struct Count {
    slots: usize,
    /// Slots in use that are more than there are to be: each goes when it is given back.
    excess: usize,
}

/// One of the slots, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Slots,
    permit: Option<OwnedSemaphorePermit>,
}

impl Slots {
    /// So many slots.
    pub(crate) fn new(slots: usize) -> Self {
        let count = Mutex::new(Count { slots, excess: 0 });
        Slots {
            inner: Arc::new(Inner { free: Arc::new(Semaphore::new(slots)), count, were_short: AtomicBool::new(false) }),
        }
    }

    fn count_mut(&self) -> MutexGuard<'_, Count> {
        self.inner.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count_mut().slots
    }

    /// Waits for a slot. Whoever has one waits for HDFS, of which each call is bounded, or for what others give back who wait for
    /// HDFS.
    pub(crate) async fn take(&self) -> Result<Slot> {
        if let Some(slot) = self.try_take() {
            return Ok(slot);
        }
        self.inner.were_short.store(true, Ordering::Relaxed);
        let permit = Arc::clone(&self.inner.free).acquire_owned().await.map_err(Error::bug)?;
        Ok(Slot { slots: self.clone(), permit: Some(permit) })
    }

    /// A slot, if one is free.
    pub(crate) fn try_take(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.inner.free).try_acquire_owned().ok()?;
        Some(Slot { slots: self.clone(), permit: Some(permit) })
    }

    /// Does all of this, each in a slot; in half of them at most, so that others who need few do not wait behind all of these.
    pub(crate) async fn run_all<T>(&self, calls: Vec<impl Future<Output = T>>) -> Result<Vec<T>> {
        let at_once = (self.count() / 2).max(1);
        if calls.len() > at_once {
            self.inner.were_short.store(true, Ordering::Relaxed);
        }
        let in_slots = calls.into_iter().map(async |call| {
            let _slot = self.take().await?;
            Ok(call.await)
        });
        stream::iter(in_slots).buffered(at_once).try_collect().await
    }

    /// Whether someone had to wait since this was asked last.
    pub(crate) fn were_short(&self) -> bool {
        self.inner.were_short.swap(false, Ordering::Relaxed)
    }

    /// From now on there are so many. Those in use stay in use.
    pub(crate) fn resize(&self, slots: usize) {
        let mut count = self.count_mut();
        let before = std::mem::replace(&mut count.slots, slots);
        if slots < before {
            let fewer = before - slots;
            count.excess += fewer - self.inner.free.forget_permits(fewer);
        } else {
            let more = slots - before;
            let kept = more.min(count.excess);
            count.excess -= kept;
            self.inner.free.add_permits(more - kept);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut count = self.slots.count_mut();
        if count.excess > 0 {
            count.excess -= 1;
            drop(count);
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_more_slots_are_taken_than_there_are_however_their_number_changes(
            steps in prop::collection::vec((0..3u8, 1..6usize), 1..60),
        ) {
            let slots = Slots::new(3);
            let mut taken = Vec::new();
            for (step, number) in steps {
                match step {
                    0 => slots.resize(number),
                    1 => drop(taken.pop()),
                    _ => match slots.take().now_or_never() {
                        Some(slot) => {
                            taken.push(slot.unwrap());
                            prop_assert!(taken.len() <= slots.count());
                        }
                        None => prop_assert!(taken.len() >= slots.count()),
                    },
                }
            }
        }
    }

    #[tokio::test]
    async fn many_things_of_one_leave_half_of_the_slots_to_others_and_say_that_they_would_take_more() {
        let (slots, going) = (Slots::new(8), Semaphore::new(0));
        let calls: Vec<_> = (0..20).map(async |number| going.acquire().await.map(|_| number)).collect();
        let mut all = Box::pin(slots.run_all(calls));
        assert!(all.as_mut().now_or_never().is_none());
        let others: Vec<_> = (0..8).map_while(|_| slots.take().now_or_never()).collect();
        assert_eq!((others.len(), slots.were_short()), (4, true));
        going.add_permits(20);
        let done: std::result::Result<Vec<_>, _> = all.await.unwrap().into_iter().collect();
        assert_eq!(done.unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_had_to_wait_is_told_once() {
        let slots = Slots::new(1);
        let first = slots.take().await.unwrap();
        assert!(!slots.were_short());
        let waiting = tokio::spawn({
            let slots = slots.clone();
            async move { slots.take().await.map(drop) }
        });
        while !slots.were_short() {
            tokio::task::yield_now().await;
        }
        drop(first);
        waiting.await.unwrap().unwrap();
        assert!(!slots.were_short());
    }
}
