//! Long runs with many faults: one random way through each world, from a seed.

use std::time::{Duration, Instant};

use crate::owner::systematic::config::{ALL, AT_ONCE, Budget, Config, NEVER, Settings, WHEN_SHORT};
use crate::owner::systematic::owners::Owners;
use crate::owner::systematic::records::DAYS;
use crate::owner::systematic::search::Violation;
use crate::owner::systematic::world::{Step, World};

/// The seed of a single run, to see it again.
const SEED: &str = "SYSTEMATIC_SEED";
/// How long to try seeds.
const SECONDS: &str = "SYSTEMATIC_SECONDS";

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) % bound as u64) as usize
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

fn config(random: &mut Random) -> Config {
    let mut budget = |most: usize| random.below(most + 1) as u8;
    let budget = Budget {
        calls: budget(12),
        crashes: budget(4),
        flips: budget(6),
        reconnects: budget(3),
        seeks: budget(2),
        power: budget(1),
        strays: 0,
        skips: budget(2),
        edits: 0,
        shortages: budget(6),
    };
    let settings = Settings {
        fold_below: random.pick(&[0, 12, 20, 1_000]),
        full_at: random.pick(&[2, 3, 100]),
        keep_manifests: random.pick(&[1, 2, 3, 100]),
        days: random.pick(&[
            &[][..],
            &[0, 1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 2, 2, 0, 1],
            &[0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3],
        ]),
        recovers: random.pick(&[0, 2]),
        two_sinks: false,
        asks_about_gaps: budget.skips > 0,
        streaming: random.pick(&[NEVER, WHEN_SHORT, AT_ONCE]),
        waits_for_other: random.below(2) == 0,
    };
    let (records, queue) = (6 + random.below(16) as u8, random.pick(&[0, 2, 5]));
    let never = if budget.skips > 0 && queue > 0 { random.below(usize::from(records)) as u8 } else { 0 };
    Config {
        settings,
        records,
        never,
        chunk: 1 + random.below(4) as u8,
        queue,
        faults: ALL,
        budget,
        lists: false,
        fresh: random.below(3) == 0,
        coarse: random.below(2) == 0,
    }
}

/// Steps with faults, then as many without as the world needs to come to rest.
const STEPS: usize = 1_500;
const STEPS_TO_REST: usize = 20_000;

/// One run; how many steps it had.
fn run(seed: u64) -> Result<usize, Violation> {
    let mut random = Random(seed);
    let config = config(&mut random);
    DAYS.set(config.settings.days);
    let mut owners = Owners::new(config.settings.clone());
    let mut world = World::new(&config, &mut owners);
    let mut trace = Vec::new();
    let failed = |what, trace| Violation { what, trace };
    for count in 0..STEPS + STEPS_TO_REST {
        if count == STEPS {
            world = world.with_budget(Budget::default());
        }
        let (faults, others): (Vec<Step>, Vec<Step>) =
            world.steps(&config, &owners).into_iter().partition(|step| step.is_fault());
        if others.is_empty() {
            world.at_rest(&config).map_err(|what| failed(what, trace.clone()))?;
            if faults.is_empty() {
                return Ok(count);
            }
        }
        let fault = !faults.is_empty() && (others.is_empty() || random.below(25) == 0);
        let step = random.pick(if fault { &faults } else { &others });
        let text = world.describe(step, &mut owners);
        trace.push(text);
        world = world.after(step, &config, &mut owners).map_err(|what| failed(what, trace.clone()))?;
    }
    Err(failed("it does not come to rest".to_owned(), trace))
}

#[test]
fn long_random_runs_keep_every_promise() {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse::<u64>().unwrap());
    if let Some(seed) = number(SEED) {
        println!(
            "seed {seed}: {}",
            run(seed).map_or_else(|violation| violation.to_string(), |_| "no violation".to_owned())
        );
        return;
    }
    let began = Instant::now();
    let limit = Duration::from_secs(number(SECONDS).unwrap_or(15));
    let first = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (mut seeds, mut steps) = (0, 0);
    while began.elapsed() < limit {
        let seed = first.wrapping_add(seeds);
        // In a thread of its own, whose names and contents go with it.
        match std::thread::spawn(move || run(seed))
            .join()
            .unwrap_or_else(|_| panic!("seed {seed} panics ({SEED}={seed})"))
        {
            Ok(count) => steps += count,
            Err(violation) => panic!("{SEED}={seed} finds a violation:\n{violation}"),
        }
        seeds += 1;
    }
    println!("{seeds} random runs, {steps} steps, from seed {first} on, no violation");
}
