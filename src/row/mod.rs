//! A row: the CSV line of a record, and the partition directory that it belongs in.

pub mod hive;
pub mod metadata;
pub mod partition;
pub mod text;
pub mod time;
