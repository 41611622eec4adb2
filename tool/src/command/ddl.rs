//! `hdfs-csv ddl`.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::catalogue::Catalogue;
use crate::ddl::clickhouse::{ClickHouse, MOST_DAYS};
use crate::ddl::hive::Hive;
use crate::ddl::script::Script;
use crate::ddl::table::event_tables;

/// Prints the SQL of the events' tables and of the dashboards' views.
#[derive(Debug, Parser)]
pub struct Ddl {
    #[command(subcommand)]
    engine: Engine,
}

#[derive(Debug, Subcommand)]
enum Engine {
    /// External tables on the sink's files, and views.
    Hive {
        /// The database.
        #[arg(long, default_value = "marketplace")]
        database: String,
        /// The directory on HDFS that holds the tables: the sink's `directory`, with the file system if Hive's default is
        /// another.
        #[arg(long, value_name = "URL", default_value = "/events")]
        location: String,
    },
    /// Tables for the JDBC sinks, what is counted as rows come, and views.
    Clickhouse {
        /// The database.
        #[arg(long, default_value = "marketplace")]
        database: String,
        /// Deletes an event's row so many days after the event; what was counted stays. Never when absent.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
        keep_days: Option<u32>,
    },
}

impl Ddl {
    /// The statements that the options say.
    pub fn script(self) -> Result<Script> {
        let tables = event_tables(&Catalogue::load()?)?;
        match self.engine {
            Engine::Hive { database, location } => Hive { database, location }.script(&tables),
            Engine::Clickhouse { database, keep_days } => ClickHouse { database, keep_days }.script(&tables),
        }
    }

    pub(super) fn run(self) -> Result<()> {
        print!("{}", self.script()?.text());
        Ok(())
    }
}
