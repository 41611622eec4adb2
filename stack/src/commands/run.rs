//! `run`: owns a stack until it is told to end.

use std::fs;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use hdfs_csv_stack::{Stack, Step};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::display::Display;
use super::report::Report;
use super::result::Result;
use super::status::print;
use crate::arguments::StackArgs;

/// How often the services are looked at.
const WATCH: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &StackArgs, for_up: bool) -> Result {
    if for_up {
        nix::unistd::setsid()?;
    }
    let result = own(args, for_up);
    if let (Err(error), true) = (&result, for_up) {
        Report::Failed(error.to_string()).send();
    }
    result
}

fn own(args: &StackArgs, for_up: bool) -> Result {
    let started = Arc::new(AtomicBool::new(false));
    let ended = signals(Arc::clone(&started))?;
    let stack = start(args, for_up)?;
    started.store(true, Ordering::SeqCst);
    let state = stack.state();
    let mut files = vec![args.name.state_file()];
    files.extend(args.state.clone());
    for file in &files {
        state.write(file)?;
    }
    if for_up {
        Report::Up(Box::new(state)).send();
    } else {
        print(&state);
        eprintln!("Ctrl-C stops it.");
    }
    let result = watch(&stack, &ended);
    drop(stack);
    for file in &files {
        let _ = fs::remove_file(file);
    }
    result
}

fn start(args: &StackArgs, for_up: bool) -> Result<Stack> {
    let display = Display::new();
    let listener = move |step: Step| {
        if for_up {
            Report::Step(step).send();
        } else {
            display.show(&step);
        }
    };
    Ok(args.builder().on_progress(listener).start()?)
}

/// Waits for a signal, or for a service that ends by itself.
fn watch(stack: &Stack, ended: &Receiver<()>) -> Result {
    loop {
        match ended.recv_timeout(WATCH) {
            Err(RecvTimeoutError::Timeout) => stack.check()?,
            _ => return Ok(()),
        }
    }
}

/// A message for each signal to end. During the start the process just ends, and the watchdogs end everything.
fn signals(started: Arc<AtomicBool>) -> Result<Receiver<()>> {
    let (sender, receiver) = channel();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if started.load(Ordering::SeqCst) {
                let _ = sender.send(());
            } else {
                exit(128 + signal);
            }
        }
    });
    Ok(receiver)
}
