//! The partition directory of a row.

use std::time::Duration;

use crate::value::time;

/// What tables are partitioned by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partitioning {
    /// The partition column's name.
    pub(crate) column: String,
    /// How long a partition is.
    pub(crate) unit: Unit,
    /// Which time of a record decides.
    pub(crate) source: TimeSource,
    /// Times further before the publish time are not believed.
    pub(crate) past_limit: Duration,
    /// Times further after the publish time are not believed.
    pub(crate) future_limit: Duration,
}

/// How long a partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A day, UTC.
    Day,
    /// An hour, UTC.
    Hour,
}

/// Which time of a record decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TimeSource {
    /// A field of the record.
    Field(String),
    /// The event time that the producer set.
    EventTime,
    /// The publish time.
    PublishTime,
}

/// A partition of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartitionKey {
    /// The table has no partitions.
    Whole,
    /// The time is null or not believed.
    Unknown,
    /// Days since 1970.
    Day(i64),
    /// Hours since 1970.
    Hour(i64),
}

/// The value of the partition of rows whose time is unknown: Hive's name for it.
pub(crate) const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

const MILLIS_PER_HOUR: i64 = 3_600_000;

impl Partitioning {
    /// The partition of a record with this time, both in milliseconds since 1970. The bounds go by the publish time
    /// and not by the clock: a record that comes again belongs in the same partition.
    #[inline]
    pub(crate) fn key(&self, time: Option<i64>, publish_time: i64) -> PartitionKey {
        let earliest = publish_time.saturating_sub_unsigned(millis(self.past_limit));
        let latest = publish_time.saturating_add_unsigned(millis(self.future_limit));
        match time {
            Some(time) if (earliest..=latest).contains(&time) => match self.unit {
                Unit::Day => PartitionKey::Day(time::day_of(time)),
                Unit::Hour => PartitionKey::Hour(time.div_euclid(MILLIS_PER_HOUR)),
            },
            _ => PartitionKey::Unknown,
        }
    }

    /// The partition's directory, relative to the table's; empty for the whole table.
    pub(crate) fn directory(&self, key: PartitionKey) -> String {
        let mut value = Vec::new();
        let written = match key {
            PartitionKey::Whole => return String::new(),
            PartitionKey::Day(day) => time::append_date(&mut value, day).is_ok(),
            PartitionKey::Hour(hour) => {
                let written = time::append_date(&mut value, hour.div_euclid(24)).is_ok();
                value.extend_from_slice(format!("-{:02}", hour.rem_euclid(24)).as_bytes());
                written
            }
            PartitionKey::Unknown => false,
        };
        let value = String::from_utf8(value).ok().filter(|_| written);
        format!("{}={}", self.column, value.as_deref().unwrap_or(NO_VALUE))
    }
}

fn millis(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000).saturating_add(u64::from(duration.subsec_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn by(unit: Unit) -> Partitioning {
        let column = "dt".to_owned();
        Partitioning { column, unit, source: TimeSource::EventTime, past_limit: 10 * DAY, future_limit: DAY }
    }

    fn directory(unit: Unit, time: Option<i64>, publish_time: i64) -> String {
        let partitioning = by(unit);
        partitioning.directory(partitioning.key(time, publish_time))
    }

    #[test]
    fn days_and_hours_begin_at_their_first_millisecond_in_utc() {
        let midnight = 1_793_491_200_000; // 2026-11-01T00:00:00Z
        assert_eq!(directory(Unit::Day, Some(midnight - 1), midnight), "dt=2026-10-31");
        assert_eq!(directory(Unit::Day, Some(midnight), midnight), "dt=2026-11-01");
        assert_eq!(directory(Unit::Hour, Some(midnight - 1), midnight), "dt=2026-10-31-23");
        assert_eq!(directory(Unit::Hour, Some(midnight), midnight), "dt=2026-11-01-00");
        assert_eq!(directory(Unit::Day, Some(-1), 0), "dt=1969-12-31");
    }

    #[test]
    fn a_time_that_is_missing_or_not_believed_goes_to_hives_default_partition() {
        let now = 1_793_491_200_000;
        let day = 86_400_000;
        for time in [None, Some(now - 10 * day - 1), Some(now + day + 1), Some(i64::MIN), Some(i64::MAX)] {
            assert_eq!(directory(Unit::Day, time, now), "dt=__HIVE_DEFAULT_PARTITION__", "{time:?}");
        }
        assert_eq!(directory(Unit::Day, Some(now + day), now), "dt=2026-11-02");
    }
}
