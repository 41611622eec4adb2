//! Which time a message has.

use std::collections::HashMap;

use anyhow::{Result, bail, ensure};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::row::settings::RowSettings;
use pulsar_io_hdfs_csv::schema::plan::Plan;
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::schema::writer::{SchemaInfo, WriterSchema};
use pulsar_io_hdfs_csv::value::column::ColumnType;

use crate::audit::record::frame;
use crate::topic::StoredMessage;

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

/// The times of messages.
pub struct Times {
    /// The field, if they go by one.
    field: Option<String>,
    plans: HashMap<Vec<u8>, Option<(Plan, ColumnType)>>,
    row: Vec<u8>,
}

impl Times {
    /// A misspelt field would make every day complete: the table must have it.
    pub fn new(time: &DayTime, table: Option<TableColumns>) -> Result<Times> {
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

    /// Whether it has to learn this version's schema.
    pub fn lack(&self, version: &[u8]) -> bool {
        self.field.is_some() && !self.plans.contains_key(version)
    }

    /// Learns a version's schema.
    pub fn learn(&mut self, version: Vec<u8>, info: &SchemaInfo) -> Result<()> {
        let plan = match (&self.field, WriterSchema::compile(info)) {
            (Some(name), Ok(schema)) => match schema.columns().into_iter().find(|column| column.name == *name) {
                Some(column) => {
                    let settings = RowSettings { format: FORMAT, metadata: Vec::new(), partitioning: None };
                    let column_type = column.column_type;
                    let table = TableColumns { version: 1, columns: vec![column] };
                    Some((Plan::new(&settings, &schema, &table), column_type))
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

    /// A message's time; none when it has none, or cannot be decoded.
    pub fn of(&mut self, message: &StoredMessage) -> Option<DateTime<Utc>> {
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

pub(super) fn millis(time: u64) -> DateTime<Utc> {
    let millis = i64::try_from(time).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic::Position as Place;
    use pulsar_io_hdfs_csv::value::column::Column;

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
