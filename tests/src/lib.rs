//! What the integration tests share: real services, sinks on them, traffic, and the oracles that the tables are held
//! against.
//!
//! A test starts [`Services`], makes a [`Namespace`] and a [`Sink`] on it, produces, waits until the broker has every
//! acknowledgement, and compares the files on HDFS with the topics. The comparison is `tests/oracle/compare.py`, which
//! shares no code with the connector.

pub mod backlog;
mod blocks;
pub mod faults;
pub mod history;
pub mod hostile;
#[cfg(test)]
mod imports;
mod java;
mod jvm;
mod layers;
mod letters;
mod logs;
mod namespace;
mod oracle;
mod outage;
mod page;
mod process;
mod random;
mod relay;
mod services;
mod setting;
mod shared;
mod sink;
mod standstill;
mod traffic;
mod turns;
mod typed;
mod wait;

pub use blocks::Blocks;
pub use java::send_by_java;
pub use jvm::{Jvm, Opened};
pub use layers::{JdbcSink, event_table, hive_tables, make_click_house_tables};
pub use letters::{Letter, letters};
pub use logs::files_below;
pub use namespace::Namespace;
pub use oracle::{Comparison, Place};
pub use outage::Outage;
pub use page::Page;
pub use process::{Usage, Watch, busy_time, memory, processor_time, time_of_threads};
pub use random::Random;
pub use relay::{Holding, Relay, Vanished};
pub use services::Services;
pub use setting::setting;
pub use shared::{QUICK_START, Shared, another_cluster, connector, jdbc_sink, repository};
pub use sink::Sink;
pub use standstill::Standstill;
pub use traffic::{Confirmed, Flow, Traffic};
pub use turns::in_turn;
pub use typed::{Expected, Field, Fields, Typed, encode, long};
pub use wait::{LIMIT, until};
