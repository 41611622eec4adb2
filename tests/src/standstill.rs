//! For how long the commits of a source partition stand still.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::sink::{Sink, newest_commits};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(250);

/// Looks at a sink's commits all the while.
pub struct Standstill {
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    /// By source partition, the sequence of the newest commit, and since when it is that.
    newest: BTreeMap<String, (usize, Instant)>,
    longest: Duration,
}

impl Standstill {
    /// Begins to look at a sink.
    pub fn watch(sink: &Sink<'_>) -> Result<Standstill> {
        let services = sink.namespace().services();
        let (hdfs, directory, seen) = (services.hdfs()?, sink.directory(), Arc::<Mutex<Seen>>::default());
        let task = services.tokio().spawn({
            let seen = Arc::clone(&seen);
            async move {
                loop {
                    // While HDFS does not answer nothing is seen to be committed, which counts.
                    if let Ok(newest) = newest_commits(&hdfs, &directory).await {
                        locked(&seen).look(newest, Instant::now());
                    }
                    sleep(PAUSE).await;
                }
            }
        });
        Ok(Standstill { seen, task })
    }

    /// The longest time without a commit of a source partition since this was asked last; one that goes on counts so far.
    pub fn longest(&self) -> Duration {
        locked(&self.seen).take(Instant::now())
    }
}

impl Drop for Standstill {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn look(&mut self, newest: BTreeMap<String, usize>, now: Instant) {
        for (source_partition, sequence) in newest {
            let (last, since) = self.newest.entry(source_partition).or_insert((sequence, now));
            if *last != sequence {
                self.longest = self.longest.max(now - *since);
                (*last, *since) = (sequence, now);
            }
        }
    }

    fn take(&mut self, now: Instant) -> Duration {
        let lasting = self.newest.values().map(|(_, since)| now - *since).max().unwrap_or_default();
        std::mem::take(&mut self.longest).max(lasting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_that_of_the_slowest_source_partition_also_while_it_goes_on() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let commits = |one, other| BTreeMap::from([("one".to_owned(), one), ("other".to_owned(), other)]);
        let mut seen = Seen::default();
        seen.look(commits(1, 1), at(0));
        seen.look(commits(2, 1), at(1));
        seen.look(commits(3, 2), at(5));
        assert_eq!(seen.take(at(6)), Duration::from_secs(5));
        seen.look(commits(4, 2), at(7));
        assert_eq!(seen.take(at(9)), Duration::from_secs(4));
    }
}
