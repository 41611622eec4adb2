//! What was produced against what is on HDFS.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::record::Report as Produced;
use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;

use crate::commits::Commits;
use crate::read_back::Table;

/// The report's file.
pub(crate) const FILE: &str = "report.json";

/// The outcome of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Whether each event's rows are as many as were produced.
    pub(crate) ok: bool,
    events: BTreeMap<String, Event>,
}

#[derive(Debug, Default, Serialize)]
struct Event {
    produced: u64,
    hdfs_rows: u64,
    files: u64,
    bytes: u64,
    seconds_to_commit: f64,
}

impl Report {
    pub(crate) fn new(produced: &Produced, found: &BTreeMap<String, Table>, commits: &Commits) -> Self {
        let names = produced.events.keys().chain(found.keys());
        let event = |name: &String| {
            let table = found.get(name).copied().unwrap_or_default();
            let event = Event {
                produced: produced.events.get(name).copied().unwrap_or_default(),
                hdfs_rows: table.rows,
                files: table.files,
                bytes: table.bytes,
                seconds_to_commit: commits.get(name).map_or(0.0, |seconds| (seconds * 10.0).round() / 10.0),
            };
            (name.clone(), event)
        };
        let events: BTreeMap<_, _> = names.map(event).collect();
        Report { ok: events.values().all(|event| event.produced == event.hdfs_rows), events }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The events in the catalogue's order; then what else was found.
    fn rows(&self) -> impl Iterator<Item = (&str, &Event)> {
        let known = EventKind::ALL.iter().filter_map(|kind| self.events.get_key_value(kind.name()));
        let others = self.events.iter().filter(|(name, _)| EventKind::of_name(name).is_none());
        known.chain(others).map(|(name, event)| (name.as_str(), event))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:24}{:>11}{:>12}{:>8}{:>13}{:>19}",
            "event", "produced", "committed", "files", "size", "committed after"
        )?;
        let mut line = |name: &str, event: &Event| {
            let [produced, rows, files] =
                [event.produced, event.hdfs_rows, event.files].map(|count| HumanCount(count).to_string());
            let size = BinaryBytes(event.bytes).to_string();
            let differs = if event.produced == event.hdfs_rows { "" } else { "   differs" };
            let after = format!("{:.1} s", event.seconds_to_commit);
            writeln!(f, "{name:24}{produced:>11}{rows:>12}{files:>8}{size:>13}{after:>19}{differs}")
        };
        let mut all = Event::default();
        for (name, event) in self.rows() {
            line(name, event)?;
            all.produced += event.produced;
            all.hdfs_rows += event.hdfs_rows;
            all.files += event.files;
            all.bytes += event.bytes;
            all.seconds_to_commit = all.seconds_to_commit.max(event.seconds_to_commit);
        }
        line("all", &all)?;
        writeln!(f, "\"committed after\" counts from the end of producing to the commit of the event's last row.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_too_few_or_too_many_is_a_difference() {
        let produced = Produced {
            seed: 1,
            events: BTreeMap::from([("page_visit".to_owned(), 3)]),
            total: 3,
            seconds: 1.0,
            per_second: 3.0,
        };
        let report = |rows| {
            let found = BTreeMap::from([("page_visit".to_owned(), Table { files: 1, rows, bytes: 9 })]);
            Report::new(&produced, &found, &Commits::new())
        };
        assert!(report(3).ok);
        assert!(!report(2).ok);
        assert!(!report(4).ok);
        assert!(report(4).to_string().contains("differs"));
        let nothing = Report::new(&produced, &BTreeMap::new(), &Commits::new());
        assert!(!nothing.ok);
    }
}
