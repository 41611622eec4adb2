//! The protocol's rules (docs/understand/protocol.md), each on the storage in memory.

use std::collections::BTreeMap;

use std::time::Duration;

use futures_util::FutureExt;

use std::sync::Arc;

use tokio::time::Instant;

use crate::budget::Budget;
use crate::config::{OnBadRecord, OnNullValue};
use crate::error::ErrorKind;
use crate::error::Result;
use crate::hand_over::answers::Answers;
use crate::hand_over::part::HandOverPart;
use crate::metrics::Metrics;
use crate::owner::row_memory::RowMemory;
use crate::owner::schedule::Schedule;
use crate::owner::shared::Shared;
use crate::owner::{Owner, Streaming};
use crate::position::Position;
use crate::protocol::folding::{Folding, FoldingMemory};
use crate::protocol::layout::SourcePartitionLayout;
use crate::protocol::layout::TableLayout;
use crate::protocol::manifest::Manifest;
use crate::protocol::manifest::SinkIdentity;
use crate::record::{NO_SCHEMA, Record};
use crate::row::Dialect;
use crate::row::compression::Compression;
use crate::row::file_format::FileFormat;
use crate::row::hive::Hive;
use crate::row::metadata::Metadata;
use crate::row::partition::{Partitioning, TimeSource, Unit};
use crate::row::rfc4180::Rfc4180;
use crate::row::settings::RowSettings;
use crate::schema::writer::SchemaInfo;
use crate::schema::writers::WriterSchemas;
use crate::slots::Slots;
use crate::storage::Operation;
use crate::storage::memory::{Fault, Memory};

const TOPIC: &str = "persistent://t/n/visits";
const MANIFESTS: &str = "/d/visits/_commits/visits/";
const DAY: i64 = 86_400_000;

/// The published record `entry` of a topic whose records have one field, a long, with the entry's number.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub(super) entry: u64,
    pub(super) publish_time: i64,
    pub(super) good: bool,
}

pub(crate) fn sent(entry: u64) -> Sent {
    Sent { entry, publish_time: entry as i64, good: true }
}

fn bad(entry: u64) -> Sent {
    Sent { good: false, ..sent(entry) }
}

pub(crate) fn shared_with(memory: &Memory, on_bad_record: OnBadRecord, by_day: bool) -> Arc<Shared<Memory>> {
    let schema = SchemaInfo {
        schema_type: "AVRO".to_owned(),
        schema: r#"{"type":"record","name":"Visit","fields":[{"name":"v","type":"long"}]}"#.to_owned(),
        version: "00".to_owned(),
        ..SchemaInfo::default()
    };
    let partitioning = by_day.then(|| Partitioning {
        column: "dt".to_owned(),
        unit: Unit::Day,
        source: TimeSource::PublishTime,
        past_limit: Duration::from_secs(86_400),
        future_limit: Duration::from_secs(86_400),
    });
    let rows = RowSettings {
        format: FileFormat { dialect: Dialect::Hive(Hive { delimiter: b',' }), compression: Compression::None },
        metadata: vec![Metadata::EntryId],
        partitioning,
    };
    let schemas = WriterSchemas::default();
    schemas.known(&schema);
    let budget = Budget::new(1 << 30);
    Arc::new(Shared {
        storage: memory.clone(),
        folding: Folding { below: 0, format: rows.format.into(), memory: FoldingMemory::new(&budget) },
        rows,
        max_batch_rows: 1_000_000,
        max_file_size: 1 << 30,
        ordered: true,
        asks_about_gaps: false,
        keep_manifests: 1_000,
        on_bad_record,
        on_null_value: OnNullValue::Row,
        schemas,
        row_memory: RowMemory::new(&budget),
        budget,
        answers: Answers::default(),
        metrics: Metrics::default(),
        streaming: Streaming::default(),
        hive: None,
        commits: Slots::new(8),
        files: Slots::new(8),
        streamed: Slots::new(8),
        abandoned_limit: Duration::ZERO,
        forget_after: Duration::ZERO,
        acknowledgement_delay: Duration::ZERO,
        pause: |_| Duration::ZERO,
        waits_for_repair: false,
        spawn: Box::new(|task| drop(tokio::spawn(task))),
    })
}

/// For an owner that commits within a call of another one, in which no other task runs.
fn shared_at_once(memory: &Memory) -> Arc<Shared<Memory>> {
    let mut shared = shared(memory);
    Arc::get_mut(&mut shared).unwrap().spawn = Box::new(|task| task.now_or_never().unwrap());
    shared
}

/// With folding of files below 40 bytes: ten rows of four bytes.
fn shared_folding(memory: &Memory, by_day: bool) -> Arc<Shared<Memory>> {
    let mut shared = shared_with(memory, OnBadRecord::Skip, by_day);
    Arc::get_mut(&mut shared).unwrap().folding.below = 40;
    shared
}

pub(crate) async fn commit(owner: &mut Owner<Memory>, hand_over: u64, entries: impl IntoIterator<Item = u64>) {
    accept(owner, hand_over, entries).await.unwrap();
    owner.commit_all().await.unwrap();
}

fn shared(memory: &Memory) -> Arc<Shared<Memory>> {
    shared_with(memory, OnBadRecord::Skip, false)
}

pub(super) fn identity(sink: &str) -> SinkIdentity {
    SinkIdentity { sink: sink.to_owned(), subscription: "s".to_owned(), topic: TOPIC.to_owned(), cluster: None }
}

fn owner_of(shared: &Arc<Shared<Memory>>, sink: &str) -> Owner<Memory> {
    let layout = SourcePartitionLayout::new(TableLayout::new("/d", "visits").unwrap(), "visits", None).unwrap();
    Owner::new(Arc::clone(shared), 0, TOPIC.to_owned(), layout, identity(sink))
}

/// The schedule of commits so often.
fn every(interval: Duration) -> Schedule {
    Schedule::new(interval, Instant::now(), 0)
}

pub(crate) fn owner(shared: &Arc<Shared<Memory>>) -> Owner<Memory> {
    owner_of(shared, "t/n/sink")
}

pub(crate) fn part(shared: &Shared<Memory>, hand_over: u64, all: impl IntoIterator<Item = Sent>) -> HandOverPart {
    let all = all.into_iter().map(|sent| (sent, if sent.good { avro_long(sent.entry as i64) } else { Vec::new() }));
    let all: Vec<_> = all.collect();
    let records = all.iter().map(|(Sent { entry, publish_time, .. }, payload)| {
        let position = Position { ledger: 1, entry: *entry, batch_index: 0 };
        Record { publish_time: *publish_time, ..Record::plain(position, payload) }
    });
    HandOverPart::packed(&shared.budget, hand_over, records)
}

fn avro_long(value: i64) -> Vec<u8> {
    let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&apache_avro::Schema::Long).build().unwrap();
    writer.write_value_to_vec(apache_avro::types::Value::Long(value)).unwrap()
}

pub(super) async fn accept(
    owner: &mut Owner<Memory>,
    hand_over: u64,
    entries: impl IntoIterator<Item = u64>,
) -> Result<()> {
    let part = part(&owner.shared, hand_over, entries.into_iter().map(sent));
    owner.accept(part).await
}

/// The rows that a reader of the table sees, by file.
pub(super) fn visible(memory: &Memory) -> BTreeMap<String, Vec<u64>> {
    let files = memory.files().into_iter().filter(|(path, _)| !path.contains("/_"));
    let rows = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "a torn row is visible: {text:?}");
        text.lines().map(|line| line.split_once(',').unwrap().0.parse().unwrap()).collect()
    };
    files.map(|(path, bytes)| (path, rows(bytes))).collect()
}

pub(crate) fn rows(memory: &Memory) -> Vec<u64> {
    let mut rows: Vec<u64> = visible(memory).into_values().flatten().collect();
    rows.sort_unstable();
    rows
}

pub(crate) fn acknowledged(shared: &Shared<Memory>) -> Option<u64> {
    let mut room = [0; 24];
    let written = shared.answers.take(&mut room).unwrap();
    (written == 24).then(|| u64::from_le_bytes(room[16..].try_into().unwrap()))
}

fn manifest(memory: &Memory, sequence: u64) -> Option<Manifest> {
    let path = format!("{MANIFESTS}{sequence:020}.json");
    memory.files().get(&path).map(|bytes| Manifest::from_json(bytes, &path, sequence).unwrap())
}

/// Waits while tasks run that the test began; whatever they do takes no time on the storage in memory.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..10_000 {
        if condition() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("not so: {what}");
}

fn staged(memory: &Memory) -> Vec<String> {
    memory.files().into_keys().filter(|path| path.contains("/_staging/visits/")).collect()
}

#[tokio::test]
async fn a_batch_is_seen_and_acknowledged_only_once_its_commit_is_whole() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    assert_eq!(rows(&memory), Vec::<u64>::new());
    assert_eq!(acknowledged(&shared), None);
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3]);
    assert_eq!(acknowledged(&shared), Some(1));
    assert_eq!(acknowledged(&shared), None);
    assert_eq!(staged(&memory), Vec::<String>::new());
    let manifest = manifest(&memory, 1).unwrap();
    assert_eq!((manifest.rows, manifest.total_rows, manifest.predecessor_last), (3, 3, None));
    assert_eq!(manifest.last.unwrap().entry, 3);
    let bytes = &memory.files()[&format!("/d/visits/{}", manifest.files[0].name)];
    assert_eq!(format!("{:08x}", crc32fast::hash(bytes)), manifest.files[0].content.checksum);
    assert_eq!(bytes.len() as u64, manifest.files[0].content.length);
}

#[tokio::test]
async fn manifests_name_the_last_position_of_the_one_before_and_add_up() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    for (hand_over, entries) in [(1, 1..=3), (2, 7..=8)] {
        accept(&mut owner, hand_over, entries).await.unwrap();
        owner.commit_all().await.unwrap();
    }
    let second = manifest(&memory, 2).unwrap();
    assert_eq!(second.predecessor_last.unwrap().entry, 3);
    assert_eq!((second.rows, second.total_rows, second.first.unwrap().entry), (2, 5, 7));
}

#[tokio::test]
async fn each_partition_directory_of_a_batch_gets_a_file_of_its_own() {
    let memory = Memory::new();
    let shared = shared_with(&memory, OnBadRecord::Skip, true);
    let mut owner = owner(&shared);
    let all =
        [(1, 0), (2, DAY), (3, 0), (4, 2 * DAY)].map(|(entry, publish_time)| Sent { publish_time, ..sent(entry) });
    owner.accept(part(&shared, 1, all)).await.unwrap();
    owner.commit_all().await.unwrap();
    let found: Vec<_> = visible(&memory).into_iter().collect();
    let file = |day: &str| format!("/d/visits/dt={day}/visits-00000000000000000001.csv");
    let expected = [(file("1970-01-01"), vec![1, 3]), (file("1970-01-02"), vec![2]), (file("1970-01-03"), vec![4])];
    assert_eq!(found, expected);
}

// Rule 1.
#[tokio::test]
async fn duplicates_are_dropped_and_acknowledged_though_nothing_new_follows() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut first = owner(&shared);
    accept(&mut first, 1, 1..=3).await.unwrap();
    first.commit_all().await.unwrap();
    assert_eq!(acknowledged(&shared), Some(1));
    let mut restarted = owner(&shared);
    accept(&mut restarted, 1, 2..=3).await.unwrap();
    assert_eq!(acknowledged(&shared), Some(1));
    assert_eq!(rows(&memory), [1, 2, 3]);
    assert_eq!(shared.metrics.duplicates.get(), 2);
}

#[tokio::test]
async fn duplicates_behind_a_commit_under_way_are_acknowledged_with_it_and_not_before() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=2).await.unwrap();
    owner.commit_all().await.unwrap();
    acknowledged(&shared);
    accept(&mut owner, 2, 3..=4).await.unwrap();
    owner.begin_commit().unwrap();
    accept(&mut owner, 3, []).await.unwrap();
    assert_eq!(acknowledged(&shared), None);
    owner.end_commit().await.unwrap();
    assert_eq!(acknowledged(&shared), Some(3));
}

