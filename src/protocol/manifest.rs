//! The manifest: the small file that is the commit.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::position::Position;

/// The format that this crate writes, and the only one that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Which sink a table belongs to: another one would take its mark for its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkIdentity {
    /// `tenant/namespace/name` of the sink.
    pub sink: String,
    /// The subscription that it reads with.
    pub subscription: String,
    /// The topic that the table comes from, without partition.
    pub topic: String,
    /// The Pulsar cluster, where the sink knows it: positions of another one's BookKeeper are no later and no earlier ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

/// One commit of one source partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Its number in the source partition, from 1 without gaps.
    pub sequence: u64,
    /// What tells it from another owner's manifest of the same sequence.
    pub nonce: String,
    /// The source partition's name.
    pub source_partition: String,
    /// Whether its records came in the order of their positions, each once: not so under at-least-once.
    pub ordered: bool,
    /// The sink that wrote it.
    pub sink: SinkIdentity,
    /// The last position of the manifest before: positions are not dense, so this is the chain that `verify` follows.
    pub predecessor_last: Option<Position>,
    /// The first position of the batch; none in a reset, which has no records.
    pub first: Option<Position>,
    /// The last position of the batch: the mark. None, after a reset, lies before every record.
    pub last: Option<Position>,
    /// The largest publish time committed so far, milliseconds since 1970.
    pub largest_publish_time: i64,
    /// Rows of the batch.
    pub rows: u64,
    /// Bad records of the batch: dead letters and skipped ones.
    pub dropped: u64,
    /// Rows of this and all manifests before.
    pub total_rows: u64,
    /// Bad records of this and all manifests before.
    pub total_dropped: u64,
    /// The version of the table's columns that the rows are written under; 0 when there are no rows.
    pub schema_version: u64,
    /// The batch's files.
    pub files: Vec<FileEntry>,
    /// The files that a later batch may be folded into, at most one per partition directory, the latest last.
    pub open_files: Vec<OpenFile>,
    /// The sequence of an earlier manifest whose open files these take the place of, each of its directory's; without, these
    /// are all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files_since: Option<u64>,
}

/// A file that is small enough to grow: the next batch's rows for its directory are put behind its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenFile {
    /// Its partition directory; empty for a table without partitions.
    pub directory: String,
    /// Its name, relative to the table's directory.
    pub name: String,
    /// What is in it.
    pub content: Content,
}

/// How a file's rows are written, in the words of who writes rows: the protocol only compares them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowFormat(pub serde_json::Value);

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Content {
    /// Bytes.
    pub length: u64,
    /// Rows.
    pub rows: u64,
    /// CRC-32 (IEEE, as in zlib) of its bytes, eight hexadecimal digits.
    pub checksum: String,
    /// How its rows are written: rows written otherwise begin a new file.
    pub format: RowFormat,
}

/// A file of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileEntry {
    /// Where it was staged, relative to the table's directory.
    pub staged: String,
    /// Its final name, relative to the table's directory.
    pub name: String,
    /// What is in it.
    pub content: Content,
    /// What the file held that it replaces, when the batch is folded: its own content begins with that.
    pub replaces: Option<Content>,
}

impl FileEntry {
    /// Rows that the batch brings, without those of the file that it replaces.
    pub fn new_rows(&self) -> u64 {
        self.content.rows - self.replaces.as_ref().map_or(0, |old| old.rows.min(self.content.rows))
    }
}

impl Manifest {
    /// The manifest as it is stored.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec_pretty(self)
            .map_err(|error| Error::bug(format_args!("a manifest cannot be written: {error}")))
    }

    /// Reads a manifest and checks that it is the one that its name says.
    pub fn from_json(bytes: &[u8], path: &str, sequence: u64) -> Result<Self> {
        let damaged = |what: String| {
            Error::protocol(format_args!(
                "the manifest {path} cannot be used: {what}. Restore it from a snapshot, or run `hdfs-csv verify` on the table"
            ))
        };
        let version: Version = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if version.format_version > FORMAT_VERSION {
            let needed = version
                .needed_version
                .as_deref()
                .map_or_else(|| "the version that wrote it".to_owned(), |version| format!("version {version}"));
            return Err(Error::protocol(format_args!(
                "the manifest {path} is of a newer version: its format is {}, and this one, {}, knows {FORMAT_VERSION}. It needs \
                 {needed} or a newer one; nothing was changed",
                version.format_version,
                env!("CARGO_PKG_VERSION"),
            )));
        }
        if version.format_version != FORMAT_VERSION {
            return Err(damaged(format!("its format version is {}", version.format_version)));
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
        if manifest.sequence != sequence {
            return Err(damaged(format!("it says that its sequence is {}", manifest.sequence)));
        }
        Ok(manifest)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    format_version: u32,
    /// The oldest version of the connector that reads it: newer formats say so.
    #[serde(default)]
    needed_version: Option<String>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A manifest with nothing remarkable in it.
    pub(crate) fn example() -> Manifest {
        let position = Position { ledger: 1, entry: 2, batch_index: 3 };
        Manifest {
            format_version: FORMAT_VERSION,
            sequence: 7,
            nonce: "n".to_owned(),
            source_partition: "page_visit".to_owned(),
            ordered: true,
            sink: SinkIdentity {
                sink: "marketplace/events/cold".to_owned(),
                subscription: "cold".to_owned(),
                topic: "persistent://marketplace/events/page_visit".to_owned(),
                cluster: None,
            },
            predecessor_last: None,
            first: Some(position),
            last: Some(position),
            largest_publish_time: 5,
            rows: 1,
            dropped: 0,
            total_rows: 1,
            total_dropped: 0,
            schema_version: 1,
            files: vec![],
            open_files: vec![],
            open_files_since: None,
        }
    }

    #[test]
    fn a_manifest_comes_back_from_its_json() {
        let manifest = example();
        assert_eq!(Manifest::from_json(&manifest.to_json().unwrap(), "m", 7).unwrap(), manifest);
    }

    #[test]
    fn a_manifest_of_another_sequence_or_format_or_cut_off_is_refused_by_name() {
        let manifest = example();
        let json = manifest.to_json().unwrap();
        let of_format = |number| Manifest { format_version: number, ..manifest.clone() }.to_json().unwrap();
        for (bytes, sequence, says) in [
            (&json[..], 8, "sequence is 7"),
            (&of_format(0), 7, "format version is 0"),
            (&of_format(2), 7, "It needs the version that wrote it or a newer one; nothing was changed"),
            (
                br#"{"formatVersion":3,"neededVersion":"1.2.0","what":{"else":1}}"#,
                7,
                "It needs version 1.2.0 or a newer one",
            ),
            (&json[..json.len() / 2], 7, "EOF"),
        ] {
            let error = Manifest::from_json(bytes, "/t/_commits/p/7.json", sequence).unwrap_err();
            assert!(error.message.contains(says) && error.message.contains("/t/_commits/p/7.json"), "{error}");
        }
    }
}
