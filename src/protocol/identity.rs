//! Whose a table is: one sink and subscription, or its mark would be taken for another's.

use crate::error::Error;
use crate::protocol::failure::Failure;
use crate::protocol::layout::TableLayout;
use crate::protocol::manifest::SinkIdentity;
use crate::protocol::nonce::nonce;
use crate::protocol::put_if_absent::put_if_absent;
use crate::safeguard::{Safeguard, is_on};
use crate::storage::{Operation, Storage, StorageError, StorageErrorKind};

/// Makes the table this sink's if it is nobody's yet, and checks that it is this sink's.
pub(crate) async fn claim<S: Storage>(
    storage: &S,
    table: &TableLayout,
    identity: &SinkIdentity,
) -> Result<(), Failure> {
    let path = table.identity();
    if let Some(owner) = read_identity(storage, &path).await? {
        return if is_of(&owner, identity) { Ok(()) } else { Err(foreign(&path, &owner, identity).into()) };
    }
    let json = serde_json::to_vec_pretty(identity)
        .map_err(|error| Error::bug(format_args!("an identity cannot be written: {error}")))?;
    put_if_absent(storage, &table.temporary("sink", &nonce()), &path, json.into()).await?;
    match read_identity(storage, &path).await? {
        Some(owner) if is_of(&owner, identity) => Ok(()),
        Some(owner) => Err(foreign(&path, &owner, identity).into()),
        None => Err(Failure::Again(StorageError {
            kind: StorageErrorKind::Unknown,
            operation: Operation::Read,
            path,
            message: "it was put but cannot be read back".to_owned(),
        })),
    }
}

/// Whether what this one owns is that one's.
pub(crate) fn is_of(owner: &SinkIdentity, identity: &SinkIdentity) -> bool {
    let names = |of: &SinkIdentity| [of.sink.clone(), of.subscription.clone(), of.topic.clone()];
    // A table of a time when the sink did not know its cluster is of any.
    let is_of_its_cluster = owner.cluster == identity.cluster || owner.cluster.is_none() || identity.cluster.is_none();
    names(owner) == names(identity) && is_of_its_cluster || !is_on(Safeguard::Identity)
}

/// The identity that a table's file names, if the table is anybody's.
pub async fn read_identity<S: Storage>(storage: &S, path: &str) -> Result<Option<SinkIdentity>, Failure> {
    let bytes = match storage.read(path).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let identity = serde_json::from_slice(&bytes).map_err(|error| {
        Error::protocol(format_args!("{path}, which says whose the table is, cannot be read: {error}"))
    })?;
    Ok(Some(identity))
}

fn in_words(identity: &SinkIdentity) -> String {
    let SinkIdentity { sink, subscription, topic, cluster } = identity;
    let cluster = cluster.as_ref().map_or_else(String::new, |cluster| format!(", cluster `{cluster}`"));
    format!("sink `{sink}`, subscription `{subscription}`, topic `{topic}`{cluster}")
}

/// What is wrong when this names another sink.
pub(crate) fn foreign(path: &str, owner: &SinkIdentity, identity: &SinkIdentity) -> Error {
    Error::protocol(format_args!(
        "the table belongs to another sink: {path} names {}, but this is {}. Give this sink a `directory` or a \
         `tableNamePattern` of its own, or name and subscribe it as the first one. If it takes the first one's place, run \
         `hdfs-csv adopt`",
        in_words(owner),
        in_words(identity),
    ))
}
