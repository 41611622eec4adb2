//! One file for each service; `operate.rs` is what all of them can do.

mod click_house;
mod data_node;
mod function_process;
mod hive_metastore;
mod hive_server;
mod journal_node;
mod kdc;
mod kms;
mod local_run;
mod name_node;
mod operate;
mod pulsar;
mod pulsar_security;
mod superset;

pub use click_house::ClickHouse;
pub use data_node::DataNode;
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

pub(crate) use kdc::NAME_NODE;
pub(crate) use name_node::{NameNodePorts, Started};
pub(crate) use pulsar::{PulsarOptions, admin_command};
