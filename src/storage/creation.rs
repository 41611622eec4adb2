//! What new files and directories are made with, as Hadoop's own client makes them with the settings of the same folder: DFSClient
//! and `FsCreateModes` of Hadoop 3.4.2. hdfs-native (0.14.8) sends one set of permissions where Java sends two, without the umask
//! and with it: the NameNode takes the former below a directory with a default ACL. So it is looked whether there is one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdfs_native::acl::{AclEntry, AclEntryScope};
use hdfs_native::client::WriteOptions;
use hdfs_native::{Client, HdfsError};

use crate::storage::hadoop::{HadoopSettings, umask};

const REPLICATION: &str = "dfs.replication";
const BLOCK_SIZE: &str = "dfs.blocksize";
/// HDFS sums up blocks in such pieces, unless all of it is told otherwise.
const BYTES_PER_CHECKSUM: u64 = 512;
/// A default ACL that somebody sets is obeyed after this.
const KNOWN_FOR: Duration = Duration::from_secs(60);
/// Directories whose default ACLs are known at once.
const MOST_KNOWN: usize = 10_000;

/// The permissions that a sink's configuration asks for, such as 0o640; those of the umask where it asks for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Of files.
    pub file: Option<u32>,
    /// Of directories.
    pub directory: Option<u32>,
}

/// What new files and directories are made with.
pub(super) struct Creation {
    file: Permissions,
    directory: Permissions,
    replication: Option<u32>,
    block_size: Option<u64>,
    /// Directories that had no default ACL, and when. That one has is not kept: what it allows to all would be allowed without it.
    without_acl: Mutex<HashMap<String, Instant>>,
}

/// Permissions without a umask, and with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Permissions {
    whole: u32,
    masked: u32,
}

impl Creation {
    /// What these settings say.
    ///
    /// # Errors
    /// In words: one of them cannot be used.
    pub(super) fn of(hadoop: &HadoopSettings, modes: Modes) -> Result<Self, String> {
        let umask = umask(hadoop)?;
        let permissions = |mode: Option<u32>, usual: u32| match mode {
            Some(mode) => Permissions { whole: mode, masked: mode },
            None => Permissions { whole: usual, masked: usual & !umask },
        };
        Ok(Creation {
            file: permissions(modes.file, 0o666),
            directory: permissions(modes.directory, 0o777),
            replication: replication(hadoop)?,
            block_size: block_size(hadoop)?,
            without_acl: Mutex::default(),
        })
    }

    /// What a new file of this path is made with.
    pub(super) async fn of_file(&self, client: &Client, path: &str) -> Result<WriteOptions, HdfsError> {
        let permission = self.permission(self.file, client, path).await?;
        Ok(WriteOptions {
            replication: self.replication,
            block_size: self.block_size,
            ..WriteOptions::default().permission(permission)
        })
    }

    /// The permissions of a new directory of this path, and of those above it that are not there.
    pub(super) async fn of_directory(&self, client: &Client, path: &str) -> Result<u32, HdfsError> {
        self.permission(self.directory, client, path).await
    }

    async fn permission(&self, permissions: Permissions, client: &Client, path: &str) -> Result<u32, HdfsError> {
        let whole = permissions.whole != permissions.masked && self.is_under_default_acl(client, path).await?;
        Ok(if whole { permissions.whole } else { permissions.masked })
    }

    /// Whether the nearest directory above this path has a default ACL.
    async fn is_under_default_acl(&self, client: &Client, path: &str) -> Result<bool, HdfsError> {
        let mut rest = path;
        while let Some((above, _)) = rest.rsplit_once('/') {
            if self.without_acl().get(above).is_some_and(|since| since.elapsed() < KNOWN_FOR) {
                return Ok(false);
            }
            let directory = if above.is_empty() { "/" } else { above };
            match has_default_acl(client.get_acl_status(directory).await.map(|acl| acl.entries))? {
                Some(true) => return Ok(true),
                Some(false) => {
                    let mut known = self.without_acl();
                    if known.len() >= MOST_KNOWN {
                        known.clear();
                    }
                    known.insert(above.to_owned(), Instant::now());
                    return Ok(false);
                }
                None => rest = above,
            }
        }
        Ok(false)
    }

