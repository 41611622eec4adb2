//! What the configuration means: only valid states.

use std::time::Duration;

use serde::Deserialize;

use crate::hive::HiveSettings;
use crate::row::settings::RowSettings;
use crate::storage::hdfs::HdfsSettings;

/// What is promised of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarantee {
    /// It is in the table once.
    ExactlyOnce,
    /// It is in the table, perhaps more than once.
    AtLeastOnce,
}

/// What happens to a record that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnBadRecord {
    /// It goes to a dead-letter topic.
    DeadLetter,
    /// It is counted.
    Skip,
    /// The sink ends, after what precedes it is committed.
    Fail,
}

/// What happens to a message without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnNullValue {
    /// It is counted.
    Skip,
    /// It goes to a dead-letter topic.
    DeadLetter,
    /// It is a row of NULLs.
    Row,
}

/// What the functions worker says about the sink.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SinkSettings {
    pub(crate) tenant: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// The Pulsar cluster that it runs in, if that is known.
    #[serde(default)]
    pub(crate) cluster: Option<String>,
    /// The number of this instance.
    #[serde(default)]
    pub(crate) instance: u32,
    /// Its subscription's name.
    pub(crate) subscription: String,
    /// ATLEAST_ONCE, ATMOST_ONCE, EFFECTIVELY_ONCE or MANUAL.
    pub(crate) processing_guarantees: String,
    /// Whether the subscription goes when the sink is deleted.
    #[serde(default)]
    pub(crate) cleanup_subscription: Option<bool>,
    /// Where a new subscription begins.
    #[serde(default)]
    pub(crate) subscription_position: Option<String>,
    /// Whether whoever hands over looks into gaps, and answers what stands in them.
    #[serde(default)]
    pub(crate) looks_into_gaps: bool,
    /// The topics that it reads by name.
    #[serde(default)]
    pub(crate) inputs: Vec<String>,
    /// After how many milliseconds without an acknowledgement the client asks for a record again.
    #[serde(default)]
    pub(crate) timeout_ms: Option<u64>,
}

/// A configuration: only valid states.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    /// What the functions worker says.
    pub(crate) sink: SinkSettings,
    /// The directory's path on HDFS.
    pub(crate) directory: String,
    /// How to reach HDFS.
    pub(crate) hdfs: HdfsSettings,
    /// The table's name, with placeholders.
    pub(crate) table_name_pattern: String,
    /// How rows are written.
    pub(crate) rows: RowSettings,
    /// What is promised of each record.
    pub(crate) guarantee: Guarantee,
    /// A record waits no longer for its commit.
    pub(crate) commit_interval: Duration,
    /// How long an acknowledgement waits behind an entry that has not come: until a message that the entry may be the first
    /// chunk of has come whole, or never will, and is committed by whoever got it.
    pub(crate) acknowledgement_delay: Duration,
    pub(crate) max_batch_rows: u64,
    /// Bytes of a file.
    pub(crate) max_file_size: u64,
    /// Files below this many bytes grow.
    pub(crate) fold_below: u64,
    /// Bytes of records and rows in memory.
    pub(crate) max_memory: usize,
    /// What happens to a bad record.
    pub(crate) on_bad_record: OnBadRecord,
    pub(crate) on_null_value: OnNullValue,
    /// The Hive metastore that is kept up with the tables, if one is.
    pub(crate) hive: Option<HiveSettings>,
    /// The bound on starting.
    pub(crate) open_timeout: Duration,
    /// The least severe level that is logged.
    pub(crate) log_level: tracing::Level,
}

impl Config {
    /// What is allowed but loses data for most users.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.sink.cleanup_subscription == Some(true) {
            warnings.push(
                "cleanupSubscription is true: deleting the sink deletes its subscription, and what was not yet read is lost. \
                 Set cleanupSubscription: false"
                    .to_owned(),
            );
        }
        if self.sink.subscription_position.as_deref().unwrap_or("Latest") == "Latest" {
            warnings.push(
                "sourceSubscriptionPosition is Latest: what a topic holds before the sink first subscribes is not written. \
                 Set sourceSubscriptionPosition: Earliest"
                    .to_owned(),
            );
        }
        warnings
    }
}
