//! Recover: at open, the renames of every source partition's last commit are finished and what crashes left is deleted, so that
//! what is committed is seen before the first record comes.

use std::collections::HashSet;

use crate::owner::retry::pause_between_attempts;
use crate::owner::shared::Shared;
use crate::protocol::cleaning::{clean, clean_table};
use crate::protocol::failure::Failure;
use crate::protocol::identity::read_identity;
use crate::protocol::layout::{SourcePartitionLayout, TableLayout};
use crate::protocol::load::load;
use crate::protocol::manifest::SinkIdentity;
use crate::storage::Storage;

/// Recovers every table below the directory that belongs to this owner, however long HDFS takes. The first record of a source
/// partition loads again. A table that cannot be recovered keeps no other one from it.
pub(super) async fn recover<S: Storage>(shared: &Shared<S>, directory: &str, owner: &SinkIdentity) {
    let mut complete = HashSet::new();
    let mut source_partitions = 0;
    for attempt in 0.. {
        let mut failed = None;
        let listed = shared.storage.list(directory).await.unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        });
        for table in listed.into_iter().filter(|entry| entry.is_directory) {
            if complete.contains(&table.name) {
                continue;
            }
            match recover_table(shared, directory, &table.name, owner).await {
                Ok(count) => source_partitions += count,
                // The first record of it says so again.
                Err(Failure::Fatal(error)) => tracing::error!("{error}"),
                Err(Failure::Again(error)) => {
                    failed = Some(error);
                    continue;
                }
            }
            complete.insert(table.name);
        }
        match failed {
            None => {
                tracing::info!(source_partitions, "earlier commits are complete");
                return;
            }
            Some(error) => {
                tracing::warn!("completing earlier commits failed: {error}; it is tried again");
                tokio::time::sleep(pause_between_attempts(attempt)).await;
            }
        }
    }
}

/// Loads every source partition of a table, if it belongs to this sink; how many there are.
async fn recover_table<S: Storage>(
    shared: &Shared<S>,
    directory: &str,
    name: &str,
    owner: &SinkIdentity,
) -> Result<usize, Failure> {
    let (storage, metrics) = (&shared.storage, &shared.metrics);
    let Some(layout) = TableLayout::existing(directory, name) else { return Ok(0) };
    let Some(identity) = read_identity(storage, &layout.identity()).await? else { return Ok(0) };
    if identity.sink != owner.sink || identity.subscription != owner.subscription {
        return Ok(0);
    }
    if let Some(hive) = &shared.hive {
        hive.mark(&layout);
    }
    let mut count = 0;
    let mut deleted = clean_table(storage, &layout).await?;
    for source in storage.list(&layout.commits()).await?.into_iter().filter(|entry| entry.is_directory) {
        let layout = SourcePartitionLayout { table: layout.clone(), name: source.name };
        match load(storage, &layout, &identity).await {
            Ok(manifest) => {
                count += 1;
                let sequence = manifest.map_or(0, |manifest| manifest.sequence);
                deleted += clean(storage, &layout, sequence).await?.deleted;
            }
            // The others' commits must not stay hidden for it.
            Err(Failure::Fatal(error)) => tracing::error!("{error}"),
            Err(again) => return Err(again),
        }
    }
    metrics.files_cleaned.add(deleted);
    Ok(count)
}
