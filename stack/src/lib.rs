//! The services around the sink as plain processes, for the demo, the tests and the benchmarks: Pulsar standalone
//! with its functions worker, or as a cluster, an HDFS NameNode and DataNodes, and, if asked for, Hive, ClickHouse and Superset.
//!
//! ```no_run
//! use hdfs_csv_stack::{Runtime, Stack};
//!
//! let stack = Stack::builder().name("example").data_nodes(1).runtime(Runtime::Thread).start()?;
//! stack.admin().create_tenant("marketplace")?;
//! stack.fs_shell(&["-mkdir", "/tables"])?;
//! stack.name_node()?.restart()?;
//! # Ok::<(), hdfs_csv_stack::Error>(())
//! ```
//!
//! Every service has a file of its own and is started from the real artifacts, which [`artifacts`] pins. Its processes
//! are one process group with a watchdog (`group.rs`), so nothing outlives the process that owns the stack, however
//! that one ends.

mod admin;
pub mod artifacts;
mod browser;
mod builder;
mod cache;
mod debian;
mod error;
mod files;
mod folder;
mod group;
mod hadoop;
mod hdfs;
mod hive;
mod hive_java;
mod hive_tls;
mod java;
mod kerberos;
mod name_service;
mod ports;
mod process;
mod procfs;
mod progress;
pub mod python;
mod services;
mod stack;
mod state;

pub use admin::Admin;
pub use browser::Browser;
pub use builder::{Builder, Runtime};
pub use error::{Error, Result};
pub use folder::{owner, stacks_dir};
pub use hive::{Hive, Row};
pub use progress::Step;
pub use services::{
    Bookie, Broker, Certificate, ClickHouse, Cluster, DataNode, FunctionsWorker, HiveMetastore, HiveServer,
    JournalNode, Kdc, Kms, LocalRun, NameNode, Pulsar, Security, Superset, SupersetAddress, ZooKeeper,
};
pub use stack::Stack;
pub use state::State;
