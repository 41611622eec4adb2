//! Up to which time a table has everything: for those who wait for a complete day.

mod days;
mod times;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::layout::TableLayout;
use pulsar_io_hdfs_csv::storage::Storage;
use serde::Serialize;

use crate::audit::{Subject, column_versions, own_name};
use crate::commits::{self, Commits, of_source_partition};
use crate::pulsar_client::{Client, existing_partitions};
use crate::time;
use crate::topic::{PartitionReader, schema};
use crate::verify::visible_files;
use crate::writer_schema::schema_info;
pub use days::{DayReport, end_of};
use days::{days, end_of_directory};
pub use times::DayTime;
use times::{Times, millis};

/// The watermarks of a source partition, and of a table. Everything that has an earlier time is committed, as far as the broker
/// had it at the time of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Watermarks {
    /// Of publish times: the smallest one among the records that are not committed; the time of the report if there is none.
    #[serde(serialize_with = "time::serialize")]
    pub publish_time: DateTime<Utc>,
    /// The same of event times, or of the field that was asked for, but not later than the report. None when it is not known
    /// because a message that is not committed has no event time.
    #[serde(serialize_with = "time::serialize_known")]
    pub event_time: Option<DateTime<Utc>>,
    /// Nothing that the broker had was uncommitted.
    pub complete: bool,
}

/// A source partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourcePartitionReport {
    /// Its watermarks.
    #[serde(flatten)]
    pub watermarks: Watermarks,
    /// The last committed position.
    pub mark: Option<Position>,
    /// Rows that are committed.
    pub rows: u64,
    /// Records that are not committed.
    pub uncommitted: u64,
    /// Those of them that have no time to go by: they belong to no day.
    pub without_time: u64,
}

/// A table's watermarks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatermarkReport {
    /// The topic, without partition.
    pub topic: String,
    /// The table's directory; none when there is no table yet.
    pub table: Option<String>,
    /// The smallest of its source partitions.
    #[serde(flatten)]
    pub watermarks: Watermarks,
    /// By their names.
    pub source_partitions: BTreeMap<String, SourcePartitionReport>,
    /// By their partition directories.
    pub days: BTreeMap<String, DayReport>,
}

impl WatermarkReport {
    /// The watermark of the time that says the day.
    pub fn of(&self, time: &DayTime) -> Option<DateTime<Utc>> {
        of(&self.watermarks, time)
    }
}

fn of(watermarks: &Watermarks, time: &DayTime) -> Option<DateTime<Utc>> {
    match time {
        DayTime::PublishTime => Some(watermarks.publish_time),
        DayTime::EventTime | DayTime::Field(_) => watermarks.event_time,
    }
}

/// Tells the watermarks of a table.
pub async fn watermark<S: Storage>(
    storage: &S,
    client: &Client,
    subject: &Subject,
    time: &DayTime,
    patience: Duration,
) -> Result<WatermarkReport> {
    let topic = &subject.topic;
    let all = match &subject.table {
        Some(table) => commits::all(storage, table).await?,
        None => Vec::new(),
    };
    ensure!(
        all.iter().all(Commits::ordered),
        "the table of {topic} is written at-least-once: its records are committed in no order, so there is no watermark"
    );
    let table = subject.table.clone().unwrap_or(TableLayout::new("/", "none")?);
    let columns = column_versions(storage, &table).await?.into_values().next_back();
    let mut times = Times::new(time, columns)?;
    let mut source_partitions = BTreeMap::new();
    for (partition, name) in existing_partitions(client, topic).await? {
        let own = own_name(&table, topic, partition)?;
        let commits = of_source_partition(&all, &own);
        // A message that comes later has a later publish time than this, as its producer's clock says.
        let mut backlog = Backlog::new(Utc::now());
        let mark = commits.iter().filter_map(|own| own.mark()).max();
        let mut reader = PartitionReader::open(client, partition, &name, mark.map(Into::into), patience).await?;
        while let Some(message) = reader.next().await? {
            if let Some(version) = message.schema_version.as_ref().filter(|version| times.lack(version)) {
                let found = schema(client, &name, version, patience).await?;
                times.learn(version.clone(), &schema_info(version, found.as_ref())?)?;
            }
            backlog.add(millis(message.publish_time), times.of(&message));
        }
        let report = SourcePartitionReport {
            watermarks: backlog.watermarks(time),
            mark,
            rows: commits.iter().filter_map(|own| own.newest()).map(|newest| newest.total_rows).sum(),
            uncommitted: backlog.count,
            without_time: backlog.without_time,
        };
        source_partitions.insert(own, report);
    }
    let watermarks = smallest(source_partitions.values().map(|own| own.watermarks));
    let watermarks = watermarks.with_context(|| format!("{topic} has no partitions"))?;
    let mut days = days(&all);
    if subject.table.is_some() {
        let there = visible_files(storage, &table).await?.directories;
        days.retain(|directory, _| there.contains(directory));
    }
    for (directory, day) in &mut days {
        day.complete = end_of_directory(directory).map(|end| of(&watermarks, time).is_some_and(|own| own >= end));
    }
    let table = subject.table.as_ref().map(|table| table.root().to_owned());
    Ok(WatermarkReport { topic: topic.clone(), table, watermarks, source_partitions, days })
}

