//! ClickHouse: a table for each event, which the JDBC sinks fill, what is counted as the rows come, and the views that
//! the dashboards ask.
//!
//! Everything is counted once, in [`activity`]: by hour, event and code. Days are made of the hours, and each view is a
//! query on the one or the other.

mod activity;
#[cfg(test)]
mod engine;
mod events;
mod views;

use anyhow::{Result, ensure};

use super::script::{Script, check_name, quoted};
use super::table::EventTable;

/// The most days that rows can be kept for: ClickHouse computes the end in a type that ends in 2106.
pub const MOST_DAYS: u32 = 10_000;

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct ClickHouse {
    /// The database.
    pub database: String,
    /// For how many days an event's row is kept, at most [`MOST_DAYS`]; for ever when absent. What is counted stays.
    pub keep_days: Option<u32>,
}

/// Hours or days.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grain {
    Hour,
    Day,
}

impl Grain {
    const BOTH: [Grain; 2] = [Grain::Hour, Grain::Day];

    /// The column's name, and what the tables' and views' names end with.
    fn name(self) -> &'static str {
        match self {
            Grain::Hour => "hour",
            Grain::Day => "day",
        }
    }
}

impl ClickHouse {
    /// The statements for these events.
    pub fn script(&self, tables: &[EventTable]) -> Result<Script> {
        check_name("the database", &self.database)?;
        let kept = self.keep_days.is_none_or(|days| (1..=MOST_DAYS).contains(&days));
        ensure!(kept, "rows can be kept for 1 to {MOST_DAYS} days");
        let mut statements = vec![format!("CREATE DATABASE IF NOT EXISTS {}", quoted(&self.database))];
        for table in tables {
            statements.push(self.event_table(table)?);
        }
        statements.extend(self.activity(tables));
        statements.extend(self.views(tables));
        let title = "ClickHouse: the events' tables, what is counted as rows come, and the views of the dashboards.\n\
                     Generated from schemas/ by `hdfs-csv ddl clickhouse`: change it there. It can be run again.";
        Ok(Script { title: title.to_owned(), statements })
    }

    /// A name in the database.
    fn path(&self, name: &str) -> String {
        format!("{}.{}", quoted(&self.database), quoted(name))
    }
}

#[cfg(test)]
mod tests;
