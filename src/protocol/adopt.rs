//! Adopt: a table goes on under another sink's name, subscription, topic or cluster, on purpose.

use crate::error::{Error, ErrorKind};
use crate::protocol::failure::Failure;
use crate::protocol::identity::read_identity;
use crate::protocol::layout::{SourcePartitionLayout, TableLayout};
use crate::protocol::load::load;
use crate::protocol::manifest::{Manifest, SinkIdentity};
use crate::protocol::manifests::newest_sequence;
use crate::protocol::nonce::nonce;
use crate::protocol::put_if_absent::put_if_absent;
use crate::protocol::reset::put_without_files;
use crate::storage::Storage;

/// Makes a table this sink's. Both sinks must be stopped. Each source partition gets a manifest without files that names the
/// new sink, behind those that name the old one; its mark is kept, unless the positions of the new sink's topics begin anew.
/// What a crash has interrupted is completed by another call. Returns whose the table was, if a file still says so, and the new
/// manifests.
pub async fn adopt<S: Storage>(
    storage: &S,
    table: &TableLayout,
    identity: &SinkIdentity,
    keeps_marks: bool,
) -> Result<(Option<SinkIdentity>, Vec<Manifest>), Failure> {
    let path = table.identity();
    let owner = read_identity(storage, &path).await?;
    let (mut put, mut adopted) = (Vec::new(), false);
    for source in storage.list(&table.commits()).await?.into_iter().filter(|entry| entry.is_directory) {
        let layout = SourcePartitionLayout { table: table.clone(), name: source.name };
        if is_adopted(storage, &layout, identity).await? {
            adopted = true;
            continue;
        }
        let Some(owner) = &owner else { break };
        let Some(newest) = load(storage, &layout, owner).await? else { continue };
        let mark = newest.last.filter(|_| keeps_marks);
        put.push(put_without_files(storage, &layout, newest, mark, identity.clone()).await?);
    }
    match &owner {
        Some(owner) if owner == identity => {}
        Some(_) => drop(storage.delete(&path).await?),
        // The call before got as far as to delete it.
        None if adopted => {}
        None => {
            let nothing = format_args!("there is nothing to adopt: {path} is not there");
            return Err(Error::new(ErrorKind::Config, nothing).into());
        }
    }
    let json = serde_json::to_vec_pretty(identity)
        .map_err(|error| Error::bug(format_args!("an identity cannot be written: {error}")))?;
    put_if_absent(storage, &table.temporary("sink", &nonce()), &path, json.into()).await?;
    Ok((owner, put))
}

/// Whether an interrupted call has done this source partition.
async fn is_adopted<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    identity: &SinkIdentity,
) -> Result<bool, Failure> {
    let Some(sequence) = newest_sequence(storage, layout).await? else { return Ok(false) };
    let path = layout.manifest(sequence);
    Ok(Manifest::from_json(&storage.read(&path).await?, &path, sequence)?.sink == *identity)
}
