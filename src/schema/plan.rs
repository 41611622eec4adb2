//! The plan that takes a record of one writer's schema to a row of the table.

use crate::decode::avro::{Op, Reader};
use crate::decode::{BadRecord, Reason, Value};
use crate::frame::Record;
use crate::row::hive::Hive;
use crate::row::metadata::Metadata;
use crate::row::partition::{PartitionKey, Partitioning, TimeSource};
use crate::schema::column::{Column, ColumnType};
use crate::schema::table::TableColumns;
use crate::schema::writer::WriterSchema;

/// How rows are written, the same for every table of a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSettings {
    /// The dialect.
    pub dialect: Hive,
    /// The metadata columns that are on.
    pub metadata: Vec<Metadata>,
    /// The partitioning, if tables have partitions.
    pub partitioning: Option<Partitioning>,
}

impl RowSettings {
    /// What the rows of one file must have in common. Columns are not in it: new ones stand at the end, and a row that
    /// lacks them reads as NULL.
    pub fn format(&self) -> String {
        format!("hive {:02x}", self.dialect.delimiter)
    }
}

/// The columns that rows of this schema want in the table.
pub fn wanted_columns(settings: &RowSettings, schema: &WriterSchema) -> Vec<Column> {
    let metadata = settings.metadata.iter().map(|metadata| metadata.column());
    metadata.chain(schema.fields.iter().map(|field| field.column.clone())).collect()
}

/// Where a column's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Field(usize),
    Metadata(Metadata),
    Missing,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    source: Source,
    /// The column is a double, whatever the writer's field is.
    widen_to_double: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartitionTime {
    Field(usize),
    EventTime,
    PublishTime,
    Missing,
}

/// From one writer's schema to one version of a table's columns.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The version of the columns that rows are written under.
    pub version: u64,
    dialect: Hive,
    names: Vec<String>,
    ops: Vec<Op>,
    steps: Vec<Step>,
    /// Fields are encoded in the order of their columns, so that they can be written as they are read.
    in_order: bool,
    partitioning: Option<Partitioning>,
    partition_time: PartitionTime,
}

impl Plan {
    /// The plan for columns that [`TableColumns::with`] found to have all that is wanted.
    pub fn new(settings: &RowSettings, schema: &WriterSchema, table: &TableColumns) -> Plan {
        let steps: Vec<Step> = table
            .columns
            .iter()
            .map(|column| {
                let field = schema.fields.iter().position(|field| field.column.name == column.name);
                let metadata = settings.metadata.iter().find(|metadata| metadata.name() == column.name);
                let source = match (field, metadata) {
                    (Some(field), _) => Source::Field(field),
                    (None, Some(metadata)) => Source::Metadata(*metadata),
                    (None, None) => Source::Missing,
                };
                Step { source, widen_to_double: column.column_type == ColumnType::Double }
            })
            .collect();
        let fields = steps.iter().filter_map(|step| match step.source {
            Source::Field(field) => Some(field),
            _ => None,
        });
        let partition_time = match settings.partitioning.as_ref().map(|partitioning| &partitioning.source) {
            Some(TimeSource::Field(name)) => schema
                .fields
                .iter()
                .position(|field| field.column.name == *name)
                .map_or(PartitionTime::Missing, PartitionTime::Field),
            Some(TimeSource::EventTime) => PartitionTime::EventTime,
            Some(TimeSource::PublishTime) => PartitionTime::PublishTime,
            None => PartitionTime::Missing,
        };
        Plan {
            version: table.version,
            dialect: settings.dialect,
            names: schema.fields.iter().map(|field| field.column.name.clone()).collect(),
            ops: schema.fields.iter().map(|field| field.op).collect(),
            in_order: fields.eq(0..schema.fields.len()),
            steps,
            partitioning: settings.partitioning.clone(),
            partition_time,
        }
    }

    /// Appends the record's row, its LF included, and tells its partition. On an error the buffer holds part of a row:
    /// the caller cuts it off.
    #[inline]
    pub fn encode(&self, record: &Record<'_>, topic: &str, out: &mut Vec<u8>) -> Result<PartitionKey, BadRecord> {
        let mut reader = Reader::new(record.payload);
        let mut time = match self.partition_time {
            PartitionTime::EventTime => record.event_time,
            PartitionTime::PublishTime => Some(record.publish_time),
            PartitionTime::Field(_) | PartitionTime::Missing => None,
        };
        if self.in_order {
            for step in &self.steps {
                let value = match step.source {
                    Source::Field(field) => self.read(field, &mut reader, &mut time)?,
                    Source::Metadata(metadata) => metadata.value(record, topic),
                    Source::Missing => Value::Null,
                };
                self.append(step, value, out)?;
            }
        } else {
            let mut values = Vec::with_capacity(self.ops.len());
            for field in 0..self.ops.len() {
                values.push(self.read(field, &mut reader, &mut time)?);
            }
            for step in &self.steps {
                let value = match step.source {
                    Source::Field(field) => values[field],
                    Source::Metadata(metadata) => metadata.value(record, topic),
                    Source::Missing => Value::Null,
                };
                self.append(step, value, out)?;
            }
        }
        if reader.remaining() > 0 {
            let detail = format!("{} bytes are left over after the last field", reader.remaining());
            return Err(BadRecord { reason: Reason::TrailingBytes, detail });
        }
        // Each field left its delimiter; the last one's becomes the row's end.
        out.pop();
        out.push(b'\n');
        let partitioning = self.partitioning.as_ref();
        Ok(partitioning.map_or(PartitionKey::Whole, |partitioning| partitioning.key(time, record.publish_time)))
    }

    #[inline]
    fn read<'a>(&self, field: usize, reader: &mut Reader<'a>, time: &mut Option<i64>) -> Result<Value<'a>, BadRecord> {
        let value = self.ops[field].read(reader).map_err(|reason| self.bad(field, reason))?;
        if self.partition_time == PartitionTime::Field(field) {
            *time = value.as_millis();
        }
        Ok(value)
    }

    #[inline]
    fn append(&self, step: &Step, value: Value<'_>, out: &mut Vec<u8>) -> Result<(), BadRecord> {
        let value = match value {
            Value::Float(value) if step.widen_to_double => Value::Double(f64::from(value)),
            value => value,
        };
        self.dialect.append(out, value).map_err(|reason| match step.source {
            Source::Field(field) => self.bad(field, reason),
            _ => BadRecord { reason, detail: "a metadata column".to_owned() },
        })?;
        out.push(self.dialect.delimiter);
        Ok(())
    }

    #[cold]
    fn bad(&self, field: usize, reason: Reason) -> BadRecord {
        BadRecord { reason, detail: format!("field `{}`", self.names[field]) }
    }
}
