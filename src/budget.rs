//! The bound on native memory: what is charged is counted until it is dropped.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::Notify;

/// Counts the bytes of records and rows in memory.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    bound: usize,
    used: Mutex<Used>,
    freed: Condvar,
    given_back: Notify,
    /// What is counted here is counted there, too.
    whole: Option<Budget>,
}

#[derive(Debug, Default)]
struct Used {
    /// Bytes that are there.
    charged: usize,
    /// Bytes that are going to be there: only who takes more looks at them.
    reserved: usize,
}

impl Budget {
    /// A budget of this many bytes.
    pub(crate) fn new(bound: usize) -> Self {
        Self::counting(bound, None)
    }

    fn counting(bound: usize, whole: Option<Budget>) -> Self {
        let (used, freed, given_back) = (Mutex::default(), Condvar::new(), Notify::new());
        Budget { inner: Arc::new(Inner { bound, used, freed, given_back, whole }) }
    }

    /// A count of its own of a part of what this one counts.
    pub(crate) fn part(&self) -> Self {
        Self::counting(self.inner.bound, Some(self.clone()))
    }

    /// That of which this one is a part.
    pub(crate) fn whole(&self) -> &Self {
        self.inner.whole.as_ref().unwrap_or(self)
    }

    fn used_mut(&self) -> MutexGuard<'_, Used> {
        self.inner.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.used_mut().charged
    }

    /// Bytes in use or reserved.
    pub(crate) fn claimed(&self) -> usize {
        let used = self.used_mut();
        used.charged + used.reserved
    }

    /// The bound in bytes.
    pub(crate) fn bound(&self) -> usize {
        self.inner.bound
    }

    /// Whether nothing more is to be taken now.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.used() >= self.bound()
    }

    /// Whether so much of it is in use or reserved, in hundredths.
    pub(crate) fn is_used_to(&self, percent: usize) -> bool {
        self.claimed() as u128 * 100 >= self.bound() as u128 * percent as u128
    }

    /// Waits until some is given back. Of those that wait one is woken each time.
    pub(crate) async fn given_back(&self) {
        self.inner.given_back.notified().await;
    }

    /// Wakes one of those that wait for memory.
    pub(crate) fn wake_one(&self) {
        self.inner.given_back.notify_one();
    }

    /// Waits until fewer bytes than the bound are in use or reserved; false when that takes longer than the limit. What is
    /// charged next may go beyond the bound once, so that a record larger than the bound can pass.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut used = self.used_mut();
        while used.charged + used.reserved >= self.inner.bound {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return false;
            };
            used = self.inner.freed.wait_timeout(used, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn replace(&self, counter: fn(&mut Used) -> &mut usize, before: usize, now: usize) {
        if let Some(whole) = &self.inner.whole {
            whole.replace(counter, before, now);
        }
        let mut used = self.used_mut();
        let count = counter(&mut used);
        *count = (*count + now).saturating_sub(before);
        drop(used);
        if now < before {
            self.inner.freed.notify_all();
            self.wake_one();
        }
    }

    /// Counts bytes until the charge is dropped.
    pub(crate) fn charge(&self, bytes: usize) -> Charge {
        let mut charge = Charge { budget: self.clone(), bytes: 0, reserved: 0 };
        charge.set(bytes);
        charge
    }
}

/// Bytes that are counted while this lives.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Budget,
    bytes: usize,
    reserved: usize,
}

impl Charge {
    /// The bytes that are counted.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Counts this many bytes from now on.
    pub(crate) fn set(&mut self, bytes: usize) {
        self.budget.replace(|used| &mut used.charged, self.bytes, bytes);
        self.bytes = bytes;
    }

    /// Reserves this many bytes from now on for what is going to be made of it.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.budget.replace(|used| &mut used.reserved, self.reserved, bytes);
        self.reserved = bytes;
    }
}

/// Bytes with what stands for their memory, which is dropped when nobody holds any of them any more: hdfs-native holds what it
/// writes until the DataNodes have acknowledged it.
pub(crate) fn bytes_with(bytes: impl AsRef<[u8]> + Send + 'static, memory: impl Send + 'static) -> Bytes {
    struct With<B, M> {
        bytes: B,
        _memory: M,
    }
    impl<B: AsRef<[u8]>, M> AsRef<[u8]> for With<B, M> {
        fn as_ref(&self) -> &[u8] {
            self.bytes.as_ref()
        }
    }
    Bytes::from_owner(With { bytes, _memory: memory })
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
        self.reserve(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_when_enough_is_freed_and_not_before() {
        let budget = Budget::new(10);
        let mut charge = budget.charge(25);
        assert!(!budget.wait(Duration::from_millis(5)));
        charge.set(10);
        assert!(!budget.wait(Duration::from_millis(5)));
        let waiting = budget.clone();
        let waiter = std::thread::spawn(move || waiting.wait(Duration::from_secs(30)));
        charge.set(9);
        assert!(waiter.join().unwrap());
        charge.reserve(1);
        assert_eq!(budget.used(), 9);
        assert!(!budget.wait(Duration::from_millis(5)));
        charge.reserve(0);
        assert!(budget.wait(Duration::ZERO));
        charge.reserve(10);
        drop(charge);
        assert!(budget.wait(Duration::ZERO));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn bytes_are_counted_in_a_part_and_in_the_whole_until_nobody_holds_any_of_them() {
        let whole = Budget::new(100);
        let (part, other) = (whole.part(), whole.charge(1));
        let bytes = bytes_with(vec![7; 40], part.charge(40));
        assert_eq!((part.used(), whole.used(), part.whole().is_used_to(50)), (40, 41, false));
        let slice = bytes.slice(39..);
        drop((bytes, other));
        assert_eq!((part.used(), whole.used()), (40, 40));
        let mut reserving = part.charge(9);
        reserving.reserve(1);
        assert_eq!((whole.claimed(), whole.is_used_to(50)), (50, true));
        drop((slice, reserving));
        assert_eq!((part.claimed(), whole.claimed()), (0, 0));
    }
}
