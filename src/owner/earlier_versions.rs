//! Tables that earlier versions wrote, in `tests/fixtures/table-VERSION/`: each later version reads them and goes on.
//!
//! Each was written once, by the version that it is named after, with [`write_the_table_of_this_version`], and is never written
//! again: a version that cannot read it has broken what docs/understand/releases.md promises.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::OnBadRecord;
use crate::owner::shared::Shared;
use crate::owner::tests::{Sent, owner, part, rows, sent, shared_with};
use crate::protocol::layout::{SourcePartitionLayout, TableLayout};
use crate::protocol::load::load;
use crate::storage::memory::Memory;

/// Records of the table: the bad ones are dropped, the others are rows.
const RECORDS: u64 = 60;
const BAD: [u64; 2] = [7, 31];
const DAY: i64 = 86_400_000;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Files grow, days differ, manifests are pruned: what a table can have.
fn shared(memory: &Memory) -> Arc<Shared<Memory>> {
    let mut shared = shared_with(memory, OnBadRecord::Skip, true);
    let settings = Arc::get_mut(&mut shared).unwrap();
    settings.folding.below = 40;
    settings.keep_manifests = 5;
    shared
}

fn record(entry: u64) -> Sent {
    Sent { publish_time: (entry / 25) as i64 * DAY, good: !BAD.contains(&entry), ..sent(entry) }
}

/// Commits these records, three at a time; the hand-overs have numbers from this on.
async fn commit_all(shared: &Arc<Shared<Memory>>, entries: std::ops::RangeInclusive<u64>, from: u64) {
    let mut owner = owner(shared);
    let all: Vec<_> = entries.map(record).collect();
    for (some, number) in all.chunks(3).zip(from..) {
        owner.accept(part(shared, number, some.iter().copied())).await.unwrap();
        owner.commit_all().await.unwrap();
    }
}

fn good(entries: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    entries.filter(|entry| !BAD.contains(entry)).collect()
}

#[tokio::test]
async fn tables_of_earlier_versions_are_loaded_and_continued_with_each_record_once() {
    let folders: Vec<_> = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(folders.iter().any(|folder| folder.ends_with("table-0.1.0")), "{folders:?}");
    for folder in folders {
        let memory = Memory::of_folder(&folder, "/d").unwrap();
        assert_eq!(rows(&memory), good(1..=RECORDS), "{}", folder.display());
        let layout = SourcePartitionLayout::new(TableLayout::new("/d", "visits").unwrap(), "visits", None).unwrap();
        let shared = shared(&memory);
        let newest = load(&memory, &layout, &crate::owner::tests::identity("t/n/sink")).await.unwrap().unwrap();
        assert_eq!((newest.total_rows, newest.total_dropped), (RECORDS - BAD.len() as u64, BAD.len() as u64));
        // The last ones are sent again, and more come.
        commit_all(&shared, RECORDS - 5..=RECORDS + 20, 1).await;
        assert_eq!(rows(&memory), good(1..=RECORDS + 20), "{}", folder.display());
    }
}

#[tokio::test]
#[ignore = "writes into tests/fixtures, once for each version: see docs/understand/releases.md"]
async fn write_the_table_of_this_version() {
    let folder = fixtures().join(concat!("table-", env!("CARGO_PKG_VERSION")));
    assert!(!folder.exists(), "{} is there", folder.display());
    let memory = Memory::new();
    commit_all(&shared(&memory), 1..=RECORDS, 1).await;
    for (path, bytes) in memory.files() {
        let file = folder.join(path.strip_prefix("/d/").unwrap());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}