// Rule 2.
#[tokio::test]
async fn after_a_lost_race_what_lies_above_the_new_mark_is_staged_again_in_order() {
    let memory = Memory::new();
    let (shared_a, shared_b) = (shared(&memory), shared(&memory));
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    accept(&mut a, 1, 1..=4).await.unwrap();
    accept(&mut a, 2, 5..=6).await.unwrap();
    accept(&mut b, 1, 1..=5).await.unwrap();
    b.commit_all().await.unwrap();
    a.commit_all().await.unwrap();
    assert_eq!(shared_a.metrics.races_lost.get(), 1);
    assert_eq!(acknowledged(&shared_a), None, "6 is not committed yet");
    a.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3, 4, 5, 6]);
    assert_eq!(acknowledged(&shared_a), Some(2));
    assert_eq!(manifest(&memory, 2).unwrap().first.unwrap().entry, 6);
    assert_eq!(staged(&memory), Vec::<String>::new());
}

#[tokio::test]
async fn after_a_lost_race_records_taken_during_the_commit_keep_their_order() {
    let memory = Memory::new();
    let (shared_a, shared_b) = (shared(&memory), shared(&memory));
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    accept(&mut a, 1, 1..=4).await.unwrap();
    accept(&mut b, 1, 1..=2).await.unwrap();
    b.commit_all().await.unwrap();
    a.begin_commit().unwrap();
    accept(&mut a, 2, 5..=7).await.unwrap();
    a.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3, 4, 5, 6, 7]);
    let second = manifest(&memory, 2).unwrap();
    assert_eq!((second.first.unwrap().entry, second.last.unwrap().entry), (3, 7));
    assert_eq!(acknowledged(&shared_a), Some(2));
}

#[tokio::test]
async fn a_lost_race_whose_rows_are_all_committed_by_the_other_is_acknowledged() {
    let memory = Memory::new();
    let (shared_a, shared_b) = (shared(&memory), shared(&memory));
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    accept(&mut a, 1, 1..=3).await.unwrap();
    accept(&mut b, 1, 1..=3).await.unwrap();
    b.commit_all().await.unwrap();
    a.commit_all().await.unwrap();
    assert_eq!(acknowledged(&shared_a), Some(1));
    assert_eq!(rows(&memory), [1, 2, 3]);
}

/// Takes hand-overs of 100,000 records each, from this one on, until some are streamed. The last record.
async fn accept_until_streamed(owner: &mut Owner<Memory>, memory: &Memory, first: u64) -> u64 {
    for at in 0..100 {
        let next = first + at * 100_000;
        accept(owner, at + 2, next..next + 100_000).await.unwrap();
        if !staged(memory).is_empty() {
            return next + 99_999;
        }
    }
    panic!("nothing was streamed");
}

/// Two owners; the first has committed record 1, has streamed others since, up to the one returned, and has lost the race for
/// them against the second one's commit of records 2 and 3.
async fn a_lost_race_of_streamed_rows(
    memory: &Memory,
    abandoned_limit: Duration,
) -> (Owner<Memory>, Owner<Memory>, u64, Result<()>) {
    let (mut shared_a, shared_b) = (shared(memory), shared(memory));
    Arc::get_mut(&mut shared_a).unwrap().abandoned_limit = abandoned_limit;
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    commit(&mut a, 1, [1]).await;
    assert_eq!(acknowledged(&shared_a), Some(1));
    let last = accept_until_streamed(&mut a, memory, 2).await;
    commit(&mut b, 1, 1..=3).await;
    let ended = a.commit_all().await;
    assert_eq!(acknowledged(&shared_a), None);
    (a, b, last, ended)
}

#[tokio::test]
async fn the_first_batch_after_a_load_is_not_streamed_so_that_a_lost_race_can_be_taken_up_again() {
    let memory = Memory::new();
    let (shared_a, shared_b) = (shared(&memory), shared(&memory));
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    accept(&mut a, 1, 1..=100_000).await.unwrap();
    commit(&mut b, 1, 1..=2).await;
    for hand_over in 2..=10 {
        let first = (hand_over - 1) * 100_000;
        accept(&mut a, hand_over, first + 1..=first + 100_000).await.unwrap();
    }
    assert_eq!(shared_a.metrics.races_lost.get(), 1);
    a.commit_all().await.unwrap();
    assert_eq!(acknowledged(&shared_a), Some(10));
    let mut all = rows(&memory);
    all.sort_unstable();
    assert!(all == (1..=1_000_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn when_memory_is_short_the_records_of_a_small_batch_go_first_and_then_it_is_committed() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    commit(&mut owner, 1, 1..=1).await;
    accept(&mut owner, 2, 2..=1_000).await.unwrap();
    let whole = owner.held();
    owner.free_memory().await.unwrap();
    assert!(owner.held() * 2 < whole && owner.committing.is_none(), "{} of {whole} are held", owner.held());
    accept(&mut owner, 3, 1_001..=2_000).await.unwrap();
    owner.free_memory().await.unwrap();
    assert_eq!((owner.held(), owner.committing.is_some()), (0, true));
    owner.commit_all().await.unwrap();
    assert_eq!((rows(&memory).len(), acknowledged(&shared)), (2_000, Some(3)));
}

#[tokio::test]
async fn when_too_many_files_are_streamed_a_large_batch_stays_in_memory_and_is_committed_when_that_is_short() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    Arc::get_mut(&mut shared).unwrap().streamed = Slots::new(1);
    let mut owner = owner(&shared);
    commit(&mut owner, 1, [1]).await;
    let other = shared.streamed.try_take().unwrap();
    accept(&mut owner, 2, 2..=600_000).await.unwrap();
    assert_eq!(shared.metrics.bytes_streamed.get(), 0);
    owner.free_memory().await.unwrap();
    assert!(owner.committing.is_some());
    owner.commit_all().await.unwrap();
    drop(other);
    accept(&mut owner, 3, 600_001..=1_200_000).await.unwrap();
    assert!(shared.metrics.bytes_streamed.get() > 0 && shared.streamed.try_take().is_none());
    owner.commit_all().await.unwrap();
    assert!(shared.streamed.try_take().is_some(), "a file that is committed needs no slot");
    assert_eq!(rows(&memory), (1..=1_200_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_that_grow_leave_memory_though_too_many_files_are_streamed() {
    let memory = Memory::new();
    let mut shared = shared_that_grows(&memory);
    Arc::get_mut(&mut shared).unwrap().streamed = Slots::new(0);
    let mut owner = owner(&shared);
    owner.accept(part_that_grows(&shared, 1, 1..=2)).await.unwrap();
    owner.commit_all().await.unwrap();
    owner.accept(part_that_grows(&shared, 2, 3..=60)).await.unwrap();
    assert!(shared.budget.used() <= 3 * shared.budget.bound(), "{} bytes are in memory", shared.budget.used());
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), (1..=60).collect::<Vec<_>>());
    assert_eq!((shared.budget.used(), shared.metrics.bytes_streamed.get()), (0, 0));
}

#[tokio::test]
async fn a_batch_that_can_neither_be_committed_nor_streamed_nor_forget_its_records_has_nothing_to_give() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    commit(&mut owner, 1, [1]).await;
    accept(&mut owner, 2, 2..=100).await.unwrap();
    owner.begin_commit().unwrap();
    accept(&mut owner, 3, 101..=200).await.unwrap();
    assert!(owner.held() > 0, "its records can be forgotten");
    owner.free_memory().await.unwrap();
    assert!(owner.committing.is_some());
    assert_eq!(owner.held(), 0);
    owner.end_commit().await.unwrap();
    assert!(owner.held() > 0, "it can be committed");
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn where_a_race_is_likely_a_batch_is_committed_at_once_when_memory_is_short() {
    let memory = Memory::new();
    let after_a_load = shared(&memory);
    let mut first = owner(&after_a_load);
    accept(&mut first, 1, 1..=10).await.unwrap();
    first.free_memory().await.unwrap();
    assert!(first.committing.is_some(), "it may just have taken over");
    first.commit_all().await.unwrap();

    let memory = Memory::new();
    let without_order = shared_without_order(&memory);
    let mut other = owner(&without_order);
    commit(&mut other, 1, [1]).await;
    accept(&mut other, 2, [2]).await.unwrap();
    other.free_memory().await.unwrap();
    assert!(other.committing.is_some(), "without order the rows of a lost race are nobody else's");
}

#[tokio::test]
async fn a_lost_race_of_streamed_rows_that_nobody_else_commits_ends_the_instance() {
    let memory = Memory::new();
    let (_, _, _, ended) = a_lost_race_of_streamed_rows(&memory, Duration::ZERO).await;
    let error = ended.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Storage);
    assert!(error.message.contains("this instance ends"), "{error}");
    assert_eq!(rows(&memory), [1, 2, 3]);
}

#[tokio::test]
async fn streamed_rows_that_the_other_owner_commits_later_are_acknowledged_then() {
    let memory = Memory::new();
    let (mut a, mut b, last, ended) = a_lost_race_of_streamed_rows(&memory, Duration::from_secs(60)).await;
    ended.unwrap();
    assert!(a.abandoned_check_due().is_some());
    a.check_abandoned().await.unwrap();
    assert!(a.abandoned_check_due().is_some(), "the other one has not yet committed them");
    commit(&mut b, 2, 4..=last).await;
    a.check_abandoned().await.unwrap();
    assert_eq!((a.abandoned_check_due(), acknowledged(&a.shared) > Some(1)), (None, true));
    // When the broker turns to it again, it goes on.
    accept(&mut a, 1_000, last..=last + 1).await.unwrap();
    a.commit_all().await.unwrap();
    assert!(rows(&memory).len() as u64 == last + 1);
}

#[tokio::test]
async fn a_streamed_file_that_the_other_owner_has_cleaned_away_is_a_lost_race_and_no_failure() {
    let memory = Memory::new();
    let (mut shared_a, shared_b) = (shared(&memory), shared(&memory));
    Arc::get_mut(&mut shared_a).unwrap().abandoned_limit = Duration::from_secs(60);
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    commit(&mut a, 1, [1]).await;
    let streamed = accept_until_streamed(&mut a, &memory, 2).await;
    commit(&mut b, 1, 1..=3).await;
    assert_eq!(staged(&memory), Vec::<String>::new());
    accept(&mut a, 1_000, streamed + 1..=streamed + 200_000).await.unwrap();
    assert!(a.abandoned_check_due().is_some());
    commit(&mut b, 2, 4..=streamed + 200_000).await;
    a.check_abandoned().await.unwrap();
    assert_eq!(a.abandoned_check_due(), None);
    assert!(rows(&memory) == (1..=streamed + 200_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_owner_that_gets_what_follows_streamed_rows_that_are_lost_ends() {
    let memory = Memory::new();
    let (mut a, _, last, ended) = a_lost_race_of_streamed_rows(&memory, Duration::from_secs(60)).await;
    ended.unwrap();
    let error = accept(&mut a, 1_000, [last + 1]).await.unwrap_err();
    assert!(error.message.contains("this instance ends"), "{error}");
    assert_eq!(rows(&memory), [1, 2, 3]);
}

#[tokio::test]
async fn an_owner_that_gets_what_follows_streamed_rows_goes_on_when_the_other_has_committed_them() {
    let memory = Memory::new();
    let (mut a, mut b, last, ended) = a_lost_race_of_streamed_rows(&memory, Duration::from_secs(60)).await;
    ended.unwrap();
    commit(&mut b, 2, 4..=last + 1).await;
    accept(&mut a, 1_000, [last + 1, last + 2]).await.unwrap();
    a.commit_all().await.unwrap();
    assert_eq!(acknowledged(&a.shared), Some(1_000));
    assert!(rows(&memory).len() as u64 == last + 2);
}

#[tokio::test]
async fn streamed_rows_that_are_lost_are_written_when_the_broker_sends_them_again() {
    let memory = Memory::new();
    let (mut a, _, last, ended) = a_lost_race_of_streamed_rows(&memory, Duration::from_secs(60)).await;
    ended.unwrap();
    accept(&mut a, 1_000, 3..=last + 1).await.unwrap();
    assert_eq!(a.abandoned_check_due(), None);
    a.commit_all().await.unwrap();
    assert_eq!(acknowledged(&a.shared), Some(1_000));
    let mut all = rows(&memory);
    all.sort_unstable();
    assert!(all == (1..=last + 1).collect::<Vec<_>>());
}

/// Rows of a megabyte each, of records of a few bytes: an array of nulls takes none.
fn part_that_grows(shared: &Shared<Memory>, hand_over: u64, entries: std::ops::RangeInclusive<u64>) -> HandOverPart {
    let payloads: Vec<_> =
        entries.clone().map(|entry| [avro_long(entry as i64), avro_long(200_000), vec![0]].concat()).collect();
    let records = entries.zip(&payloads).map(|(entry, payload)| {
        let position = Position { ledger: 1, entry, batch_index: 0 };
        Record { schema: 1, ..Record::plain(position, payload) }
    });
    HandOverPart::packed(&shared.budget, hand_over, records)
}

/// Bounds the memory.
fn bound(shared: &mut Shared<Memory>, bytes: usize) {
    shared.budget = Budget::new(bytes);
    shared.row_memory = RowMemory::new(&shared.budget);
}

fn shared_that_grows(memory: &Memory) -> Arc<Shared<Memory>> {
    let mut shared = shared(memory);
    let inner = Arc::get_mut(&mut shared).unwrap();
    let nulls = r#"{"type":"record","name":"Visit","fields":[{"name":"v","type":"long"},
        {"name":"n","type":{"type":"array","items":"null"}}]}"#;
    inner.schemas.known(&SchemaInfo {
        schema_type: "AVRO".to_owned(),
        schema: nulls.to_owned(),
        version: "01".to_owned(),
        ..SchemaInfo::default()
    });
    bound(inner, 8 << 20);
    shared
}

#[tokio::test]
async fn rows_that_are_much_more_than_their_records_leave_memory_in_the_midst_of_a_hand_over() {
    let memory = Memory::new();
    let shared = shared_that_grows(&memory);
    let mut owner = owner(&shared);
    for hand_over in 1..=2 {
        let first = 20 * hand_over - 19;
        owner.accept(part_that_grows(&shared, hand_over, first..=first + 19)).await.unwrap();
        assert!(shared.budget.used() < 6 << 20, "{} bytes are in memory", shared.budget.used());
    }
    owner.commit_all().await.unwrap();
    assert_eq!(acknowledged(&shared), Some(2));
    assert_eq!(rows(&memory), (1..=40).collect::<Vec<_>>());
    assert_eq!(shared.budget.used(), 0);
    let is_piece = |(operation, path): &(Operation, String)| *operation == Operation::Write && path.ends_with(".csv");
    let pieces = memory.take_calls().iter().filter(|call| is_piece(call)).count();
    assert!(pieces >= 7, "40 MB of rows in {pieces} pieces");
}

#[tokio::test]
async fn rows_that_left_memory_in_the_midst_of_a_hand_over_are_in_the_table_once_when_that_race_is_lost() {
    let memory = Memory::new();
    let shared = shared_that_grows(&memory);
    let (mut a, mut b) = (owner(&shared), owner(&shared));
    accept(&mut a, 1, [1]).await.unwrap();
    commit(&mut b, 1, 1..=3).await;
    let error = a.accept(part_that_grows(&shared, 2, 2..=21)).await.unwrap_err();
    assert!(error.to_string().contains("the rows are not in memory any more"), "{error}");
    assert_ne!(acknowledged(&shared), Some(2));
    drop(a);
    let mut c = owner(&shared);
    c.accept(part_that_grows(&shared, 3, 1..=21)).await.unwrap();
    c.commit_all().await.unwrap();
    assert_eq!(rows(&memory), (1..=21).collect::<Vec<_>>());
}

// It may end in its last record, and must not be acknowledged then as one of duplicates only.
#[tokio::test]
async fn a_hand_over_whose_rows_were_all_lost_in_its_midst_is_acknowledged_when_the_other_owner_has_committed_them() {
    for commits in [false, true] {
        let memory = Memory::new();
        let mut shared_a = shared_that_grows(&memory);
        let inner = Arc::get_mut(&mut shared_a).unwrap();
        inner.abandoned_limit = Duration::from_secs(60);
        bound(inner, 4 << 20);
        let (mut a, mut b) = (owner(&shared_a), owner(&shared_that_grows(&memory)));
        accept(&mut a, 1, [1]).await.unwrap();
        commit(&mut b, 1, 1..=3).await;
        // Memory is short behind the last of them, which begins a commit, and behind as many more.
        a.accept(part_that_grows(&shared_a, 2, 2..=5)).await.unwrap();
        a.accept(part_that_grows(&shared_a, 3, 6..=9)).await.unwrap();
        assert!(a.abandoned_check_due().is_some(), "nothing was lost");
        assert_eq!(acknowledged(&shared_a), None, "what nobody has committed");
        if commits {
            b.accept(part_that_grows(&b.shared, 2, 4..=9)).await.unwrap();
            b.commit_all().await.unwrap();
        }
        a.check_abandoned().await.unwrap();
        assert_eq!(acknowledged(&shared_a), commits.then_some(3));
    }
}

#[tokio::test]
async fn what_is_known_of_a_quiet_source_partition_is_forgotten_and_its_next_record_is_met_as_by_a_new_owner() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    let hour = Duration::from_secs(3_600);
    Arc::get_mut(&mut shared).unwrap().forget_after = hour;
    let (mut quiet, mut other) = (owner(&shared), owner(&shared));
    assert_eq!(quiet.forget_due(), None, "it knows nothing");
    accept(&mut quiet, 1, 1..=2).await.unwrap();
    assert_eq!(quiet.forget_due(), None, "it has what is not committed");
    quiet.commit_all().await.unwrap();
    let committed = Instant::now();
    assert!(quiet.forget_due().is_some_and(|due| due > committed && due <= committed + hour));
    commit(&mut quiet, 2, [2]).await;
    assert!(quiet.forget_due().is_some_and(|due| due > committed + hour), "a duplicate came later");
    quiet.forget();
    assert!(quiet.loaded.is_none() && quiet.plans.is_empty());
    assert_eq!(quiet.forget_due(), None);
    // Meanwhile the topic was another instance's.
    commit(&mut other, 1, 3..=4).await;
    accept(&mut quiet, 3, 2..=5).await.unwrap();
    quiet.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3, 4, 5]);
    assert_eq!((shared.metrics.races_lost.get(), shared.metrics.duplicates.get()), (0, 4));
}

