//! What a run came to, written down in any case.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::Value;

use super::fault::Fault;
use super::reader::Observations;
use crate::shared::repository;

/// One run. It is written to `target/faults/report.json`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// What the faults were drawn with.
    pub seed: u64,
    /// How long there were faults.
    pub minutes: f64,
    /// How often each fault came.
    pub events_by_fault: BTreeMap<&'static str, u64>,
    /// How many of them began while another lasted.
    pub overlapping: u64,
    /// How many began before the sinks were seen to commit again after the one before.
    pub without_waiting: u64,
    /// Messages in the topics.
    pub produced: u64,
    /// Of them, those that a producer has a receipt for.
    pub confirmed: u64,
    /// Messages without a value, which are no rows.
    pub without_value: u64,
    /// Bad records, which are dead letters.
    pub bad_records: u64,
    /// Those of them of which the exactly-once sink has written no letter.
    pub without_letter: u64,
    /// How many bursts of rows the exactly-once sink was seen to write before their commit.
    pub streamed: u64,
    /// Partitions of the topic at the end.
    pub partitions: u64,
    /// Versions of its schema at the end.
    pub schemas: u64,
    /// The exactly-once sink.
    #[serde(flatten)]
    pub exactly_once: Guarantee,
    /// The at-least-once sinks by the types of their subscriptions, on the same topic under the same faults.
    pub at_least_once: BTreeMap<&'static str, Guarantee>,
    /// What ended the run early, if anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of the messages in the table of one sink.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Guarantee {
    /// Rows in the table.
    pub rows: u64,
    /// Messages of the topic that are not in the table.
    pub lost: u64,
    /// Rows of messages that are in it already.
    pub duplicated: u64,
    /// Reads that showed a row that is not whole.
    pub torn_reads: u64,
    /// Reads and listings that lacked what was there before.
    pub shrinking_reads: u64,
    /// What `hdfs-csv verify` finds.
    pub verify_findings: u64,
    /// Files in the staging folders when everything was acknowledged.
    pub left_in_staging: u64,
    /// Any other difference between table and topic, by what it is.
    pub other_differences: BTreeMap<String, u64>,
    /// Files that were read while it ran.
    pub reads: u64,
    /// Reads and listings that HDFS refused, or did not answer.
    pub failed_reads: u64,
    /// Whether all this was counted: false when the run ended before it could be.
    pub compared: bool,
}

impl Guarantee {
    /// Takes what the reader saw.
    pub fn observed(&mut self, seen: &Observations) {
        self.reads = seen.reads;
        self.failed_reads = seen.failed;
        self.torn_reads = seen.torn.len() as u64;
        self.shrinking_reads = seen.shrunk.len() as u64;
    }

    /// Takes the oracle's summary and what `verify` finds.
    pub fn compared(&mut self, summary: &Value, findings: usize) {
        let count = |key: &str| summary[key].as_u64().unwrap_or_default();
        let mut differences: BTreeMap<String, u64> =
            serde_json::from_value(summary["counts"].clone()).unwrap_or_default();
        self.lost = differences.remove("lost").unwrap_or_default();
        differences.remove("doubled");
        self.duplicated = count("doubled");
        self.rows = count("rows") + self.duplicated;
        self.other_differences = differences;
        self.verify_findings = findings as u64;
        self.compared = true;
    }

    /// An error when something is not as this guarantee says.
    pub fn check(&self, name: &str, duplicates_allowed: bool) -> Result<()> {
        let duplicated = if duplicates_allowed { 0 } else { self.duplicated };
        let wrong = [self.lost, duplicated, self.torn_reads, self.shrinking_reads, self.verify_findings];
        ensure!(self.compared, "the {name} table was not compared");
        ensure!(
            wrong == [0; 5] && self.other_differences.is_empty(),
            "the {name} table is not as it should be: {self:?}"
        );
        ensure!(self.rows > 0 && self.reads > 0, "nothing was looked at in the {name} table: {self:?}");
        Ok(())
    }
}

impl Report {
    /// How often a fault came.
    pub fn times(&self, fault: Fault) -> u64 {
        self.events_by_fault.get(fault.name()).copied().unwrap_or_default()
    }

    /// Writes it, and says where.
    pub fn write(&self) -> Result<PathBuf> {
        let path = repository().join("target/faults/report.json");
        let folder = path.parent().context("a file without a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        std::fs::write(&path, serde_json::to_string_pretty(self)? + "\n")
            .with_context(|| format!("{}", path.display()))?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compared(summary: Value, findings: usize) -> Guarantee {
        let mut guarantee = Guarantee::default();
        guarantee.observed(&Observations { reads: 1, ..Observations::default() });
        guarantee.compared(&summary, findings);
        guarantee
    }

    #[test]
    fn a_table_that_is_as_the_topic_passes() {
        compared(json!({ "rows": 5, "doubled": 0, "counts": {} }), 0).check("t", false).unwrap();
    }

    #[test]
    fn each_thing_that_is_wrong_fails() {
        let bad = [
            compared(json!({ "rows": 5, "doubled": 0, "counts": { "lost": 1 } }), 0),
            compared(json!({ "rows": 5, "doubled": 2, "counts": { "doubled": 2 } }), 0),
            compared(json!({ "rows": 5, "doubled": 0, "counts": { "another value": 1 } }), 0),
            compared(json!({ "rows": 5, "doubled": 0, "counts": {} }), 1),
            compared(json!({ "rows": 0, "doubled": 0, "counts": {} }), 0),
            Guarantee { torn_reads: 1, ..compared(json!({ "rows": 5, "doubled": 0, "counts": {} }), 0) },
            Guarantee { shrinking_reads: 1, ..compared(json!({ "rows": 5, "doubled": 0, "counts": {} }), 0) },
            Guarantee::default(),
        ];
        for guarantee in bad {
            assert!(guarantee.check("t", false).is_err(), "{guarantee:?}");
        }
    }

    #[test]
    fn at_least_once_allows_duplicates_only() {
        let doubled = compared(json!({ "rows": 5, "doubled": 2, "counts": {} }), 0);
        assert_eq!((doubled.rows, doubled.duplicated), (7, 2));
        doubled.check("t", true).unwrap();
        assert!(compared(json!({ "rows": 5, "doubled": 2, "counts": { "lost": 1 } }), 0).check("t", true).is_err());
    }

    #[test]
    fn the_figures_of_exactly_once_stand_at_the_top() {
        let mut report = Report::default();
        report.at_least_once.insert("shared", Guarantee::default());
        let json = serde_json::to_value(report).unwrap();
        for key in ["seed", "minutes", "events_by_fault", "produced", "rows", "lost", "duplicated", "torn_reads"] {
            assert!(json.get(key).is_some(), "{key}");
        }
        assert!(json["at_least_once"]["shared"].get("lost").is_some());
    }
}
