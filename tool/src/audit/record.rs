//! What a record of a topic should be in its table.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Result;
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::record::Record as Frame;
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::row::settings::RowSettings;
use pulsar_io_hdfs_csv::schema::plan::Plan;
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::schema::writer::{SchemaInfo, WriterSchema};

use super::rows::Columns;
use crate::pulsar_client::Client;
use crate::topic::{PartitionReader, StoredMessage, schema};
use crate::writer_schema::schema_info;

/// The dialect in which expected rows are written before they are read back; any would do.
const DIALECT: Dialect = Dialect::Hive(Hive { delimiter: b',' });

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A row with this hash.
    Row(u64),
    /// No row can be made of it: a bad record.
    Bad,
    /// No row can be made of it, and it has no bytes: a tombstone, or a bad record.
    Empty,
}

/// A record of a source partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// Milliseconds since 1970.
    pub publish_time: i64,
    /// What becomes of it.
    pub fate: Fate,
}

/// A source partition's records, to be read as often as is wanted.
pub trait Records {
    /// Hands the records behind this position on, in order, up to the one that is the last now or until it is told to stop.
    fn read(
        &mut self,
        after: Option<Position>,
        each: impl FnMut(Record) -> ControlFlow<()>,
    ) -> impl Future<Output = Result<()>>;
}

/// From a message to the row that it should give: decoded by its writer's schema with the connector's own decoder.
pub struct Expected {
    table: TableColumns,
    columns: Columns,
    partition_column: Option<String>,
    /// Whether messages without a value are rows.
    pub null_values_are_rows: bool,
    plans: HashMap<Vec<u8>, Option<Plan>>,
    row: Vec<u8>,
}

impl Expected {
    /// For a table of these columns, whose partition directories are named by this column.
    pub fn new(table: TableColumns, columns: Columns, partition_column: Option<String>) -> Expected {
        let (plans, row) = (HashMap::new(), Vec::new());
        Expected { table, columns, partition_column, null_values_are_rows: false, plans, row }
    }

    /// Whether it knows the schema of this version.
    pub fn knows(&self, version: &[u8]) -> bool {
        self.plans.contains_key(version)
    }

    /// Learns the schema of a version.
    pub fn learn(&mut self, version: Vec<u8>, info: &SchemaInfo) {
        let plan = self.plan(info);
        self.plans.insert(version, plan);
    }

    /// None when the sink writes no rows of this schema into this table.
    fn plan(&self, info: &SchemaInfo) -> Option<Plan> {
        let schema = WriterSchema::compile(info).ok()?;
        let is_partition =
            |name: &str| self.partition_column.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name));
        if schema.columns().iter().any(|column| is_partition(&column.name)) {
            return None;
        }
        // Columns that the table lacks are those of records that are not committed yet.
        let columns = self.table.with_columns_of(&schema).ok()?.unwrap_or_else(|| self.table.columns.clone());
        let format = FileFormat { dialect: DIALECT, compression: Compression::None };
        // Without metadata columns: those of the table are NULL, and are not compared.
        let settings = RowSettings { format, metadata: Vec::new(), partitioning: None };
        Some(Plan::new(&settings, &schema, &TableColumns { version: self.table.version, columns }))
    }

    /// What becomes of a message. Its schema must be known.
    pub fn fate(&mut self, message: &StoredMessage) -> Fate {
        let bad = if message.payload.is_empty() { Fate::Empty } else { Fate::Bad };
        let plan = message.schema_version.as_ref().and_then(|version| self.plans.get(version)).and_then(Option::as_ref);
        let Some(plan) = plan else { return bad };
        let (rows_of_nulls, columns, row) = (self.null_values_are_rows, &self.columns, &mut self.row);
        let mut hash = |null_value| {
            row.clear();
            plan.encode(&Frame { null_value, ..frame(message) }, "", row).ok()?;
            Some(columns.read(DIALECT, row.strip_suffix(b"\n").unwrap_or(row)).hash)
        };
        // Of a message in a batch the client does not tell that it has no value.
        let may_be_null = message.null_value || message.payload.is_empty();
        let of_value = if message.null_value { None } else { hash(false) };
        let found = of_value.or_else(|| if may_be_null && rows_of_nulls { hash(true) } else { None });
        found.map_or(bad, Fate::Row)
    }
}

/// A message as the connector's decoder takes it.
pub fn frame(message: &StoredMessage) -> Frame<'_> {
    Frame {
        publish_time: millis(message.publish_time),
        event_time: message.event_time.map(millis),
        key: message.key_bytes.as_deref(),
        ..Frame::plain(message.position.into(), &message.payload)
    }
}

fn millis(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// A source partition at the broker.
pub struct Topic<'c> {
    /// The client.
    pub client: &'c Client,
    /// The partition; -1 in a topic without partitions.
    pub partition: i32,
    /// The full name of the topic, or of its partition.
    pub name: String,
    /// The longest wait for the broker.
    pub patience: Duration,
    /// What becomes of its messages.
    pub expected: Expected,
}