#[tokio::test]
async fn a_streamed_batch_is_committed_whole() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    commit(&mut owner, 1, [1]).await;
    accept(&mut owner, 2, 2..=300_000).await.unwrap();
    accept(&mut owner, 3, 300_001..=600_000).await.unwrap();
    assert!(!staged(&memory).is_empty(), "it is large enough to stream");
    assert!(shared.budget.used() < 2 << 20, "streamed records are forgotten: {}", shared.budget.used());
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), (1..=600_000).collect::<Vec<_>>());
    assert_eq!(shared.budget.used(), 0);
    let committed = shared.metrics.bytes_committed.get();
    let streamed = shared.metrics.bytes_streamed.get();
    assert!(streamed > committed / 2 && streamed < committed, "{streamed} of {committed} bytes");
}

#[tokio::test]
async fn a_streamed_file_that_fails_ends_the_instance_and_nothing_of_it_is_seen() {
    for (operation, fault) in [(Operation::Write, Fault::AnswerLost), (Operation::Close, Fault::RequestLost)] {
        let memory = Memory::new();
        let shared = shared(&memory);
        let mut failing = owner(&shared);
        commit(&mut failing, 1, [1]).await;
        memory.fail_next(operation, "_staging/visits/", fault);
        let mut ended = Ok(());
        for hand_over in 2..=8 {
            let first = hand_over * 100_000;
            ended = ended.and(accept(&mut failing, hand_over, first..first + 100_000).await);
        }
        let ended = match ended {
            Ok(()) => failing.commit_all().await,
            error => error,
        };
        assert_eq!(ended.unwrap_err().kind, ErrorKind::Storage);
        assert_eq!(rows(&memory), [1]);
        // The broker sends all again to the next instance, which cleans up.
        let mut next = owner(&shared);
        accept(&mut next, 1, [2]).await.unwrap();
        next.commit_all().await.unwrap();
        let mut after = owner(&shared);
        accept(&mut after, 1, [2]).await.unwrap();
        assert_eq!(staged(&memory), Vec::<String>::new());
    }
}

// Step 1.
#[tokio::test]
async fn a_staged_file_that_fails_is_staged_afresh_and_the_poisoned_one_is_cleaned() {
    for (operation, fault) in [
        (Operation::Create, Fault::Refused),
        (Operation::Create, Fault::AnswerLost),
        (Operation::Write, Fault::Refused),
        (Operation::Hsync, Fault::AnswerLost),
        (Operation::Close, Fault::AnswerLost),
        (Operation::Status, Fault::RequestLost),
    ] {
        let memory = Memory::new();
        let shared = shared(&memory);
        let mut owner = owner(&shared);
        accept(&mut owner, 1, 1..=3).await.unwrap();
        memory.fail_times(2, operation, "_staging/visits/", fault);
        owner.commit_all().await.unwrap();
        assert!(memory.all_faults_happened());
        assert_eq!(rows(&memory), [1, 2, 3], "{operation} {fault:?}");
        assert_eq!(shared.metrics.retries.get(), 2);
        assert_eq!(staged(&memory), Vec::<String>::new(), "{operation} {fault:?}");
    }
}

#[tokio::test]
async fn a_commit_goes_on_while_its_owner_does_something_else() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    owner.begin_commit().unwrap();
    until("the rows are visible", || rows(&memory) == [1, 2, 3]).await;
    owner.end_commit().await.unwrap();
    assert_eq!(acknowledged(&shared), Some(1));
}

#[tokio::test]
async fn a_commit_ends_with_its_owner() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    memory.fail_next(Operation::Rename, "/_commits/", Fault::Hang);
    owner.begin_commit().unwrap();
    until("the commit hangs", || memory.all_faults_happened()).await;
    drop(owner);
    until("nothing holds on to the sink", || Arc::strong_count(&shared) == 1).await;
}

#[tokio::test]
async fn a_call_that_fails_is_told_until_it_works() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    let health = Arc::clone(owner.health());
    assert!(health.failing_since().is_empty());
    memory.fail_times(2, Operation::Create, "_staging/visits/", Fault::Refused);
    let (seen, of_hook) = (Arc::new(std::sync::Mutex::new(None)), Arc::clone(&health));
    let into = Arc::clone(&seen);
    memory.before_next(Operation::Hsync, "_staging/visits/", move |_| {
        *into.lock().unwrap() = Some(of_hook.failing_since().len());
    });
    owner.commit_all().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(1));
    assert!(health.failing_since().is_empty());
}

// Rule 3.
#[tokio::test]
async fn a_manifest_in_doubt_is_settled_by_reading() {
    for fault in [Fault::AnswerLost, Fault::RequestLost, Fault::UnderWay, Fault::Refused] {
        let memory = Memory::new();
        let shared = shared(&memory);
        let mut owner = owner(&shared);
        accept(&mut owner, 1, 1..=3).await.unwrap();
        memory.fail_next(Operation::Rename, MANIFESTS, fault);
        owner.commit_all().await.unwrap();
        assert_eq!(rows(&memory), [1, 2, 3], "{fault:?}");
        assert_eq!(acknowledged(&shared), Some(1));
        // What was under way lands now: it finds its source gone.
        memory.land();
        assert_eq!(rows(&memory), [1, 2, 3]);
        accept(&mut owner, 2, [4]).await.unwrap();
        owner.commit_all().await.unwrap();
        assert_eq!(rows(&memory), [1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn a_manifest_that_lands_between_two_looks_is_found_to_be_ones_own() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    memory.fail_next(Operation::Rename, MANIFESTS, Fault::UnderWay);
    let first = format!("{MANIFESTS}{:020}.json", 1);
    let (again, path) = (memory.clone(), first.clone());
    // Absent when it is read, there when the folder is listed.
    memory.before_next(Operation::Read, &first, move |_| {
        let lands = again.clone();
        again.before_next(Operation::List, "/_commits/visits", move |_| lands.land());
        assert!(!again.files().contains_key(&path));
    });
    owner.commit_all().await.unwrap();
    assert!(memory.all_faults_happened());
    assert_eq!(rows(&memory), [1, 2, 3]);
    assert_eq!(shared.metrics.races_lost.get(), 0);
}

#[tokio::test]
async fn a_manifest_under_way_that_lands_after_another_owner_committed_changes_nothing() {
    let memory = Memory::new();
    let shared_a = shared(&memory);
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_at_once(&memory)));
    accept(&mut a, 1, 1..=3).await.unwrap();
    accept(&mut b, 1, 1..=2).await.unwrap();
    memory.fail_next(Operation::Rename, MANIFESTS, Fault::UnderWay);
    memory.before_next(Operation::Read, &format!("{MANIFESTS}{:020}.json", 1), move |memory| {
        // The other owner commits, and only then the request arrives.
        b.commit_all().now_or_never().unwrap().unwrap();
        memory.land();
    });
    a.commit_all().await.unwrap();
    a.commit_all().await.unwrap();
    assert!(memory.all_faults_happened());
    assert_eq!(rows(&memory), [1, 2, 3]);
    assert_eq!(shared_a.metrics.races_lost.get(), 1);
}

#[tokio::test]
async fn a_temporary_manifest_that_something_else_deletes_is_an_error_and_no_endless_loop() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    memory.before_next(Operation::Rename, MANIFESTS, |memory| {
        for path in staged(memory).iter().filter(|path| path.ends_with(".json")) {
            memory.remove(path);
        }
    });
    let error = owner.commit_all().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("was written, and is gone"), "{error}");
}