/// Those of a table: the smallest of each kind.
fn smallest(all: impl Iterator<Item = Watermarks>) -> Option<Watermarks> {
    all.reduce(|one, other| Watermarks {
        publish_time: one.publish_time.min(other.publish_time),
        event_time: one.event_time.zip(other.event_time).map(|(one, other)| one.min(other)),
        complete: one.complete && other.complete,
    })
}

/// What is not committed of a source partition.
struct Backlog {
    now: DateTime<Utc>,
    publish_time: DateTime<Utc>,
    time: DateTime<Utc>,
    count: u64,
    without_time: u64,
}

impl Backlog {
    fn new(now: DateTime<Utc>) -> Backlog {
        Backlog { now, publish_time: now, time: now, count: 0, without_time: 0 }
    }

    fn add(&mut self, publish_time: DateTime<Utc>, time: Option<DateTime<Utc>>) {
        self.count += 1;
        self.publish_time = self.publish_time.min(publish_time);
        match time {
            Some(time) => self.time = self.time.min(time),
            None => self.without_time += 1,
        }
    }

    fn watermarks(&self, time: &DayTime) -> Watermarks {
        // Perhaps the table goes by a field, and the message is of any day.
        let unknown = !matches!(time, DayTime::Field(_)) && self.without_time > 0;
        debug_assert!(self.time <= self.now && self.publish_time <= self.now);
        Watermarks {
            publish_time: self.publish_time,
            event_time: (!unknown).then_some(self.time),
            complete: self.count == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn now() -> DateTime<Utc> {
        time("2026-11-02T12:00:00Z")
    }

    #[test]
    fn a_source_partition_without_backlog_is_complete_up_to_now_and_else_up_to_its_smallest_times() {
        let mut backlog = Backlog::new(now());
        let all = Watermarks { publish_time: now(), event_time: Some(now()), complete: true };
        assert_eq!(backlog.watermarks(&DayTime::EventTime), all);
        backlog.add(time("2026-11-02T11:00:00Z"), Some(time("2026-11-05T00:00:00Z")));
        let held = Watermarks { publish_time: time("2026-11-02T11:00:00Z"), event_time: Some(now()), complete: false };
        assert_eq!(backlog.watermarks(&DayTime::EventTime), held);
        backlog.add(time("2026-11-02T11:30:00Z"), Some(time("2026-10-30T00:00:00Z")));
        backlog.add(time("2026-11-02T10:59:00Z"), None);
        let field = backlog.watermarks(&DayTime::Field("a".to_owned()));
        let smallest = (time("2026-11-02T10:59:00Z"), Some(time("2026-10-30T00:00:00Z")));
        assert_eq!((field.publish_time, field.event_time), smallest);
        assert_eq!(backlog.watermarks(&DayTime::EventTime).event_time, None, "it could be of any day");
    }

    #[test]
    fn a_tables_watermarks_are_the_smallest_and_unknown_when_one_is() {
        let mark = |hour: u32, event: bool| {
            let publish_time = time(&format!("2026-11-02T{hour:02}:00:00Z"));
            Watermarks { publish_time, event_time: event.then_some(publish_time), complete: hour > 3 }
        };
        let both = smallest([mark(4, true), mark(3, true)].into_iter()).unwrap();
        assert_eq!(both, mark(3, true));
        assert_eq!(smallest([mark(4, true), mark(5, false)].into_iter()).unwrap().event_time, None);
        assert_eq!(smallest(std::iter::empty()), None);
    }
}
