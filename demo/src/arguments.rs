//! What the demo can be told.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Events through Pulsar into CSV on HDFS, on real services.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Args {
    /// What to run.
    #[arg(long, value_enum, default_value_t = Layers::Full)]
    pub(crate) layers: Layers,
    /// The connector (NAR).
    #[arg(long, value_name = "NAR")]
    pub(crate) connector: PathBuf,
    /// How many events in all.
    #[arg(long, default_value_t = 200_000)]
    pub(crate) count: u64,
    /// Decides everything about the events that is left to chance.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The folder for the report and for what was read back.
    #[arg(long, value_name = "DIR", default_value = "target/demo")]
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Layers {
    /// Pulsar, the sink and HDFS.
    Cold,
    /// Those, Hive, ClickHouse with Pulsar's own sinks, and Superset with its dashboards.
    Full,
}
