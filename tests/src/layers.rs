//! The tables of both layers, Hive's and ClickHouse's, and Pulsar's own sinks that fill ClickHouse's.

use anyhow::{Context, Result, ensure};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::ddl::clickhouse::ClickHouse;
use hdfs_csv_tool::ddl::hive::Hive;
use hdfs_csv_tool::ddl::table::{EventTable, event_tables};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::jdbc_sinks::{SUBSCRIPTION, Settings};
use serde_json::Value;

use crate::namespace::Namespace;
use crate::shared::TENANT;
use crate::wait::{LIMIT, until};

/// The database of the tables that are made by the statements of `hdfs-csv ddl`.
pub const DATABASE: &str = "marketplace";

/// The statements of `hdfs-csv ddl hive` for the tables of these events, in this directory, and the view of how many there are
/// each day.
pub fn hive_tables(kinds: &[EventKind], directory: &str) -> Result<Vec<String>> {
    let hive = Hive { database: DATABASE.to_owned(), location: directory.to_owned() };
    let mut statements = hive.script(&tables(kinds)?)?.statements;
    // The other views are of events that may be missing.
    statements.retain(|one| !one.starts_with("CREATE OR REPLACE VIEW") || one.contains("`traffic_per_day`"));
    Ok(statements)
}

/// Makes all of ClickHouse's tables and views, as `hdfs-csv ddl clickhouse` does.
pub fn make_click_house_tables(namespace: &Namespace<'_>) -> Result<()> {
    let click_house = namespace.services.stack().click_house()?;
    let script = ClickHouse { database: DATABASE.to_owned(), keep_days: None }.script(&tables(EventKind::ALL)?)?;
    script.statements.iter().try_for_each(|statement| click_house.query(statement).map(drop).context("ClickHouse"))
}

/// An event's table, as its schema has it.
pub fn event_table(kind: EventKind) -> Result<EventTable> {
    tables(&[kind])?.into_iter().next().context("an event without a table")
}

fn tables(kinds: &[EventKind]) -> Result<Vec<EventTable>> {
    let mut tables = event_tables(&Catalogue::load()?)?;
    tables.retain(|table| kinds.contains(&table.kind));
    Ok(tables)
}

/// Pulsar's own sink of an event's topic to its table in ClickHouse, as `hdfs-csv sinks` configures it.
pub struct JdbcSink<'a> {
    namespace: &'a Namespace<'a>,
    kind: EventKind,
    name: String,
}

impl<'a> JdbcSink<'a> {
    /// Creates it.
    pub fn create(namespace: &'a Namespace<'a>, table: &EventTable) -> Result<JdbcSink<'a>> {
        let (name, config) = configuration(namespace, table)?;
        namespace.services.stack().admin().create_sink(&namespace.full_name(), &name, &config)?;
        Ok(JdbcSink { namespace, kind: table.kind, name })
    }

    /// Gives it the columns that the table now has. It is stopped meanwhile: an update alone lets the instance of the old
    /// columns go on beside the new one for a moment, and what both receive is in the table twice.
    pub fn update(&self, table: &EventTable) -> Result<()> {
        let (name, config) = configuration(self.namespace, table)?;
        let (admin, namespace) = (self.namespace.services.stack().admin(), self.namespace.full_name());
        admin.stop_sink(&namespace, &name)?;
        until("the JDBC sink has stopped", LIMIT, || {
            let subscription = self.subscription()?;
            let consumers = subscription["consumers"].as_array().map_or(0, Vec::len);
            ensure!(consumers == 0, "{consumers} consumers");
            Ok(())
        })?;
        admin.update_sink(&namespace, &name, &config).with_context(|| config.to_string())?;
        Ok(admin.start_sink(&namespace, &name)?)
    }

    /// How many entries of its topic it has not acknowledged.
    pub fn backlog(&self) -> Result<u64> {
        self.subscription()?["msgBacklog"].as_u64().context("a subscription without a backlog")
    }

    fn subscription(&self) -> Result<Value> {
        let topic = self.namespace.topic(self.kind);
        let mut stats = self.namespace.services.stack().admin().topic_stats(&topic)?;
        let subscription = stats["subscriptions"][SUBSCRIPTION].take();
        ensure!(subscription.is_object(), "{topic} has no subscription {SUBSCRIPTION}");
        Ok(subscription)
    }

    /// Deletes it.
    pub fn delete(self) -> Result<()> {
        Ok(self.namespace.services.stack().admin().delete_sink(&self.namespace.full_name(), &self.name)?)
    }
}

fn configuration(namespace: &Namespace<'_>, table: &EventTable) -> Result<(String, Value)> {
    let port = namespace.services.stack().click_house()?.port();
    let settings = Settings {
        tenant: TENANT.to_owned(),
        namespace: namespace.name.clone(),
        jdbc_url: format!("jdbc:clickhouse://127.0.0.1:{port}/{DATABASE}?compress=0&decompress=0"),
        user: "default".to_owned(),
    };
    Ok(settings.sink(table))
}
