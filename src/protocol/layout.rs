//! Names on HDFS: where a table's files, manifests, column versions and staged files are.

use std::fmt::Write as _;

use md5::{Digest, Md5};

/// The longest name: HDFS takes 255 bytes by default (`dfs.namenode.fs-limits.max-component-length`), and file names have a
/// partition, a sequence and an extension besides.
const LONGEST_NAME: usize = 200;
/// Between a name's beginning and its hash. No escaped name has it: `+` is followed by hexadecimal digits there.
const HASH_MARK: &str = "+md5-";
const HASH_DIGITS: usize = 32;

/// Escapes a name that comes from outside, so that two names never meet, none leaves its directory and none is
/// hidden: letters, digits, `-`, and `_` and `.` after the first character stay; other bytes become `+` and two hexadecimal digits.
pub(crate) fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || byte == b'-' || (at > 0 && (byte == b'_' || byte == b'.'));
        if plain {
            escaped.push(byte as char);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "+{byte:02X}");
        }
    }
    escaped
}

/// A name that is empty.
#[derive(Debug, thiserror::Error)]
#[error("its name is empty")]
pub struct InvalidName;

/// A table's directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableLayout {
    root: String,
}

impl TableLayout {
    /// The table of this name, escaped here, under a directory.
    pub fn new(directory: &str, table: &str) -> Result<Self, InvalidName> {
        Ok(TableLayout { root: format!("{}/{}", directory.trim_end_matches('/'), checked(table)?) })
    }

    /// A table whose directory's name was found on HDFS; none for a hidden name, which is no table's.
    pub fn existing(directory: &str, name: &str) -> Option<Self> {
        (!name.is_empty() && !name.starts_with(['_', '.'])).then(|| TableLayout { root: format!("{directory}/{name}") })
    }

    /// The directory that the Hive table points at.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The directory's own name.
    pub(crate) fn name(&self) -> &str {
        self.root.rsplit('/').next().unwrap_or_default()
    }

    /// The absolute path of a name that is relative to the table's directory.
    pub fn path(&self, relative: &str) -> String {
        format!("{}/{relative}", self.root)
    }

    /// The file that says which sink the table belongs to.
    pub fn identity(&self) -> String {
        self.path("_sink.json")
    }

    /// The folder of the manifests, one folder per source partition in it.
    pub fn commits(&self) -> String {
        self.path("_commits")
    }

    /// The folder of the column versions.
    pub fn schemas(&self) -> String {
        self.path("_schema")
    }

    /// A version of the columns.
    pub fn schema(&self, version: u64) -> String {
        self.path(&format!("_schema/{version:020}.json"))
    }

    /// The folder of what is not yet committed, one folder per source partition in it.
    pub fn staging(&self) -> String {
        self.path("_staging")
    }

    /// A name for a file of the table that is put if absent, while it is written.
    pub(crate) fn temporary(&self, what: &str, nonce: &str) -> String {
        self.path(&format!("_staging/{what}-{nonce}.json"))
    }
}

/// Where the files of one source partition are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePartitionLayout {
    /// Its table.
    pub table: TableLayout,
    /// Its name in file names, escaped.
    pub name: String,
}

impl SourcePartitionLayout {
    /// The source partition of this topic (its local name) and partition index; no index for a topic without partitions.
    pub fn new(table: TableLayout, topic: &str, partition: Option<u32>) -> Result<Self, InvalidName> {
        let topic = checked(topic)?;
        let name = partition.map_or_else(|| topic.clone(), |partition| format!("{topic}-p{partition}"));
        Ok(SourcePartitionLayout { table, name })
    }

    /// The part of it that one instance writes, when several do at the same time. No escaped name contains `+i`.
    pub(crate) fn of_instance(self, instance: u32) -> Self {
        SourcePartitionLayout { name: format!("{}+i{instance}", self.name), ..self }
    }

    /// The folder of its manifests.
    pub fn manifests(&self) -> String {
        self.table.path(&format!("_commits/{}", self.name))
    }

    /// A manifest.
    pub fn manifest(&self, sequence: u64) -> String {
        format!("{}/{sequence:020}.json", self.manifests())
    }

    /// The sequence of a manifest's file name.
    pub fn manifest_sequence(name: &str) -> Option<u64> {
        number(name.strip_suffix(".json")?)
    }

    /// The folder of the lists of files that pruned manifests named.
    pub fn rolled_up_lists(&self) -> String {
        self.table.path(&format!("_files/{}", self.name))
    }

    /// What stands for a partition directory (empty for a table without partitions) in the names of lists.
    pub(crate) fn rolled_up_name(directory: &str) -> &str {
        if directory.is_empty() { "table" } else { directory }
    }

    /// A list of files in the directory that this stands for, which pruned manifests named.
    pub(crate) fn rolled_up(&self, directory: &str, nonce: &str) -> String {
        format!("{}/{directory}-{nonce}.json", self.rolled_up_lists())
    }

    /// What stands for the directory in the name of a list.
    pub(crate) fn rolled_up_directory(name: &str) -> Option<&str> {
        Some(name.strip_suffix(".json")?.rsplit_once('-')?.0)
    }

