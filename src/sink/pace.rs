//! Pace: how many commits work at the same time, and how many files are written: as many as the NameNode takes.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::owner::shared::Shared;
use crate::slots::Slots;
use crate::storage::Storage;

/// With so many a sink begins. A commit takes a second or so, mostly the waits for two closes: this many let 2,000 source
/// partitions commit once a minute, and are no storm for the NameNode when all become due at once.
pub(super) const FIRST_AT_ONCE: usize = 64;
/// There are no fewer, however slow the NameNode is.
const FEWEST: usize = 16;
/// There are no more: each is a connection to a DataNode, of which one has 4,096 by default (`dfs.datanode.max.transfer.threads`).
const MOST: usize = 512;
/// So many files are streamed at the same time, each until its batch is committed: the NameNode sets the space of a block aside
/// for each of its replicas, and refuses files when that is more than there is.
pub(super) const MOST_STREAMED: usize = 256;
/// A NameNode that answers within this time can take more.
const QUICK: Duration = Duration::from_millis(25);
/// One that takes longer has too much to do.
const SLOW: Duration = Duration::from_millis(100);

/// Sets the pace.
pub(super) struct Pace {
    directory: String,
}

impl Pace {
    /// The NameNode is asked for this directory.
    pub(super) fn new(directory: String) -> Self {
        Pace { directory }
    }

    /// Asks the NameNode something small, if commits have waited for each other since the last look, and has more or fewer work
    /// at the same time by how long it takes.
    pub(super) async fn look<S: Storage>(&self, shared: &Shared<S>) {
        let all = [&shared.commits, &shared.files];
        let short: Vec<&Slots> = all.into_iter().filter(|slots| slots.were_short()).collect();
        if short.is_empty() {
            return;
        }
        let began = Instant::now();
        let answered = timeout(SLOW, shared.storage.status(&self.directory)).await;
        // What fails says nothing of how much it can take.
        let took = match answered {
            Ok(Ok(_)) => began.elapsed(),
            Ok(Err(_)) => return,
            Err(_) => SLOW,
        };
        for slots in short {
            let now = slots.count();
            let next = next(now, took);
            if next != now {
                slots.resize(next);
                tracing::debug!(at_once = next, took_ms = took.as_millis(), "the NameNode sets another pace");
            }
        }
    }
}

fn next(now: usize, took: Duration) -> usize {
    if took >= SLOW {
        (now / 2).max(FEWEST)
    } else if took <= QUICK {
        (now * 2).min(MOST)
    } else {
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_name_node_is_given_more_and_a_slow_one_less_within_bounds() {
        assert_eq!(next(64, QUICK), 128);
        assert_eq!(next(64, (QUICK + SLOW) / 2), 64);
        assert_eq!(next(64, SLOW), 32);
        assert_eq!((next(400, Duration::ZERO), next(20, SLOW)), (MOST, FEWEST));
    }
}
