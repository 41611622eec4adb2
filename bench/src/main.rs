//! Measures the sink on real services: `run` against other sinks, `growth` against size, `report` writes what came of both into
//! docs/understand/performance.md.

mod chart;
mod document;
mod drain;
mod end_to_end;
mod folding;
mod freshness;
mod growth;
mod load;
mod peer;
mod writing;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use end_to_end::Before;
use hdfs_csv_tests::repository;
use serde_json::Value;

/// Benchmarks of the sink on real services.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Drain the same backlogs with a sink that does nothing, this one, and Pulsar's own for HDFS: target/bench/report.json.
    Run {
        /// Only these payloads: searching, smallest, wide, mix; and the parts writing, freshness and micro.
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// How often each sink drains each backlog.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
        /// Divides the rows by this, for a try.
        #[arg(long, default_value_t = 1)]
        fewer: u64,
        /// An earlier build's archive: it takes turns with this one, and the report is target/bench/before.json.
        #[arg(long, value_name = "NAR")]
        before: Option<PathBuf>,
        /// Keys of the configuration that the earlier build does not know.
        #[arg(long, value_delimiter = ',', requires = "before")]
        before_without: Vec<String>,
    },
    /// Measure how time and memory grow with what there is to do: target/bench/growth.json.
    Growth {
        /// Only these curves: rows, source-partitions, directories, manifests, record-size, instances, folding.
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
        /// Only these points of the curves source-partitions and directories.
        #[arg(long, value_delimiter = ',')]
        points: Vec<u32>,
        /// An earlier build's archive: it drains the same topics behind this one, and so does a sink that does nothing; the results
        /// are target/bench/growth-before.json.
        #[arg(long, value_name = "NAR")]
        before: Option<PathBuf>,
        /// Keys of the configuration that the earlier build does not know.
        #[arg(long, value_delimiter = ',', requires = "before")]
        before_without: Vec<String>,
    },
    /// Write tables and charts from target/bench into docs/.
    Report,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Run { only, rounds, fewer, before, before_without } => {
            let before = before.map(|nar| Before { nar, without: before_without });
            end_to_end::run(&only, rounds, fewer.max(1), before.as_ref())
        }
        Command::Growth { only, points, before, before_without } => {
            let before = before.map(|nar| Before { nar, without: before_without });
            growth::run(&only, &points, before.as_ref())
        }
        Command::Report => document::write(),
    }
}

/// Whether a part is wanted.
fn wanted(only: &[String], name: &str) -> bool {
    only.is_empty() || only.iter().any(|one| one == name)
}

/// A file of results.
fn results(name: &str) -> PathBuf {
    repository().join("target/bench").join(name)
}

/// What a file of results holds; nothing when it is not there.
fn read_results(name: &str) -> Result<Value> {
    let path = results(name);
    match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("{}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Value::Object(Default::default())),
        Err(error) => Err(error).with_context(|| format!("{}", path.display())),
    }
}

/// Puts one part into a file of results, and leaves the others there as they are.
fn put_result(name: &str, keys: &[&str], value: Value) -> Result<()> {
    let mut all = read_results(name)?;
    let mut place = &mut all;
    for key in keys {
        place = &mut place[*key];
    }
    *place = value;
    let path = results(name);
    std::fs::create_dir_all(path.parent().context("a path without a folder")?)?;
    std::fs::write(&path, serde_json::to_string_pretty(&all)? + "\n").with_context(|| format!("{}", path.display()))
}

/// The middle, the least and the most of some figures.
fn median_and_spread(figures: impl IntoIterator<Item = f64>) -> Option<(f64, [f64; 2])> {
    let mut all: Vec<f64> = figures.into_iter().collect();
    all.sort_by(f64::total_cmp);
    let (least, most) = (*all.first()?, *all.last()?);
    Some((all[all.len() / 2], [least, most]))
}
