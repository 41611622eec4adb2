//! The newest manifest, as the next commit needs it.

use crate::position::Position;
use crate::protocol::manifest::{FORMAT_VERSION, Manifest, SinkIdentity};
use crate::protocol::nonce::nonce;
use crate::protocol::open_files::OpenFiles;

/// What the next commit needs of the newest manifest. The default is that of a source partition without commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) sequence: u64,
    pub(crate) mark: Option<Position>,
    pub(crate) largest_publish_time: i64,
    total_rows: u64,
    total_dropped: u64,
    pub(crate) open_files: OpenFiles,
}

impl Newest {
    /// What this manifest says, whose open files are these.
    pub(crate) fn new(manifest: &Manifest, open_files: OpenFiles) -> Self {
        Newest {
            sequence: manifest.sequence,
            mark: manifest.last,
            largest_publish_time: manifest.largest_publish_time,
            total_rows: manifest.total_rows,
            total_dropped: manifest.total_dropped,
            open_files,
        }
    }

    /// The manifest of the batch that follows this one, without its files and its open files.
    pub(crate) fn following(
        &self,
        source_partition: &str,
        ordered: bool,
        sink: &SinkIdentity,
        batched: &Batched,
    ) -> Manifest {
        Manifest {
            format_version: FORMAT_VERSION,
            sequence: self.sequence.saturating_add(1),
            nonce: nonce(),
            source_partition: source_partition.to_owned(),
            ordered,
            sink: sink.clone(),
            predecessor_last: self.mark,
            first: Some(batched.first),
            last: Some(batched.last),
            largest_publish_time: self.largest_publish_time.max(batched.largest_publish_time),
            rows: batched.rows,
            dropped: batched.dropped,
            total_rows: self.total_rows.saturating_add(batched.rows),
            total_dropped: self.total_dropped.saturating_add(batched.dropped),
            schema_version: batched.schema_version,
            files: Vec::new(),
            open_files: Vec::new(),
            open_files_since: None,
        }
    }
}

/// What a manifest says of its batch, before the files are staged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batched {
    pub(crate) first: Position,
    pub(crate) last: Position,
    /// Milliseconds since 1970.
    pub(crate) largest_publish_time: i64,
    pub(crate) rows: u64,
    /// Bad records.
    pub(crate) dropped: u64,
    /// The version of the columns; 0 when there are no rows.
    pub(crate) schema_version: u64,
}
