//! Repeating a call that failed, for as long as nothing is lost by it.

use std::time::Duration;

use crate::error::Result;
use crate::metrics::{Metrics, Outage};
use crate::owner::shared::Shared;
use crate::protocol::failure::Failure;
use crate::storage::Storage;

/// A call that goes on failing is in the log once in this many attempts: about every five minutes.
const LOG_EVERY: u32 = 30;

/// A call that is repeated until it succeeds or ends the instance. There is no last attempt: each is bounded, says what is wrong,
/// and closing the sink ends them.
pub(super) struct Retry<'s> {
    what: &'static str,
    attempt: u32,
    metrics: &'s Metrics,
    outage: Option<Outage<'s>>,
    pause: fn(attempt: u32) -> Duration,
}

impl Retry<'_> {
    /// Waits before the next attempt. An error is the end.
    pub(super) async fn after(&mut self, failure: Failure) -> Result<()> {
        let error = match failure {
            Failure::Fatal(error) => return Err(error),
            Failure::Again(error) => error,
        };
        self.metrics.retries.add(1);
        let outage = self.outage.get_or_insert_with(|| self.metrics.outage());
        let pause = (self.pause)(self.attempt);
        self.attempt += 1;
        // A long outage says less and less, but it goes on saying it: every source partition tries for itself.
        if self.attempt.is_power_of_two() || self.attempt.is_multiple_of(LOG_EVERY) {
            let for_seconds = outage.since.elapsed().as_secs();
            let (what, attempt) = (self.what, self.attempt);
            tracing::warn!(what, attempt, for_seconds, "{error}; nothing is lost, it is tried again");
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }
}

impl<S: Storage> Shared<S> {
    /// A call that has not failed yet.
    pub(super) fn retry(&self, what: &'static str) -> Retry<'_> {
        Retry { what, attempt: 0, metrics: &self.metrics, outage: None, pause: self.pause }
    }

    /// Repeats a call until it succeeds or ends the instance.
    pub(super) async fn repeat<T, F>(&self, what: &'static str, mut call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut retry = self.retry(what);
        loop {
            match call().await {
                Ok(value) => return Ok(value),
                Err(failure) => retry.after(failure).await?,
            }
        }
    }
}

/// Pauses of 0.2 s, doubling up to 10 s, each shortened by up to half at random: thousands of source partitions that failed
/// at once must not try again at once.
pub(crate) fn pause_between_attempts(attempt: u32) -> Duration {
    let longest = (200u64 << attempt.min(6)).min(10_000);
    Duration::from_millis(rand::random_range(longest / 2..=longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_seconds_and_differ() {
        for (attempt, longest) in [(0, 200), (1, 400), (5, 6_400), (6, 10_000), (u32::MAX, 10_000)] {
            let pauses: Vec<_> = (0..100).map(|_| pause_between_attempts(attempt).as_millis()).collect();
            assert!(pauses.iter().all(|pause| (longest / 2..=longest).contains(pause)), "{attempt}: {pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{attempt}: all are {} ms", pauses[0]);
        }
    }
}
