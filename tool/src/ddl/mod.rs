//! The tables around the sink, made from the events' schemas: what Hive needs to read the files, and what ClickHouse
//! needs to take the events and to answer the dashboards.
//!
//! Both engines have views of the same names and columns, so that a dashboard over days is the same query on either.

pub mod clickhouse;
pub mod hive;
pub mod report;
pub mod script;
pub mod table;
