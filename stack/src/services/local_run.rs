//! A sink that `pulsar-admin sinks localrun` runs: beside Pulsar, without a functions worker.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::{Error, Result};
use crate::group::Group;

/// The runner gives an instance ten seconds to close.
const ENDED_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// The processes of a local run: pulsar-admin, which waits, and the runner, which has the sink. They end with it.
pub struct LocalRun {
    group: Group,
    admin: Child,
    log: PathBuf,
}

impl LocalRun {
    /// Starts it: the command is pulsar-admin's. Whether it came to run is for the log to say, and for what it writes.
    pub(crate) fn start(mut command: Command, log: PathBuf) -> Result<LocalRun> {
        let group = Group::new()?;
        let output = File::create(&log).map_err(Error::io(log.display()))?;
        let errors = output.try_clone().map_err(Error::io(log.display()))?;
        let admin = group
            .adopt(&mut command)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(Error::io("start a local run"))?;
        Ok(LocalRun { group, admin, log })
    }

    /// The file that its output goes to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The ids of its living processes.
    pub fn pids(&self) -> Vec<u32> {
        self.group.members()
    }

    /// Asks all its processes to end, as they are by Ctrl-C on their terminal, and waits until they have.
    pub fn stop(&self) -> Result<()> {
        for pid in self.pids() {
            // A shell lets what it starts in the background ignore SIGINT.
            self.group.signal(pid, Signal::SIGTERM)?;
        }
        let deadline = Instant::now() + ENDED_WITHIN;
        while !self.pids().is_empty() {
            if Instant::now() > deadline {
                return Err(Error::io("stop a local run")(std::io::ErrorKind::TimedOut.into()));
            }
            sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for LocalRun {
    fn drop(&mut self) {
        let _ = self.group.clear();
        let _ = self.admin.wait();
    }
}
