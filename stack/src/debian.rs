//! Programs from Debian's packages, unpacked into the user's cache and not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::artifacts::made;
use crate::error::{Error, Result};
use crate::files;
use crate::process::run;

const FETCH_LIMIT: Duration = Duration::from_secs(600);
const RELEASE: &str = "/etc/debian_version";

/// A folder with these packages, and with what they need whose names begin so: the rest every machine has.
pub(crate) fn unpacked(name: &str, packages: &[&str], needs: &[&str]) -> Result<PathBuf> {
    // The packages of one release do not run on every other one.
    let release = fs::read_to_string(RELEASE).map_err(Error::io(format_args!("find Debian's packages: {RELEASE}")))?;
    made(name, &(packages, needs, release), |folder| {
        let state = folder.join("apt");
        files::folder(&state.join("lists/partial"))?;
        files::folder(&state.join("archives/partial"))?;
        apt(&state, &["update"])?;
        let installed = apt(&state, &[&["--simulate", "--no-install-recommends", "install"], packages].concat())?;
        let all: Vec<_> = installed
            .lines()
            .filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next())
            .filter(|package| packages.contains(package) || needs.iter().any(|begin| package.starts_with(begin)))
            .collect();
        apt(&state, &[&["download"], &all[..]].concat())?;
        for archive in archives(&state)? {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("--extract").arg(archive).arg(folder);
            run(unpack, FETCH_LIMIT)?;
        }
        crate::folder::remove(&state)
    })
}

/// Runs apt-get with lists of its own, in its folder, where packages are downloaded to.
fn apt(state: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("apt-get");
    command
        .arg("--quiet=2")
        .args(["-o", "APT::Sandbox::User=", "-o", "Dir::State::status=/dev/null"])
        .arg("-o")
        .arg(format!("Dir::State={}", state.display()))
        .arg("-o")
        .arg(format!("Dir::Cache={}", state.display()))
        .args(arguments)
        .current_dir(state);
    run(command, FETCH_LIMIT)
}

fn archives(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths.filter(|path| path.extension().is_some_and(|own| own == "deb")).collect())
}
