//! One file for each subcommand.

mod display;
mod down;
mod report;
mod result;
mod run;
mod status;
mod tools;
mod up;

pub(crate) use down::down;
pub(crate) use run::run;
pub(crate) use status::status;
pub(crate) use tools::{dfs, hive, pulsar_admin};
pub(crate) use up::up;
