//! A process group that does not outlive the process that made it.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::error::{Error, Result};
use crate::procfs;

/// The group's leader waits for the end of its standard input, which only the owner holds open: when the owner ends,
/// by `kill -9` too, the leader kills the group and itself with it. As long as the leader lives nobody else can get
/// the group's number.
const WATCHDOG: &str = "trap '' HUP INT TERM; read _; kill -9 0";

/// One service's processes, and those that they start.
pub(crate) struct Group {
    watchdog: Child,
}

impl Group {
    /// Makes a group that holds only its watchdog.
    pub(crate) fn new() -> Result<Self> {
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::io("start a watchdog with sh"))?;
        Ok(Self { watchdog })
    }

    /// Lets a command start inside the group.
    pub(crate) fn adopt<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.process_group(self.id().as_raw())
    }

    /// The living processes of the group, without the watchdog.
    pub(crate) fn members(&self) -> Vec<u32> {
        let id = self.watchdog.id();
        procfs::processes().into_iter().filter(|p| p.group == id && p.pid != id).map(|p| p.pid).collect()
    }

    /// Sends a signal to one member. One that has just ended is no error.
    pub(crate) fn signal(&self, pid: u32, signal: Signal) -> Result<()> {
        match kill(Pid::from_raw(pid.cast_signed()), signal) {
            Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
            Err(errno) => Err(Error::io(format_args!("send {signal} to process {pid}"))(errno.into())),
        }
    }

    /// Kills every member until none is left, those that start meanwhile too; the watchdog stays.
    pub(crate) fn clear(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let members = self.members();
            if members.is_empty() {
                return Ok(());
            }
            for pid in members {
                self.signal(pid, Signal::SIGKILL)?;
            }
            if Instant::now() > deadline {
                return Err(Error::io("kill a process group")(ErrorKind::TimedOut.into()));
            }
            sleep(Duration::from_millis(5));
        }
    }

    fn id(&self) -> Pid {
        Pid::from_raw(self.watchdog.id().cast_signed())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The watchdog has not been waited for, so the number is still its own.
        let _ = killpg(self.id(), Signal::SIGKILL);
        let _ = self.watchdog.wait();
    }
}
