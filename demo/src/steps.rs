//! The steps on standard error: spinners and bars on a terminal, lines elsewhere.

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressStyle};

const WIDTH: usize = 40;
const TICK: Duration = Duration::from_millis(120);
/// Without a terminal, a long step says this often how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// All steps of a run.
pub(crate) struct Steps {
    bars: MultiProgress,
    terminal: bool,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Steps { bars: MultiProgress::new(), terminal: stderr().is_terminal() }
    }

    /// Runs a step and tells how long it took.
    pub(crate) async fn run<T>(&self, name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let step = self.begin(name);
        let result = work.await?;
        step.done();
        Ok(result)
    }

    /// Begins a step whose end is not known beforehand.
    pub(crate) fn begin(&self, name: &str) -> Step<'_> {
        self.step(name, ProgressBar::new_spinner(), "{spinner} {msg:40} {elapsed}")
    }

    /// Begins a step that counts.
    pub(crate) fn begin_counted(&self, name: &str, length: u64) -> Step<'_> {
        let template = "{spinner} {msg:24} {bar:30} {human_pos} of {human_len}, {elapsed}";
        self.step(name, ProgressBar::new(length), template)
    }

    /// Says something between the steps' lines.
    pub(crate) fn say(&self, line: &str) {
        if self.terminal {
            let _ = self.bars.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    fn step(&self, name: &str, bar: ProgressBar, template: &str) -> Step<'_> {
        let bar = self.bars.add(bar.with_message(name.to_owned()));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        let now = Instant::now();
        Step { steps: self, name: name.to_owned(), bar, began: now, told: Mutex::new(now) }
    }
}

/// One step; dropped before it is done, it has failed.
pub(crate) struct Step<'a> {
    steps: &'a Steps,
    name: String,
    bar: ProgressBar,
    began: Instant,
    told: Mutex<Instant>,
}

impl Step<'_> {
    /// How far it is.
    pub(crate) fn set(&self, position: u64) {
        self.bar.set_position(position);
        if self.steps.terminal {
            return;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= TOLD_EVERY {
            *told = Instant::now();
            let (position, length) = (HumanCount(position), HumanCount(self.bar.length().unwrap_or_default()));
            self.steps.say(&format!("  {} … {position} of {length}", self.name));
        }
    }

    pub(crate) fn done(self) {
        self.end("✓");
    }

    fn end(&self, mark: &str) {
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
            let name = match self.bar.length() {
                Some(length) => format!("{} ({})", self.name, HumanCount(length)),
                None => self.name.clone(),
            };
            self.steps.say(&format!("{mark} {name:WIDTH$} {:>6.1} s", self.began.elapsed().as_secs_f64()));
        }
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.end("✗");
    }
}
