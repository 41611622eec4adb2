//! `down`: asks a stack's owner to end.

use std::thread::sleep;
use std::time::{Duration, Instant};

use hdfs_csv_stack::owner;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::result::Result;
use crate::arguments::NameArgs;

const ASKED: Duration = Duration::from_secs(60);
const KILLED: Duration = Duration::from_secs(5);

pub(crate) fn down(name: &NameArgs) -> Result {
    let Some(pid) = owner(&name.folder()) else {
        eprintln!("stack `{}` is not running", name.name);
        return Ok(());
    };
    for (signal, limit) in [(Signal::SIGTERM, ASKED), (Signal::SIGKILL, KILLED)] {
        kill(Pid::from_raw(pid.cast_signed()), signal)?;
        if holds_within(limit, || owner(&name.folder()) != Some(pid)) {
            eprintln!("stack `{}` is down", name.name);
            return Ok(());
        }
    }
    Err(format!("process {pid} does not end").into())
}

fn holds_within(limit: Duration, condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(50));
    }
    true
}