// Rule 4.
#[tokio::test]
async fn a_publish_whose_answer_is_lost_is_found_done() {
    for fault in [Fault::AnswerLost, Fault::RequestLost, Fault::UnderWay] {
        let memory = Memory::new();
        let shared = shared(&memory);
        let mut owner = owner(&shared);
        accept(&mut owner, 1, 1..=3).await.unwrap();
        memory.fail_next(Operation::Rename, "/d/visits/visits-", fault);
        owner.commit_all().await.unwrap();
        memory.land();
        assert_eq!(rows(&memory), [1, 2, 3], "{fault:?}");
        assert_eq!(acknowledged(&shared), Some(1));
    }
}

#[tokio::test]
async fn a_committed_file_that_is_gone_or_short_is_an_error() {
    for shortened in [false, true] {
        let memory = Memory::new();
        let shared = shared(&memory);
        commit(&mut owner(&shared), 1, 1..=3).await;
        let path = visible(&memory).into_keys().next().unwrap();
        memory.remove(&path);
        if shortened {
            memory.put(&path, b"1,1\n");
        }
        let error = accept(&mut owner(&shared), 1, [4]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol);
        assert!(error.message.contains(&path) && error.message.contains("12 bytes in 3 rows"), "{error}");
    }
}

#[tokio::test]
async fn a_staged_file_that_something_else_deletes_before_it_is_published_is_an_error_and_not_acknowledged() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    memory.before_next(Operation::Rename, "/d/visits/visits-", |memory| {
        for path in staged(memory).iter().filter(|path| path.ends_with(".csv")) {
            memory.remove(path);
        }
    });
    let error = owner.commit_all().await.unwrap_err();
    assert!(error.message.contains("12 bytes in 3 rows, but there is no such file"), "{error}");
    assert_eq!(acknowledged(&shared), None);
}

// A manifest is put again when something else deleted it: nothing waits for a restart.
#[tokio::test]
async fn a_commit_whose_manifest_something_else_deletes_goes_on_by_itself() {
    for temporary in [false, true] {
        let memory = Memory::new();
        let mut shared = shared(&memory);
        Arc::get_mut(&mut shared).unwrap().waits_for_repair = true;
        let mut owner = owner(&shared);
        accept(&mut owner, 1, 1..=3).await.unwrap();
        if temporary {
            memory.before_next(Operation::Rename, MANIFESTS, |memory| {
                for path in staged(memory).iter().filter(|path| path.ends_with(".json")) {
                    memory.remove(path);
                }
            });
        } else {
            memory.before_next(Operation::List, MANIFESTS.trim_end_matches('/'), |memory| {
                memory.remove(&format!("{MANIFESTS}{:020}.json", 1));
            });
        }
        owner.commit_all().await.unwrap();
        assert!(memory.all_faults_happened());
        assert_eq!((rows(&memory), acknowledged(&shared)), (vec![1, 2, 3], Some(1)));
        assert!(manifest(&memory, 1).is_some());
    }
}

// A table that waits for somebody to mend it.
#[tokio::test]
async fn a_source_partition_whose_table_is_not_in_order_waits_and_goes_on_when_it_is_mended() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    let waiting = Arc::get_mut(&mut shared).unwrap();
    (waiting.waits_for_repair, waiting.pause) = (true, |_| Duration::from_millis(1));
    memory.put("/d/visits/_sink.json", b"{");
    let mut owner = owner(&shared);
    let health = Arc::clone(owner.health());
    {
        let accepting = accept(&mut owner, 1, 1..=3);
        tokio::pin!(accepting);
        assert!(tokio::time::timeout(Duration::from_millis(200), &mut accepting).await.is_err());
        let held_back = health.held_back().unwrap();
        assert!(
            held_back.reason.contains("_sink.json, which says whose the table is, cannot be read"),
            "{held_back:?}"
        );
        assert!(held_back.since.elapsed() >= Duration::from_millis(100) && held_back.next_attempt.is_some());
        memory.remove("/d/visits/_sink.json");
        accepting.await.unwrap();
    }
    assert_eq!(health.held_back(), None);
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3]);
}

#[tokio::test]
async fn a_topic_that_was_created_again_waits_for_its_reset_and_goes_on() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    let waiting = Arc::get_mut(&mut shared).unwrap();
    (waiting.waits_for_repair, waiting.pause) = (true, |_| Duration::from_millis(1));
    commit(&mut owner(&shared), 1, 1..=5).await;
    let mut next = owner(&shared);
    let layout = next.layout.clone();
    {
        // The first one could be a duplicate, for all that is known before the second one comes.
        let again = Sent { publish_time: 1_000, ..sent(2) };
        let accepting = next.accept(part(&shared, 1, [sent(1), again]));
        tokio::pin!(accepting);
        assert!(tokio::time::timeout(Duration::from_millis(200), &mut accepting).await.is_err());
        crate::protocol::reset::reset(&memory, &layout, None).await.unwrap();
        accepting.await.unwrap();
    }
    next.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 1, 2, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_file_that_something_else_wrote_under_the_final_name_is_an_error() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    memory.put("/d/visits/visits-00000000000000000001.csv", b"9,9\n");
    let error = owner.commit_all().await.unwrap_err();
    assert!(error.message.contains("something else wrote it"), "{error}");
    assert_eq!(acknowledged(&shared), None);
}

// Rule 5 and step 2.
#[tokio::test]
async fn a_stale_owner_that_puts_a_pruned_name_again_has_lost() {
    let memory = Memory::new();
    let (shared_a, shared_b) = (shared(&memory), shared(&memory));
    let (mut stale, mut active) = (owner(&shared_a), owner(&shared_b));
    accept(&mut stale, 1, 1..=2).await.unwrap();
    for entry in 1..=3 {
        accept(&mut active, entry, [entry]).await.unwrap();
        active.commit_all().await.unwrap();
    }
    memory.remove(&format!("{MANIFESTS}{:020}.json", 1));
    stale.commit_all().await.unwrap();
    assert_eq!(shared_a.metrics.races_lost.get(), 1);
    assert_eq!(rows(&memory), [1, 2, 3]);
    assert_eq!(acknowledged(&shared_a), Some(1));
}

#[tokio::test]
async fn the_next_commit_waits_until_the_renames_of_the_one_before_are_done() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=2).await.unwrap();
    memory.fail_times(3, Operation::Rename, "/d/visits/visits-", Fault::RequestLost);
    owner.begin_commit().unwrap();
    accept(&mut owner, 2, 3..=4).await.unwrap();
    owner.begin_commit().unwrap();
    owner.commit_all().await.unwrap();
    let renames: Vec<_> = memory
        .take_calls()
        .into_iter()
        .filter(|(operation, _)| *operation == Operation::Rename)
        .map(|call| call.1)
        .collect();
    let published = renames.iter().rposition(|path| path.ends_with("visits-00000000000000000001.csv")).unwrap();
    let next = renames.iter().position(|path| path.ends_with("_commits/visits/00000000000000000002.json")).unwrap();
    assert!(published < next, "{renames:?}");
}

// Rule 6.
#[tokio::test]
async fn cleaning_leaves_what_may_still_be_committed_and_other_source_partitions_alone() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut first = owner(&shared);
    accept(&mut first, 1, [1]).await.unwrap();
    first.commit_all().await.unwrap();
    let kept = [
        "/d/visits/_staging/visits/00000000000000000002-x.csv",
        "/d/visits/_staging/visits-p1/00000000000000000001-x.csv",
    ];
    let old = [
        "/d/visits/_staging/visits/00000000000000000001-x.csv",
        "/d/visits/_staging/visits/00000000000000000001-x.json",
    ];
    for path in kept.iter().chain(&old) {
        memory.put(path, b"");
    }
    accept(&mut owner(&shared), 1, [2]).await.unwrap();
    let files = memory.files();
    assert!(kept.iter().all(|path| files.contains_key(*path)));
    assert!(!old.iter().any(|path| files.contains_key(*path)));
    assert_eq!(shared.metrics.files_cleaned.get(), 2);
}

// Rule 6.
#[tokio::test]
async fn what_a_crash_left_before_a_commit_is_cleaned_after_that_commit() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let left = "/d/visits/_staging/visits/00000000000000000001-x.csv";
    memory.put(left, b"");
    let mut owner = owner(&shared);
    accept(&mut owner, 1, [1]).await.unwrap();
    assert!(memory.files().contains_key(left));
    owner.commit_all().await.unwrap();
    assert!(!memory.files().contains_key(left));
}

// Rule 7.
#[tokio::test]
async fn a_record_at_or_below_the_last_accepted_makes_the_owner_drop_and_load_again() {
    let memory = Memory::new();
    let (shared_a, shared_b) = (shared(&memory), shared(&memory));
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    // A has taken 1 to 9; B takes over and commits 1 to 4; A is active again and gets its stale queue, then the broker's.
    accept(&mut a, 1, 1..=9).await.unwrap();
    accept(&mut b, 1, 1..=4).await.unwrap();
    b.commit_all().await.unwrap();
    accept(&mut a, 2, 10..=12).await.unwrap();
    accept(&mut a, 3, 5..=12).await.unwrap();
    assert_eq!(shared_a.metrics.rewinds.get(), 1);
    a.commit_all().await.unwrap();
    assert_eq!(rows(&memory), (1..=12).collect::<Vec<_>>());
    assert_eq!(acknowledged(&shared_a), Some(3));
}

#[tokio::test]
async fn a_rewind_within_a_hand_over_keeps_the_order() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, [1, 2, 3, 4, 1, 2, 3, 1, 2, 3, 4, 5]).await.unwrap();
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3, 4, 5]);
    assert_eq!(shared.metrics.rewinds.get(), 2);
}

#[tokio::test]
async fn a_record_whose_predecessor_was_dropped_is_never_taken() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=4).await.unwrap();
    let error = accept(&mut owner, 2, 3..=5).await.unwrap_err();
    assert!(error.message.contains("1:3:0") && error.message.contains("1:1:0"), "{error}");
}

#[tokio::test]
async fn a_rewind_waits_until_a_manifest_in_doubt_is_settled() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    memory.fail_next(Operation::Rename, MANIFESTS, Fault::AnswerLost);
    owner.begin_commit().unwrap();
    accept(&mut owner, 2, 1..=5).await.unwrap();
    assert_eq!(shared.metrics.duplicates.get(), 3, "the commit in doubt was found done");
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3, 4, 5]);
}

// Rule 9.
#[tokio::test]
async fn a_table_of_another_sink_or_subscription_is_refused_by_name() {
    let memory = Memory::new();
    let shared = shared(&memory);
    accept(&mut owner_of(&shared, "t/n/first"), 1, [1]).await.unwrap();
    let error = accept(&mut owner_of(&shared, "t/n/second"), 1, [1]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("`t/n/first`") && error.message.contains("`t/n/second`"), "{error}");
}

#[tokio::test]
async fn of_two_sinks_that_claim_a_table_at_once_one_is_refused() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let other = serde_json::to_vec(&identity("t/n/other")).unwrap();
    memory.before_next(Operation::Rename, "_sink.json", move |memory| memory.put("/d/visits/_sink.json", &other));
    let error = accept(&mut owner_of(&shared, "t/n/mine"), 1, [1]).await.unwrap_err();
    assert!(error.message.contains("belongs to another sink"), "{error}");
}

#[tokio::test]
async fn a_publish_time_in_the_far_future_hides_a_topic_that_was_created_again_for_a_day_only() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    let ahead = Sent { publish_time: i64::MAX, ..sent(5) };
    owner.accept(part(&shared, 1, [ahead])).await.unwrap();
    owner.commit_all().await.unwrap();
    let now = crate::owner::commits::now_millis();
    let known = manifest(&memory, 1).unwrap().largest_publish_time - now;
    assert!((0..=86_400_000).contains(&known), "{known} ms from now");
    // Sent again, it is no sign of another topic.
    owner.accept(part(&shared, 2, [ahead])).await.unwrap();
    assert_eq!(shared.metrics.duplicates.get(), 1);
}

