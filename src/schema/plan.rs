//! The plan that takes a record of one writer's schema to a row of the table.

use std::collections::HashMap;
use std::sync::Arc;

use crate::decode::avro::Avro;
use crate::decode::{BadRecord, Fields, Put, Reason, Value};
use crate::frame::Record;
use crate::row::Dialect;
use crate::row::file_format::FileFormat;
use crate::row::metadata::Metadata;
use crate::row::partition::{PartitionKey, Partitioning, TimeSource};
use crate::schema::column::{Column, ColumnType};
use crate::schema::table::TableColumns;
use crate::schema::writer::{Format, Input, WriterSchema, open_key_value};

/// How rows are written, the same for every table of a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSettings {
    /// How files are written.
    pub format: FileFormat,
    /// The metadata columns that are on.
    pub metadata: Vec<Metadata>,
    /// The partitioning, if tables have partitions.
    pub partitioning: Option<Partitioning>,
}

/// The columns that rows of this schema want in the table.
pub fn wanted_columns(settings: &RowSettings, schema: &WriterSchema) -> Vec<Column> {
    let metadata = settings.metadata.iter().map(|metadata| metadata.column());
    metadata.chain(schema.columns.iter().cloned()).collect()
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
    dialect: Dialect,
    header: Vec<u8>,
    names: Vec<String>,
    input: Arc<Input>,
    steps: Vec<Step>,
    /// Fields are encoded in the order of their columns, so that they can be written as they are read.
    in_order: bool,
    partitioning: Option<Partitioning>,
    partition_time: PartitionTime,
}

impl Plan {
    /// The plan for columns that [`TableColumns::with`] found to have all that is wanted.
    pub fn new(settings: &RowSettings, schema: &WriterSchema, table: &TableColumns) -> Plan {
        let names: Vec<String> = schema.columns.iter().map(|column| column.name.clone()).collect();
        let field_of: HashMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
        let steps: Vec<Step> = table
            .columns
            .iter()
            .map(|column| {
                let field = field_of.get(column.name.as_str()).copied();
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
            Some(TimeSource::Field(name)) => {
                field_of.get(name.as_str()).copied().map_or(PartitionTime::Missing, PartitionTime::Field)
            }
            Some(TimeSource::EventTime) => PartitionTime::EventTime,
            Some(TimeSource::PublishTime) => PartitionTime::PublishTime,
            None => PartitionTime::Missing,
        };
        Plan {
            version: table.version,
            dialect: settings.format.dialect,
            header: settings.format.dialect.header(table.columns.iter().map(|column| column.name.as_str())),
            in_order: fields.eq(0..names.len()),
            input: Arc::clone(&schema.input),
            names,
            steps,
            partitioning: settings.partitioning.clone(),
            partition_time,
        }
    }

    /// What a file of its rows begins with; empty without a header.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Appends the record's row, its LF included, and tells its partition. On an error the buffer holds part of a row:
    /// the caller cuts it off.
    #[inline]
    pub fn encode(&self, record: &Record<'_>, topic: &str, out: &mut Vec<u8>) -> Result<PartitionKey, BadRecord> {
        match &*self.input {
            Input::Payload(Format::Avro { fields, records }) => {
                self.write(Avro::new(record.payload, fields, records), record, topic, out)
            }
            Input::Payload(format) => self.write(format.open(record.payload)?, record, topic, out),
            Input::KeyValue { key, key_fields, value, separated } => {
                self.write(open_key_value((key, *key_fields, value), *separated, record)?, record, topic, out)
            }
        }
    }

    #[inline]
    fn write<'a>(
        &'a self,
        mut fields: impl Fields<'a>,
        record: &Record<'a>,
        topic: &'a str,
        out: &mut Vec<u8>,
    ) -> Result<PartitionKey, BadRecord> {
        let mut time = match self.partition_time {
            PartitionTime::EventTime => record.event_time,
            PartitionTime::PublishTime => Some(record.publish_time),
            PartitionTime::Field(_) | PartitionTime::Missing => None,
        };
        let start = out.len();
        if self.in_order {
            for step in &self.steps {
                match step.source {
                    Source::Field(field) => {
                        let time = (self.partition_time == PartitionTime::Field(field)).then_some(&mut time);
                        let append = Append { plan: self, step, time, out };
                        fields.next(append).map_err(|reason| self.bad(field, reason))?;
                    }
                    _ => self.append_other(step, record, topic, out)?,
                }
            }
        } else {
            let mut values = Vec::with_capacity(self.names.len());
            for field in 0..self.names.len() {
                values.push(fields.next(Ok).map_err(|reason| self.bad(field, reason))?);
            }
            if let PartitionTime::Field(field) = self.partition_time {
                time = values[field].as_millis();
            }
            for step in &self.steps {
                match step.source {
                    Source::Field(field) => {
                        let value = std::mem::replace(&mut values[field], Value::Null);
                        self.append(step, &value, out).map_err(|reason| self.bad(field, reason))?;
                    }
                    _ => self.append_other(step, record, topic, out)?,
                }
            }
        }
        fields.end().map_err(|reason| BadRecord { reason, detail: "after the last field".to_owned() })?;
        self.dialect.end_row(out, start);
        let partitioning = self.partitioning.as_ref();
        Ok(partitioning.map_or(PartitionKey::Whole, |partitioning| partitioning.key(time, record.publish_time)))
    }

    #[inline(always)]
    fn append(&self, step: &Step, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), Reason> {
        match *value {
            Value::Float(value) if step.widen_to_double => {
                self.dialect.append(out, &Value::Double(f64::from(value)))?
            }
            _ => self.dialect.append(out, value)?,
        }
        out.push(self.dialect.delimiter());
        Ok(())
    }

    /// Appends what is no field of the record.
    fn append_other(&self, step: &Step, record: &Record<'_>, topic: &str, out: &mut Vec<u8>) -> Result<(), BadRecord> {
        let value = match step.source {
            Source::Metadata(metadata) => metadata.value(record, topic),
            Source::Field(_) | Source::Missing => Value::Null,
        };
        let bad = |reason| BadRecord { reason, detail: "a metadata column".to_owned() };
        self.append(step, &value, out).map_err(bad)
    }

    #[cold]
    fn bad(&self, field: usize, reason: Reason) -> BadRecord {
        BadRecord { reason, detail: format!("field `{}`", self.names[field]) }
    }
}

/// Appends a value where it is read.
struct Append<'p> {
    plan: &'p Plan,
    step: &'p Step,
    /// Where the value goes too, if it decides about the partition.
    time: Option<&'p mut Option<i64>>,
    out: &'p mut Vec<u8>,
}

impl<'a> Put<'a> for Append<'_> {
    type Done = ();

    #[inline(always)]
    fn put(self, value: Value<'a>) -> Result<(), Reason> {
        if let Some(time) = self.time {
            *time = value.as_millis();
        }
        self.plan.append(self.step, &value, self.out)
    }
}