    /// Says by its name that manifests were pruned up to this one.
    pub(crate) fn pruned(&self, through: u64) -> String {
        format!("{}/pruned-{through:020}", self.rolled_up_lists())
    }

    /// Up to which manifest such a name says that was pruned.
    pub(crate) fn pruned_through(name: &str) -> Option<u64> {
        number(name.strip_prefix("pruned-")?)
    }

    /// The folder of its files that are not yet committed.
    pub(crate) fn staging(&self) -> String {
        self.table.path(&format!("_staging/{}", self.name))
    }

    /// A staged file's name, relative to the table's directory.
    pub fn staged(&self, sequence: u64, nonce: &str, extension: &str) -> String {
        format!("_staging/{}/{sequence:020}-{nonce}.{extension}", self.name)
    }

    /// The sequence that a staged file's name carries.
    pub(crate) fn staged_sequence(name: &str) -> Option<u64> {
        number(name.split_once('-')?.0)
    }

    /// The final name, relative to the table's directory, of the file that the commit of this sequence begins in a
    /// partition directory (empty for a table without partitions).
    pub fn published(&self, directory: &str, sequence: u64, extension: &str) -> String {
        let separator = if directory.is_empty() { "" } else { "/" };
        format!("{directory}{separator}{}-{sequence:020}.{extension}", self.name)
    }
}

/// The number that these digits are in a name of a file, which has twenty: another way to write it is no name of ours, and the
/// file that the number stands for would not be there.
fn number(digits: &str) -> Option<u64> {
    let all = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    if all { digits.parse().ok() } else { None }
}

/// A name as HDFS takes it. Of a long one there is the beginning, and a hash that tells it from others.
fn checked(name: &str) -> Result<String, InvalidName> {
    let mut escaped = escape(name);
    if escaped.is_empty() {
        return Err(InvalidName);
    }
    if escaped.len() > LONGEST_NAME {
        let kept = LONGEST_NAME - HASH_MARK.len() - HASH_DIGITS;
        // Not within an escaped byte.
        let cut = escaped[..kept].rfind('+').filter(|at| at + 3 > kept).unwrap_or(kept);
        escaped.truncate(cut);
        escaped.push_str(HASH_MARK);
        for byte in Md5::digest(name) {
            let _ = write!(escaped, "{byte:02x}");
        }
    }
    Ok(escaped)
}

/// The parent of a path.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unescape(escaped: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = escaped.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            if first == b'+' {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                rest = &tail[2..];
            } else {
                bytes.push(first);
                rest = tail;
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn an_escaped_name_stays_in_its_directory_and_is_seen_and_unique(name in "\\PC{0,20}") {
            let escaped = escape(&name);
            prop_assert!(!escaped.contains(['/', ':', '%']));
            prop_assert!(!escaped.starts_with(['_', '.']));
            prop_assert_eq!(unescape(&escaped), name);
        }
    }

    #[test]
    fn names_are_where_the_design_says() {
        let table = TableLayout::new("/events/", "page_visit").unwrap();
        let own = SourcePartitionLayout::new(table, "page_visit", Some(0)).unwrap();
        assert_eq!(own.published("dt=2026-11-24", 42, "csv"), "dt=2026-11-24/page_visit-p0-00000000000000000042.csv");
        assert_eq!(own.manifest(42), "/events/page_visit/_commits/page_visit-p0/00000000000000000042.json");
        assert_eq!(SourcePartitionLayout::manifest_sequence("00000000000000000042.json"), Some(42));
        assert_eq!(SourcePartitionLayout::staged_sequence("00000000000000000042-ab.csv"), Some(42));
    }

    #[test]
    fn a_number_that_is_written_in_another_way_is_no_name_of_a_file_of_ours() {
        for digits in
            ["42", "+0000000000000000042", "000000000000000000042", "99999999999999999999", "", "0000000000000000004x"]
        {
            assert_eq!(SourcePartitionLayout::manifest_sequence(&format!("{digits}.json")), None, "{digits}");
            assert_eq!(SourcePartitionLayout::staged_sequence(&format!("{digits}-ab.csv")), None, "{digits}");
            assert_eq!(SourcePartitionLayout::pruned_through(&format!("pruned-{digits}")), None, "{digits}");
        }
    }

    proptest! {
        #[test]
        fn a_long_name_is_shortened_to_one_of_its_own(name in "[a-cж_]{60,250}", other in "[a-cж_]{60,250}") {
            let [own, others] = [&name, &other].map(|name| checked(name).unwrap());
            prop_assert!(own.len() <= LONGEST_NAME && (own == others) == (name == other));
            let (beginning, hash) = own.split_once(HASH_MARK).unwrap_or((&own, ""));
            prop_assert!(escape(&name).starts_with(beginning) && [0, HASH_DIGITS].contains(&hash.len()));
        }
    }

    #[test]
    fn a_name_of_any_length_is_a_tables_but_an_empty_one() {
        assert!(TableLayout::new("/events", "").is_err());
        let name = |length| TableLayout::new("/events", &"x".repeat(length)).unwrap().name().to_owned();
        assert_eq!(name(200), "x".repeat(200));
        assert_eq!(name(201), format!("{}+md5-{}", "x".repeat(163), "3ea01af1716230e4a1484e78b3199f61"));
    }
}
