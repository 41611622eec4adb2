//! What is committed of each day.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use pulsar_io_hdfs_csv::protocol::layout::parent;
use serde::Serialize;

use crate::commits::{self, Commits};
use crate::time;

/// A partition directory of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DayReport {
    /// Rows that are committed.
    pub rows: u64,
    /// The commit that last added some: its source partition and sequence.
    pub last_commit: Option<(String, u64)>,
    /// The largest publish time that this source partition had committed with it; not known when its manifest is pruned.
    #[serde(serialize_with = "time::serialize_known")]
    pub published_up_to: Option<DateTime<Utc>>,
    /// The table's watermark is past its end; none for the directory of records without a time.
    pub complete: Option<bool>,
}

/// The first moment after a day.
pub fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    Some(day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN).and_utc())
}

/// What is committed of each partition directory.
pub fn days(all: &[Commits]) -> BTreeMap<String, DayReport> {
    let mut days: BTreeMap<String, DayReport> = BTreeMap::new();
    for own in all {
        let mut latest: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, content) in commits::files(own).filter(|(name, _)| !parent(name).is_empty()) {
            latest.insert(name, content.rows);
        }
        for (name, rows) in latest {
            days.entry(parent(name).to_owned()).or_default().rows += rows;
        }
        let pruned = own.pruned.files.iter().map(|(name, listed)| (name, listed.sequence, None));
        let kept = own.manifests.iter().flat_map(|manifest| {
            let published = DateTime::from_timestamp_millis(manifest.largest_publish_time);
            manifest.files.iter().map(move |file| (&file.name, manifest.sequence, published))
        });
        for (name, sequence, published) in pruned.chain(kept) {
            if let Some(day) =
                days.get_mut(parent(name)).filter(|day| day.last_commit.is_none() || day.published_up_to <= published)
            {
                day.last_commit = Some((own.layout.name.clone(), sequence));
                day.published_up_to = published;
            }
        }
    }
    days
}

/// The first moment after a partition directory's day or hour; none for a directory of another name.
pub fn end_of_directory(directory: &str) -> Option<DateTime<Utc>> {
    let (_, value) = directory.split_once('=')?;
    let (day, hour) = value.split_at_checked("2026-11-01".len())?;
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    match hour.strip_prefix('-') {
        None if hour.is_empty() => end_of(day),
        Some(hour) => {
            let hour: u32 = hour.parse().ok()?;
            day.and_hms_opt(hour, 0, 0)?.and_utc().checked_add_signed(TimeDelta::hours(1))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::{commits, folded, manifest};

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_directory_ends_with_its_day_or_hour() {
        assert_eq!(end_of_directory("dt=2026-11-01"), Some(time("2026-11-02T00:00:00Z")));
        assert_eq!(end_of_directory("hour=2026-12-31-23"), Some(time("2027-01-01T00:00:00Z")));
        for other in
            ["dt=__HIVE_DEFAULT_PARTITION__", "dt=2026-11-01-24", "dt=2026-13-01", "dt=2026", "other", "dt=2026-11-01x"]
        {
            assert_eq!(end_of_directory(other), None, "{other}");
        }
    }

    #[test]
    fn a_day_has_the_rows_of_its_files_and_the_commit_that_last_added_some() {
        let first = manifest(1, 1, 3);
        let all = [first.clone(), folded(manifest(2, 4, 5), &first), manifest(3, 6, 6)];
        let days = days(&[commits(&all)]);
        assert_eq!(days["dt=1"].rows, 6);
        assert_eq!(days["dt=1"].last_commit, Some(("t".to_owned(), 3)));
        assert_eq!(days["dt=1"].published_up_to, DateTime::from_timestamp_millis(6));
    }
}