#[tokio::test]
async fn a_topic_that_was_created_again_is_an_error_that_names_the_command() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut first = owner(&shared);
    accept(&mut first, 1, 1..=5).await.unwrap();
    first.commit_all().await.unwrap();
    let again = Sent { publish_time: 1_000, ..sent(2) };
    let error = owner(&shared).accept(part(&shared, 1, [again])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("hdfs-csv reset --table /d/visits --source-partition visits"), "{error}");
}

// Load.
#[tokio::test]
async fn a_load_starts_over_when_the_newest_manifest_changes_or_goes_while_it_reads() {
    let memory = Memory::new();
    let (shared_a, shared_b) = (shared(&memory), shared(&memory));
    let mut active = owner(&shared_b);
    for entry in 1..=2 {
        accept(&mut active, entry, [entry]).await.unwrap();
        active.commit_all().await.unwrap();
    }
    // The loading owner lists manifest 1 alone; manifest 2 appears before it lists again.
    let second = format!("{MANIFESTS}{:020}.json", 2);
    let bytes = memory.files()[&second].clone();
    memory.remove(&second);
    memory.before_next(Operation::Read, MANIFESTS, move |memory| memory.put(&second, &bytes));
    let mut loading = owner(&shared_a);
    accept(&mut loading, 1, [2, 3]).await.unwrap();
    assert_eq!(shared_a.metrics.duplicates.get(), 1);
    loading.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3]);
}

#[tokio::test]
async fn a_load_finishes_the_renames_that_a_crash_left() {
    let memory = Memory::new();
    let shared = shared_with(&memory, OnBadRecord::Skip, true);
    let mut crashing = owner(&shared);
    let all = [(1, 0), (2, DAY)].map(|(entry, publish_time)| Sent { publish_time, ..sent(entry) });
    crashing.accept(part(&shared, 1, all)).await.unwrap();
    memory.fail_next(Operation::Rename, "/dt=1970-01-02", Fault::Hang);
    crashing.begin_commit().unwrap();
    until("the commit hangs", || memory.all_faults_happened()).await;
    drop(crashing);
    assert_eq!(rows(&memory), [1], "the commit is in the manifests, but only one of its two files is published");
    let mut next = owner(&shared);
    next.accept(part(&shared, 1, all)).await.unwrap();
    assert_eq!(rows(&memory), [1, 2]);
    assert_eq!(acknowledged(&shared), Some(1));
}

#[tokio::test]
async fn a_load_that_cannot_reach_hdfs_goes_on_when_it_can() {
    let memory = Memory::new();
    let shared = shared(&memory);
    memory.fail_times(5, Operation::List, "_commits", Fault::RequestLost);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=3).await.unwrap();
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3]);
    assert_eq!(shared.metrics.retries.get(), 5);
}

// Rule 12.
#[tokio::test]
async fn a_batch_with_a_dead_letter_is_committed_only_after_the_broker_confirmed_it() {
    let memory = Memory::new();
    let shared = shared_with(&memory, OnBadRecord::DeadLetter, false);
    let mut owner = owner(&shared);
    owner.accept(part(&shared, 1, [sent(1), bad(2), sent(3)])).await.unwrap();
    owner.commit_all().await.unwrap();
    assert_eq!(owner.commit_due(&every(Duration::ZERO)), None);
    assert_eq!(rows(&memory), Vec::<u64>::new());
    owner.confirm(1);
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 3]);
    let manifest = manifest(&memory, 1).unwrap();
    assert_eq!((manifest.rows, manifest.dropped), (2, 1));
}

// Rule 12.
#[tokio::test]
async fn a_message_without_a_value_becomes_what_is_configured() {
    for (on_null_value, row, letters) in
        [(OnNullValue::Skip, "", 0), (OnNullValue::DeadLetter, "", 1), (OnNullValue::Row, "2,\\N\n", 0)]
    {
        let memory = Memory::new();
        let mut shared = shared_with(&memory, OnBadRecord::DeadLetter, false);
        Arc::get_mut(&mut shared).unwrap().on_null_value = on_null_value;
        let mut owner = owner(&shared);
        let payload = avro_long(7);
        let record = |entry, payload| Record::plain(Position { ledger: 1, entry, batch_index: 0 }, payload);
        let null = Record { null_value: true, ..record(2, &[]) };
        let records = [record(1, &payload[..]), null, record(3, &payload)];
        owner.accept(HandOverPart::packed(&shared.budget, 1, records)).await.unwrap();
        assert_eq!(owner.batch.unconfirmed.len(), letters, "{on_null_value:?}");
        owner.confirm(1);
        owner.commit_all().await.unwrap();

        let files = memory.files().into_iter().filter(|(path, _)| !path.contains("/_"));
        let texts: Vec<_> = files.map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect();
        assert_eq!(texts, [format!("1,7\n{row}3,7\n")], "{on_null_value:?}");
        let manifest = manifest(&memory, 1).unwrap();
        let rows = 2 + u64::from(!row.is_empty());
        assert_eq!((manifest.rows, manifest.dropped, manifest.last.unwrap().entry), (rows, 3 - rows, 3));
        assert_eq!(shared.metrics.bad_records(), letters as u64);
    }
}

/// The entries at the ends of the gaps that were asked about.
fn gaps(shared: &Shared<Memory>) -> Vec<(Option<u64>, u64)> {
    const HAS_BEGINNING: u64 = 1;
    let mut room = [0; 4096];
    let written = shared.answers.take(&mut room).unwrap();
    let asked = room[..written].chunks_exact(56).map(|gap| {
        let number = |at: usize| u64::from_le_bytes(gap[at..at + 8].try_into().unwrap());
        assert_eq!(number(0), 3 << 32 | 56, "another answer");
        ((number(8) >> 32 == HAS_BEGINNING).then(|| number(32)), number(48))
    });
    asked.collect()
}

// Rule 14.
#[tokio::test]
async fn nothing_behind_a_gap_is_committed_before_it_is_known_what_stands_in_it() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    Arc::get_mut(&mut shared).unwrap().asks_about_gaps = true;
    let mut owner = owner(&shared);
    accept(&mut owner, 1, [4, 5, 6]).await.unwrap();
    assert_eq!(gaps(&shared), [(None, 4)]);
    owner.commit_all().await.unwrap();
    assert_eq!((rows(&memory), owner.commit_due(&every(Duration::ZERO))), (vec![], None));
    owner.confirm(1);
    owner.commit_all().await.unwrap();
    commit(&mut owner, 2, [6, 7]).await;
    // Sent again without what was dropped: that is no gap.
    assert_eq!((rows(&memory), gaps(&shared)), (vec![4, 5, 6, 7], vec![]));

    accept(&mut owner, 3, [8, 10, 11, 14]).await.unwrap();
    assert_eq!(gaps(&shared), [(Some(8), 10), (Some(11), 14)]);
    owner.confirm(2);
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [4, 5, 6, 7]);
    owner.confirm(3);
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [4, 5, 6, 7, 8, 10, 11, 14]);
}

// Rule 14.
#[tokio::test]
async fn what_the_broker_left_out_is_waited_for_and_nothing_behind_it_is_committed_before() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    Arc::get_mut(&mut shared).unwrap().asks_about_gaps = true;
    let mut owner = owner(&shared);
    let due = every(Duration::ZERO);
    accept(&mut owner, 1, [4, 5]).await.unwrap();
    assert_eq!((gaps(&shared), owner.is_held_up(&due)), (vec![(None, 4)], true));
    owner.note_left_out(1);
    // What was left out can be behind others.
    assert!(!owner.is_held_up(&due) && owner.held_up_due(&due).is_none());
    accept(&mut owner, 2, [6, 7]).await.unwrap();
    owner.commit_all().await.unwrap();
    assert_eq!((rows(&memory), owner.commit_due(&due)), (vec![], None));
    assert!(owner.left_out_due().is_some());

    accept(&mut owner, 3, 1..=7).await.unwrap();
    assert_eq!(gaps(&shared), [(None, 1)]);
    // It is of the batch that was dropped.
    owner.note_left_out(1);
    assert_eq!(owner.left_out_due(), None);
    owner.confirm(2);
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3, 4, 5, 6, 7]);
}

/// The broker has been asked to send again; the entry of the division.
fn asked_to_send_again(shared: &Shared<Memory>) -> Option<u64> {
    let mut room = [0; 32];
    assert_eq!((shared.answers.take(&mut room), room[4]), (Ok(32), 5));
    (room[12] == 1).then_some(u64::from(room[24]))
}

/// An owner that has got 1, 2, 4 and 5 and has asked the broker for what stands between 2 and 4.
async fn asking_for_3(shared: &mut Arc<Shared<Memory>>) -> Owner<Memory> {
    Arc::get_mut(shared).unwrap().asks_about_gaps = true;
    let mut owner = owner(shared);
    accept(&mut owner, 1, [1, 2]).await.unwrap();
    accept(&mut owner, 2, [4, 5]).await.unwrap();
    assert_eq!(gaps(shared), [(None, 1), (Some(2), 4)]);
    owner.confirm(1);
    owner.note_left_out(2);
    assert!(owner.left_out_due().is_some());
    owner.look_for_left_out().await.unwrap();
    assert_eq!(asked_to_send_again(shared), Some(4));
    owner
}

// Rule 14.
#[tokio::test]
async fn what_the_broker_is_asked_to_send_again_is_taken_with_all_behind_it() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    let mut owner = asking_for_3(&mut shared).await;
    accept(&mut owner, 3, [6]).await.unwrap();
    accept(&mut owner, 4, 1..=3).await.unwrap();
    accept(&mut owner, 5, [4, 5, 6]).await.unwrap();
    assert_eq!(gaps(&shared), [(None, 1)]);
    owner.confirm(3);
    owner.commit_all().await.unwrap();
    assert_eq!((rows(&memory), acknowledged(&shared)), (vec![1, 2, 3, 4, 5, 6], Some(5)));
    assert_eq!(owner.left_out_due(), None);
}

/// A producer's batch that no client can take apart, or what the broker keeps from the subscription.
#[tokio::test]
async fn what_never_comes_is_passed_once_all_that_precedes_it_is_acknowledged() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    let mut owner = asking_for_3(&mut shared).await;
    accept(&mut owner, 3, [1, 2]).await.unwrap();
    accept(&mut owner, 4, [4, 5]).await.unwrap();
    assert_eq!(gaps(&shared), [(None, 1)]);
    owner.confirm(3);
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2]);
    assert_eq!(acknowledged(&shared), Some(3), "4 and 5 are to be sent again");
    for number in [4, 5] {
        assert!(owner.left_out_due().is_some() && owner.leaves_records());
        owner.look_for_left_out().await.unwrap();
        assert_eq!((gaps(&shared), owner.left_out_due()), (vec![(Some(2), 4)], None));
        owner.note_left_out(number);
    }
    owner.look_for_left_out().await.unwrap();
    assert_eq!(gaps(&shared), [(Some(2), 4)]);
    owner.confirm(6);
    assert_eq!((asked_to_send_again(&shared), owner.leaves_records()), (None, false));

    accept(&mut owner, 5, [4, 5]).await.unwrap();
    owner.confirm(7);
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 4, 5]);
}

#[tokio::test]
async fn what_the_broker_leaves_out_once_more_is_asked_for_once_more() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    let mut owner = asking_for_3(&mut shared).await;
    accept(&mut owner, 3, [1, 2]).await.unwrap();
    owner.confirm(3);
    accept(&mut owner, 4, [4, 5]).await.unwrap();
    owner.commit_all().await.unwrap();
    let looks = async |owner: &mut Owner<Memory>| {
        let mut looks = 0;
        loop {
            owner.look_for_left_out().await.unwrap();
            let mut room = [0; 4096];
            let written = shared.answers.take(&mut room).unwrap();
            if room[..written].chunks(8).any(|part| part[4] == 5) {
                return looks;
            }
            owner.note_left_out(shared.answers.last_number());
            looks += 1;
        }
    };
    let first = looks(&mut owner).await;
    owner.note_left_out(shared.answers.last_number());
    accept(&mut owner, 5, [1, 2, 4]).await.unwrap();
    assert_eq!(looks(&mut owner).await, 2 * first - 1, "what never comes is given time");
    accept(&mut owner, 6, [1, 2, 3]).await.unwrap();
    accept(&mut owner, 7, [4, 5]).await.unwrap();
    owner.commit_all().await.unwrap();
    assert_eq!((rows(&memory), owner.leaves_records()), (vec![1, 2, 3, 4, 5], false));
}

