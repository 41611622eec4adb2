//! The systematic test: the code that ships, in every order in which things can happen.
//!
//! Two owners of one source partition ([`process`]) run on a storage whose every call waits ([`gate`]) until the
//! search answers it: done, refused, done with the answer lost, lost, or under way until later. A broker sends records again from the last
//! acknowledgement on; owners crash, consumers take turns, cursors go back ([`world`]). The search ([`search`]) goes breadth
//! first through all worlds that this makes, and after every step holds the table against an independent reading of it
//! ([`check`]). Long histories with many faults are tried at random ([`random`]).
//!
//! An owner's code is deterministic, so it is run once per history of its own inputs and not once per interleaving
//! ([`owners`]); the search itself only copies small values, some 300,000 worlds a second. What is not in here: bad records and
//! dead letters, rows that are streamed in the midst of a hand-over, changes of the schema, `reset`, and owners that never come to an end without a
//! fault (a search for dead ends, not for circles).
//!
//! The tests in [`safeguards`] try the searches themselves: without any one of the protocol's safeguards they find a violation.

mod check;
mod config;
mod disk;
mod gate;
mod name;
mod owners;
mod process;
mod random;
mod records;
mod safeguards;
mod search;
mod tasks;
mod world;

use crate::owner::Streaming;
use config::{AT_ONCE, Budget, Config, Fault, NEVER, WHEN_SHORT};
use search::search;

/// Worlds after which a search gives up: that is about a minute.
const LIMIT: usize = 12_000_000;
/// The same for searches that are not part of every run: some minutes, and 2 GB.
const LONG: usize = 40_000_000;

const NONE: Budget = Budget {
    calls: 0,
    crashes: 0,
    flips: 0,
    reconnects: 0,
    seeks: 0,
    skips: 0,
    power: 0,
    strays: 0,
    edits: 0,
    shortages: 0,
};

/// This many records, each of which may be a batch of its own; files grow.
fn folding(records: u8, budget: Budget) -> Config {
    let mut config = Config { records, budget, ..Config::new() };
    config.settings.fold_below = 1_000;
    config
}

/// Every second record has another day.
fn two_directories(records: u8, budget: Budget) -> Config {
    let mut config = folding(records, budget);
    config.settings.days = &[0, 1, 0, 1];
    config
}

/// One manifest stays.
fn pruning(records: u8, budget: Budget) -> Config {
    let mut config = folding(records, budget);
    config.settings.keep_manifests = 1;
    config
}

/// Owners ask what stands in gaps.
fn asking(records: u8, budget: Budget) -> Config {
    let mut config = folding(records, budget);
    config.settings.asks_about_gaps = true;
    config
}

/// Rows leave memory, or the records that they are of, before their commit.
fn streaming(records: u8, streaming: Streaming, waits_for_other: bool, budget: Budget) -> Config {
    let mut config = Config { records, budget, ..Config::new() };
    (config.settings.streaming, config.settings.waits_for_other) = (streaming, waits_for_other);
    config
}

fn all_is_well(configs: impl IntoIterator<Item = Config>) {
    all_is_well_within(LIMIT, configs);
}

fn all_is_well_within(limit: usize, configs: impl IntoIterator<Item = Config>) {
    for config in configs {
        let report = search(&config, limit);
        println!("{} records, {}: {report}", config.records, config.budget);
        assert!(report.violation.is_none(), "\n{}", report.violation.unwrap());
        assert!(!report.cut_short, "the search is too large to be complete");
    }
}

#[test]
fn an_owner_that_crashes_at_any_call_while_the_other_takes_over() {
    all_is_well([folding(2, Budget { flips: 1, crashes: 1, ..NONE })]);
}

#[test]
fn a_call_that_is_refused_lost_or_late_while_the_other_owner_takes_over() {
    all_is_well([folding(2, Budget { flips: 1, calls: 1, ..NONE })]);
}

