//! A Pulsar IO sink connector that commits typed events to HDFS as CSV, exactly once.
//!
//! A record's way through the modules: received ([`frame`]), decoded ([`decode`]), a row ([`row`]), part of a batch
//! ([`batch`]), staged ([`stage`]), committed ([`commit`], [`recovery`]), acknowledged ([`acknowledge`]).

pub mod acknowledge;
pub mod batch;
pub mod budget;
pub mod cleaning;
pub mod commit;
pub mod config;
pub mod decode;
pub mod error;
pub mod frame;
pub mod hive;
pub mod jni;
pub mod layout;
pub mod log;
pub mod manifest;
pub mod metrics;
pub mod position;
pub mod pruning;
pub mod recovery;
pub mod reset;
pub mod row;
mod safeguard;
mod schedule;
pub mod schema;
pub mod sink;
pub mod source_partition;
pub mod stage;
pub mod storage;
pub mod topic;
