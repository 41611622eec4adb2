//! Chance that can be repeated.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A seeded generator (SplitMix64). The seed is `HDFS_CSV_SEED`, or the time; it is printed.
#[derive(Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator that prints how to repeat it.
    pub fn seeded(test: &str) -> Random {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let given = std::env::var("HDFS_CSV_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or(now % 1_000_000);
        println!("{test}: HDFS_CSV_SEED={seed}");
        Random { state: seed }
    }

    /// A generator with this seed.
    pub fn of(seed: u64) -> Random {
        Random { state: seed }
    }

    /// A number below the bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// A duration between two numbers of milliseconds.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}
