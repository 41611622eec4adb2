//! What the sink counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::value::Reason;

/// A number that only grows, or that is set.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU64);

impl Number {
    /// Adds to it.
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Sets it.
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// What it is now.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of a sink, since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Records that were handed over.
    pub(crate) records_received: Number,
    /// Rows in committed manifests.
    pub(crate) rows_committed: Number,
    /// Bytes of committed rows.
    pub(crate) bytes_committed: Number,
    /// Bytes written again because a batch was folded into a file that was there.
    pub(crate) bytes_rewritten: Number,
    /// Bytes of large batches that were written before their commits.
    pub(crate) bytes_streamed: Number,
    /// Files that commits began.
    pub(crate) files_committed: Number,
    /// Manifests.
    pub(crate) commits: Number,
    /// When the last commit ended: seconds since 1970; 0 before.
    pub(crate) last_commit: Number,
    /// Milliseconds from a commit's begin to its end, all commits together.
    pub(crate) commit_millis: Number,
    /// Records at or below the mark: sent again and dropped.
    pub(crate) duplicates: Number,
    /// Rows in Hive's default partition.
    pub(crate) rows_without_partition: Number,
    /// Commits of which another owner's manifest counts.
    pub(crate) races_lost: Number,
    /// Times that the broker went back.
    pub(crate) rewinds: Number,
    /// Calls that were tried again after a pause.
    pub(crate) retries: Number,
    /// Staged files that were cleaned up.
    pub(crate) files_cleaned: Number,
    /// Attempts to tell Hive's metastore of a table that failed.
    pub(crate) hive_failures: Number,
    bad: [Number; Reason::ALL.len()],
}

impl Metrics {
    /// Counts a bad record.
    pub(crate) fn bad_record(&self, reason: Reason) {
        if let Some(at) = Reason::ALL.iter().position(|known| *known == reason) {
            self.bad[at].add(1);
        }
    }

    /// Bad records of every reason.
    pub(crate) fn bad_records(&self) -> u64 {
        self.bad.iter().map(Number::get).sum()
    }

    /// Every counter by its name; Java takes what ends in `_total` for a counter and the rest for gauges.
    pub(crate) fn snapshot(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::from(
            [
                ("records_received_total", &self.records_received),
                ("rows_committed_total", &self.rows_committed),
                ("bytes_committed_total", &self.bytes_committed),
                ("bytes_rewritten_total", &self.bytes_rewritten),
                ("bytes_streamed_total", &self.bytes_streamed),
                ("files_committed_total", &self.files_committed),
                ("commits_total", &self.commits),
                ("commit_millis_total", &self.commit_millis),
                ("last_commit_timestamp_seconds", &self.last_commit),
                ("duplicates_total", &self.duplicates),
                ("rows_without_partition_total", &self.rows_without_partition),
                ("races_lost_total", &self.races_lost),
                ("rewinds_total", &self.rewinds),
                ("retries_total", &self.retries),
                ("files_cleaned_total", &self.files_cleaned),
                ("hive_failures_total", &self.hive_failures),
            ]
            .map(|(name, number)| (name.to_owned(), number.get())),
        );
        for (reason, number) in Reason::ALL.iter().zip(&self.bad) {
            all.insert(format!("bad_records_{}_total", reason.name().replace('-', "_")), number.get());
        }
        all
    }
}
