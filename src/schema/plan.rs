//! The plan that takes a record of one writer's schema to a row of the table.

use std::collections::HashMap;
use std::sync::Arc;

use crate::decode::avro::Avro;
use crate::decode::fields::{Fields, NoValues, Put};
use crate::record::Record;
use crate::row::Dialect;
use crate::row::metadata::Metadata;
use crate::row::partition::{PartitionKey, Partitioning, TimeSource};
use crate::row::settings::RowSettings;
use crate::schema::table::TableColumns;
use crate::schema::writer::{Format, Input, WriterSchema, open_key_value};
use crate::value::column::ColumnType;
use crate::value::conversion::{Conversion, Wanted};
use crate::value::{BadRecord, Reason, Value};

/// The columns that rows of this schema want in the table.
pub(crate) fn wanted_columns(settings: &RowSettings, schema: &WriterSchema) -> Vec<Wanted> {
    let metadata = settings.metadata.iter().map(|metadata| Wanted { column: metadata.column(), otherwise: None });
    metadata.chain(schema.wanted.iter().cloned()).collect()
}

/// Why no row of this schema has a partition of its own, if none has.
pub(crate) fn without_partition_time(settings: &RowSettings, schema: &WriterSchema) -> Option<String> {
    let TimeSource::Field(name) = &settings.partitioning.as_ref()?.source else { return None };
    let Some(Wanted { column, .. }) = schema.wanted.iter().find(|wanted| wanted.column.name == *name) else {
        return Some(format!("there is no field `{name}`"));
    };
    match column.column_type {
        ColumnType::Date | ColumnType::Timestamp => None,
        other => Some(format!("field `{name}` is a {other} and no date or timestamp")),
    }
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
    /// For a column of another type than the field's.
    conversion: Option<Conversion>,
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
    pub(crate) version: u64,
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
        let names: Vec<String> = schema.wanted.iter().map(|wanted| wanted.column.name.clone()).collect();
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
                let fit = field.and_then(|field| schema.wanted[field].fit(column.column_type));
                Step { source, conversion: fit.and_then(|(_, conversion)| conversion) }
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
    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    /// Appends the record's row, its LF included, and tells its partition. On an error the buffer holds part of a row:
    /// the caller cuts it off.
    #[inline]
    pub fn encode(&self, record: &Record<'_>, topic: &str, out: &mut Vec<u8>) -> Result<PartitionKey, BadRecord> {
        if record.null_value {
            return self.encode_null_value(record, topic, out);
        }
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

    /// Out of line, so that the loop over other records is compiled as if there were no such record.
    #[cold]
    #[inline(never)]
    fn encode_null_value(
        &self,
        record: &Record<'_>,
        topic: &str,
        out: &mut Vec<u8>,
    ) -> Result<PartitionKey, BadRecord> {
        self.write(NoValues, record, topic, out)
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
        match step.conversion {
            None => self.dialect.append(out, value)?,
            Some(conversion) => self.append_converted(conversion, value, out)?,
        }
        out.push(self.dialect.delimiter());
        Ok(())
    }

    /// Out of line: inlined, it would stand beside each type's way of being read and push that out of the registers.
    #[cold]
    #[inline(never)]
    fn append_converted(&self, conversion: Conversion, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), Reason> {
        self.dialect.append(out, &*conversion.of(value)?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Dialect;
    use crate::row::compression::Compression;
    use crate::row::file_format::FileFormat;
    use crate::row::hive::Hive;
    use crate::row::partition::Unit;
    use crate::schema::writer::SchemaInfo;
    use std::time::Duration;

    #[test]
    fn a_partition_time_that_is_of_no_use_is_said() {
        let schema = r#"{"type":"record","name":"R","fields":[{"name":"at","type":{"type":"int","logicalType":"date"}},
            {"name":"ts","type":"long"}]}"#;
        let info = SchemaInfo { schema_type: "AVRO".to_owned(), schema: schema.to_owned(), ..SchemaInfo::default() };
        let schema = WriterSchema::compile(&info).unwrap();
        let problem = |source: TimeSource| {
            let limit = Duration::from_secs(1);
            let partitioning = Partitioning {
                column: "dt".to_owned(),
                unit: Unit::Day,
                source,
                past_limit: limit,
                future_limit: limit,
            };
            let format =
                FileFormat { dialect: Dialect::Hive(Hive { delimiter: b',' }), compression: Compression::None };
            without_partition_time(&RowSettings { format, metadata: vec![], partitioning: Some(partitioning) }, &schema)
        };
        let field = |name: &str| problem(TimeSource::Field(name.to_owned()));
        assert_eq!(field("ts").as_deref(), Some("field `ts` is a bigint and no date or timestamp"));
        assert_eq!(field("header.time").as_deref(), Some("there is no field `header.time`"));
        assert_eq!((field("at"), problem(TimeSource::EventTime)), (None, None));
    }
}