impl Records for Topic<'_> {
    async fn read(&mut self, after: Option<Position>, mut each: impl FnMut(Record) -> ControlFlow<()>) -> Result<()> {
        let after = after.map(Into::into);
        let mut reader = PartitionReader::open(self.client, self.partition, &self.name, after, self.patience).await?;
        while let Some(message) = reader.next().await? {
            if let Some(version) = message.schema_version.as_ref().filter(|version| !self.expected.knows(version)) {
                let found = schema(self.client, &self.name, version, self.patience).await?;
                self.expected.learn(version.clone(), &schema_info(version, found.as_ref())?);
            }
            let fate = self.expected.fate(&message);
            let record = Record { position: message.position.into(), publish_time: millis(message.publish_time), fate };
            if each(record).is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topic::Position as Place;
    use pulsar_io_hdfs_csv::value::column::{Column, ColumnType};
    use std::collections::BTreeMap;

    fn expected(columns: &[(&str, ColumnType)], partition_column: Option<&str>) -> Expected {
        let column =
            |(name, column_type): &(&str, ColumnType)| Column { name: (*name).to_owned(), column_type: *column_type };
        let table = TableColumns { version: 1, columns: columns.iter().map(column).collect() };
        let columns = Columns::new(&BTreeMap::from([(1, table.clone())]));
        let mut expected = Expected::new(table, columns, partition_column.map(str::to_owned));
        let schema = r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"},{"name":"b","type":["null","int"]}]}"#;
        let info = SchemaInfo { schema_type: "AVRO".to_owned(), schema: schema.to_owned(), ..SchemaInfo::default() };
        expected.learn(vec![0], &info);
        expected
    }

    fn message(payload: &[u8]) -> StoredMessage {
        StoredMessage {
            partition: -1,
            position: Place { ledger: 1, entry: 2, batch_index: 3 },
            publish_time: 5,
            event_time: None,
            key: None,
            key_bytes: None,
            schema_version: Some(vec![0]),
            null_value: false,
            payload: payload.to_vec(),
        }
    }

    const A_COMMA: &[u8] = &[4, b'a', b',', 2, 14];

    #[test]
    fn a_good_message_gives_the_hash_of_the_row_that_the_table_has_of_it() {
        let columns = [("_ledger_id", ColumnType::BigInt), ("a", ColumnType::String), ("b", ColumnType::Int)];
        let mut expected = expected(&columns, Some("dt"));
        let rfc4180 = Dialect::Rfc4180(pulsar_io_hdfs_csv::row::rfc4180::Rfc4180 { delimiter: b',', header: false });
        let hash = expected.columns.read(rfc4180, b"1,\"a,\",7").hash;
        assert_eq!(expected.fate(&message(A_COMMA)), Fate::Row(hash));
        let other = expected.columns.read(rfc4180, b"1,\"a,\",").hash;
        assert_ne!(expected.fate(&message(A_COMMA)), Fate::Row(other));
    }

    #[test]
    fn a_message_that_the_sink_drops_has_no_row() {
        let fits = [("a", ColumnType::String), ("b", ColumnType::Int)];
        let mut good = expected(&fits, None);
        assert_eq!(good.fate(&message(&A_COMMA[..4])), Fate::Bad);
        assert_eq!(good.fate(&message(b"")), Fate::Empty);
        assert_eq!(good.fate(&StoredMessage { schema_version: None, ..message(A_COMMA) }), Fate::Bad);
        let another = [("a", ColumnType::Date), ("b", ColumnType::Int)];
        assert_eq!(expected(&another, None).fate(&message(A_COMMA)), Fate::Bad);
        assert_eq!(expected(&fits, Some("B")).fate(&message(A_COMMA)), Fate::Bad);
    }

    #[test]
    fn a_message_without_a_value_has_a_row_where_such_messages_are_rows() {
        let columns = [("a", ColumnType::String), ("b", ColumnType::Int)];
        let null = StoredMessage { null_value: true, ..message(b"") };
        let mut expected = expected(&columns, None);
        assert_eq!(expected.fate(&null), Fate::Empty);
        expected.null_values_are_rows = true;
        let rfc4180 = Dialect::Rfc4180(pulsar_io_hdfs_csv::row::rfc4180::Rfc4180 { delimiter: b',', header: false });
        let hash = expected.columns.read(rfc4180, b",").hash;
        // In a batch it looks like one of no bytes.
        assert_eq!([expected.fate(&null), expected.fate(&message(b""))], [Fate::Row(hash); 2]);
        assert_eq!(expected.fate(&message(&A_COMMA[..4])), Fate::Bad);
    }

    #[test]
    fn a_message_with_columns_that_the_table_has_not_yet_has_a_row() {
        assert!(matches!(expected(&[("a", ColumnType::String)], None).fate(&message(A_COMMA)), Fate::Row(_)));
        assert!(matches!(expected(&[], None).fate(&message(A_COMMA)), Fate::Row(_)));
    }
}