#[tokio::test]
async fn a_lost_race_beside_what_was_left_out_acknowledges_nothing_behind_it() {
    let memory = Memory::new();
    let (mut shared_a, shared_b) = (shared(&memory), shared(&memory));
    let mut a = asking_for_3(&mut shared_a).await;
    accept(&mut a, 3, [1, 2]).await.unwrap();
    a.confirm(3);
    commit(&mut owner(&shared_b), 1, [1, 2]).await;
    accept(&mut a, 4, [4, 5]).await.unwrap();
    a.commit_all().await.unwrap();
    assert_eq!(shared_a.metrics.races_lost.get(), 1);
    assert_eq!(rows(&memory), [1, 2]);
    assert_eq!(acknowledged(&shared_a), Some(3));
}

#[tokio::test]
async fn an_owner_to_which_nothing_is_sent_any_more_waits_for_another_one_to_commit_what_was_left_out() {
    let memory = Memory::new();
    let (mut shared_a, shared_b) = (shared(&memory), shared(&memory));
    let mut a = asking_for_3(&mut shared_a).await;
    for _ in 0..100 {
        a.look_for_left_out().await.unwrap();
    }
    assert!(a.leaves_records());
    commit(&mut owner(&shared_b), 1, 1..=5).await;
    a.look_for_left_out().await.unwrap();
    assert!(!a.leaves_records());
}

/// A lost race needs what was taken in the order in which it stands in its hand-overs.
#[tokio::test]
async fn a_hand_over_of_which_only_a_part_is_taken_is_not_staged_again() {
    let memory = Memory::new();
    let (mut shared_a, shared_b) = (shared(&memory), shared(&memory));
    let mut a = asking_for_3(&mut shared_a).await;
    accept(&mut a, 3, [1, 2, 4]).await.unwrap();
    a.confirm(3);
    commit(&mut owner(&shared_b), 1, [1, 2]).await;
    a.begin_commit().unwrap();
    accept(&mut a, 4, [3, 4]).await.unwrap();
    let error = a.commit_all().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Storage, "{error}");
    // An acknowledgement would come first, and have room.
    assert!(shared_a.answers.take(&mut [0; 24]).is_err());
    assert_eq!(rows(&memory), [1, 2]);
}

#[tokio::test]
async fn a_broker_that_does_not_send_again_when_it_is_asked_to_ends_the_instance() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    let mut owner = asking_for_3(&mut shared).await;
    let mut error = None;
    for entry in 6..106 {
        owner.look_for_left_out().await.unwrap_or_else(|own| error = Some(own));
        if error.is_some() {
            break;
        }
        accept(&mut owner, entry, [entry]).await.unwrap();
    }
    let error = error.unwrap();
    assert_eq!(error.kind, ErrorKind::Storage);
    assert!(error.message.contains("did not send all of them again when it was asked to"), "{error}");
    assert_eq!(rows(&memory), Vec::<u64>::new());
}

#[tokio::test]
async fn a_new_owner_asks_about_the_gap_behind_the_mark() {
    let memory = Memory::new();
    commit(&mut owner(&shared(&memory)), 1, 1..=5).await;
    let mut shared = shared(&memory);
    Arc::get_mut(&mut shared).unwrap().asks_about_gaps = true;
    let mut restarted = owner(&shared);
    accept(&mut restarted, 1, [3, 5, 6, 9]).await.unwrap();
    assert_eq!(gaps(&shared), [(Some(6), 9)]);
    let mut restarted = owner(&shared);
    accept(&mut restarted, 1, [7]).await.unwrap();
    assert_eq!(gaps(&shared), [(Some(5), 7)]);
}

#[tokio::test]
async fn a_batch_of_bad_records_only_commits_a_manifest_without_files() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    owner.accept(part(&shared, 1, [bad(1), bad(2)])).await.unwrap();
    owner.commit_all().await.unwrap();
    let manifest = manifest(&memory, 1).unwrap();
    assert_eq!((manifest.files.len(), manifest.dropped, manifest.last.unwrap().entry), (0, 2, 2));
    assert_eq!(acknowledged(&shared), Some(1));
    assert_eq!(shared.metrics.bad_records(), 2);
}

#[tokio::test]
async fn under_fail_what_precedes_the_bad_record_is_committed_and_then_the_sink_ends() {
    let memory = Memory::new();
    let shared = shared_with(&memory, OnBadRecord::Fail, false);
    let mut owner = owner(&shared);
    let error = owner.accept(part(&shared, 1, [sent(1), sent(2), bad(3), sent(4)])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Record);
    assert!(error.message.contains("record 1:3:0") && error.message.contains("truncated"), "{error}");
    assert_eq!(rows(&memory), [1, 2]);
}

#[tokio::test]
async fn a_record_without_a_schema_is_bad_and_its_neighbours_are_not() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut owner = owner(&shared);
    let mut part = part(&shared, 1, [sent(1), sent(2), sent(3)]);
    let length = u32::from_le_bytes(part.bytes[..4].try_into().unwrap()) as usize;
    part.bytes[length + 12..length + 16].copy_from_slice(&NO_SCHEMA.to_le_bytes());
    owner.accept(part).await.unwrap();
    owner.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 3]);
    assert_eq!(shared.metrics.snapshot()["bad_records_no_schema_total"], 1);
}

#[tokio::test]
async fn a_full_batch_is_committed_without_waiting_for_its_time() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    Arc::get_mut(&mut shared).unwrap().max_batch_rows = 3;
    let mut owner = owner(&shared);
    accept(&mut owner, 1, 1..=2).await.unwrap();
    assert!(owner.committing.is_none());
    accept(&mut owner, 2, 3..=4).await.unwrap();
    assert!(owner.committing.is_some());
    owner.end_commit().await.unwrap();
    assert_eq!(rows(&memory), [1, 2, 3, 4]);
    assert_eq!(acknowledged(&shared), Some(2));
}

// Rule 8.
#[tokio::test]
async fn a_quiet_topic_keeps_one_file_that_grows_until_it_is_large_enough() {
    let memory = Memory::new();
    let shared = shared_folding(&memory, false);
    let mut owner = owner(&shared);
    let mut before = Vec::new();
    for entry in 1..=9 {
        commit(&mut owner, entry, [entry]).await;
        let files = memory.files();
        let (path, bytes) = files.iter().find(|(path, _)| !path.contains("/_")).unwrap();
        assert_eq!(path, "/d/visits/visits-00000000000000000001.csv");
        assert!(bytes.starts_with(&before), "the old bytes stay the beginning");
        before = bytes.clone();
    }
    assert_eq!(visible(&memory).into_values().collect::<Vec<_>>(), [(1..=9).collect::<Vec<_>>()]);
    // The file has 36 bytes now: one batch more takes it over the bound, and the next begins a new one.
    commit(&mut owner, 10, 10..=12).await;
    commit(&mut owner, 11, [13]).await;
    let sizes: Vec<_> = visible(&memory).into_values().map(|rows| rows.len()).collect();
    assert_eq!(sizes, [12, 1]);
    assert_eq!(staged(&memory), Vec::<String>::new());
    let last = manifest(&memory, 10).unwrap();
    assert_eq!((last.rows, last.total_rows, last.files[0].new_rows(), last.files[0].content.rows), (3, 12, 3, 12));
    assert_eq!(shared.metrics.files_committed.get(), 2);
}

#[tokio::test]
async fn each_partition_directory_grows_a_file_of_its_own() {
    let memory = Memory::new();
    let shared = shared_folding(&memory, true);
    let mut owner = owner(&shared);
    for (hand_over, [first, second]) in [(1, [1, 2]), (2, [3, 4])] {
        let all = [(first, 0), (second, DAY)].map(|(entry, publish_time)| Sent { publish_time, ..sent(entry) });
        owner.accept(part(&shared, hand_over, all)).await.unwrap();
        owner.commit_all().await.unwrap();
    }
    assert_eq!(visible(&memory).into_values().collect::<Vec<_>>(), [[1, 3], [2, 4]]);
}

#[tokio::test]
async fn a_file_whose_bytes_nobody_gives_does_not_grow_and_holds_up_no_commit() {
    for (fault, times, attempts) in [(Fault::Unreadable, 1, 1), (Fault::RequestLost, 4, 4)] {
        let memory = Memory::new();
        let shared = shared_folding(&memory, false);
        let mut owner = owner(&shared);
        commit(&mut owner, 1, [1]).await;
        let first = "/d/visits/visits-00000000000000000001.csv";
        memory.fail_times(times, Operation::Read, first, fault);
        memory.take_calls();
        commit(&mut owner, 2, [2]).await;
        let reads = |(operation, path): &(Operation, String)| *operation == Operation::Read && path == first;
        assert_eq!(memory.take_calls().iter().filter(|call| reads(call)).count(), attempts, "{fault:?}");
        assert_eq!(visible(&memory)["/d/visits/visits-00000000000000000002.csv"], [2]);
        commit(&mut owner, 3, [3]).await;
        assert_eq!(visible(&memory)["/d/visits/visits-00000000000000000002.csv"], [2, 3]);
        assert_eq!(visible(&memory)[first], [1]);
    }
}

// Folding spares files: HDFS that is away for a while must not cost one.
#[tokio::test]
async fn a_file_that_cannot_be_read_while_hdfs_is_away_grows_when_it_is_there_again() {
    let memory = Memory::new();
    let shared = shared_folding(&memory, false);
    let mut owner = owner(&shared);
    commit(&mut owner, 1, [1]).await;
    let first = "/d/visits/visits-00000000000000000001.csv";
    memory.fail_times(20, Operation::Read, first, Fault::RequestLost);
    memory.fail_times(17, Operation::Status, first, Fault::RequestLost);
    commit(&mut owner, 2, [2]).await;
    assert_eq!(visible(&memory).into_values().collect::<Vec<_>>(), [[1, 2]]);
}

#[tokio::test]
async fn a_file_that_something_else_changed_or_took_away_does_not_grow() {
    for taken_away in [false, true] {
        let memory = Memory::new();
        let shared = shared_folding(&memory, false);
        let mut owner = owner(&shared);
        commit(&mut owner, 1, [1]).await;
        let first = "/d/visits/visits-00000000000000000001.csv";
        memory.remove(first);
        if !taken_away {
            memory.put(first, b"7,7\n");
        }
        commit(&mut owner, 2, [2]).await;
        assert_eq!(visible(&memory)["/d/visits/visits-00000000000000000002.csv"], [2]);
        assert_eq!(visible(&memory).contains_key(first), !taken_away);
    }
}

#[tokio::test]
async fn a_fold_that_a_crash_left_unpublished_is_finished_by_the_next_owner() {
    let memory = Memory::new();
    let shared = shared_folding(&memory, false);
    let mut crashing = owner(&shared);
    commit(&mut crashing, 1, [1]).await;
    accept(&mut crashing, 2, [2]).await.unwrap();
    memory.fail_next(Operation::Rename, "/d/visits/visits-", Fault::Hang);
    crashing.begin_commit().unwrap();
    until("the commit hangs", || memory.all_faults_happened()).await;
    drop(crashing);
    assert_eq!(rows(&memory), [1]);
    let mut next = owner(&shared);
    commit(&mut next, 1, [2, 3]).await;
    assert_eq!(visible(&memory).into_values().collect::<Vec<_>>(), [[1, 2, 3]]);
}

#[tokio::test]
async fn a_fold_whose_answer_is_lost_or_late_happens_once() {
    for fault in [Fault::AnswerLost, Fault::RequestLost, Fault::UnderWay] {
        let memory = Memory::new();
        let shared = shared_folding(&memory, false);
        let mut owner = owner(&shared);
        commit(&mut owner, 1, [1]).await;
        memory.fail_next(Operation::Rename, "/d/visits/visits-", fault);
        commit(&mut owner, 2, [2]).await;
        commit(&mut owner, 3, [3]).await;
        memory.land();
        assert_eq!(visible(&memory).into_values().collect::<Vec<_>>(), [[1, 2, 3]], "{fault:?}");
    }
}

#[tokio::test]
async fn an_owner_that_lost_the_race_folds_into_what_the_winner_left() {
    let memory = Memory::new();
    let (shared_a, shared_b) = (shared_folding(&memory, false), shared_folding(&memory, false));
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    commit(&mut a, 1, [1]).await;
    accept(&mut a, 2, 2..=3).await.unwrap();
    accept(&mut b, 1, 1..=2).await.unwrap();
    b.commit_all().await.unwrap();
    a.commit_all().await.unwrap();
    a.commit_all().await.unwrap();
    assert_eq!(visible(&memory).into_values().collect::<Vec<_>>(), [[1, 2, 3]]);
}

