//! How the source partitions of a directory's sinks are: what each instance says of them, how far their tables are, and what
//! they have not written.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::protocol::identity::read_identity;
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use pulsar_io_hdfs_csv::protocol::manifest::Manifest;
use pulsar_io_hdfs_csv::protocol::manifests::newest_sequence;
use pulsar_io_hdfs_csv::status::Status;
use pulsar_io_hdfs_csv::storage::Storage;
use serde::Serialize;

use crate::audit::own_name;
use crate::pulsar_client::{Client, existing_partitions, lacks_right};
use crate::time;
use crate::topic::last_position;
use crate::verify::tables;

/// Instances write at least every five minutes.
const SILENT_AFTER: TimeDelta = TimeDelta::minutes(10);

/// How a source partition is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum State {
    /// An instance has got records of it, and it gets on.
    Running,
    /// It does not get on, and goes on by itself when the cause is gone.
    HeldBack {
        /// What it does again and again, or waits for.
        what: String,
        /// Why that does not succeed; empty while it only waits.
        reason: String,
        /// Since when.
        #[serde(serialize_with = "time::serialize")]
        since: DateTime<Utc>,
    },
    /// It cannot have a table.
    Stopped {
        /// Why, and what to do.
        reason: String,
    },
    /// No instance has told of it for ten minutes: it has got no record since the sink started, or no sink runs.
    Silent,
}

/// A source partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourcePartitionStatus {
    /// How it is.
    #[serde(flatten)]
    pub state: State,
    /// The last committed position; none when nothing is committed, or under at-least-once.
    pub mark: Option<Position>,
    /// The broker's last message; none when it holds none, or does not know the topic.
    pub last: Option<Position>,
    /// Entries behind the mark. None when they are in more than one ledger, so that only the broker can count them.
    pub lag_entries: Option<u64>,
}

/// What was found in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReport {
    /// By their topics.
    pub source_partitions: BTreeMap<String, SourcePartitionStatus>,
    /// Tables that do not say which topic they come from, and topics that this may not read or whose marks cannot be read, and
    /// why not.
    pub unreadable: BTreeMap<String, String>,
}

impl StatusReport {
    /// How many need somebody's attention.
    pub fn ailing(&self) -> usize {
        let ails = |own: &&SourcePartitionStatus| matches!(own.state, State::HeldBack { .. } | State::Stopped { .. });
        self.source_partitions.values().filter(ails).count() + self.unreadable.len()
    }
}

/// Looks at all sinks of a directory.
///
/// # Errors
/// When HDFS or the broker cannot be asked.
pub async fn status<S: Storage>(
    storage: &S,
    client: &Client,
    directory: &str,
    patience: Duration,
) -> Result<StatusReport> {
    let mut report = StatusReport::default();
    let said = states(&Status::read_all(storage, directory).await?, Utc::now());
    let mut topics: BTreeSet<String> = said.keys().cloned().collect();
    let mut marks = BTreeMap::new();
    for table in tables(storage, directory).await? {
        let identity = match read_identity(storage, &table.identity()).await {
            Ok(Some(identity)) => identity,
            Ok(None) => continue,
            Err(failure) => {
                report.unreadable.insert(table.root().to_owned(), failure.to_string());
                continue;
            }
        };
        let partitions = match existing_partitions(client, &identity.topic).await {
            Err(error) if lacks_right(&error) => {
                report.unreadable.insert(identity.topic, format!("{error:#}"));
                continue;
            }
            // A topic that is gone has no partitions, and its table stays.
            other => other.unwrap_or_default(),
        };
        for (partition, name) in partitions {
            match mark(storage, &table, &own_name(&table, &identity.topic, partition)?).await {
                Ok(mark) => drop(marks.insert(name.clone(), mark)),
                Err(error) => drop(report.unreadable.insert(name.clone(), format!("{error:#}"))),
            }
            topics.insert(name);
        }
    }
    for topic in topics {
        let state = said.get(&topic).cloned().unwrap_or(State::Silent);
        let mark = marks.get(&topic).copied().flatten();
        let last = match last_position(client, &topic, patience).await {
            Err(error) if lacks_right(&error) => {
                report.unreadable.entry(topic.clone()).or_insert(format!("{error:#}"));
                None
            }
            other => other.ok().flatten(),
        };
        let last: Option<Position> = last.map(Position::from);
        let lag_entries = lag(mark, last);
        report.source_partitions.insert(topic, SourcePartitionStatus { state, mark, last, lag_entries });
    }
    Ok(report)
}