    fn without_acl(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.without_acl.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a directory's ACL says; none when the directory is not there.
///
/// # Errors
/// It could not be looked at.
fn has_default_acl(entries: Result<Vec<AclEntry>, HdfsError>) -> Result<Option<bool>, HdfsError> {
    /// There are no ACLs here: `dfs.namenode.acls.enabled`, or something that is not a NameNode.
    const NONE: [&str; 3] = [
        "org.apache.hadoop.hdfs.protocol.AclException",
        "org.apache.hadoop.ipc.RpcNoSuchMethodException",
        "java.lang.UnsupportedOperationException",
    ];
    match entries {
        Ok(entries) => Ok(Some(entries.iter().any(|entry| entry.scope == AclEntryScope::Default))),
        Err(HdfsError::FileNotFound(_)) => Ok(None),
        Err(HdfsError::RPCError(class, _)) if class == "java.io.FileNotFoundException" => Ok(None),
        Err(HdfsError::RPCError(class, _)) if NONE.contains(&class.as_str()) => Ok(Some(false)),
        Err(error) => Err(error),
    }
}

fn replication(hadoop: &HadoopSettings) -> Result<Option<u32>, String> {
    let Some(text) = hadoop.get(REPLICATION)? else { return Ok(None) };
    let number = text.parse().ok().filter(|number| (1..=i16::MAX as u32).contains(number));
    number.map(Some).ok_or_else(|| {
        format!("{REPLICATION} in {} is `{text}`, and is to be a number of replicas, such as 3", hadoop.place())
    })
}

fn block_size(hadoop: &HadoopSettings) -> Result<Option<u64>, String> {
    let Some(text) = hadoop.get(BLOCK_SIZE)? else { return Ok(None) };
    let size = with_binary_prefix(&text).filter(|size| *size > 0 && size % BYTES_PER_CHECKSUM == 0);
    size.map(Some).ok_or_else(|| {
        format!(
            "{BLOCK_SIZE} in {} is `{text}`, and is to be a number of bytes that {BYTES_PER_CHECKSUM} divides, such as 134217728 or 128m",
            hadoop.place()
        )
    })
}

/// A number as `StringUtils.TraditionalBinaryPrefix` reads it.
fn with_binary_prefix(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let exponent = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::hadoop::tests::{property, settings};

    fn of(properties: &str, modes: Modes) -> Creation {
        Creation::of(&settings(properties), modes).unwrap()
    }

    #[test]
    fn the_umask_is_taken_from_what_nobody_asks_for_and_from_nothing_else() {
        let creation = of(&property("fs.permissions.umask-mode", "027"), Modes::default());
        assert_eq!(creation.file, Permissions { whole: 0o666, masked: 0o640 });
        assert_eq!(creation.directory, Permissions { whole: 0o777, masked: 0o750 });
        let modes = Modes { file: Some(0o664), directory: None };
        let creation = of(&property("fs.permissions.umask-mode", "077"), modes);
        assert_eq!(creation.file, Permissions { whole: 0o664, masked: 0o664 });
        assert_eq!(creation.directory, Permissions { whole: 0o777, masked: 0o700 });
    }

    #[test]
    fn replication_and_block_size_are_the_folders_and_what_they_are_not_is_refused() {
        let creation = of("", Modes::default());
        assert_eq!((creation.replication, creation.block_size), (None, None));
        for (text, expected) in [("1048576", 1 << 20), ("1m", 1 << 20), (" 256M ", 256 << 20), ("1g", 1 << 30)] {
            let properties = property(REPLICATION, "2") + &property(BLOCK_SIZE, text);
            let creation = of(&properties, Modes::default());
            assert_eq!((creation.replication, creation.block_size), (Some(2), Some(expected)));
        }
        for (name, wrong) in [
            (REPLICATION, "0"),
            (REPLICATION, "-1"),
            (REPLICATION, "40000"),
            (REPLICATION, "three"),
            (BLOCK_SIZE, "0"),
            (BLOCK_SIZE, "1000"),
            (BLOCK_SIZE, "128mb"),
            (BLOCK_SIZE, "99999999t"),
            (BLOCK_SIZE, "é"),
        ] {
            let error = Creation::of(&settings(&property(name, wrong)), Modes::default()).err().unwrap();
            assert!(error.starts_with(name) && error.contains(&format!("`{wrong}`")), "{error}");
        }
    }

    #[test]
    fn a_directory_that_is_not_there_says_nothing_and_one_without_acls_says_no() {
        let refused = |class: &str| Err(HdfsError::RPCError(class.to_owned(), String::new()));
        let entry = |scope: &str| AclEntry::new("group", scope, "rwx", Some("analysts".to_owned()));
        assert_eq!(has_default_acl(Ok(vec![entry("access"), entry("default")])).unwrap(), Some(true));
        assert_eq!(has_default_acl(Ok(vec![entry("access")])).unwrap(), Some(false));
        assert_eq!(has_default_acl(refused("java.io.FileNotFoundException")).unwrap(), None);
        assert_eq!(has_default_acl(refused("org.apache.hadoop.hdfs.protocol.AclException")).unwrap(), Some(false));
        for class in ["org.apache.hadoop.ipc.StandbyException", "org.apache.hadoop.security.AccessControlException"] {
            assert!(has_default_acl(refused(class)).is_err(), "{class}");
        }
    }
}
