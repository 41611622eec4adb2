//! What the kernel says of a process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The kernel tells processor time to user space in hundredths of a second, whatever it counts in itself.
const TICK: Duration = Duration::from_millis(10);

/// Bytes of memory that a process has, by the name of the line in `/proc/PID/status`: `VmRSS` now, `VmHWM` at most so far.
pub fn memory(pid: u32, line: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).context(path)?;
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kilobytes = found.and_then(|text| text.split_whitespace().next()).with_context(|| format!("no {line}"))?;
    Ok(kilobytes.parse::<u64>()? << 10)
}

/// The processor time that a process has used, in its own code and in the kernel.
pub fn processor_time(pid: u32) -> Result<Duration> {
    Ok(name_and_time(&format!("/proc/{pid}/stat"))?.1)
}

/// The processor time that a process's living threads have used, by their names without their numbers.
pub fn time_of_threads(pid: u32) -> Result<BTreeMap<String, Duration>> {
    let folder = format!("/proc/{pid}/task");
    let mut all = BTreeMap::new();
    for thread in std::fs::read_dir(&folder).context(folder)? {
        // One that has just ended is left out.
        let Ok((name, time)) = name_and_time(&thread?.path().join("stat").to_string_lossy()) else { continue };
        let name = name.trim_end_matches(|last: char| last.is_ascii_digit() || "-#".contains(last));
        *all.entry(name.to_owned()).or_default() += time;
    }
    Ok(all)
}

/// The name and the processor time of what a file of the kernel describes: a process or a thread.
fn name_and_time(path: &str) -> Result<(String, Duration)> {
    let stat = std::fs::read_to_string(path).with_context(|| path.to_owned())?;
    // The name is in brackets and may hold blanks; utime and stime are the 14th and 15th field.
    let (name, fields) = stat.rsplit_once(')').with_context(|| format!("{path}: no name"))?;
    let name = name.split_once('(').with_context(|| format!("{path}: no name"))?.1;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || -> Result<u32> { Ok(fields.next().with_context(|| format!("{path} is cut off"))?.parse()?) };
    Ok((name.to_owned(), TICK * (next()? + next()?)))
}

/// The processor time that everything on this machine has used, and that its host has taken from it.
pub fn busy_time() -> Result<Duration> {
    const STAT: &str = "/proc/stat";
    let stat = std::fs::read_to_string(STAT).context(STAT)?;
    let all =
        stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).with_context(|| format!("{STAT}: no cpu"))?;
    // user nice system idle iowait irq softirq steal; what follows is part of user and nice.
    let ticks = all.split_whitespace().take(8).map(str::parse).collect::<Result<Vec<u64>, _>>()?;
    let busy: u64 = ticks.iter().enumerate().filter(|(field, _)| ![3, 4].contains(field)).map(|(_, ticks)| ticks).sum();
    Ok(Duration::from_millis(busy * TICK.as_millis() as u64))
}

/// Looks at what a process has used, until it ends.
pub struct Watch {
    stop: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    processor_ticks: Arc<AtomicU64>,
    thread: thread::JoinHandle<()>,
}

/// What a process had used when it was last seen.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// The most bytes of memory that were resident.
    pub peak: u64,
    /// Processor time.
    pub processor: Duration,
}

impl Watch {
    /// Begins to look at a process.
    pub fn start(pid: u32) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let (peak, processor_ticks) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let thread = thread::spawn({
            let (stop, peak, processor_ticks) = (Arc::clone(&stop), Arc::clone(&peak), Arc::clone(&processor_ticks));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    peak.fetch_max(memory(pid, "VmHWM").unwrap_or(0), Ordering::Relaxed);
                    let ticks = processor_time(pid).unwrap_or_default().as_millis() / TICK.as_millis();
                    processor_ticks.fetch_max(ticks as u64, Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(20));
                }
            }
        });
        Watch { stop, peak, processor_ticks, thread }
    }

    /// Ends looking: what it has used.
    pub fn stop(self) -> Result<Usage> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the watch panicked")?;
        let peak = self.peak.load(Ordering::Relaxed);
        ensure!(peak > 0, "the process was never seen");
        let ticks = self.processor_ticks.load(Ordering::Relaxed);
        Ok(Usage { peak, processor: TICK * u32::try_from(ticks)? })
    }
}