#[tokio::test]
async fn rows_of_another_format_begin_a_new_file() {
    let memory = Memory::new();
    let mut shared = shared_folding(&memory, false);
    commit(&mut owner(&shared), 1, [1]).await;
    let format = FileFormat { compression: Compression::Gzip, ..shared.rows.format };
    Arc::get_mut(&mut shared).unwrap().folding.format = format.into();
    commit(&mut owner(&shared), 1, [2]).await;
    assert_eq!(visible(&memory).len(), 2);
}

/// Quoted CSV with a header, of records of the schema that the others have (0) and of one with a field more (1).
fn shared_with_header(memory: &Memory, on_bad_record: OnBadRecord) -> Arc<Shared<Memory>> {
    let mut shared = shared_with(memory, on_bad_record, false);
    let inner = Arc::get_mut(&mut shared).unwrap();
    inner.rows.format.dialect = Dialect::Rfc4180(Rfc4180 { delimiter: b',', header: true });
    inner.folding.format = inner.rows.format.into();
    let schema = r#"{"type":"record","name":"Visit","fields":[{"name":"v","type":"long"},{"name":"w","type":"long"}]}"#;
    let wider = SchemaInfo {
        schema_type: "AVRO".to_owned(),
        schema: schema.to_owned(),
        version: "01".to_owned(),
        ..SchemaInfo::default()
    };
    inner.schemas.known(&wider);
    shared
}

/// Entries from this one on, of these schemas; all but 0 have two fields.
fn part_of_schemas(shared: &Shared<Memory>, hand_over: u64, first: u64, schemas: &[u32]) -> HandOverPart {
    let longs = (first..).zip(schemas);
    let payloads: Vec<_> =
        longs.map(|(entry, &schema)| avro_long(entry as i64).repeat(1 + usize::from(schema > 0))).collect();
    let records = (first..).zip(schemas).zip(&payloads).map(|((entry, &schema), payload)| {
        let position = Position { ledger: 1, entry, batch_index: 0 };
        Record { schema, ..Record::plain(position, payload) }
    });
    HandOverPart::packed(&shared.budget, hand_over, records)
}

#[tokio::test]
async fn two_owners_that_add_different_columns_at_once_end_with_one_order_and_no_row_under_another() {
    let memory = Memory::new();
    let (shared, shared_second) = (shared(&memory), shared_at_once(&memory));
    for (version, column) in [("01", "w"), ("02", "x")] {
        let schema = format!(
            r#"{{"type":"record","name":"Visit","fields":[{{"name":"v","type":"long"}},{{"name":"{column}","type":"long"}}]}}"#
        );
        let info =
            SchemaInfo { schema_type: "AVRO".to_owned(), schema, version: version.to_owned(), ..SchemaInfo::default() };
        shared.schemas.known(&info);
        shared_second.schemas.known(&info);
    }
    let mut first = owner(&shared);
    let layout = SourcePartitionLayout::new(first.layout.table.clone(), "visits", Some(1)).unwrap();
    let mut second = Owner::new(shared_second, 1, TOPIC.to_owned(), layout, identity("t/n/sink"));
    let of_second = part_of_schemas(&second.shared, 1, 7, &[2]);
    // The second adds its column after the first has seen the table without, and before the first puts its own.
    memory.before_next(Operation::Rename, "_schema/", move |_| {
        second.accept(of_second).now_or_never().unwrap().unwrap();
        second.commit_all().now_or_never().unwrap().unwrap();
    });
    first.accept(part_of_schemas(&shared, 1, 5, &[1])).await.unwrap();
    first.commit_all().await.unwrap();
    let columns = crate::schema::table::read_newest(&memory, &first.layout.table).await.unwrap();
    let names: Vec<_> = columns.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!((columns.version, names), (2, vec!["_entry_id", "v", "x", "w"]));
    assert_eq!(texts(&memory), ["5,5,\\N,5\n", "7,7,7\n"]);
}

fn texts(memory: &Memory) -> Vec<String> {
    let files = memory.files().into_iter().filter(|(path, _)| !path.contains("/_"));
    files.map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
}

#[tokio::test]
async fn a_header_names_the_columns_of_all_rows_below_it_also_of_those_that_came_in_the_midst() {
    let memory = Memory::new();
    let shared = shared_with_header(&memory, OnBadRecord::Skip);
    let mut owner = owner(&shared);
    owner.accept(part_of_schemas(&shared, 1, 1, &[0, 1, 0])).await.unwrap();
    owner.commit_all().await.unwrap();
    // An old producer's records begin the next file.
    owner.accept(part_of_schemas(&shared, 2, 4, &[0, 1])).await.unwrap();
    owner.commit_all().await.unwrap();
    assert_eq!(texts(&memory), ["_entry_id,v,w\n1,1\n2,2,2\n3,3,\n", "_entry_id,v,w\n4,4,\n5,5,5\n"]);
    assert_eq!(acknowledged(&shared), Some(2));
}

#[tokio::test]
async fn a_file_whose_header_is_written_takes_no_rows_of_more_columns() {
    let memory = Memory::new();
    let shared = shared_with_header(&memory, OnBadRecord::Skip);
    let mut owner = owner(&shared);
    owner.accept(part_of_schemas(&shared, 1, 1, &[0])).await.unwrap();
    owner.commit_all().await.unwrap();
    owner.accept(part_of_schemas(&shared, 2, 2, &[0; 600_000])).await.unwrap();
    assert!(!staged(&memory).is_empty(), "it is large enough to stream");
    owner.accept(part_of_schemas(&shared, 3, 600_002, &[0, 1, 0])).await.unwrap();
    owner.commit_all().await.unwrap();
    let [_, narrow, wide] = texts(&memory).try_into().unwrap();
    assert!(narrow.starts_with("_entry_id,v\n2,2\n") && narrow.ends_with("\n600002,600002\n"));
    assert_eq!(wide, "_entry_id,v,w\n600003,600003,600003\n600004,600004,\n");
    assert_eq!(acknowledged(&shared), Some(3));
}

#[tokio::test]
async fn a_file_whose_header_is_written_and_that_dead_letters_hold_up_ends_the_instance_at_a_new_column() {
    let memory = Memory::new();
    let shared = shared_with_header(&memory, OnBadRecord::DeadLetter);
    let mut failing = owner(&shared);
    failing.accept(part_of_schemas(&shared, 1, 1, &[0])).await.unwrap();
    failing.commit_all().await.unwrap();
    failing.accept(part_of_schemas(&shared, 2, 2, &[0; 600_000])).await.unwrap();
    let bad_then_wider = part_of_schemas(&shared, 3, 600_002, &[NO_SCHEMA, 1]);
    let error = failing.accept(bad_then_wider).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Storage);
    assert!(error.message.contains("this instance ends"), "{error}");
    // The next one knows the column from the first record on.
    let mut next = owner(&shared);
    next.accept(part_of_schemas(&shared, 1, 2, &[0, 1])).await.unwrap();
    next.commit_all().await.unwrap();
    assert_eq!(texts(&memory), ["_entry_id,v\n1,1\n", "_entry_id,v,w\n2,2,\n3,3,3\n"]);
}

#[tokio::test]
async fn many_files_grow_though_a_manifest_names_only_those_that_have_changed() {
    let memory = Memory::new();
    let mut shared = shared_folding(&memory, true);
    Arc::get_mut(&mut shared).unwrap().rows.partitioning.as_mut().unwrap().past_limit = Duration::from_secs(1 << 30);
    let of_day = |entry, day: i64| Sent { publish_time: day * DAY, ..sent(entry) };
    let named = |sequence| {
        let Manifest { open_files, open_files_since, .. } = manifest(&memory, sequence).unwrap();
        (open_files.into_iter().map(|open| open.directory).collect::<Vec<_>>(), open_files_since)
    };
    let files = || memory.files().keys().filter(|path| path.ends_with(".csv") && !path.contains("/_")).count();
    let mut first = owner(&shared);
    first.accept(part(&shared, 1, (1..=100).map(|entry| of_day(entry, entry as i64)))).await.unwrap();
    first.commit_all().await.unwrap();
    let (all, since) = named(1);
    assert_eq!((all.len(), since, files()), (100, None, 100));
    first.accept(part(&shared, 2, [of_day(101, 5)])).await.unwrap();
    first.commit_all().await.unwrap();
    assert_eq!(named(2), (vec!["dt=1970-01-06".to_owned()], Some(1)));

    // Another owner knows them all, too.
    let mut second = owner(&shared);
    second.accept(part(&shared, 1, [of_day(102, 7), of_day(103, 5)])).await.unwrap();
    second.commit_all().await.unwrap();
    assert_eq!(named(3), (vec!["dt=1970-01-08".to_owned(), "dt=1970-01-06".to_owned()], Some(1)));
    assert_eq!(files(), 100);

    // What only a manifest named that is gone does not grow.
    assert!(memory.remove("/d/visits/_commits/visits/00000000000000000001.json"));
    let mut third = owner(&shared);
    third.accept(part(&shared, 1, [of_day(104, 5), of_day(105, 9)])).await.unwrap();
    third.commit_all().await.unwrap();
    assert_eq!(files(), 101);
    assert_eq!(rows(&memory).len(), 105);
}

// Rule 10.
#[tokio::test]
async fn after_a_reset_records_above_the_new_mark_are_taken_again() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut before = owner(&shared);
    commit(&mut before, 1, 1..=4).await;
    let mark = Position { ledger: 1, entry: 2, batch_index: 0 };
    let put = crate::protocol::reset::reset(&memory, &before.layout, Some(mark)).await.unwrap();
    assert_eq!((put.sequence, put.predecessor_last.unwrap().entry, put.total_rows), (2, 4, 4));
    commit(&mut owner(&shared), 1, 1..=5).await;
    assert_eq!(rows(&memory), [1, 2, 3, 3, 4, 4, 5]);
    crate::protocol::reset::reset(&memory, &before.layout, None).await.unwrap();
    commit(&mut owner(&shared), 1, [1]).await;
    assert_eq!(manifest(&memory, 5).unwrap().first.unwrap().entry, 1);
    assert_eq!(staged(&memory), Vec::<String>::new());
}

#[tokio::test]
async fn a_reset_of_a_topic_that_was_created_again_lets_the_sink_go_on() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut before = owner(&shared);
    commit(&mut before, 1, 1..=5).await;
    crate::protocol::reset::reset(&memory, &before.layout, None).await.unwrap();
    let again = (1..=2).map(|entry| Sent { publish_time: 1_000, ..sent(entry) });
    let mut after = owner(&shared);
    after.accept(part(&shared, 1, again)).await.unwrap();
    after.commit_all().await.unwrap();
    assert_eq!(rows(&memory), [1, 1, 2, 2, 3, 4, 5]);
}

fn identity_in(sink: &str, cluster: &str) -> SinkIdentity {
    SinkIdentity { cluster: Some(cluster.to_owned()), ..identity(sink) }
}

fn owner_in(shared: &Arc<Shared<Memory>>, sink: &str, cluster: &str) -> Owner<Memory> {
    let identity = identity_in(sink, cluster);
    Owner { identity, ..owner_of(shared, sink) }
}

#[tokio::test]
async fn a_sink_in_another_cluster_is_refused_until_the_table_is_adopted() {
    let memory = Memory::new();
    let shared = shared(&memory);
    // Of a time when the cluster was not known.
    commit(&mut owner_of(&shared, "t/n/cold"), 1, 1..=3).await;
    let mut first = owner_in(&shared, "t/n/cold", "eu");
    commit(&mut first, 1, 3..=5).await;
    let error = accept(&mut owner_in(&shared, "t/n/cold", "us"), 1, [6]).await.unwrap_err();
    assert!(error.message.contains("cluster `eu`, but this is sink `t/n/cold`"), "{error}");

    let table = &first.layout.table;
    let us = identity_in("t/n/cold", "us");
    crate::protocol::adopt::adopt(&memory, table, &us, false).await.unwrap();
    commit(&mut owner_in(&shared, "t/n/cold", "us"), 1, 1..=2).await;
    assert_eq!(rows(&memory), [1, 1, 2, 2, 3, 4, 5]);
    assert!(accept(&mut owner_in(&shared, "t/n/cold", "eu"), 1, [6]).await.is_err());
}

