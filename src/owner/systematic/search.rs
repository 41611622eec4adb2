//! The search itself: breadth first, so that the first violation has a shortest trace.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::time::{Duration, Instant};

use crate::owner::systematic::config::Config;
use crate::owner::systematic::owners::Owners;
use crate::owner::systematic::records::DAYS;
use crate::owner::systematic::world::{Step, World};

/// What a search has seen.
#[derive(Debug, Default)]
pub struct Report {
    pub worlds: usize,
    pub steps: usize,
    pub depth: usize,
    /// Worlds in which nothing more happens by itself.
    pub at_rest: usize,
    /// Of those, worlds with files that are still staged.
    pub littered: usize,
    /// Histories of one owner.
    pub histories: usize,
    pub took: Duration,
    /// Whether it ended before all was seen.
    pub cut_short: bool,
    pub violation: Option<Violation>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} worlds, {} steps, depth {}, {} at rest ({} of them with staged files), {} histories of an owner, {:.1} s{}",
            self.worlds,
            self.steps,
            self.depth,
            self.at_rest,
            self.littered,
            self.histories,
            self.took.as_secs_f32(),
            if self.cut_short { ", NOT COMPLETE" } else { "" },
        )
    }
}

/// What went wrong, and how it came about.
#[derive(Debug)]
pub struct Violation {
    pub what: String,
    pub trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.trace.iter().enumerate() {
            writeln!(f, "{:4}. {step}", at + 1)?;
        }
        write!(f, "=> {}", self.what)
    }
}

/// Worlds are told apart by 128 bits: among 10^8 of them two meet by chance once in 10^22.
struct Digest {
    low: u64,
    high: u64,
}

impl Digest {
    fn of(world: &World) -> u128 {
        let mut digest = Digest { low: 0x9e37_79b9_7f4a_7c15, high: 0xd1b5_4a32_d192_ed03 };
        world.hash(&mut digest);
        (u128::from(mixed(digest.high)) << 64) | u128::from(mixed(digest.low))
    }

    fn add(&mut self, value: u64) {
        self.low = (self.low.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
        self.high = (self.high ^ mixed(value)).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
    }
}

fn mixed(mut value: u64) -> u64 {
    value = (value ^ (value >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    value = (value ^ (value >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    value ^ (value >> 32)
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.low
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut padded = [0; 8];
            padded[..part.len()].copy_from_slice(part);
            self.add(u64::from_le_bytes(padded) ^ ((part.len() as u64) << 56));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.add(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.add(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.add(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.add(value as u64);
    }
}

/// A digest is its own hash.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }
}

type Number = u32;

/// Searches every order in which things can happen, until a violation is found or the limit reached.
pub fn search(config: &Config, limit: usize) -> Report {
    let began = Instant::now();
    DAYS.set(config.settings.days);
    let mut owners = Owners::new(config.settings.clone());
    let first = World::new(config, &mut owners);
    let mut seen: HashSet<u128, BuildHasherDefault<Same>> = HashSet::default();
    seen.insert(Digest::of(&first));
    // For the trace: the world that each came from, and which of its steps led here.
    let mut came_from: Vec<(Number, u16)> = vec![(0, 0)];
    let mut worlds = vec![(first, 0)];
    let mut report = Report::default();
    let mut found = None;
    'search: while !worlds.is_empty() {
        let mut next = Vec::new();
        for (world, number) in worlds {
            let steps = world.steps(config, &owners);
            if steps.iter().all(|step| step.is_fault()) {
                report.at_rest += 1;
                report.littered += usize::from(world.has_litter());
                if let Err(what) = world.at_rest(config) {
                    found = Some((what, number, None));
                    break 'search;
                }
            }
            for (at, step) in steps.into_iter().enumerate() {
                report.steps += 1;
                match world.after(step, config, &mut owners) {
                    Err(what) => {
                        found = Some((what, number, Some(at as u16)));
                        break 'search;
                    }
                    Ok(world) => {
                        if seen.insert(Digest::of(&world)) {
                            next.push((world, came_from.len() as Number));
                            came_from.push((number, at as u16));
                        }
                    }
                }
            }
            if came_from.len() > limit {
                report.cut_short = true;
                break 'search;
            }
        }
        worlds = next;
        report.depth += 1;
    }
    report.violation = found.map(|(what, number, last)| {
        let mut choices: Vec<u16> = last.into_iter().collect();
        let mut number = number;
        while number != 0 {
            let (before, at) = came_from[number as usize];
            choices.push(at);
            number = before;
        }
        choices.reverse();
        Violation { what, trace: replay(config, &mut owners, &choices) }
    });
    report.worlds = came_from.len();
    report.histories = owners.len();
    report.took = began.elapsed();
    report
}

fn replay(config: &Config, owners: &mut Owners, choices: &[u16]) -> Vec<String> {
    let mut world = World::new(config, owners);
    let mut trace = Vec::new();
    for at in choices {
        let step: Step = world.steps(config, owners)[*at as usize];
        trace.push(world.describe(step, owners));
        match world.after(step, config, owners) {
            Ok(after) => world = after,
            Err(_) => break,
        }
    }
    trace.push(format!("({})", world.summary()));
    trace
}
