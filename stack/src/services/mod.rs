//! One file for each service; `operate.rs` is what all of them can do.

mod bookie;
mod broker;
mod click_house;
mod cluster;
mod data_node;
mod function_process;
mod functions_worker;
mod hive_metastore;
mod hive_server;
mod journal_node;
mod kdc;
mod kms;
mod local_run;
mod name_node;
mod operate;
mod pulsar;
mod pulsar_program;
mod pulsar_security;
mod standalone;
mod superset;
mod zoo_keeper;

pub use bookie::Bookie;
pub use broker::Broker;
pub use click_house::ClickHouse;
pub use cluster::Cluster;
pub use data_node::DataNode;
pub use functions_worker::FunctionsWorker;
pub use hive_metastore::HiveMetastore;
pub use hive_server::HiveServer;
pub use journal_node::JournalNode;
pub use kdc::Kdc;
pub use kms::Kms;
pub use local_run::LocalRun;
pub use name_node::NameNode;
pub use pulsar::Pulsar;
pub use pulsar_security::{Certificate, Security};
pub use superset::{Superset, SupersetAddress};
pub use zoo_keeper::ZooKeeper;

pub(crate) use kdc::NAME_NODE;
pub(crate) use name_node::{NameNodePorts, Started};
pub(crate) use pulsar::is_of_workers;
pub(crate) use pulsar_program::{PulsarOptions, admin_command};
