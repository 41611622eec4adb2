//! Waiting for conditions.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a test waits for what comes by itself: it says that something is stuck, not that something is slow. Beside
/// other tests on two cores, a process of an instance that starts in seconds alone has taken more than a minute.
pub const LIMIT: Duration = Duration::from_secs(240);

/// The time between two looks: it grows, because each look costs the services time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Waits until something is there; within the limit, or the error tells what was not and how it looked last. `look`
/// returns what it saw as an error.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut pause = FIRST_PAUSE;
    loop {
        match look() {
            Ok(found) => return Ok(found),
            Err(seen) if Instant::now() > deadline => {
                return Err(seen).with_context(|| format!("{what}: not within {limit:?}; this is how it was last"));
            }
            Err(_) => sleep(pause),
        }
        pause = LONGEST_PAUSE.min(pause * 3 / 2);
    }
}

/// Waits like [`until`] for a condition that says in words how far it is.
pub(crate) fn until_true(what: &str, limit: Duration, mut look: impl FnMut() -> Result<(bool, String)>) -> Result<()> {
    until(what, limit, || match look()? {
        (true, _) => Ok(()),
        (false, seen) => bail!("{seen}"),
    })
}
