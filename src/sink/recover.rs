//! Recover: at open, the renames of every source partition's last commit are finished and what crashes left is deleted, so that
//! what is committed is seen before the first record comes.

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
/// partition loads again.
pub(super) async fn recover<S: Storage>(shared: &Shared<S>, directory: &str, owner: &SinkIdentity) {
    for attempt in 0.. {
        match recover_tables(shared, directory, owner).await {
            Ok(count) => {
                tracing::info!(source_partitions = count, "earlier commits are complete");
                return;
            }
            Err(Failure::Fatal(error)) => {
                tracing::error!("{error}");
                return;
            }
            Err(Failure::Again(error)) => {
                tracing::warn!("completing earlier commits failed: {error}; it is tried again");
                tokio::time::sleep(pause_between_attempts(attempt)).await;
            }
        }
    }
}

/// Loads every source partition of every table that belongs to this sink; how many there are.
async fn recover_tables<S: Storage>(
    shared: &Shared<S>,
    directory: &str,
    owner: &SinkIdentity,
) -> Result<usize, Failure> {
    let (storage, metrics) = (&shared.storage, &shared.metrics);
    let mut count = 0;
    for table in storage.list(directory).await?.iter().filter(|entry| entry.is_directory) {
        let Some(layout) = TableLayout::existing(directory, &table.name) else { continue };
        let Some(identity) = read_identity(storage, &layout.identity()).await? else { continue };
        if identity.sink != owner.sink || identity.subscription != owner.subscription {
            continue;
        }
        if let Some(hive) = &shared.hive {
            hive.mark(&layout);
        }
        let mut deleted = clean_table(storage, &layout).await?;
        for source in storage.list(&layout.commits()).await?.into_iter().filter(|entry| entry.is_directory) {
            let layout = SourcePartitionLayout { table: layout.clone(), name: source.name };
            match load(storage, &layout, &identity).await {
                Ok(manifest) => {
                    count += 1;
                    let sequence = manifest.map_or(0, |manifest| manifest.sequence);
                    deleted += clean(storage, &layout, sequence).await?.deleted;
                }
                // The others' commits must not stay hidden for it; its own first record ends the instance.
                Err(Failure::Fatal(error)) => tracing::error!("{error}"),
                Err(again) => return Err(again),
            }
        }
        metrics.files_cleaned.add(deleted);
    }
    Ok(count)
}
