//! The files of the services, pinned in `artifacts/pom.xml` and fetched by Maven.
//!
//! What Maven answered, what was unpacked and what was made is kept in the user's cache, under locks, so that stacks that start at
//! the same time neither wait for Maven twice nor meet half an archive. Other versions than the pom's are for `make matrix`.

use std::env;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cache::cache_folder;
use crate::error::{Error, Result};
use crate::folder::remove;
use crate::process::run;

const POM: &str = include_str!("../artifacts/pom.xml");
/// Variables of the environment, each with the property of the pom in whose place its value comes.
const VERSIONS: [(&str, &str); 3] = [
    ("STACK_PULSAR_VERSION", "pulsar.version"),
    ("STACK_HADOOP_VERSION", "hadoop.version"),
    ("STACK_HIVE_VERSION", "hive.version"),
];
/// In a folder of the cache, when everything is in it.
const COMPLETE: &str = "complete";
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(1200);
const UNPACK_LIMIT: Duration = Duration::from_secs(300);

/// The files of one of the pom's profiles, in class path order.
pub fn resolve(profile: &str) -> Result<Vec<PathBuf>> {
    resolve_in(&Cache::open()?, profile)
}

/// Pulsar's distribution, unpacked.
pub fn pulsar_home() -> Result<PathBuf> {
    let cache = Cache::open()?;
    let files = resolve_in(&cache, "pulsar")?;
    let archive = files.first().ok_or_else(|| Error::Missing("Pulsar distribution in its pom".to_owned()))?;
    unpack(&cache, archive)
}

fn resolve_in(cache: &Cache, profile: &str) -> Result<Vec<PathBuf>> {
    let versions = other_versions(|variable| env::var(variable).ok());
    let mut hasher = DefaultHasher::new();
    POM.hash(&mut hasher);
    versions.iter().for_each(|option| option.hash(&mut hasher));
    let pinned = cache.folder.join(format!("artifacts-{:016x}", hasher.finish()));
    let list = pinned.join(format!("{profile}.classpath"));
    if let Some(files) = known(&list) {
        return Ok(files);
    }
    fs::create_dir_all(&pinned).map_err(Error::io(pinned.display()))?;
    let pom = pinned.join("pom.xml");
    fs::write(&pom, POM).map_err(Error::io(pom.display()))?;
    let mut maven = Command::new("mvn");
    maven.args(["--quiet", "--batch-mode", "--no-transfer-progress", "--activate-profiles", profile, "--file"]);
    maven.arg(&pom).args(versions).arg("dependency:build-classpath");
    maven.arg(format!("-Dmdep.outputFile={}", list.display()));
    run(maven, DOWNLOAD_LIMIT)?;
    known(&list).ok_or_else(|| Error::Missing(format!("profile {profile} in its pom")))
}

/// Maven's options for the versions that the environment asks for.
fn other_versions(variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let given = VERSIONS.iter().filter_map(|(name, property)| Some((property, variable(name)?)));
    given.map(|(property, version)| format!("-D{property}={version}")).collect()
}

/// What Maven answered before, if all of it is still there.
fn known(list: &Path) -> Option<Vec<PathBuf>> {
    let files: Vec<PathBuf> = env::split_paths(fs::read_to_string(list).ok()?.trim()).collect();
    (!files.is_empty() && files.iter().all(|file| file.is_file())).then_some(files)
}

/// Unpacks an archive that holds one folder, once.
fn unpack(cache: &Cache, archive: &Path) -> Result<PathBuf> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_end_matches(".tar.gz");
    let target = cache.folder.join(name);
    if target.is_dir() {
        return Ok(target);
    }
    let partial = cache.folder.join(format!("{name}.partial"));
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(Error::io(partial.display()))?;
    }
    fs::create_dir_all(&partial).map_err(Error::io(partial.display()))?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(&partial).arg("--strip-components=1");
    run(tar, UNPACK_LIMIT)?;
    fs::rename(&partial, &target).map_err(Error::io(target.display()))?;
    Ok(target)
}

/// A folder of the cache that is made once from these inputs. It is filled where it stays: some things cannot be moved.
/// Who wants the same thing meanwhile waits; who wants something else does not.
pub(crate) fn made(name: &str, inputs: &impl Hash, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = Cache::locked(&format!("{name}.lock"))?;
    let mut hasher = DefaultHasher::new();
    inputs.hash(&mut hasher);
    let folder = cache.folder.join(format!("{name}-{:016x}", hasher.finish()));
    let complete = folder.join(COMPLETE);
    if !complete.is_file() {
        remove(&folder)?;
        fs::create_dir_all(&folder).map_err(Error::io(folder.display()))?;
        make(&folder)?;
        fs::write(&complete, "").map_err(Error::io(complete.display()))?;
    }
    Ok(folder)
}

/// The cache folder, and a lock on one part of it as long as this lives.
struct Cache {
    folder: PathBuf,
    _lock: File,
}

impl Cache {
    /// Takes the lock on what Maven fetches, when nobody else has it.
    fn open() -> Result<Self> {
        Self::locked("lock")
    }

    /// Takes the lock in the file of this name, when nobody else has it.
    fn locked(file: &str) -> Result<Self> {
        let folder = cache_folder()?;
        let path = folder.join(file);
        let lock = File::create(&path).map_err(Error::io(path.display()))?;
        lock.lock().map_err(Error::io(path.display()))?;
        Ok(Self { folder, _lock: lock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environments_versions_come_in_the_place_of_the_poms() {
        assert!(other_versions(|_| None).is_empty());
        let of_hadoop = |name: &str| name.contains("HADOOP").then(|| "3.5.0".to_owned());
        assert_eq!(other_versions(of_hadoop), ["-Dhadoop.version=3.5.0"]);
        for (_, property) in VERSIONS {
            assert!(POM.contains(&format!("<{property}>")) && POM.contains(&format!("${{{property}}}")), "{property}");
        }
    }
}
