//! Up to which time a table has everything: for those who wait for a complete day.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use pulsar_io_hdfs_csv::layout::{TableLayout, parent};
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::schema::column::ColumnType;
use pulsar_io_hdfs_csv::schema::plan::{Plan, RowSettings};
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::schema::writer::{SchemaInfo, WriterSchema};
use pulsar_io_hdfs_csv::storage::Storage;
use serde::Serialize;

use crate::audit::record::frame;
use crate::audit::{Subject, column_versions, own_name};
use crate::commits::{self, Commits, of_source_partition};
use crate::pulsar_client::{Client, partitions};
use crate::time;
use crate::topic::{PartitionReader, StoredMessage, schema};
use crate::verify::visible_files;
use crate::writer_schema::schema_info;

/// Which time says the day that a record belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DayTime {
    /// The time that the producer's client sent it at.
    PublishTime,
    /// The message's event time.
    EventTime,
    /// A field of the record.
    Field(String),
}

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

/// The first moment after a day.
pub fn end_of(day: NaiveDate) -> Option<DateTime<Utc>> {
    Some(day.checked_add_days(Days::new(1))?.and_time(chrono::NaiveTime::MIN).and_utc())
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
    for (partition, name) in partitions(client, topic).await? {
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

fn millis(time: u64) -> DateTime<Utc> {
    let millis = i64::try_from(time).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The times of messages.
struct Times {
    /// The field, if they go by one.
    field: Option<String>,
    plans: HashMap<Vec<u8>, Option<(Plan, ColumnType)>>,
    row: Vec<u8>,
}

impl Times {
    /// A misspelt field would make every day complete: the table must have it.
    fn new(time: &DayTime, table: Option<TableColumns>) -> Result<Times> {
        let field = match time {
            DayTime::Field(name) => Some(name.clone()),
            DayTime::EventTime | DayTime::PublishTime => None,
        };
        if let (Some(name), Some(table)) = (&field, table) {
            let column = table.columns.iter().find(|column| column.name == *name);
            ensure!(
                column.is_some_and(|own| matches!(own.column_type, ColumnType::Timestamp | ColumnType::Date)),
                "the table has no timestamp or date `{name}`; its columns are {}",
                table
                    .columns
                    .iter()
                    .map(|own| format!("{} {}", own.name, own.column_type))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
        }
        Ok(Times { field, plans: HashMap::new(), row: Vec::new() })
    }

    fn lack(&self, version: &[u8]) -> bool {
        self.field.is_some() && !self.plans.contains_key(version)
    }

    fn learn(&mut self, version: Vec<u8>, info: &SchemaInfo) -> Result<()> {
        let plan = match (&self.field, WriterSchema::compile(info)) {
            (Some(name), Ok(schema)) => match schema.columns.iter().find(|column| column.name == *name) {
                Some(column) => {
                    let settings = RowSettings { format: FORMAT, metadata: Vec::new(), partitioning: None };
                    let table = TableColumns { version: 1, columns: vec![column.clone()] };
                    Some((Plan::new(&settings, &schema, &table), column.column_type))
                }
                None if self.plans.is_empty() => bail!("the schema of version {version:?} has no field `{name}`"),
                None => None,
            },
            // Its records are bad.
            _ => None,
        };
        self.plans.insert(version, plan);
        Ok(())
    }

    fn of(&mut self, message: &StoredMessage) -> Option<DateTime<Utc>> {
        if self.field.is_none() {
            return message.event_time.map(millis);
        }
        let (plan, column_type) = self.plans.get(message.schema_version.as_ref()?)?.as_ref()?;
        self.row.clear();
        plan.encode(&frame(message), "", &mut self.row).ok()?;
        let text = std::str::from_utf8(&self.row).ok()?.trim_end();
        match column_type {
            ColumnType::Timestamp => NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok(),
            ColumnType::Date => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(Into::into),
            _ => None,
        }
        .map(|time| time.and_utc())
    }
}

const FORMAT: FileFormat =
    FileFormat { dialect: Dialect::Hive(Hive { delimiter: b',' }), compression: Compression::None };

/// What is committed of each partition directory.
fn days(all: &[Commits]) -> BTreeMap<String, DayReport> {
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
fn end_of_directory(directory: &str) -> Option<DateTime<Utc>> {
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
    use crate::topic::Position as Place;
    use pulsar_io_hdfs_csv::schema::column::Column;

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

    #[test]
    fn the_time_of_a_field_is_read_and_one_that_the_table_lacks_is_an_error() {
        let column = |name: &str, column_type| Column { name: name.to_owned(), column_type };
        let table = |column| TableColumns { version: 1, columns: vec![column] };
        let by = DayTime::Field("when".to_owned());
        assert!(Times::new(&by, Some(table(column("then", ColumnType::Timestamp)))).is_err());
        assert!(Times::new(&by, Some(table(column("when", ColumnType::BigInt)))).is_err());
        let mut times = Times::new(&by, Some(table(column("when", ColumnType::Timestamp)))).unwrap();
        let schema = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},
            {"name":"when","type":["null",{"type":"long","logicalType":"timestamp-millis"}]}]}"#;
        let info = SchemaInfo { schema_type: "AVRO".to_owned(), schema: schema.to_owned(), ..SchemaInfo::default() };
        times.learn(vec![1], &info).unwrap();
        let message = |payload: &[u8]| StoredMessage {
            partition: -1,
            position: Place { ledger: 1, entry: 2, batch_index: 3 },
            publish_time: 5,
            event_time: Some(7),
            key: None,
            key_bytes: None,
            schema_version: Some(vec![1]),
            null_value: false,
            payload: payload.to_vec(),
        };
        assert_eq!(times.of(&message(&[2, 2, 0x80, 0x01])), DateTime::from_timestamp_millis(64));
        assert_eq!(times.of(&message(&[2, 0])), None, "a null");
        assert_eq!(times.of(&message(&[2])), None, "a bad record");
        let mut event_times = Times::new(&DayTime::EventTime, None).unwrap();
        assert_eq!(event_times.of(&message(&[])), DateTime::from_timestamp_millis(7));
        let other = schema.replace("when", "then");
        let info = SchemaInfo { schema: other, ..info };
        assert!(Times::new(&by, None).unwrap().learn(vec![2], &info).is_err());
    }
}
