//! When a batch that is not full is committed: each source partition at a moment of its own in each interval, so that
//! thousands of them do not all go to the NameNode at once.

use std::time::Duration;

use tokio::time::Instant;

/// The golden ratio's fraction of 2^64: its multiples, modulo 2^64, are spread evenly however many there are (Knuth, The
/// Art of Computer Programming, volume 3, 6.4).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The moments at which one source partition commits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    opened: Instant,
    /// Where in the interval its moments are.
    phase: Duration,
}

impl Schedule {
    /// The schedule of the source partition with this id, in a sink that was opened then.
    pub(crate) fn new(interval: Duration, opened: Instant, id: u32) -> Self {
        let fraction = u64::from(id).wrapping_mul(STEP);
        let phase = (interval.as_nanos() * u128::from(fraction)) >> 64;
        Schedule { interval, opened, phase: nanoseconds(phase) }
    }

    /// The first of its moments after a batch began: within the interval.
    pub(crate) fn due(&self, began: Instant) -> Instant {
        let interval = self.interval.as_nanos();
        if interval == 0 {
            return began;
        }
        let since_a_moment = began.saturating_duration_since(self.opened).as_nanos() + interval - self.phase.as_nanos();
        began + nanoseconds(interval - since_a_moment % interval)
    }
}

fn nanoseconds(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_batch_is_due_within_the_interval(id: u32, interval in 1..200_000u64, began in 0..10_000_000u64) {
            let opened = Instant::now();
            let (interval, began) = (Duration::from_millis(interval), opened + Duration::from_millis(began));
            let due = Schedule::new(interval, opened, id).due(began);
            prop_assert!(due > began && due - began <= interval, "{:?} of {interval:?}", due - began);
            prop_assert_eq!(Schedule::new(interval, opened, id).due(due), due + interval);
        }
    }

    #[test]
    fn two_thousand_source_partitions_whose_batches_begin_at_once_are_due_all_over_the_interval() {
        let opened = Instant::now();
        let interval = Duration::from_secs(60);
        let mut due_in = [0; 60];
        for id in 0..2_000 {
            let due = Schedule::new(interval, opened, id).due(opened + Duration::from_secs(17));
            let second = (due - opened).as_secs() % 60;
            due_in[usize::try_from(second).unwrap()] += 1;
        }
        // An even share is 33.
        assert!(due_in.iter().all(|count| (32..=35).contains(count)), "{due_in:?}");
    }
}
