//! Compares a topic with its table, record by record, in memory that does not grow with them.
//!
//! The records and the rows of a source partition are read once each; of each range of positions only sums of hashes are kept,
//! which no order changes. Ranges whose sums differ are read again, a bounded number of records at a time, and
//! what differs there is named. Nothing is written, neither on HDFS nor at the broker.

pub mod detail;
pub mod files;
mod judge;
pub mod ranges;
pub mod record;
pub mod report;
pub mod rows;
mod source_partition;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::storage::Storage;
use pulsar_io_hdfs_csv::topic::TopicName;

use crate::commits::{self, Commits, of_source_partition};
use crate::pulsar_client::{Client, existing_partitions};
use crate::verify::visible_files;
use record::{Expected, Topic};
use report::{AuditReport, Comparison, Finding, Kind, SourcePartitionReport};
use rows::Columns;
pub use source_partition::{Period, SourcePartition};

/// A topic to compare, and its table if there is one.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The topic, without partition.
    pub topic: String,
    /// Its table.
    pub table: Option<TableLayout>,
    /// Whether messages without a value are rows of the table (`onNullValue: row`).
    pub null_values_are_rows: bool,
}

impl Subject {
    /// A topic and its table, in which messages without a value are no rows.
    pub fn new(topic: String, table: Option<TableLayout>) -> Subject {
        Subject { topic, table, null_values_are_rows: false }
    }
}

/// Compares a topic with its table. `progress` is told of records and rows as they are read.
pub async fn audit<S: Storage>(
    storage: &S,
    client: &Client,
    subject: &Subject,
    period: Period,
    patience: Duration,
    progress: &dyn Fn(u64),
) -> Result<AuditReport> {
    let topic = &subject.topic;
    let mut report = AuditReport {
        topic: topic.clone(),
        table: subject.table.as_ref().map(|table| table.root().to_owned()),
        compared_by: Comparison::Nothing,
        at_least_once: false,
        source_partitions: BTreeMap::new(),
        findings: Vec::new(),
    };
    let (all, versions, directories) = match &subject.table {
        Some(table) => {
            // A commit may come meanwhile: its manifest is there before its files are seen, and its directories after.
            let visible = visible_files(storage, table).await?.files;
            let all = commits::all(storage, table).await?;
            report.findings = foreign_files(table, &all, &visible);
            let directories = visible_files(storage, table).await?.directories;
            (all, column_versions(storage, table).await?, directories)
        }
        None => Default::default(),
    };
    let columns = Columns::new(&versions);
    report.at_least_once = all.iter().any(|commits| !commits.ordered());
    if subject.table.is_some() {
        report.compared_by = match (columns.have_positions(), report.at_least_once) {
            (true, _) => Comparison::Position,
            (false, false) => Comparison::Commit,
            (false, true) => Comparison::Count,
        };
    }
    // A table that is not there has no name that any of this would be used for.
    let table = subject.table.clone().unwrap_or(TableLayout::new("/", "none")?);
    let newest = versions.into_values().next_back().unwrap_or_default();
    for (partition, name) in existing_partitions(client, topic).await? {
        let own = own_name(&table, topic, partition)?;
        let commits = of_source_partition(&all, &own);
        let mut expected = Expected::new(newest.clone(), columns.clone(), partition_column(&directories));
        expected.null_values_are_rows = subject.null_values_are_rows;
        let mut records = Topic { client, partition, name, patience, expected };
        let source_partition = SourcePartition {
            storage,
            table: &table,
            columns: &columns,
            commits,
            directories: &directories,
            period,
            comparison: report.compared_by,
            progress,
        };
        let compared =
            source_partition.compare(&mut records).await.with_context(|| format!("source partition {own}"))?;
        report.source_partitions.insert(own, compared);
    }
    report.findings.extend(without_partition(&all, &report.source_partitions));
    Ok(report)
}

/// The name of a source partition.
pub(crate) fn own_name(table: &TableLayout, topic: &str, partition: i32) -> Result<String> {
    let topic = TopicName::parse(topic)?;
    Ok(SourcePartitionLayout::new(table.clone(), &topic.local, u32::try_from(partition).ok())?.name)
}

/// Every version of the columns.
pub(crate) async fn column_versions<S: Storage>(
    storage: &S,
    table: &TableLayout,
) -> Result<BTreeMap<u64, TableColumns>> {
    let mut versions = BTreeMap::new();
    for entry in storage.list(&table.schemas()).await? {
        if let Some(version) = SourcePartitionLayout::manifest_sequence(&entry.name) {
            let path = table.schema(version);
            let columns = serde_json::from_slice(&storage.read(&path).await?);
            versions.insert(version, columns.with_context(|| format!("the columns {path} cannot be read"))?);
        }
    }
    Ok(versions)
}

/// The column that partition directories are named by.
fn partition_column(directories: &BTreeSet<String>) -> Option<String> {
    directories.iter().find_map(|name| name.split_once('=')).map(|(column, _)| column.to_owned())
}

fn foreign_files(table: &TableLayout, all: &[Commits], visible: &[String]) -> Vec<Finding> {
    let named: BTreeSet<&str> = all.iter().flat_map(commits::files).map(|(name, _)| name).collect();
    let foreign = visible.iter().filter(|name| !named.contains(name.as_str()));
    let finding = |name: &String| Finding {
        kind: Kind::Unaccounted,
        position: None,
        path: Some(table.path(name)),
        what: "no manifest names this file; a reader of the table sees its rows".to_owned(),
    };
    foreign.map(finding).collect()
}

/// Source partitions of the table that the topic has not got: it was deleted and created with fewer partitions.
fn without_partition(all: &[Commits], compared: &BTreeMap<String, SourcePartitionReport>) -> Vec<Finding> {
    let is_compared =
        |own: &&Commits| compared.keys().any(|name| !of_source_partition(std::slice::from_ref(*own), name).is_empty());
    let finding = |own: &Commits| Finding {
        kind: Kind::Unaccounted,
        position: None,
        path: Some(own.layout.manifests()),
        what: "the topic has no such partition: its rows cannot be compared".to_owned(),
    };
    all.iter().filter(|own| !is_compared(own)).map(finding).collect()
}
