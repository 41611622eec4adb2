//! What `hdfs-csv` is made of, as a library: the events and their schemas, a seeded simulation of a
//! marketplace's traffic, sending to and reading from Pulsar topics, the sink configurations, and the tables of Hive and
//! ClickHouse.

pub mod access;
pub mod audit;
pub mod catalogue;
pub mod chunks;
pub mod command;
pub mod commits;
pub mod configuration;
pub mod ddl;
pub mod encode;
pub mod event;
pub mod generated;
pub mod hdfs;
pub mod jdbc_sinks;
#[cfg(test)]
mod links;
pub mod produce;
pub mod publish;
pub mod pulsar_client;
pub mod record;
pub mod replay;
pub mod sinks;
pub mod status;
pub mod time;
pub mod topic;
pub mod traffic;
#[cfg(test)]
mod troubleshooting;
pub mod verify;
pub mod watermark;
pub mod writer_schema;
