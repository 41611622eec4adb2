//! When the events are.

use chrono::{DateTime, Utc};

use crate::arguments::Layers;

const DAY: i64 = 86_400_000;
/// 2026-11-01 (UTC).
const FIRST_DAY: i64 = 1_793_491_200_000;

/// The range of the events' times, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Week {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Week {
    /// With files alone, a fixed week, whenever the demo runs: the same seed gives the same files. With dashboards, which
    /// show the last hours and days, the seven days before today, and today up to now.
    pub(crate) fn of(layers: Layers) -> Self {
        match layers {
            Layers::Cold => Self { start: FIRST_DAY, end: FIRST_DAY + 7 * DAY },
            Layers::Full => Self::until(Utc::now().timestamp_millis()),
        }
    }

    fn until(now: i64) -> Self {
        Self { start: now - now.rem_euclid(DAY) - 7 * DAY, end: now }
    }

    /// Its first day, as the tables' directories have it.
    pub(crate) fn first_day(self) -> String {
        DateTime::from_timestamp_millis(self.start).unwrap_or_default().format("%Y-%m-%d").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboards_week_begins_at_midnight_and_ends_now() {
        let week = Week::until(FIRST_DAY + 7 * DAY + 5);
        assert_eq!(
            (week.start, week.end, week.first_day().as_str()),
            (FIRST_DAY, FIRST_DAY + 7 * DAY + 5, "2026-11-01")
        );
        assert_eq!(Week::until(FIRST_DAY - 1).first_day(), "2026-10-24");
    }
}
