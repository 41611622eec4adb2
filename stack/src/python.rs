//! Python environments, made of pinned packages and kept in the user's cache, where all stacks share them.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::artifacts;
use crate::error::Result;
use crate::files;
use crate::process::run;

const BASE: &str = "python3";
const INSTALL_LIMIT: Duration = Duration::from_secs(1800);
const BASE_LIMIT: Duration = Duration::from_secs(300);
/// Which Python it is: an environment is of no use to another.
const IDENTITY: &str = "import sys; print(sys.version, sys.base_prefix)";

/// The folder of an environment's commands. `requirements` are all of its packages, pinned, as `pip freeze` lists them; it
/// is made once.
pub fn environment(name: &str, requirements: &str) -> Result<PathBuf> {
    let mut identity = Command::new(BASE);
    identity.args(["-c", IDENTITY]);
    let inputs = (requirements, run(identity, BASE_LIMIT)?);
    let folder = artifacts::made(&format!("python-{name}"), &inputs, |folder| {
        let mut make = Command::new(BASE);
        make.args(["-m", "venv"]).arg(folder);
        run(make, BASE_LIMIT)?;
        let list = folder.join("requirements.txt");
        files::write(&list, requirements)?;
        let mut install = Command::new(folder.join("bin/python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement"]);
        install.arg(&list);
        run(install, INSTALL_LIMIT).map(drop)
    })?;
    Ok(folder.join("bin"))
}
