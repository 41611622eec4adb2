//! The searches are tried too: each safeguard switched off must show. What they cannot show, and why:
//!
//! - *A rewind waits for the commit under way.* Dropping that commit instead broke nothing when it was tried (8.5 million
//!   worlds, 4 million of them in a search that was cut short): its manifest is whole, so the next load settles it as it does
//!   a stale owner's. What must not happen is that its files are deleted before it is settled: [`Safeguard::Settle`].
//! - *A lost commit deletes its temporary manifest before its files.* By reasoning, not tried: by then a newer manifest is there, so that a late rename
//!   of this one does not count: the order saves a useless manifest from naming files that are gone.
//! - *The final file is there with its length, when a rename's source is missing* (rule 4), and *the publish time of a
//!   duplicate* (rule 9): only something outside of the protocol breaks these. `owner::tests` has both.

use crate::owner::systematic::config::{Budget, Config, Fault, NEVER};
use crate::owner::systematic::search::{Violation, search};
use crate::owner::systematic::{LIMIT, NONE, asking, folding, pruning, streaming};
use crate::safeguard::{Safeguard, without};

/// The violation that a search finds without these, and finds not with them.
fn violation(off: &'static [Safeguard], config: &Config) -> Violation {
    let report = without(off, || search(config, LIMIT));
    println!("without {off:?}: {report}");
    let violation = report.violation.expect("nothing is found without it");
    println!("{violation}");
    // As many worlds as it took to find it, with all of them on.
    let control = search(config, report.worlds * 2);
    assert!(control.violation.is_none(), "found with it, too:\n{}", control.violation.unwrap());
    violation
}

macro_rules! found {
    ($($name:ident: $safeguard:ident, $config:expr, $says:literal;)*) => {$(
        #[test]
        fn $name() {
            let found = violation(&[Safeguard::$safeguard], &$config);
            assert!(found.what.contains($says), "another one is found: {found}");
        }
    )*};
}

found! {
    without_hsync_the_search_finds_a_violation:
        Hsync, folding(1, Budget { power: 1, ..NONE }), "is not what manifest 1 says of it";
    without_poisoning_the_search_finds_a_violation:
        Poisoning,
        Config { coarse: false, faults: &[Fault::UnderWay], ..folding(2, Budget { calls: 1, ..NONE }) },
        "is not what manifest 2 says of it";
    without_the_length_check_the_search_finds_a_violation:
        Length,
        Config { faults: &[Fault::Silent], ..folding(1, Budget { calls: 1, ..NONE }) },
        "cannot be read";
    without_put_if_absent_the_search_finds_a_violation:
        PutIfAbsent, folding(1, Budget { flips: 1, ..NONE }), "manifest 1 is overwritten";
    without_settling_by_reading_the_search_finds_a_violation:
        Settle, folding(1, Budget { calls: 1, ..NONE }), "which is not there";
    without_the_nonce_the_search_finds_a_violation:
        Nonce, folding(2, Budget { flips: 1, ..NONE }), "is visible but not committed";
    without_the_listing_after_the_put_the_search_finds_a_violation:
        Check, pruning(2, Budget { flips: 1, ..NONE }), "is there before its commit published it";
    without_waiting_for_the_renames_the_search_finds_a_violation:
        Publish, folding(2, Budget { crashes: 1, ..NONE }), "acknowledged but not in the table";
    without_staging_again_the_search_finds_a_violation:
        Restage, folding(2, Budget { flips: 1, ..NONE }), "is not in the table";
    without_waiting_for_what_is_not_in_memory_the_search_finds_a_violation:
        Abandon,
        streaming(3, NEVER, false, Budget { flips: 1, shortages: 1, ..NONE }),
        "is not in the table";
    without_listing_again_in_load_the_search_finds_a_violation:
        Relist, pruning(2, Budget { flips: 1, crashes: 1, ..NONE }), "is there before its commit published it";
    without_redoing_renames_at_load_the_search_finds_a_violation:
        Redo, folding(2, Budget { crashes: 1, ..NONE }), "acknowledged but not in the table";
    without_cleaning_by_sequence_the_search_finds_a_violation:
        CleanBySequence, folding(2, Budget { flips: 1, ..NONE }), "which is not there";
    without_dropping_duplicates_the_search_finds_a_violation:
        Drop, folding(2, Budget { crashes: 1, ..NONE }), "is twice in the table";
    without_acknowledging_duplicates_the_search_finds_a_violation:
        AcknowledgeDuplicates, folding(2, Budget { crashes: 1, ..NONE }), "is never acknowledged";
    without_rewinds_the_search_finds_a_violation:
        Rewind, folding(2, Budget { reconnects: 1, ..NONE }), "is twice in the table";
    without_the_check_of_the_first_dropped_the_search_finds_a_violation:
        FirstDropped, folding(2, Budget { strays: 1, ..NONE }), "acknowledged but not in the table";
    without_asking_about_gaps_the_search_finds_a_violation:
        Gaps, asking(2, Budget { skips: 1, ..NONE }), "acknowledged but not in the table";
    without_the_check_of_a_fold_the_search_finds_a_violation:
        FoldCheck, folding(2, Budget { edits: 1, ..NONE }), "is not what manifest 2 says of it";
    without_identity_the_search_finds_a_violation:
        Identity, two_sinks(), "two sinks commit into one table";
}

fn two_sinks() -> Config {
    let mut config = folding(2, Budget { flips: 1, ..NONE });
    config.settings.two_sinks = true;
    config
}
