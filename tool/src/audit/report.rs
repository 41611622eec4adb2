//! What an audit says.

use std::collections::BTreeMap;

use pulsar_io_hdfs_csv::position::Position;
use serde::Serialize;

/// What rows and records are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    /// Each row with its record: the table has the columns `_ledger_id`, `_entry_id` and `_batch_index`.
    Position,
    /// The rows of each commit with its records, without order.
    Commit,
    /// Only how many there are.
    Count,
    /// There is no table yet.
    Nothing,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A record that is committed has no row.
    Missing,
    /// A row of a record that has one already.
    Doubled,
    /// A row that is not as its record is.
    Altered,
    /// A row without a record.
    Unaccounted,
    /// What a manifest counts is not what the topic holds.
    Miscounted,
    /// A file that cannot be read.
    Unreadable,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// The record's position, if one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// The file or manifest, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// In words.
    pub what: String,
}

/// How one source partition compares with its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourcePartitionReport {
    /// The first record that was compared: the first that the topic still holds, or the first of the period.
    pub first: Option<Position>,
    /// The last record that was compared.
    pub last: Option<Position>,
    /// Records from the first to the last.
    pub records: u64,
    /// Their rows.
    pub rows: u64,
    /// Records that are not in the table because the sink dropped them as bad.
    pub dropped: u64,
    /// Messages without a value that are not in the table: tombstones, which an operator has to skip.
    pub empty: u64,
    /// Records that are not in the table because their partition directory was deleted.
    pub deleted: u64,
    /// Records that may be those of rows that do not say whose they are, from before the metadata columns were on.
    pub unplaced: u64,
    /// Records above the mark: not committed yet.
    pub uncommitted: u64,
    /// Records that should be in the table and are not.
    pub missing: u64,
    /// Rows of records that have a row already.
    pub doubled: u64,
    /// Rows that are not as their records are.
    pub altered: u64,
    /// Rows without a record.
    pub unaccounted: u64,
    /// Rows that were not compared: their records are before the first that was, or after the last.
    pub not_compared: u64,
    /// Rows that were counted but whose values were not compared: their records cannot be decoded now.
    pub undecided: u64,
    /// What is wrong; of many of a kind in one place only the first are named.
    pub findings: Vec<Finding>,
}

/// How a topic compares with its table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditReport {
    /// The topic, without partition.
    pub topic: String,
    /// The table's directory; none when there is no table yet.
    pub table: Option<String>,
    /// What rows and records were compared by.
    pub compared_by: Comparison,
    /// Each row can be there more than once: the sink is at-least-once.
    pub at_least_once: bool,
    /// By their names.
    pub source_partitions: BTreeMap<String, SourcePartitionReport>,
    /// What is wrong with the table as a whole.
    pub findings: Vec<Finding>,
}

impl AuditReport {
    /// Everything that is wrong.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.source_partitions.values().flat_map(|own| &own.findings))
    }

    /// The source partitions together, without their findings and positions.
    pub fn total(&self) -> SourcePartitionReport {
        let mut total = SourcePartitionReport::default();
        for own in self.source_partitions.values() {
            total.records += own.records;
            total.rows += own.rows;
            total.dropped += own.dropped;
            total.empty += own.empty;
            total.deleted += own.deleted;
            total.unplaced += own.unplaced;
            total.uncommitted += own.uncommitted;
            total.missing += own.missing;
            total.doubled += own.doubled;
            total.altered += own.altered;
            total.unaccounted += own.unaccounted;
            total.not_compared += own.not_compared;
            total.undecided += own.undecided;
        }
        total
    }
}
