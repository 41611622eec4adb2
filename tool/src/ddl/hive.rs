//! Hive: an external table on each event's files, and the views that the dashboards ask.

use anyhow::{Result, ensure};
use pulsar_io_hdfs_csv::row::hive::Hive as HiveText;
use pulsar_io_hdfs_csv::row::{Dialect, SerDe};

use super::report::{FUNNEL, ORDERS};
use super::script::{Script, check_name, literal, quoted};
use super::table::{EventTable, USER};
use crate::event::EventKind;

/// The partitions' column: the day of the event, UTC.
const DAY: &str = "dt";

/// A row's text is that of `dialect: hive` with its defaults. All of it is said at once: what an `ALTER TABLE` adds later,
/// partitions that are there already do not have.
fn row_format() -> String {
    let SerDe { class, properties } = Dialect::Hive(HiveText { delimiter: b',' }).ser_de();
    let properties = properties.iter().map(|(name, value)| format!("    {} = {}", literal(name), literal(value)));
    format!(
        "ROW FORMAT SERDE {}
WITH SERDEPROPERTIES (
{}
)
STORED AS TEXTFILE",
        literal(class),
        properties.collect::<Vec<_>>().join(",\n")
    )
}

/// What is counted, of the rows that a view takes together.
const COUNTED: &str = "count(*) AS `events`, count(DISTINCT `user_id`) AS `users`";

fn number(column: &str) -> String {
    format!("cast({column} AS string)")
}

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct Hive {
    /// The database.
    pub database: String,
    /// The directory on HDFS that holds the tables: the sink's `directory`.
    pub location: String,
}

impl Hive {
    /// The statements for these events.
    pub fn script(&self, tables: &[EventTable]) -> Result<Script> {
        check_name("the database", &self.database)?;
        let location = self.location.trim_end_matches('/');
        let absolute = location.starts_with('/') || location.contains("://");
        ensure!(
            absolute,
            "the location '{}' is no directory: give one such as hdfs://namenode:8020/events",
            self.location
        );
        let mut statements = vec![format!("CREATE DATABASE IF NOT EXISTS {}", quoted(&self.database))];
        statements.extend(tables.iter().map(|table| self.event_table(table, location)));
        statements.extend(tables.iter().map(|table| {
            // Partitions whose directories are gone leave the metastore, too.
            format!("MSCK REPAIR TABLE {} SYNC PARTITIONS", self.path(table.name()))
        }));
        statements.extend(self.views(tables));
        let title = "Hive: a table on the files of each event, and the views of the dashboards.\n\
                     Generated from schemas/ by `hdfs-csv ddl hive`: change it there. It can be run again.";
        Ok(Script { title: title.to_owned(), statements })
    }

    fn path(&self, name: &str) -> String {
        format!("{}.{}", quoted(&self.database), quoted(name))
    }

