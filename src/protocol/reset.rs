//! Reset: a manifest that moves a source partition's mark back, so that records are taken again.

use crate::error::{Error, ErrorKind};
use crate::position::Position;
use crate::protocol::failure::Failure;
use crate::protocol::identity::read_identity;
use crate::protocol::layout::SourcePartitionLayout;
use crate::protocol::load::load;
use crate::protocol::manifest::{Manifest, SinkIdentity};
use crate::protocol::manifests::newest_sequence;
use crate::protocol::nonce::nonce;
use crate::protocol::put_if_absent::put_if_absent;
use crate::storage::Storage;

/// Puts a manifest without files whose mark is this position, or lies before every record. The sink must be stopped: one
/// that runs would commit on from its own mark. Rows above the new mark stay in the table: records that come again are in
/// it twice. Returns the manifest.
pub async fn reset<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    mark: Option<Position>,
) -> Result<Manifest, Failure> {
    let nothing = || {
        Error::new(ErrorKind::Config, format_args!("there is nothing to reset: {} has no manifest", layout.manifests()))
    };
    let identity = read_identity(storage, &layout.table.identity()).await?.ok_or_else(nothing)?;
    let newest = load(storage, layout, &identity).await?.ok_or_else(nothing)?;
    let sink = newest.sink.clone();
    put_without_files(storage, layout, newest, mark, sink).await
}

/// Puts a manifest behind the newest one that changes the mark, or the sink, and nothing else. Returns it.
pub(crate) async fn put_without_files<S: Storage>(
    storage: &S,
    layout: &SourcePartitionLayout,
    newest: Manifest,
    mark: Option<Position>,
    sink: SinkIdentity,
) -> Result<Manifest, Failure> {
    let manifest = Manifest {
        sink,
        sequence: newest.sequence + 1,
        nonce: nonce(),
        predecessor_last: newest.last,
        first: None,
        last: mark,
        rows: 0,
        dropped: 0,
        files: Vec::new(),
        ..newest
    };
    let path = layout.manifest(manifest.sequence);
    let temporary = layout.table.path(&layout.staged(manifest.sequence, &nonce(), "json"));
    put_if_absent(storage, &temporary, &path, manifest.to_json()?.into()).await?;
    let put = Manifest::from_json(&storage.read(&path).await?, &path, manifest.sequence)?;
    let counts = newest_sequence(storage, layout).await? == Some(manifest.sequence);
    if put.nonce == manifest.nonce && counts {
        return Ok(manifest);
    }
    Err(Error::protocol(format_args!(
        "another manifest was put at {path} meanwhile: the sink runs. Stop it (pulsar-admin sinks stop …), and do it again"
    ))
    .into())
}
