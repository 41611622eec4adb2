//! What a sink tells of itself.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::hive::keeper::Keeper;
use crate::sink::Sink;
use crate::sink::ailing::Ailing;
use crate::storage::Storage;

impl<S: Storage> Sink<S> {
    /// Every counter and gauge by its name.
    pub(crate) fn metrics(&self) -> BTreeMap<String, u64> {
        let mut all = self.shared.metrics.snapshot();
        for (name, count) in self.shared.schemas.left_out() {
            all.insert(format!("json_member_left_out_{name}_total"), count);
        }
        all.insert("hive_pending".to_owned(), self.shared.hive.as_ref().map_or(0, Keeper::pending));
        all.insert("memory_bytes".to_owned(), self.shared.budget.claimed() as u64);
        let source_partitions = self.source_partitions();
        let failing: Vec<_> =
            source_partitions.handles.iter().flat_map(|handle| handle.health.failing_since()).collect();
        let Ailing { held_back, stopped } = source_partitions.ailing();
        let longest = |since: Vec<Instant>| since.iter().map(Instant::elapsed).max().unwrap_or_default().as_secs();
        all.insert("source_partitions".to_owned(), source_partitions.handles.len() as u64);
        all.insert("source_partitions_held_back".to_owned(), held_back.len() as u64);
        all.insert(
            "held_back_seconds".to_owned(),
            longest(held_back.values().map(|held_back| held_back.since).collect()),
        );
        all.insert("source_partitions_stopped".to_owned(), stopped.len() as u64);
        all.insert("failing_calls".to_owned(), failing.len() as u64);
        all.insert("failing_seconds".to_owned(), longest(failing));
        let uncommitted = source_partitions.handles.iter().filter_map(|handle| *handle.state.uncommitted_since());
        all.insert("oldest_uncommitted_seconds".to_owned(), longest(uncommitted.collect()));
        all
    }
}
