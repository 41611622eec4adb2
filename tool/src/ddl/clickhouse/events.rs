//! The tables that the JDBC sinks fill.

use anyhow::{Result, bail};
use pulsar_io_hdfs_csv::decode::types::Kind;

use super::ClickHouse;
use crate::ddl::script::{literal, quoted};
use crate::ddl::table::{EventColumn, EventTable, TIME, USER};

impl ClickHouse {
    /// Months as partitions: an insert may touch a hundred at most, and a batch of a quiet topic's backlog spans that many
    /// days at once. Within a month rows are ordered by hour, so that a query of the last hours reads only these, and within
    /// an hour by user, so that a user's way is in one place. The time itself must not be in the key: ClickHouse would look
    /// for it there instead of for its hour, and read the whole month.
    pub(super) fn event_table(&self, table: &EventTable) -> Result<String> {
        let columns = table.columns.iter().map(column).collect::<Result<Vec<_>>>()?;
        let (time, user) = (quoted(TIME), quoted(USER));
        let ttl = self.keep_days.map(|days| format!("TTL toDateTime({time}) + toIntervalDay({days})\n"));
        Ok(format!(
            "CREATE TABLE IF NOT EXISTS {}
(
{}
)
ENGINE = MergeTree
PARTITION BY toYYYYMM({time})
ORDER BY (toStartOfHour({time}), {user})
{}COMMENT {}",
            self.path(table.name()),
            columns.join(",\n"),
            ttl.unwrap_or_default(),
            literal(&table.comment)
        ))
    }
}

fn column(column: &EventColumn) -> Result<String> {
    let own = column_type(column)?;
    let own = if column.nullable { format!("Nullable({own})") } else { own.to_owned() };
    Ok(format!("    {} {own} COMMENT {}", quoted(&column.name), literal(&column.comment)))
}

/// The type that takes what Pulsar's JDBC sink sends: it knows Avro's types only, so a timestamp comes as its number.
fn column_type(column: &EventColumn) -> Result<&'static str> {
    Ok(match column.kind {
        Kind::Boolean => "Bool",
        Kind::Int => "Int32",
        Kind::Long => "Int64",
        Kind::Float => "Float32",
        Kind::Double => "Float64",
        Kind::String | Kind::Enum(_) => "String",
        Kind::TimestampMillis => "DateTime64(3, 'UTC')",
        _ => bail!(
            "Pulsar's JDBC sink cannot write `{}`, which is {:?}: only booleans, numbers, strings, enums and timestamp-millis",
            column.name,
            column.kind
        ),
    })
}