#[tokio::test]
async fn an_adopted_table_goes_on_behind_its_mark_wherever_the_call_was_interrupted() {
    const STEPS: [Operation; 6] =
        [Operation::Create, Operation::Close, Operation::Rename, Operation::Read, Operation::List, Operation::Delete];
    let (old, new) = (identity("t/n/cold"), identity("t/n/colder"));
    for (operation, fault) in STEPS.into_iter().flat_map(|step| [(step, Fault::Refused), (step, Fault::AnswerLost)]) {
        for nth in 0.. {
            let memory = Memory::new();
            let shared = shared(&memory);
            let mut before = owner_of(&shared, "t/n/cold");
            commit(&mut before, 1, 1..=5).await;
            let table = &before.layout.table;
            memory.fail_nth(nth, operation, "", fault);
            let _ = crate::protocol::adopt::adopt(&memory, table, &new, true).await;
            if !memory.all_faults_happened() {
                break;
            }
            crate::protocol::adopt::adopt(&memory, table, &new, true).await.unwrap();
            let mut after = owner_of(&shared, "t/n/colder");
            commit(&mut after, 1, 4..=7).await;
            assert_eq!(rows(&memory), [1, 2, 3, 4, 5, 6, 7], "{operation} {nth} {fault:?}");
            assert_eq!(manifest(&memory, 1).unwrap().sink, old);
        }
    }
}

#[tokio::test]
async fn a_reset_while_the_sink_runs_says_that_it_must_be_stopped() {
    let memory = Memory::new();
    let shared = shared(&memory);
    let mut running = owner(&shared);
    commit(&mut running, 1, [1]).await;
    let layout = running.layout.clone();
    let second = format!("{MANIFESTS}{:020}.json", 2);
    let other = Manifest { sequence: 2, ..manifest(&memory, 1).unwrap() }.to_json().unwrap();
    memory.before_next(Operation::Rename, MANIFESTS, move |memory| memory.put(&second, &other));
    let error = crate::protocol::reset::reset(&memory, &layout, None).await.unwrap_err();
    assert!(error.to_string().contains("the sink runs"), "{error}");
}

// Rule 5.
#[tokio::test]
async fn old_manifests_go_and_their_files_stay_listed() {
    let memory = Memory::new();
    let mut shared = shared(&memory);
    Arc::get_mut(&mut shared).unwrap().keep_manifests = 2;
    let mut owner = owner(&shared);
    for entry in 1..=7 {
        commit(&mut owner, entry, [entry]).await;
    }
    let kept: Vec<_> = (1..=7).filter(|sequence| manifest(&memory, *sequence).is_some()).collect();
    assert_eq!(kept, [5, 6, 7]);
    let pruned = crate::protocol::pruning::read(&memory, &owner.layout).await.unwrap();
    assert_eq!((pruned.through, pruned.files.len()), (4, 4));
    let first = &pruned.files["visits-00000000000000000001.csv"].content;
    assert_eq!(
        first.checksum,
        format!("{:08x}", crc32fast::hash(&memory.files()["/d/visits/visits-00000000000000000001.csv"]))
    );
    assert_eq!(rows(&memory), (1..=7).collect::<Vec<_>>());
    accept(&mut crate::owner::tests::owner(&shared), 1, 1..=7).await.unwrap();
    assert_eq!(shared.metrics.duplicates.get(), 7);
    assert_eq!(staged(&memory), Vec::<String>::new());
}

// Rule 5.
#[tokio::test]
async fn a_list_that_is_full_is_left_as_it_is_and_what_later_ones_say_of_its_files_counts() {
    let memory = Memory::new();
    let mut shared = shared_folding(&memory, false);
    Arc::get_mut(&mut shared).unwrap().keep_manifests = 2;
    let mut owner = owner(&shared);
    let format = shared.rows.format.dialect;
    let content = |rows: u64| serde_json::json!({ "length": rows, "rows": rows, "checksum": "0", "format": format });
    let listed = |sequence: u64, rows: u64| serde_json::json!({ "sequence": sequence, "content": content(rows) });
    let mut files: serde_json::Map<_, _> =
        (0..20_000).map(|file| (format!("early-{file:05}.csv"), listed(0, 7))).collect();
    // It grew afterwards.
    files.insert("visits-00000000000000000001.csv".to_owned(), listed(0, 7));
    let full = "/d/visits/_files/visits/table-full.json";
    memory.put(full, serde_json::json!({ "files": files }).to_string().as_bytes());
    for entry in 1..=9 {
        commit(&mut owner, entry, [entry]).await;
    }
    let read_again =
        memory.take_calls().into_iter().filter(|(operation, path)| *operation == Operation::Read && path == full);
    assert_eq!(read_again.count(), 0);
    let pruned = crate::protocol::pruning::read(&memory, &owner.layout).await.unwrap();
    assert_eq!((pruned.through, pruned.files.len()), (6, 20_001));
    assert_eq!(pruned.files["visits-00000000000000000001.csv"].content.rows, 6);
    let lists = memory.files().into_keys().filter(|path| path.contains("/_files/")).count();
    assert_eq!(lists, 3, "the full list, a list and the mark");
}

#[tokio::test]
async fn pruning_that_failed_half_way_is_taken_up_again_without_losing_a_file() {
    for (operation, path, fault) in [
        (Operation::Delete, "_commits/visits/00000000000000000002", Fault::RequestLost),
        (Operation::Rename, "_files/visits/table", Fault::Refused),
        (Operation::Rename, "_files/visits/pruned", Fault::AnswerLost),
        (Operation::Read, "_commits/visits/00000000000000000001", Fault::RequestLost),
    ] {
        let memory = Memory::new();
        let mut shared = shared(&memory);
        Arc::get_mut(&mut shared).unwrap().keep_manifests = 2;
        let mut owner = owner(&shared);
        memory.fail_next(operation, path, fault);
        for entry in 1..=9 {
            commit(&mut owner, entry, [entry]).await;
        }
        assert!(memory.all_faults_happened());
        let pruned = crate::protocol::pruning::read(&memory, &owner.layout).await.unwrap();
        assert_eq!((pruned.through, pruned.files.len()), (6, 6), "{operation} {path}");
        let lists = memory.files().into_keys().filter(|path| path.contains("/_files/")).count();
        assert_eq!(lists, 2, "{operation} {path}: a list and the mark");
        assert_eq!((1..=9).filter(|sequence| manifest(&memory, *sequence).is_some()).count(), 3);
    }
}

// At least once.
#[tokio::test]
async fn without_order_each_record_is_written_as_often_as_it_comes_and_acknowledged_after_its_commit() {
    let memory = Memory::new();
    let shared = shared_without_order(&memory);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, [5, 2, 9]).await.unwrap();
    assert_eq!(acknowledged(&shared), None);
    owner.commit_all().await.unwrap();
    assert_eq!(acknowledged(&shared), Some(1));
    commit(&mut owner, 2, [1, 9]).await;
    assert_eq!(rows(&memory), [1, 2, 5, 9, 9]);
    let first = manifest(&memory, 1).unwrap();
    assert_eq!((first.ordered, first.first.unwrap().entry, first.last.unwrap().entry), (false, 2, 9));
}

fn shared_without_order(memory: &Memory) -> Arc<Shared<Memory>> {
    let mut shared = shared(memory);
    Arc::get_mut(&mut shared).unwrap().ordered = false;
    shared
}

#[tokio::test]
async fn without_order_a_lost_race_loses_no_record() {
    let memory = Memory::new();
    let [shared_a, shared_b] = [(); 2].map(|()| shared_without_order(&memory));
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    accept(&mut a, 1, [4, 2]).await.unwrap();
    commit(&mut b, 1, [9]).await;
    a.commit_all().await.unwrap();
    assert_eq!((shared_a.metrics.races_lost.get(), acknowledged(&shared_a)), (1, None));
    a.commit_all().await.unwrap();
    assert_eq!((rows(&memory), acknowledged(&shared_a)), (vec![2, 4, 9], Some(1)));
}

#[tokio::test]
async fn without_order_an_instance_that_lost_a_race_with_streamed_rows_ends() {
    let memory = Memory::new();
    let [shared_a, shared_b] = [(); 2].map(|()| shared_without_order(&memory));
    let (mut a, mut b) = (owner(&shared_a), owner(&shared_b));
    commit(&mut a, 1, [1]).await;
    assert_eq!(acknowledged(&shared_a), Some(1));
    let last = accept_until_streamed(&mut a, &memory, 2).await;
    // Its manifest ends behind them, and has none of them.
    commit(&mut b, 1, [last + 1]).await;
    let error = a.commit_all().await.unwrap_err();
    assert!(error.message.contains("this instance ends"), "{error}");
    assert_eq!((rows(&memory), acknowledged(&shared_a)), (vec![1, last + 1], None));
}

#[tokio::test]
async fn without_order_a_committed_file_that_is_gone_keeps_no_instance_from_going_on() {
    let memory = Memory::new();
    let shared = shared_without_order(&memory);
    commit(&mut owner(&shared), 1, [1, 2]).await;
    for path in visible(&memory).into_keys() {
        memory.remove(&path);
    }
    commit(&mut owner(&shared), 1, [3]).await;
    assert_eq!(rows(&memory), [3]);
}

#[tokio::test]
async fn a_day_that_retention_deleted_does_not_keep_the_sink_from_going_on() {
    let memory = Memory::new();
    let shared = shared_with(&memory, OnBadRecord::Skip, true);
    commit(&mut owner(&shared), 1, 1..=3).await;
    for path in visible(&memory).into_keys() {
        memory.remove(&path);
    }
    memory.remove_directory("/d/visits/dt=1970-01-01");
    let mut next = owner(&shared);
    crate::protocol::reset::reset(&memory, &next.layout, Some(Position { ledger: 1, entry: 3, batch_index: 0 }))
        .await
        .unwrap();
    commit(&mut next, 1, [3, 4]).await;
    assert_eq!(rows(&memory), [4]);
}

#[tokio::test]
async fn a_day_that_was_deleted_and_made_anew_by_others_keeps_neither_the_sink_nor_a_reset_from_going_on() {
    let memory = Memory::new();
    let shared = shared_with(&memory, OnBadRecord::Skip, true);
    commit(&mut owner(&shared), 1, 1..=3).await;
    for path in visible(&memory).into_keys() {
        memory.remove(&path);
    }
    memory.put("/d/visits/dt=1970-01-01/visits-p1-00000000000000000001.csv", b"9,9\n");
    let mut next = owner(&shared);
    commit(&mut next, 1, [3, 4]).await;
    assert_eq!(rows(&memory), [4, 9]);
    memory.remove("/d/visits/dt=1970-01-01/visits-00000000000000000002.csv");
    crate::protocol::reset::reset(&memory, &next.layout, None).await.unwrap();
}

#[tokio::test]
async fn two_owners_that_publish_the_same_commit_into_a_new_directory_do_not_accuse_each_other() {
    let memory = Memory::new();
    let shared = shared_with(&memory, OnBadRecord::Skip, true);
    let mut owner = owner(&shared);
    accept(&mut owner, 1, [1]).await.unwrap();
    // The first rename finds no directory; the other one makes it and publishes between the two looks.
    let staged_file = "/d/visits/_staging/visits/00000000000000000001";
    memory.before_next(Operation::Rename, "/dt=1970-01-01/", move |memory| {
        memory.before_next(Operation::Status, "/dt=1970-01-01/", move |memory| {
            let from = memory.files().into_keys().find(|path| path.starts_with(staged_file)).unwrap();
            let bytes = memory.files()[&from].clone();
            memory.remove(&from);
            memory.put("/d/visits/dt=1970-01-01/visits-00000000000000000001.csv", &bytes);
        });
    });
    owner.commit_all().await.unwrap();
    assert!(memory.all_faults_happened());
    assert_eq!(rows(&memory), [1]);
}

#[tokio::test]
async fn a_batch_that_is_due_and_waits_for_dead_letters_holds_up_later_records() {
    let memory = Memory::new();
    let shared = shared_with(&memory, OnBadRecord::DeadLetter, false);
    let mut owner = owner(&shared);
    owner.accept(part(&shared, 1, [sent(1)])).await.unwrap();
    assert!(!owner.is_held_up(&every(Duration::ZERO)));
    owner.accept(part(&shared, 2, [bad(2)])).await.unwrap();
    assert!(owner.is_held_up(&every(Duration::ZERO)));
    assert!(!owner.is_held_up(&every(Duration::from_secs(3_600))));
    owner.confirm(1);
    assert!(!owner.is_held_up(&every(Duration::ZERO)));
}