#[test]
fn an_owner_that_crashes_after_a_call_went_wrong() {
    all_is_well([folding(3, Budget { crashes: 1, calls: 1, ..NONE })]);
}

#[test]
fn two_calls_that_go_wrong() {
    all_is_well([folding(2, Budget { calls: 2, ..NONE })]);
}

#[test]
fn the_active_consumer_changes_and_changes_back() {
    all_is_well([
        folding(3, Budget { flips: 1, ..NONE }),
        folding(2, Budget { flips: 2, ..NONE }),
        folding(2, Budget { flips: 1, reconnects: 1, ..NONE }),
        folding(2, Budget { flips: 1, seeks: 1, ..NONE }),
    ]);
}

#[test]
fn a_client_hands_over_its_stale_queue_first() {
    all_is_well([
        Config { queue: 2, ..folding(2, Budget { flips: 2, ..NONE }) },
        Config { queue: 2, chunk: 2, ..folding(2, Budget { flips: 1, ..NONE }) },
    ]);
}

#[test]
fn a_batch_over_two_directories() {
    all_is_well([
        two_directories(2, Budget { flips: 1, ..NONE }),
        two_directories(2, Budget { crashes: 1, ..NONE }),
        two_directories(2, Budget { calls: 1, ..NONE }),
    ]);
}

#[test]
fn manifests_that_are_pruned_while_another_owner_reads_and_puts() {
    all_is_well([
        pruning(2, Budget { flips: 2, ..NONE }),
        pruning(2, Budget { flips: 1, seeks: 1, ..NONE }),
        pruning(2, Budget { crashes: 1, calls: 1, ..NONE }),
    ]);
}

#[test]
fn the_files_of_pruned_manifests_stay_listed() {
    let mut config = pruning(3, Budget { crashes: 1, ..NONE });
    config.lists = true;
    all_is_well([config.clone()]);
    config.settings.fold_below = 0;
    all_is_well([config]);
}

#[test]
fn batches_that_are_full_before_their_time() {
    let mut config = Config { chunk: 2, ..folding(4, Budget { crashes: 1, ..NONE }) };
    config.settings.full_at = 2;
    all_is_well([config.clone()]);
    config.records = 2;
    config.budget = Budget { flips: 1, reconnects: 1, ..NONE };
    all_is_well([config]);
}

#[test]
fn two_owners_that_begin_a_table_at_the_same_time() {
    let fresh = |budget| Config { fresh: true, ..folding(1, budget) };
    all_is_well([fresh(Budget { flips: 1, crashes: 1, ..NONE }), fresh(Budget { flips: 1, calls: 1, ..NONE })]);
}

#[test]
fn earlier_commits_that_are_completed_while_records_come() {
    let recovering = |records, budget| {
        let mut config = folding(records, budget);
        config.settings.recovers = 1;
        config
    };
    all_is_well([recovering(1, Budget { crashes: 1, ..NONE }), recovering(2, NONE)]);
}

#[test]
fn machines_that_lose_power() {
    all_is_well([
        folding(2, Budget { power: 1, flips: 1, ..NONE }),
        folding(2, Budget { power: 1, crashes: 1, ..NONE }),
        Config { coarse: false, ..folding(2, Budget { power: 1, crashes: 1, ..NONE }) },
    ]);
}

#[test]
fn every_step_of_staging_interleaved() {
    let fine = |records, budget| Config { coarse: false, ..folding(records, budget) };
    all_is_well([
        fine(2, Budget { flips: 1, ..NONE }),
        fine(2, Budget { crashes: 1, calls: 1, ..NONE }),
        fine(1, Budget { flips: 1, crashes: 1, ..NONE }),
        fine(1, Budget { flips: 1, calls: 1, ..NONE }),
    ]);
}

#[test]
fn writes_that_are_answered_and_lost() {
    all_is_well([Config { faults: &[Fault::Silent], ..folding(2, Budget { calls: 2, flips: 1, ..NONE }) }]);
}

