use super::*;
use crate::catalogue::Catalogue;
use crate::ddl::table::event_tables;
use crate::event::EventKind;
use regex::Regex;

fn script(keep_days: Option<u32>) -> Result<Script> {
    let tables = event_tables(&Catalogue::load()?)?;
    ClickHouse { database: "marketplace".to_owned(), keep_days }.script(&tables)
}

/// The name of what each statement makes.
fn made() -> Vec<String> {
    let name = Regex::new(
        r"^CREATE (?:TABLE IF NOT EXISTS|MATERIALIZED VIEW IF NOT EXISTS|OR REPLACE VIEW) `marketplace`\.`(\w+)`",
    )
    .unwrap();
    let statements = script(None).unwrap().statements;
    assert_eq!(statements[0], "CREATE DATABASE IF NOT EXISTS `marketplace`");
    statements[1..].iter().map(|statement| name.captures(statement).unwrap()[1].to_owned()).collect()
}

/// As SQL's LIKE has it, where `_` is any character; `%` is in no event's name.
fn like(pattern: &str, name: &str) -> bool {
    assert!(!pattern.contains(['%', '\\']));
    pattern.len() == name.len() && pattern.bytes().zip(name.bytes()).all(|(own, other)| own == b'_' || own == other)
}

#[test]
fn the_jdbc_sink_finds_each_events_table_and_no_other() {
    assert!(like("page_visit", "pageXvisit") && !like("page_visit", "page_visits"));
    let mut names = made();
    assert_eq!(names.len(), 60, "{names:?}");
    // Hive has views of these names too: should ClickHouse ever read them, they are in reach of the sink.
    names.extend(crate::ddl::hive::tests::made().into_iter().filter(|name| EventKind::of_name(name).is_none()));
    for kind in EventKind::ALL {
        let found: Vec<&String> = names.iter().filter(|name| like(kind.name(), name)).collect();
        assert_eq!(found, [kind.name()]);
    }
}

#[test]
fn a_table_has_the_types_that_the_jdbc_sink_fills() {
    let statements = script(None).unwrap().statements;
    let filtering = statements.iter().find(|one| one.contains("`marketplace`.`filtering`\n")).unwrap();
    let expected = "CREATE TABLE IF NOT EXISTS `marketplace`.`filtering`
(
    `timestamp` DateTime64(3, 'UTC') COMMENT 'Time of the event, UTC',
    `user_id` Int64 COMMENT 'Id of the user',
    `price_min` Nullable(Float64) COMMENT 'Minimum price; null when not set',
    `price_max` Nullable(Float64) COMMENT 'Maximum price; null when not set',
    `rating_min` Nullable(Float64) COMMENT 'Minimum rating; null when not set',
    `rating_max` Nullable(Float64) COMMENT 'Maximum rating; null when not set'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(`timestamp`)
ORDER BY (toStartOfHour(`timestamp`), `user_id`, `timestamp`)
COMMENT 'A user applied filters or sorting to search results.'";
    assert_eq!(filtering, expected);
}

#[test]
fn rows_are_kept_as_long_as_was_said() {
    let with = script(Some(90)).unwrap().text();
    assert_eq!(with.matches("\nTTL toDateTime(`timestamp`) + toIntervalDay(90)\n").count(), 21);
    assert!(!script(None).unwrap().text().contains("TTL"));
    for days in [0, MOST_DAYS + 1] {
        assert!(script(Some(days)).is_err(), "{days}");
    }
}

#[test]
fn a_semicolon_at_a_lines_end_ends_a_statement_and_no_other_does() {
    let script = script(None).unwrap();
    assert_eq!(script.text().matches(";\n").count(), script.statements.len());
}
