//! When sessions begin: a daily curve with a night's low and an evening's peak, in UTC.

const HOUR: i64 = 3_600_000;

/// How much happens in each hour of a day.
const CURVE: [f64; 24] = [
    1.6, 1.0, 0.7, 0.5, 0.5, 0.7, 1.2, 2.0, 3.0, 3.8, 4.3, 4.6, //
    4.9, 4.8, 4.6, 4.6, 4.9, 5.5, 6.3, 7.2, 7.8, 7.2, 5.2, 3.0,
];

/// Maps a share of all traffic to the time at which that share is reached.
#[derive(Debug)]
pub struct Clock {
    start: i64,
    /// The end of each piece of the range, and the traffic up to it.
    pieces: Vec<(i64, f64)>,
}

impl Clock {
    /// A clock over a range of times, in milliseconds since 1970.
    pub fn new(start: i64, end: i64) -> Clock {
        let mut pieces = Vec::new();
        let (mut at, mut traffic) = (start, 0.0);
        while at < end {
            let next = ((at.div_euclid(HOUR) + 1) * HOUR).min(end);
            let hour = at.div_euclid(HOUR).rem_euclid(24) as usize;
            traffic += CURVE[hour] * (next - at) as f64;
            pieces.push((next, traffic));
            at = next;
        }
        Clock { start, pieces }
    }

    /// The time at which this share (0 to 1) of the traffic has come. It never goes back as the share grows.
    pub fn at(&self, share: f64) -> i64 {
        let total = self.pieces.last().map_or(0.0, |piece| piece.1);
        let target = share * total;
        let index = self.pieces.partition_point(|piece| piece.1 < target);
        let (from, before) = if index == 0 { (self.start, 0.0) } else { self.pieces[index - 1] };
        match self.pieces.get(index) {
            Some(&(to, after)) => from + ((target - before) / (after - before) * (to - from) as f64) as i64,
            None => from,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_forward_and_peaks_in_the_evening() {
        let clock = Clock::new(0, 24 * HOUR);
        let times: Vec<i64> = (0..=1000).map(|step| clock.at(f64::from(step) / 1000.0)).collect();
        assert!(times.is_sorted());
        assert_eq!((times[0], times[1000]), (0, 24 * HOUR));
        let in_hour = |hour| times.iter().filter(|&&at| at / HOUR == hour).count();
        assert!(in_hour(20) > 10 * in_hour(3));
    }
}
