//! Watches the manifests on HDFS and the subscription's backlog until everything is committed.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdfs_csv_stack::State;
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::protocol::layout::{SourcePartitionLayout, TableLayout};
use pulsar_io_hdfs_csv::protocol::manifest::Manifest;
use pulsar_io_hdfs_csv::protocol::manifests::newest_sequence;
use pulsar_io_hdfs_csv::storage::Storage;
use pulsar_io_hdfs_csv::storage::hdfs::{Hdfs, HdfsSettings};

use crate::names::{DIRECTORY, SUBSCRIPTION};
use crate::steps::Steps;
use crate::topics::{admin, sink_log, topic};

const POLL: Duration = Duration::from_millis(500);
/// A sink that commits nothing for so long commits nothing any more.
const STALLED: Duration = Duration::from_secs(60);
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// For each event, seconds from the last receipt for any event to its last row's commit.
pub(crate) type Commits = BTreeMap<String, f64>;

/// Looks at every topic's manifests until all that was produced is committed and acknowledged.
pub(crate) struct Watch<'a> {
    stack: &'a State,
    hdfs: Hdfs,
    produced: OnceLock<(Instant, BTreeMap<String, u64>)>,
}

/// What is known of one event's table.
struct Table {
    kind: EventKind,
    layout: SourcePartitionLayout,
    sequence: u64,
    rows: u64,
    /// When the last of its rows was seen committed.
    grown: Instant,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(stack: &'a State) -> Result<Self> {
        let conf = stack.hadoop_conf_dir.as_ref().context("the stack has no HDFS")?;
        let settings = HdfsSettings::new(Some(conf.display().to_string()), CALL_LIMIT);
        Ok(Watch { stack, hdfs: Hdfs::new(settings)?, produced: OnceLock::new() })
    }

    /// Everything is produced: so many of each event.
    pub(crate) fn produced(&self, events: &BTreeMap<String, u64>) {
        let _ = self.produced.set((Instant::now(), events.clone()));
    }

    /// Returns when all is committed and nothing is left in the subscription.
    pub(crate) async fn run(&self, steps: &Steps, count: u64) -> Result<Commits> {
        let step = steps.begin_counted("Commit rows to HDFS", count);
        let mut tables = EventKind::ALL.iter().map(|kind| Table::new(*kind)).collect::<Result<Vec<_>>>()?;
        let mut progress = Instant::now();
        loop {
            for table in &mut tables {
                if table.look(&self.hdfs).await? {
                    progress = Instant::now();
                }
            }
            let rows = tables.iter().map(|table| table.rows).sum();
            step.set(rows);
            if let Some((at, produced)) = self.produced.get() {
                let wanted = |table: &Table| produced.get(table.kind.name()).copied().unwrap_or_default();
                let complete = tables.iter().all(|table| table.rows >= wanted(table));
                if complete && self.backlog().await? == 0 {
                    step.done();
                    let seconds = |table: &Table| table.grown.saturating_duration_since(*at).as_secs_f64();
                    return Ok(tables.iter().map(|table| (table.kind.name().to_owned(), seconds(table))).collect());
                }
            }
            if progress.elapsed() > STALLED {
                let log = sink_log(self.stack);
                bail!(
                    "{rows} of {count} rows are committed, and none more for 60 s; the sink's log is {}",
                    log.display()
                );
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Messages that the sink has not yet acknowledged.
    async fn backlog(&self) -> Result<u64> {
        let admin = admin(self.stack)?;
        let counted = tokio::task::spawn_blocking(move || {
            let mut backlog = 0;
            for kind in EventKind::ALL {
                let stats = admin.topic_stats(&topic(*kind))?;
                backlog += stats["subscriptions"][SUBSCRIPTION]["msgBacklog"].as_u64().unwrap_or(u64::from(u32::MAX));
            }
            Ok(backlog)
        });
        counted.await?
    }
}

impl Table {
    fn new(kind: EventKind) -> Result<Self> {
        let layout = SourcePartitionLayout::new(TableLayout::new(DIRECTORY, kind.name())?, kind.name(), None)?;
        Ok(Table { kind, layout, sequence: 0, rows: 0, grown: Instant::now() })
    }

    /// Reads the newest manifest if there is a newer one; whether there is.
    async fn look(&mut self, hdfs: &Hdfs) -> Result<bool> {
        let newest = newest_sequence(hdfs, &self.layout).await?.unwrap_or_default();
        if newest == self.sequence {
            return Ok(false);
        }
        let path = self.layout.manifest(newest);
        let manifest = Manifest::from_json(&hdfs.read(&path).await?, &path, newest)?;
        (self.sequence, self.rows, self.grown) = (newest, manifest.total_rows, Instant::now());
        Ok(true)
    }
}
