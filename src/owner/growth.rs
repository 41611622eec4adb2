//! Long histories: what a table costs must not grow with its age.

use std::sync::Arc;

use crate::config::OnBadRecord;
use crate::owner::housekeeping::PRUNE_EVERY;
use crate::owner::tests::{Sent, accept, commit, part, rows, sent, shared_with, visible};
use crate::storage::memory::Memory;

const MINUTE: i64 = 60_000;
const MINUTES_OF_A_DAY: u64 = 1_440;

#[tokio::test]
async fn a_week_of_one_record_a_minute_is_a_file_a_day() {
    let memory = Memory::new();
    let mut shared = shared_with(&memory, OnBadRecord::Skip, true);
    let settings = Arc::get_mut(&mut shared).unwrap();
    settings.folding.below = 8 << 20;
    settings.keep_manifests = 300;
    let mut owner = crate::owner::tests::owner(&shared);
    for minute in 0..7 * MINUTES_OF_A_DAY {
        let record = Sent { publish_time: minute as i64 * MINUTE, ..sent(minute + 1) };
        owner.accept(part(&shared, minute + 1, [record])).await.unwrap();
        owner.commit_all().await.unwrap();
    }
    let files = visible(&memory);
    assert_eq!(files.len(), 7, "{:?}", files.keys());
    assert!(files.values().all(|rows| rows.len() as u64 == MINUTES_OF_A_DAY));
    let hidden: Vec<_> = memory.files().into_keys().filter(|path| path.contains("/_")).collect();
    let of = |folder: &str| hidden.iter().filter(|path| path.contains(folder)).count() as u64;
    assert!((300..=300 + PRUNE_EVERY).contains(&of("/_commits/")), "{} manifests", of("/_commits/"));
    // A list for each day, and how far was pruned.
    assert!(of("/_files/") <= 8, "{hidden:?}");
    assert_eq!(of("/_staging/"), 0);
}

#[tokio::test]
async fn a_commit_and_a_load_take_as_many_calls_after_ten_thousand_commits_as_after_ten() {
    const COMMITS: u64 = 10_000;
    let memory = Memory::new();
    let mut shared = shared_with(&memory, OnBadRecord::Skip, false);
    Arc::get_mut(&mut shared).unwrap().keep_manifests = u64::MAX;
    let operations = || memory.take_calls().into_iter().map(|(operation, _)| operation).collect::<Vec<_>>();
    let mut owner = crate::owner::tests::owner(&shared);
    let (mut of_commits, mut of_loads) = (Vec::new(), Vec::new());
    for entry in 1..=COMMITS {
        let looks = entry == 10 || entry == COMMITS;
        if looks {
            operations();
        }
        commit(&mut owner, entry, [entry]).await;
        if looks {
            of_commits.push(operations());
            owner = crate::owner::tests::owner(&shared);
            accept(&mut owner, entry, [entry]).await.unwrap();
            of_loads.push(operations());
        } else {
            memory.take_calls();
        }
    }
    println!("a commit: {:?}; a load: {:?}", of_commits[0], of_loads[0]);
    assert_eq!(of_commits[0], of_commits[1]);
    assert_eq!(of_loads[0], of_loads[1]);
    assert_eq!(rows(&memory).len() as u64, COMMITS);
}
