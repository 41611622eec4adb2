//! What is counted as rows come: events and distinct users, by hour, event and code; days are made of the hours.

use super::{ClickHouse, Grain};
use crate::ddl::script::{literal, quoted};
use crate::ddl::table::{EventTable, TIME, USER};

impl Grain {
    /// The table that counts by hour or by day.
    pub(super) fn activity(self) -> String {
        format!("activity_by_{}", self.name())
    }
}

impl ClickHouse {
    /// The two tables, and the materialized views that fill them. Days come before hours: nothing that is counted by hour
    /// is to be missing by day.
    pub(super) fn activity(&self, tables: &[EventTable]) -> Vec<String> {
        let mut statements = vec![
            self.activity_table(Grain::Hour, "DateTime('UTC')"),
            self.activity_table(Grain::Day, "Date"),
            self.hours_to_days(),
        ];
        statements.extend(tables.iter().map(|table| self.events_to_hours(table)));
        statements
    }

    fn activity_table(&self, grain: Grain, time_type: &str) -> String {
        let time = quoted(grain.name());
        let comment = format!("Events and distinct users by {}, event and code, counted as rows come.", grain.name());
        format!(
            "CREATE TABLE IF NOT EXISTS {}
(
    {time} {time_type} COMMENT 'When, UTC',
    `event` LowCardinality(String) COMMENT 'The event: its table',
    `code` Int32 COMMENT 'The value of the event\\'s field of codes; 0 for an event without one',
    `events` SimpleAggregateFunction(sum, UInt64) COMMENT 'How many',
    `users` AggregateFunction(uniq, Int64) COMMENT 'Of how many users: uniqMerge(users)'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM({time})
ORDER BY ({time}, `event`, `code`)
COMMENT {}",
            self.path(&grain.activity()),
            literal(&comment)
        )
    }

    fn hours_to_days(&self) -> String {
        let (hours, days) = (Grain::Hour.activity(), Grain::Day.activity());
        format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {} TO {} AS
SELECT toDate(`hour`) AS `day`, `event`, `code`, sum(`events`) AS `events`, uniqMergeState(`users`) AS `users`
FROM {}
GROUP BY `day`, `event`, `code`",
            self.path(&format!("{hours}_to_day")),
            self.path(&days),
            self.path(&hours)
        )
    }

    fn events_to_hours(&self, table: &EventTable) -> String {
        let hours = Grain::Hour.activity();
        let code = table.coded().map_or("toInt32(0)".to_owned(), |column| quoted(&column.name));
        format!(
            "CREATE MATERIALIZED VIEW IF NOT EXISTS {} TO {} AS
SELECT toStartOfHour({}) AS `hour`, {} AS `event`, {code} AS `code`, count() AS `events`, uniqState({}) AS `users`
FROM {}
GROUP BY `hour`, `code`",
            self.path(&format!("{}_to_{hours}", table.name())),
            self.path(&hours),
            quoted(TIME),
            literal(table.name()),
            quoted(USER),
            self.path(table.name())
        )
    }
}