#[test]
fn a_file_that_something_else_edits() {
    all_is_well([
        folding(2, Budget { edits: 1, flips: 1, ..NONE }),
        folding(3, Budget { edits: 1, crashes: 1, ..NONE }),
    ]);
}

#[test]
fn rows_that_are_streamed_while_the_other_owner_takes_over() {
    for waits in [false, true] {
        all_is_well([
            streaming(2, AT_ONCE, waits, Budget { flips: 1, ..NONE }),
            streaming(3, AT_ONCE, waits, Budget { crashes: 1, ..NONE }),
            streaming(2, WHEN_SHORT, waits, Budget { flips: 1, shortages: 1, ..NONE }),
        ]);
    }
}

#[test]
fn a_call_that_goes_wrong_while_rows_are_streamed() {
    all_is_well([streaming(2, AT_ONCE, false, Budget { calls: 1, ..NONE })]);
}

#[test]
fn records_that_are_forgotten_for_want_of_memory_before_a_lost_race() {
    all_is_well([false, true].map(|waits| streaming(2, NEVER, waits, Budget { flips: 1, shortages: 1, ..NONE })));
    all_is_well([streaming(3, NEVER, true, Budget { crashes: 1, shortages: 1, ..NONE })]);
}

#[test]
fn a_broker_that_goes_back_but_not_far_enough() {
    all_is_well([folding(3, Budget { strays: 1, ..NONE }), folding(2, Budget { strays: 1, flips: 1, ..NONE })]);
}

#[test]
fn a_broker_that_leaves_records_out() {
    all_is_well([
        asking(3, Budget { skips: 1, ..NONE }),
        asking(2, Budget { skips: 1, flips: 1, ..NONE }),
        asking(2, Budget { skips: 2, ..NONE }),
    ]);
}

#[test]
fn a_record_that_never_comes() {
    let never = |never, budget| Config { never, queue: 2, ..asking(3, budget) };
    all_is_well([
        never(1, NONE),
        never(2, NONE),
        never(3, NONE),
        never(2, Budget { crashes: 1, ..NONE }),
        never(2, Budget { flips: 1, ..NONE }),
        never(2, Budget { skips: 1, ..NONE }),
        Config { chunk: 2, ..never(2, Budget { reconnects: 1, ..NONE }) },
    ]);
}

#[test]
fn a_second_sink_on_the_same_table() {
    for fresh in [false, true] {
        let mut config = Config { fresh, ..folding(2, Budget { flips: 1, calls: 1, ..NONE }) };
        config.settings.two_sinks = true;
        all_is_well([config]);
    }
}

#[test]
#[ignore = "minutes: cargo test --release systematic -- --ignored --test-threads 1"]
fn larger_searches() {
    all_is_well_within(
        LONG,
        [
            pruning(2, Budget { flips: 1, crashes: 1, ..NONE }),
            pruning(2, Budget { flips: 1, reconnects: 1, ..NONE }),
            two_directories(2, Budget { flips: 1, crashes: 1, ..NONE }),
            two_directories(2, Budget { crashes: 1, calls: 1, ..NONE }),
            two_directories(3, Budget { flips: 1, ..NONE }),
            streaming(3, AT_ONCE, true, Budget { flips: 1, ..NONE }),
            streaming(3, WHEN_SHORT, true, Budget { flips: 1, shortages: 1, ..NONE }),
            streaming(3, NEVER, true, Budget { flips: 1, shortages: 1, ..NONE }),
            streaming(2, NEVER, true, Budget { flips: 1, reconnects: 1, shortages: 1, ..NONE }),
            Config { queue: 2, chunk: 2, ..folding(3, Budget { flips: 1, ..NONE }) },
            folding(3, Budget { flips: 2, ..NONE }),
        ],
    );
}

#[test]
fn two_owners_that_prune_keep_every_file_listed() {
    let mut config = pruning(3, Budget { flips: 1, ..NONE });
    (config.settings.fold_below, config.lists) = (0, true);
    all_is_well([config]);
}
