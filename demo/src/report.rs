//! What was produced against what is on HDFS and, in all layers, in ClickHouse and Hive.

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
    /// Whether each event's rows are as many as were produced, wherever they are.
    pub(crate) ok: bool,
    events: BTreeMap<String, Event>,
    all: Event,
}

/// Each event's rows where they are queried.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) click_house: BTreeMap<String, u64>,
    pub(crate) hive: BTreeMap<String, u64>,
}

#[derive(Debug, Default, Serialize)]
struct Event {
    produced: u64,
    hdfs_rows: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    clickhouse_rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hive_rows: Option<u64>,
    files: u64,
    bytes: u64,
    seconds_to_commit: f64,
}

impl Event {
    /// Whether its rows are as many as were produced, wherever they are.
    fn is_whole(&self) -> bool {
        let counts = [Some(self.hdfs_rows), self.clickhouse_rows, self.hive_rows];
        counts.into_iter().flatten().all(|rows| rows == self.produced)
    }

    fn add(&mut self, other: &Event) {
        let sum = |one: Option<u64>, other: Option<u64>| other.map(|rows| one.unwrap_or_default() + rows);
        self.produced += other.produced;
        self.hdfs_rows += other.hdfs_rows;
        self.clickhouse_rows = sum(self.clickhouse_rows, other.clickhouse_rows);
        self.hive_rows = sum(self.hive_rows, other.hive_rows);
        self.files += other.files;
        self.bytes += other.bytes;
        self.seconds_to_commit = self.seconds_to_commit.max(other.seconds_to_commit);
    }
}

impl Report {
    pub(crate) fn new(
        produced: &Produced,
        found: &BTreeMap<String, Table>,
        served: Option<&Served>,
        commits: &Commits,
    ) -> Self {
        let served_names = served.into_iter().flat_map(|served| served.click_house.keys().chain(served.hive.keys()));
        let names = produced.events.keys().chain(found.keys()).chain(served_names);
        let rows = |rows: &BTreeMap<String, u64>, name: &String| rows.get(name).copied().unwrap_or_default();
        let event = |name: &String| {
            let table = found.get(name).copied().unwrap_or_default();
            let event = Event {
                produced: produced.events.get(name).copied().unwrap_or_default(),
                hdfs_rows: table.rows,
                clickhouse_rows: served.map(|served| rows(&served.click_house, name)),
                hive_rows: served.map(|served| rows(&served.hive, name)),
                files: table.files,
                bytes: table.bytes,
                seconds_to_commit: commits.get(name).map_or(0.0, |seconds| (seconds * 10.0).round() / 10.0),
            };
            (name.clone(), event)
        };
        let events: BTreeMap<_, _> = names.map(event).collect();
        let mut all = Event::default();
        events.values().for_each(|event| all.add(event));
        Report { ok: events.values().all(Event::is_whole), events, all }
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
        let served = self.all.clickhouse_rows.is_some();
        let titles = if served { format!("{:>12}{:>11}", "ClickHouse", "Hive") } else { String::new() };
        writeln!(
            f,
            "\n{:24}{:>11}{:>12}{titles}{:>8}{:>13}{:>19}",
            "event", "produced", "committed", "files", "size", "committed after"
        )?;
        let mut line = |name: &str, event: &Event| {
            let counts = [event.produced, event.hdfs_rows, event.files];
            let [produced, rows, files] = counts.map(|count| HumanCount(count).to_string());
            let [hot, cold] = [event.clickhouse_rows, event.hive_rows].map(|rows| rows.map(HumanCount));
            let served = hot.zip(cold).map(|(hot, cold)| format!("{:>12}{:>11}", hot.to_string(), cold.to_string()));
            let served = served.unwrap_or_default();
            let size = BinaryBytes(event.bytes).to_string();
            let differs = if event.is_whole() { "" } else { "   differs" };
            let after = format!("{:.1} s", event.seconds_to_commit);
            writeln!(f, "{name:24}{produced:>11}{rows:>12}{served}{files:>8}{size:>13}{after:>19}{differs}")
        };
        for (name, event) in self.rows() {
            line(name, event)?;
        }
        line("all", &self.all)?;
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
            Report::new(&produced, &found, None, &Commits::new())
        };
        assert!(report(3).ok);
        assert!(!report(2).ok);
        assert!(!report(4).ok);
        assert!(report(4).to_string().contains("differs"));
        let nothing = Report::new(&produced, &BTreeMap::new(), None, &Commits::new());
        assert!(!nothing.ok);

        let served = |click_house, hive| {
            let rows = |count| BTreeMap::from([("page_visit".to_owned(), count)]);
            let found = BTreeMap::from([("page_visit".to_owned(), Table { files: 1, rows: 3, bytes: 9 })]);
            let served = Served { click_house: rows(click_house), hive: rows(hive) };
            Report::new(&produced, &found, Some(&served), &Commits::new())
        };
        assert!(served(3, 3).ok);
        assert!(!served(4, 3).ok);
        assert!(!served(3, 2).ok);
    }
}