/// What instances say of each topic. Of several that tell of one, the one that has no trouble has it not.
fn states(all: &[Status], now: DateTime<Utc>) -> BTreeMap<String, State> {
    let mut states = BTreeMap::new();
    for own in all.iter().filter(|own| now - moment(own.at) < SILENT_AFTER) {
        for topic in &own.source_partitions {
            states.entry(topic.clone()).or_insert(State::Running);
        }
        for stopped in &own.stopped {
            states.insert(stopped.topic.clone(), State::Stopped { reason: stopped.reason.clone() });
        }
        for held_back in &own.held_back {
            let (what, reason) = (held_back.what.clone(), held_back.reason.clone());
            states.insert(held_back.topic.clone(), State::HeldBack { what, reason, since: moment(held_back.since) });
        }
    }
    states
}

fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// The mark of a source partition, by its newest manifest.
async fn mark<S: Storage>(storage: &S, table: &TableLayout, name: &str) -> Result<Option<Position>> {
    let layout = SourcePartitionLayout { table: table.clone(), name: name.to_owned() };
    let Some(sequence) = newest_sequence(storage, &layout).await? else { return Ok(None) };
    let path = layout.manifest(sequence);
    let bytes =
        storage.read(&path).await.with_context(|| format!("{path}; if it was pruned just now, run this again"))?;
    let manifest = Manifest::from_json(&bytes, &path, sequence)?;
    Ok(manifest.last.filter(|_| manifest.ordered))
}

/// How many entries are behind the mark.
fn lag(mark: Option<Position>, last: Option<Position>) -> Option<u64> {
    match (mark, last) {
        (_, None) => Some(0),
        (Some(mark), Some(last)) if last <= mark => Some(0),
        (Some(mark), Some(last)) if mark.ledger == last.ledger => Some(last.entry - mark.entry),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsar_io_hdfs_csv::status::{HeldBack, Stopped};

    #[test]
    fn a_state_is_what_an_instance_said_within_ten_minutes() {
        let now = Utc::now();
        let minutes = |ago: i64| (now - TimeDelta::minutes(ago)).timestamp_millis();
        let status = |instance, at, held_back: &[&str], topics: &[&str]| Status {
            sink: "t/n/s".to_owned(),
            instance,
            at,
            source_partitions: topics.iter().map(|&topic| topic.to_owned()).collect(),
            held_back: held_back
                .iter()
                .map(|&topic| HeldBack {
                    topic: topic.to_owned(),
                    what: "loading".to_owned(),
                    reason: "quota".to_owned(),
                    since: minutes(20),
                })
                .collect(),
            stopped: vec![Stopped { topic: "stopped".to_owned(), reason: "too long".to_owned() }],
        };
        let all =
            [status(0, minutes(1), &["held"], &["fine", "held"]), status(1, minutes(11), &["fine"], &["fine", "old"])];
        let states = states(&all, now);
        assert_eq!(states["fine"], State::Running);
        assert_eq!(states["stopped"], State::Stopped { reason: "too long".to_owned() });
        assert!(matches!(&states["held"], State::HeldBack { reason, .. } if reason == "quota"));
        assert!(!states.contains_key("old"));
    }

    #[test]
    fn a_lag_is_counted_within_a_ledger_and_unknown_across_ledgers() {
        let at = |ledger, entry| Some(Position { ledger, entry, batch_index: 0 });
        assert_eq!(lag(at(1, 5), at(1, 9)), Some(4));
        assert_eq!(lag(at(1, 5), at(1, 5)), Some(0));
        assert_eq!(lag(at(2, 5), at(1, 9)), Some(0));
        assert_eq!(lag(at(1, 5), None), Some(0));
        assert_eq!(lag(at(1, 5), at(2, 0)), None);
        assert_eq!(lag(None, at(1, 0)), None);
    }
}
