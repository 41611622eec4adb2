//! A Chromium for pictures of pages, and the Python that drives it.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::artifacts;
use crate::error::Result;
use crate::files;
use crate::process::run;
use crate::python;

const NAME: &str = "browser";
const REQUIREMENTS: &str = include_str!("../browser/requirements.txt");
const DEBIAN: &str = include_str!("../browser/debian.py");
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const FETCH_LIMIT: Duration = Duration::from_secs(900);

/// Where the parts are.
#[derive(Clone, Debug)]
pub struct Browser {
    /// A Python with playwright.
    pub python: PathBuf,
    /// The command that starts Chromium.
    pub chromium: PathBuf,
}

impl Browser {
    /// The browser that is installed, else Debian's, fetched into the user's cache once.
    pub fn fetch() -> Result<Self> {
        let python = python::environment(NAME, REQUIREMENTS)?.join("python");
        if let Some(chromium) = installed() {
            return Ok(Self { python, chromium });
        }
        let folder = artifacts::made("chromium", &DEBIAN, |folder| {
            let program = folder.join("debian.py");
            files::write(&program, DEBIAN)?;
            let mut fetch = Command::new(&python);
            fetch.arg(&program).arg(folder);
            run(fetch, FETCH_LIMIT).map(drop)
        })?;
        Ok(Self { python, chromium: folder.join("chromium") })
    }
}

fn installed() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    PROGRAMS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}
