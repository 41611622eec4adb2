//! Starting, watching and stopping one service; running one command to its end.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::error::{Error, Result};
use crate::group::Group;

/// How long a service may take to get ready. One that has ended is noticed at once; on busy cores Superset needed three
/// minutes.
pub(crate) const READY_LIMIT: Duration = Duration::from_secs(600);

const POLL: Duration = Duration::from_millis(100);
const TAIL_LINES: usize = 50;
const TAIL_BYTES: u64 = 16 * 1024;

/// Puts in order what a service that was killed has left.
pub(crate) type Repair = Box<dyn Fn() -> Result<()> + Send + Sync>;

/// How a service is started and known to be ready.
pub(crate) struct Plan {
    /// What it is called in messages.
    pub(crate) name: String,
    /// Where its output goes.
    pub(crate) log: PathBuf,
    /// What has to be put in order before it starts again, if it did not end because it was asked to.
    pub(crate) after_crash: Option<Repair>,
    /// How long it may take to get ready.
    pub(crate) ready_within: Duration,
    /// How long it may take to end when it is asked to.
    pub(crate) stopped_within: Duration,
    /// Its command, the same at each start.
    pub(crate) command: Box<dyn Fn() -> Command + Send + Sync>,
    /// Whether it is ready.
    pub(crate) ready: Box<dyn Fn() -> bool + Send + Sync>,
}

/// A service: one main process in a group of its own, which can be started again.
pub(crate) struct Service {
    plan: Plan,
    group: Group,
    main: Mutex<Option<Child>>,
    /// Whether it was started and has not ended since by being asked to.
    dirty: AtomicBool,
}

impl Service {
    /// A service that does not run yet.
    pub(crate) fn new(plan: Plan) -> Result<Self> {
        Ok(Self { plan, group: Group::new()?, main: Mutex::new(None), dirty: AtomicBool::new(false) })
    }

    /// The main process's id, unless the service was stopped or killed.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.main().as_ref().map(Child::id)
    }

    /// All its living processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.group.members()
    }

    /// Sends a signal to one of its processes.
    pub(crate) fn signal(&self, pid: u32, signal: Signal) -> Result<()> {
        self.group.signal(pid, signal)
    }

    /// Starts the main process, if it does not run, and waits until it is ready.
    pub(crate) fn start(&self) -> Result<()> {
        self.spawn()?;
        self.wait_until(&self.plan.ready).inspect_err(|_| drop(self.kill()))
    }

    /// Asks the main process to end, kills it if it does not in time, and clears away what it started.
    pub(crate) fn stop(&self) -> Result<()> {
        let mut main = self.main();
        if let Some(child) = main.as_mut() {
            let lived = child.try_wait().map_err(Error::io(&self.plan.name))?.is_none();
            self.group.signal(child.id(), Signal::SIGTERM)?;
            let ended = wait_for(child, self.plan.stopped_within).map_err(Error::io(&self.plan.name))?;
            let killed = |status: ExitStatus| status.signal() == Some(Signal::SIGKILL as i32);
            if lived && ended.is_some_and(|status| !killed(status)) {
                self.dirty.store(false, Ordering::Relaxed);
            }
        }
        self.clear(&mut main)
    }

    /// Kills all its processes at once.
    pub(crate) fn kill(&self) -> Result<()> {
        self.clear(&mut self.main())
    }

    /// Kills the main process only: what it started lives on, as after a crash.
    pub(crate) fn kill_main(&self) -> Result<()> {
        if let Some(mut child) = self.main().take() {
            child.kill().and_then(|()| child.wait()).map_err(Error::io(&self.plan.name))?;
        }
        Ok(())
    }

    /// Where its output goes.
    pub(crate) fn log(&self) -> &Path {
        &self.plan.log
    }

    /// An error if the service should run and does not.
    pub(crate) fn check(&self) -> Result<()> {
        match self.main().as_mut().map(Child::try_wait) {
            Some(Ok(Some(status))) => Err(self.error(format!("ended by itself ({status})"))),
            _ => Ok(()),
        }
    }

    fn clear(&self, main: &mut Option<Child>) -> Result<()> {
        self.group.clear()?;
        if let Some(mut child) = main.take() {
            child.wait().map_err(Error::io(&self.plan.name))?;
        }
        Ok(())
    }

    fn spawn(&self) -> Result<()> {
        let mut main = self.main();
        if main.is_some() {
            return Ok(());
        }
        if let (true, Some(repair)) = (self.dirty.load(Ordering::Relaxed), &self.plan.after_crash) {
            repair()?;
        }
        self.dirty.store(true, Ordering::Relaxed);
        let log = self.open_log()?;
        let errors = log.try_clone().map_err(Error::io(self.plan.log.display()))?;
        let mut command = (self.plan.command)();
        let child = self
            .group
            .adopt(&mut command)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(Error::io(format_args!("start {} with {:?}", self.plan.name, command.get_program())))?;
        *main = Some(child);
        Ok(())
    }

    /// Waits until something holds of the running service, as long as it may take to get ready.
    pub(crate) fn wait_until(&self, holds: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + self.plan.ready_within;
        while !holds() {
            self.check()?;
            if self.pid().is_none() {
                return Err(self.error("was stopped before it was ready".to_owned()));
            }
            if Instant::now() > deadline {
                return Err(self.error(format!("was not ready within {:?}", self.plan.ready_within)));
            }
            sleep(POLL);
        }
        self.check()
    }

    fn open_log(&self) -> Result<fs::File> {
        let log = &self.plan.log;
        OpenOptions::new().create(true).append(true).open(log).map_err(Error::io(log.display()))
    }

    fn error(&self, problem: String) -> Error {
        let Plan { name, log, .. } = &self.plan;
        Error::Service { service: name.clone(), problem, log: log.clone(), tail: tail(log) }
    }

    fn main(&self) -> MutexGuard<'_, Option<Child>> {
        self.main.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a command to its end, within a time limit, and returns what it wrote to standard output.
