//! Repeating a call that failed, for as long as nothing is lost by it.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{ErrorKind, Result};
use crate::metrics::Metrics;
use crate::owner::health::{Health, Wait};
use crate::owner::shared::Shared;
use crate::protocol::failure::Failure;
use crate::storage::Storage;

/// The first attempts that fail are in the log, one of twice as many at a time. Then the source partition is known to be held
/// back, and that is in the log.
const LAST_LOGGED: u32 = 8;

/// A call that is repeated until it succeeds or ends the instance. There is no last attempt: each is bounded, says what is wrong,
/// and closing the sink ends them.
pub(super) struct Retry<'s> {
    what: &'static str,
    attempt: u32,
    metrics: &'s Metrics,
    health: &'s Health,
    wait: Option<Wait<'s>>,
    pause: fn(attempt: u32) -> Duration,
    waits_for_repair: bool,
}

impl Retry<'_> {
    /// Waits before the next attempt. An error is the end.
    pub(super) async fn after(&mut self, failure: Failure) -> Result<()> {
        let reason = match failure {
            Failure::Again(error) => error.to_string(),
            // One table is not in order. When somebody has mended it, its source partition goes on.
            Failure::Fatal(error) if self.waits_for_repair && error.kind == ErrorKind::Protocol => error.to_string(),
            Failure::Fatal(error) => return Err(error),
        };
        self.metrics.retries.add(1);
        let wait = self.wait.get_or_insert_with(|| self.health.wait(self.what));
        let pause = (self.pause)(self.attempt);
        self.attempt += 1;
        if self.attempt.is_power_of_two() && self.attempt <= LAST_LOGGED {
            let for_seconds = wait.since.elapsed().as_secs();
            let (what, attempt) = (self.what, self.attempt);
            tracing::warn!(what, attempt, for_seconds, "{reason}; nothing is lost, it is tried again");
        }
        wait.failed(reason, Instant::now() + pause);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }
}

impl<S: Storage> Shared<S> {
    /// A call for a source partition that has not failed yet.
    pub(super) fn retry<'s>(&'s self, health: &'s Health, what: &'static str) -> Retry<'s> {
        Retry {
            what,
            attempt: 0,
            metrics: &self.metrics,
            health,
            wait: None,
            pause: self.pause,
            waits_for_repair: self.waits_for_repair,
        }
    }

    /// Repeats a call for a source partition until it succeeds or ends the instance.
    pub(super) async fn repeat<T, F>(
        &self,
        health: &Health,
        what: &'static str,
        mut call: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut retry = self.retry(health, what);
        let _under_way = health.wait(what);
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
