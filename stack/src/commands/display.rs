//! The steps of a start, on standard error: spinners on a terminal, lines elsewhere.

use std::collections::HashMap;
use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::time::Duration;

use hdfs_csv_stack::Step;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Shows steps as they come.
pub(crate) struct Display {
    bars: MultiProgress,
    open: Mutex<HashMap<String, ProgressBar>>,
}

impl Display {
    pub(crate) fn new() -> Self {
        Self { bars: MultiProgress::new(), open: Mutex::default() }
    }

    pub(crate) fn show(&self, step: &Step) {
        let Ok(mut open) = self.open.lock() else { return };
        match step {
            Step::Began(name) => {
                let bar = self.bars.add(ProgressBar::new_spinner().with_message(name.clone()));
                if let Ok(style) = ProgressStyle::with_template("{spinner} {msg:<12} {elapsed}") {
                    bar.set_style(style);
                }
                bar.enable_steady_tick(Duration::from_millis(120));
                open.insert(name.clone(), bar);
            }
            Step::Done(name, took) => {
                if let Some(bar) = open.remove(name) {
                    bar.finish_and_clear();
                }
                self.line(&format!("✓ {name:<12} {:.1} s", took.as_secs_f64()));
            }
        }
    }

    fn line(&self, text: &str) {
        if stderr().is_terminal() {
            let _ = self.bars.println(text);
        } else {
            eprintln!("{text}");
        }
    }
}