    fn event_table(&self, table: &EventTable, location: &str) -> String {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                format!("    {} {} COMMENT {}", quoted(&column.name), column.column_type, literal(&column.comment))
            })
            .collect();
        format!(
            "CREATE EXTERNAL TABLE IF NOT EXISTS {}
(
{}
)
COMMENT {}
PARTITIONED BY ({} string COMMENT 'Day of the event, UTC')
{}
LOCATION {}
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false')",
            self.path(table.name()),
            columns.join(",\n"),
            literal(&table.comment),
            quoted(DAY),
            row_format(),
            literal(&format!("{location}/{}", table.name()))
        )
    }

    fn views(&self, tables: &[EventTable]) -> Vec<String> {
        let mut views: Vec<String> = tables.iter().filter_map(|table| self.named(table)).collect();
        views.extend([
            self.traffic(tables),
            self.active_users(tables),
            self.codes(tables),
            self.purchase_funnel(tables),
            self.orders(tables),
        ]);
        views
    }

    fn view(&self, name: &str, query: &str) -> String {
        format!("CREATE OR REPLACE VIEW {} AS\n{query}", self.path(name))
    }

    /// An event's rows, with the names of its codes.
    fn named(&self, table: &EventTable) -> Option<String> {
        let coded = table.coded()?;
        let columns: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
        let query = format!(
            "SELECT {}, {} AS {}, {}\nFROM {}",
            columns.join(", "),
            coded.code_name(number),
            quoted(&format!("{}_name", coded.name)),
            quoted(DAY),
            self.path(table.name())
        );
        Some(self.view(&format!("{}_named", table.name()), &query))
    }

    fn traffic(&self, tables: &[EventTable]) -> String {
        let rows = self.rows(tables, |table| vec![(literal(table.name()), "event")]);
        self.counted("traffic", &["event"], COUNTED, &rows)
    }

    fn active_users(&self, tables: &[EventTable]) -> String {
        self.counted("active_users", &[], COUNTED, &self.rows(tables, |_| Vec::new()))
    }

    fn codes(&self, tables: &[EventTable]) -> String {
        let rows = self.rows(tables.iter().filter(|table| table.coded().is_some()), |table| {
            let coded =
                table.coded().map(|column| [(quoted(&column.name), "code"), (column.code_name(number), "code_name")]);
            [(literal(table.name()), "event")].into_iter().chain(coded.into_iter().flatten()).collect()
        });
        self.counted("codes", &["event", "code", "code_name"], COUNTED, &rows)
    }

    fn purchase_funnel(&self, tables: &[EventTable]) -> String {
        let step = |table: &EventTable| FUNNEL.iter().position(|(_, kinds)| kinds.contains(&table.kind));
        let rows = self.rows(tables.iter().filter(|table| step(table).is_some()), |table| {
            let of_step = |at: usize| [((at + 1).to_string(), "step"), (literal(FUNNEL[at].0), "step_name")];
            step(table).map(of_step).into_iter().flatten().collect()
        });
        self.counted("purchase_funnel", &["step", "step_name"], COUNTED, &rows)
    }

    fn orders(&self, tables: &[EventTable]) -> String {
        let rows = self
            .rows(tables.iter().filter(|table| ORDERS.iter().any(|(_, kind)| *kind == table.kind)), |table| {
                vec![(literal(table.name()), "event")]
            });
        let column = |(name, kind): &(&str, EventKind)| {
            format!("count(CASE WHEN `event` = {} THEN 1 END) AS {}", literal(kind.name()), quoted(name))
        };
        let columns: Vec<String> = ORDERS.iter().map(column).collect();
        self.counted("orders", &[], &columns.join(", "), &rows)
    }

    /// A view that counts these rows by day and the further columns.
    fn counted(&self, name: &str, by: &[&str], columns: &str, rows: &str) -> String {
        let by: String = by.iter().map(|column| format!(", {}", quoted(column))).collect();
        let day = quoted(DAY);
        let query = format!(
            "SELECT cast({day} AS date) AS `day`{by}, {columns}\nFROM (\n{rows}\n) `all_rows`\nGROUP BY {day}{by}"
        );
        self.view(&format!("{name}_per_day"), &query)
    }

    /// The rows of these tables, with constants or columns under names of their own. They come together before they are
    /// counted: that is one job, where a count of each table would be as many as there are tables.
    fn rows<'t>(
        &self,
        tables: impl IntoIterator<Item = &'t EventTable>,
        columns: impl Fn(&EventTable) -> Vec<(String, &'static str)>,
    ) -> String {
        let rows = |table: &EventTable| {
            let columns: String =
                columns(table).iter().map(|(value, name)| format!("{value} AS {}, ", quoted(name))).collect();
            format!("    SELECT {}, {columns}{} FROM {}", quoted(DAY), quoted(USER), self.path(table.name()))
        };
        tables.into_iter().map(rows).collect::<Vec<_>>().join("\n    UNION ALL\n")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::ddl::table::event_tables;
    use regex::Regex;

    fn script(location: &str) -> Result<Script> {
        let tables = event_tables(&Catalogue::load()?)?;
        Hive { database: "marketplace".to_owned(), location: location.to_owned() }.script(&tables)
    }

    /// The name of what each statement makes.
    pub(crate) fn made() -> Vec<String> {
        let name =
            Regex::new(r"^CREATE (?:EXTERNAL TABLE IF NOT EXISTS|OR REPLACE VIEW) `marketplace`\.`(\w+)`").unwrap();
        let statements = script("/events").unwrap().statements;
        statements.iter().filter_map(|statement| Some(name.captures(statement)?[1].to_owned())).collect()
    }

    #[test]
    fn a_table_reads_the_files_of_its_event() {
        let statements = script("hdfs://namenode:8020/events/").unwrap().statements;
        let searching = statements.iter().find(|one| one.contains("`searching`\n")).unwrap();
        let expected = r"CREATE EXTERNAL TABLE IF NOT EXISTS `marketplace`.`searching`
(
    `timestamp` timestamp COMMENT 'Time of the event, UTC',
    `user_id` bigint COMMENT 'Id of the user',
    `query` string COMMENT 'What was typed into the search box'
)
COMMENT 'A user used the search box.'
PARTITIONED BY (`dt` string COMMENT 'Day of the event, UTC')
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe'
WITH SERDEPROPERTIES (
    'field.delim' = ',',
    'serialization.format' = ',',
    'escape.delim' = '\\',
    'serialization.null.format' = '\\N',
    'serialization.escape.crlf' = 'true'
)
STORED AS TEXTFILE
LOCATION 'hdfs://namenode:8020/events/searching'
TBLPROPERTIES ('discover.partitions' = 'true', 'external.table.purge' = 'false')";
        assert_eq!(searching, expected);
    }

    #[test]
    fn every_table_has_its_partitions_looked_for_and_views_come_last() {
        let statements = script("/events").unwrap().statements;
        let begin = |with: &str| statements.iter().filter(|one| one.starts_with(with)).count();
        assert_eq!(
            [begin("CREATE EXTERNAL TABLE"), begin("MSCK REPAIR TABLE"), begin("CREATE OR REPLACE VIEW")],
            [21, 21, 10]
        );
        assert!(statements[43..].iter().all(|one| one.starts_with("CREATE OR REPLACE VIEW")));
    }

    #[test]
    fn a_place_that_is_no_directory_is_refused() {
        for location in ["", "events", "/"] {
            assert!(script(location).is_err(), "{location}");
        }
    }
}