pub(crate) fn run(mut command: Command, limit: Duration) -> Result<String> {
    let name = shortened(&command);
    let group = Group::new()?;
    let mut child = group
        .adopt(&mut command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(Error::io(format_args!("run `{name}`")))?;
    let output = child.stdout.take().map(|pipe| thread::spawn(|| drain(pipe)));
    let errors = child.stderr.take().map(|pipe| thread::spawn(|| drain(pipe)));
    let status = wait_for(&mut child, limit).map_err(Error::io(format_args!("wait for `{name}`")))?;
    group.clear()?;
    let _ = child.wait();
    let [output, errors] = [output, errors].map(|thread| thread.and_then(|t| t.join().ok()).unwrap_or_default());
    let problem = match status {
        Some(status) if status.success() => return Ok(output),
        Some(status) => format!("failed ({status})"),
        None => format!("did not end within {limit:?}"),
    };
    Err(Error::Command { command: name, problem, output: output + &errors })
}

/// What a thread returned. That none of them panics is for the lints to see to; if one does, so does this thread.
pub(crate) fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn drain(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = pipe.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn wait_for(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait()? {
            None if Instant::now() < deadline => sleep(POLL / 10),
            result => return Ok(result),
        }
    }
}

/// The program and its short arguments: a class path says nothing to a reader.
fn shortened(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = command.get_args().map(|word| word.to_string_lossy()).filter(|word| word.len() < 120);
    words.fold(program.to_string_lossy().into_owned(), |line, word| line + " " + &word)
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service that ends when it is asked to, and counts its repairs in a file.
    fn service(folder: &Path) -> Service {
        let (repairs, up) = (folder.join("repairs"), folder.join("up"));
        let script = format!("trap 'rm {0}; exit 0' TERM; touch {0}; while :; do sleep 0.01; done", up.display());
        let command = move || {
            let mut command = Command::new("sh");
            command.args(["-c", &script]);
            command
        };
        Service::new(Plan {
            name: "repaired".to_owned(),
            log: folder.join("log"),
            after_crash: Some(Box::new(move || {
                let mut file = OpenOptions::new().create(true).append(true).open(&repairs).unwrap();
                std::io::Write::write_all(&mut file, b".").map_err(Error::io("repair"))
            })),
            ready_within: Duration::from_secs(30),
            stopped_within: Duration::from_secs(30),
            command: Box::new(command),
            ready: Box::new(move || up.exists()),
        })
        .unwrap()
    }

    #[test]
    fn a_service_is_repaired_before_it_starts_again_after_a_kill_and_at_no_other_start() {
        let folder = std::env::temp_dir().join(format!("hdfs-csv-stack-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let service = service(&folder);
        let repairs = || fs::read_to_string(folder.join("repairs")).unwrap_or_default().len();
        service.start().unwrap();
        service.stop().unwrap();
        service.start().unwrap();
        assert_eq!(repairs(), 0, "it ended because it was asked to");
        service.kill().unwrap();
        service.start().unwrap();
        assert_eq!(repairs(), 1, "it was killed");
        service.signal(service.pid().unwrap(), Signal::SIGKILL).unwrap();
        service.stop().unwrap();
        service.start().unwrap();
        assert_eq!(repairs(), 2, "it had ended by itself before it was asked to");
        service.kill().unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }
}
