//! The commands of a page of the documentation, as its reader runs them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::services::Services;
use crate::shared::repository;
use crate::wait::LIMIT;

/// A page whose blocks of `sh` are run one after another, in one shell. The first one has the values that its reader changes.
pub struct Page {
    folder: PathBuf,
    programs: String,
    script: String,
    environment: BTreeMap<String, String>,
}

impl Page {
    /// The page at this path of the repository, with these values in the place of its own: one for each.
    pub fn read(services: &Services, path: &str, values: &[(&str, String)]) -> Result<Page> {
        let text = std::fs::read_to_string(repository().join(path)).with_context(|| path.to_owned())?;
        let mut blocks = text.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```\n").next());
        let first = blocks.next().with_context(|| format!("{path} has no commands"))?;
        let named: Vec<_> = first.lines().filter_map(|line| line.strip_prefix("export ")?.split('=').next()).collect();
        let given: Vec<_> = values.iter().map(|(name, _)| *name).collect();
        ensure!(named == given, "{path} has values for {named:?}, and the test for {given:?}");
        let script = blocks.collect::<Vec<_>>().join("\n");
        let environment = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let folder = services.scratch("page");
        std::fs::create_dir_all(&folder)?;
        Ok(Page { folder, programs: String::new(), script, environment })
    }

    /// A program that the page names is this command, with the arguments that the page gives it: all but the first of them that
    /// the command has by itself, as `dfs` of `hdfs dfs`. It is a function of the shell: a file that was just written cannot be run
    /// while another thread's new process still has it open.
    pub fn program(&mut self, name: &str, command: &Command, dropped: usize) -> Result<()> {
        let quoted = |text: &OsStr| format!("'{}'", text.to_string_lossy().replace('\'', "'\\''"));
        writeln!(self.programs, "{name}() (\nshift {dropped}")?;
        for (name, value) in command.get_envs().filter_map(|(name, value)| Some((name, value?))) {
            let name = name.to_string_lossy();
            // What the page's reader has set counts.
            if !self.environment.contains_key(&*name) {
                writeln!(self.programs, "export {name}={}", quoted(value))?;
            }
        }
        let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
        Ok(writeln!(self.programs, "exec {} \"$@\"\n)", words.join(" "))?)
    }

    /// A variable of the reader's environment.
    pub fn variable(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Runs the commands until one fails; what they print.
    pub fn run(&self) -> Result<String> {
        let (mut shell, limit) = (Command::new("timeout"), LIMIT.as_secs().to_string());
        shell
            .args([&limit, "bash", "-e", "-u", "-x", "-o", "pipefail", "-c", &(self.programs.clone() + &self.script)])
            .current_dir(&self.folder);
        let output = shell.envs(&self.environment).output().context("bash cannot be run")?;
        let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "the page's commands end with {}:\n{out}\n{errors}", output.status);
        Ok(out.into_owned())
    }

    /// Where the commands are run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
