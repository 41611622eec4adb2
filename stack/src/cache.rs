//! Where the user keeps what need not be fetched or made again.

use std::path::PathBuf;
use std::{env, fs};

use crate::error::{Error, Result};

const CACHE: &str = "pulsar-io-hdfs-csv";

/// The project's folder in the user's cache, made if it is not there.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let folder = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(env::home_dir()?.join(".cache")))
        .ok_or_else(|| Error::Missing("home folder: set XDG_CACHE_HOME".to_owned()))?
        .join(CACHE);
    fs::create_dir_all(&folder).map_err(Error::io(folder.display()))?;
    Ok(folder)
}
