//! Popularity by Zipf's law: the second is chosen half as often as the first, the third a third as often.

use super::rng::Rng;

/// Chooses ranks by their popularity.
#[derive(Debug)]
pub struct Popularity {
    cumulative: Vec<f64>,
}

impl Popularity {
    /// A law over this many ranks.
    pub fn new(ranks: usize) -> Popularity {
        let sum = |total: &mut f64, rank: usize| {
            *total += 1.0 / (rank + 1) as f64;
            Some(*total)
        };
        Popularity { cumulative: (0..ranks).scan(0.0, sum).collect() }
    }

    /// A rank, the most popular being 0.
    pub fn choose(&self, rng: &mut Rng) -> usize {
        let total = self.cumulative.last().copied().unwrap_or_default();
        let point = rng.unit() * total;
        self.cumulative.partition_point(|&sum| sum <= point).min(self.cumulative.len().saturating_sub(1))
    }
}
