//! How a sink writes rows.

use crate::row::file_format::FileFormat;
use crate::row::metadata::Metadata;
use crate::row::partition::Partitioning;

/// How rows are written, the same for every table of a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowSettings {
    /// How files are written.
    pub format: FileFormat,
    /// The metadata columns that are on.
    pub metadata: Vec<Metadata>,
    /// The partitioning, if tables have partitions.
    pub partitioning: Option<Partitioning>,
}
