//! The connector's way from a schema and a payload to a row.

use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::record::Record;
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::row::settings::RowSettings;
use pulsar_io_hdfs_csv::schema::plan::Plan;
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::schema::writer::{PartInfo, SchemaInfo, WriterSchema};

use crate::hive_text::read_row;

/// What rows of one schema are made by, in the order of its fields, for Hive.
#[derive(Debug)]
pub struct Rows(Plan);

impl Rows {
    /// Those of this schema; why there are none.
    pub fn of(info: &SchemaInfo) -> Result<Rows, String> {
        Self::of_columns(info, false)
    }

    /// Those of a table whose columns stand in the reverse order: they are written by another way than what is read in order.
    pub fn reversed(info: &SchemaInfo) -> Result<Rows, String> {
        Self::of_columns(info, true)
    }

    fn of_columns(info: &SchemaInfo, reversed: bool) -> Result<Rows, String> {
        let schema = WriterSchema::compile(info).map_err(|why| why.to_string())?;
        let format = FileFormat { dialect: Dialect::Hive(Hive { delimiter: b',' }), compression: Compression::None };
        let settings = RowSettings { format, metadata: Vec::new(), partitioning: None };
        let mut columns = schema.columns();
        if reversed {
            columns.reverse();
        }
        Ok(Rows(Plan::new(&settings, &schema, &TableColumns { version: 1, columns })))
    }

    /// The row of a payload; the name of the reason why it has none, and what is said besides.
    pub fn encode(&self, key: Option<&[u8]>, payload: &[u8]) -> Result<Vec<u8>, String> {
        let record = Record { key, ..Record::plain(Position { ledger: 1, entry: 2, batch_index: 3 }, payload) };
        let mut row = Vec::new();
        self.0.encode(&record, "t", &mut row).map_err(|bad| bad.to_string())?;
        Ok(row)
    }

    /// The fields of that row, as Hive reads them.
    pub fn fields(&self, key: Option<&[u8]>, payload: &[u8]) -> Result<Vec<Option<String>>, String> {
        let row = String::from_utf8(self.encode(key, payload)?).expect("a row is UTF-8");
        Ok(read_row(&row, ',').expect("a row is one line"))
    }
}

/// A schema of this type.
pub fn info(schema_type: &str, schema: &str) -> SchemaInfo {
    SchemaInfo { schema_type: schema_type.to_owned(), schema: schema.to_owned(), ..SchemaInfo::default() }
}

/// A part of a KeyValue schema.
pub fn part(schema_type: &str, schema: &str) -> PartInfo {
    PartInfo { schema_type: schema_type.to_owned(), schema: schema.to_owned() }
}
