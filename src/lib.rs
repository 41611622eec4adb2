//! A Pulsar IO sink connector that commits typed events to HDFS as CSV, exactly once.
//!
//! A record's way through the rooms: received ([`jni`], [`hand_over`]), given to its source partition ([`sink`]), accepted and
//! put into a batch ([`owner`]), decoded ([`decode`]), made a row ([`row`]), staged and committed ([`protocol`], [`storage`]),
//! acknowledged ([`hand_over`] again). Imports go down the list of rooms only; `CONTRIBUTING.md` has the list.

#![deny(
    clippy::large_futures,
    reason = "a task has room, as long as it lives, for the largest call that it ever waits for"
)]

pub(crate) mod budget;
pub mod config;
pub mod decode;
pub mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod hand_over;
pub(crate) mod hive;
pub(crate) mod jni;
pub(crate) mod metrics;
pub(crate) mod owner;
pub mod position;
pub mod protocol;
pub mod record;
pub mod row;
mod safeguard;
pub mod schema;
pub(crate) mod sink;
mod slots;
pub mod status;
pub mod storage;
pub mod topic;
pub mod value;
