//! `up`: starts a `run` in the background and waits until it reports.

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::display::Display;
use super::report::Report;
use super::result::Result;
use super::status::print;
use crate::arguments::StackArgs;

pub(crate) fn up(args: &StackArgs) -> Result {
    let folder = args.name.folder();
    fs::create_dir_all(&folder)?;
    let log = folder.with_extension("log");
    let mut owner = Command::new(env::current_exe()?)
        .args(["run", "--for-up"])
        .args(env::args_os().skip(2))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log)?)
        .spawn()?;
    let display = Display::new();
    let reports = BufReader::new(owner.stdout.take().ok_or("no pipe")?);
    for line in reports.lines() {
        match serde_json::from_str(&line?)? {
            Report::Step(step) => display.show(&step),
            Report::Failed(problem) => return Err(problem.into()),
            Report::Up(state) => {
                print(&state);
                return Ok(());
            }
        }
    }
    let status = owner.wait()?;
    let written = fs::read_to_string(&log).unwrap_or_default();
    Err(format!("the stack's owner ended ({status}) before everything was up\n{written}").into())
}
