//! A stack's data folder, and who owns it.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::files;
use crate::ports::Port;

const LOCK: &str = "owner.lock";
const DATA: &str = "data";
/// Says where a running stack is to be found ([`State`](crate::State)).
pub(crate) const STATE: &str = "stack.json";

/// A data folder that this process owns as long as this lives.
pub(crate) struct Folder {
    root: PathBuf,
    ports: Mutex<Vec<Port>>,
    _lock: File,
}

impl Folder {
    /// Takes a folder and clears away what an earlier stack left in it.
    pub(crate) fn claim(root: PathBuf) -> Result<Self> {
        files::folder(&root)?;
        let root = root.canonicalize().map_err(Error::io(root.display()))?;
        let path = root.join(LOCK);
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let mut lock = open.map_err(Error::io(path.display()))?;
        if lock.try_lock().is_err() {
            return Err(Error::InUse(root));
        }
        lock.set_len(0).and_then(|()| write!(lock, "{}", process::id())).map_err(Error::io(path.display()))?;
        let folder = Self::of(root, lock);
        for part in [folder.conf(), folder.data(), folder.connectors(), folder.logs()] {
            remove(&part)?;
            files::folder(&part)?;
        }
        let _ = fs::remove_file(folder.root.join(STATE));
        folder.discard_orphans();
        Ok(folder)
    }

    fn of(root: PathBuf, lock: File) -> Self {
        Self { root, ports: Mutex::default(), _lock: lock }
    }

    /// A port that is free, and no other stack's as long as this lives.
    pub(crate) fn port(&self) -> Result<u16> {
        let port = Port::reserve()?;
        let number = port.number;
        self.ports.lock().unwrap_or_else(PoisonError::into_inner).push(port);
        Ok(number)
    }

    /// Stacks that were killed leave gigabytes: whoever starts one beside them removes what takes room there.
    fn discard_orphans(&self) {
        let siblings = self.root.parent().and_then(|parent| fs::read_dir(parent).ok()).into_iter().flatten().flatten();
        for root in siblings.map(|sibling| sibling.path()).filter(|root| *root != self.root) {
            // Its lock is held meanwhile, so that nobody takes it.
            if let Ok(lock) = File::open(root.join(LOCK))
                && root.join(DATA).exists()
                && lock.try_lock().is_ok()
            {
                // As far as it can be: this stack works without.
                let _ = Self::of(root, lock).discard();
            }
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn conf(&self) -> PathBuf {
        self.root.join("conf")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.join(DATA)
    }

    pub(crate) fn connectors(&self) -> PathBuf {
        self.root.join("connectors")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Removes what takes room: logs and configuration stay.
    pub(crate) fn discard(&self) -> Result<()> {
        remove(&self.data())?;
        remove(&self.connectors())
    }
}

/// Where stacks live by default: `target/stacks` of the workspace that the current folder is in.
#[must_use]
pub fn stacks_dir() -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    let workspace = here.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    workspace.unwrap_or(&here).join("target/stacks")
}

/// The process that owns the stack in this data folder now, if one does.
#[must_use]
pub fn owner(root: &Path) -> Option<u32> {
    let mut lock = File::open(root.join(LOCK)).ok()?;
    if lock.try_lock_shared().is_ok() {
        return None;
    }
    let mut pid = String::new();
    lock.read_to_string(&mut pid).ok()?;
    pid.parse().ok()
}

/// Removes a folder that need not be there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    if path.exists() { fs::remove_dir_all(path).map_err(Error::io(path.display())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_new_stack_removes_the_data_of_those_that_were_killed_and_of_no_other() {
        let parent = env::temp_dir().join(format!("hdfs-csv-stacks-{}", process::id()));
        // Dropped without `discard`, as by a `kill -9`.
        drop(Folder::claim(parent.join("killed")).unwrap());
        let alive = Folder::claim(parent.join("alive")).unwrap();
        files::folder(&parent.join("foreign/data")).unwrap();
        files::folder(&parent.join("killed/data")).unwrap();
        let left = |name: &str| parent.join(name).exists();
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut own = Vec::new();
        // What another test starts holds the locks of this process until it has become a program of its own.
        while own.is_empty() || left("killed/data") && Instant::now() < deadline {
            own.push(Folder::claim(parent.join(format!("own-{}", own.len()))).unwrap());
        }
        let found = ["killed/data", "killed/logs", "alive/data", "foreign/data", "own-0/data"].map(left);
        drop((own, alive));
        fs::remove_dir_all(&parent).unwrap();
        assert_eq!(found, [false, true, true, true, true]);
    }
}
