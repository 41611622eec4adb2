//! One sink: its source partitions, its bound on memory, its end.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::config::Config;
use crate::config::tables::Tables;
use crate::error::{Error, Result};
use crate::hand_over::part::HandOverPart;
use crate::hand_over::split::split;
use crate::owner::health::Health;
use crate::owner::shared::Shared;
use crate::protocol::manifest::SinkIdentity;
use crate::schema::writer::SchemaInfo;
use crate::storage::Storage;

mod ailing;
mod gauges;
mod mark;
mod memory;
mod open;
mod pace;
mod probe;
mod recover;
mod registration;
mod status;
mod task;
mod watch;

use task::{Message, TaskState};

/// How long a hand-over waits for memory before it answers that there is none. Meanwhile Java fetches no answers, and dead letters,
/// which can be what takes the memory, go out in parts of a few hundred.
const HAND_OVER_WAIT: Duration = Duration::from_millis(20);
/// How long a sink that closes waits for Hive's metastore.
const HIVE_AT_CLOSE: Duration = Duration::from_secs(2);
/// Threads of a sink: decoding and I/O.
pub(crate) const THREADS: usize = 2;

struct Handle {
    topic: String,
    sender: UnboundedSender<Message>,
    state: Arc<TaskState>,
    health: Arc<Health>,
    task: Option<JoinHandle<bool>>,
}

#[derive(Default)]
struct SourcePartitions {
    handles: Vec<Handle>,
    by_topic: HashMap<String, u32>,
    tables: Tables,
    /// Topics that cannot have a table, and why.
    stopped: BTreeMap<String, String>,
}

/// A sink that is open.
pub(crate) struct Sink<S: Storage> {
    config: Config,
    shared: Arc<Shared<S>>,
    source_partitions: Arc<Mutex<SourcePartitions>>,
    failure: Arc<OnceLock<Error>>,
    span: tracing::Span,
    opened: Instant,
    /// None once it is closed: another thread may still be in a call.
    runtime: Mutex<Option<Runtime>>,
    tasks: tokio::runtime::Handle,
}

impl<S: Storage> Sink<S> {
    fn identity(&self, topic: &str) -> SinkIdentity {
        let sink = &self.config.sink;
        SinkIdentity {
            sink: format!("{}/{}/{}", sink.tenant, sink.namespace, sink.name),
            subscription: sink.subscription.clone(),
            topic: topic.to_owned(),
            cluster: sink.cluster.clone(),
        }
    }

    fn source_partitions(&self) -> MutexGuard<'_, SourcePartitions> {
        self.source_partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of a writer's schema, for the records of it that come before it is known.
    pub(crate) fn announce_schema(&self) -> Result<u32> {
        self.shared.schemas.announce()
    }

    /// Gives the writer's schema that was announced with this id. One that cannot be written is taken: its records are bad.
    pub(crate) fn writer_schema(&self, id: u32, info: &SchemaInfo) -> Result<()> {
        self.shared.schemas.give(id, info)
    }

    /// Takes the records of a hand-over; false when the memory bound is reached and nothing was taken.
    pub(crate) fn hand_over(&self, number: u64, buffer: &[u8]) -> Result<bool> {
        self.check()?;
        self.free_memory();
        if !self.shared.budget.wait(HAND_OVER_WAIT) {
            return Ok(false);
        }
        let (all, now) = (self.source_partitions(), Instant::now());
        let (parts, count) = split(buffer)?;
        self.shared.metrics.records_received.add(count);
        for (id, bytes) in parts {
            let handle = all
                .handles
                .get(id as usize)
                .ok_or_else(|| Error::bug(format_args!("source partition {id} was never registered")))?;
            let mut charge = self.shared.budget.charge(bytes.len());
            // Its rows will take about as much, and it is kept beside them.
            charge.reserve(bytes.len());
            // A task that has ended has set the failure that the next call throws.
            handle.state.uncommitted_since().get_or_insert(now);
            let _ = handle.sender.send(Message::HandOver(HandOverPart { hand_over: number, bytes, charge }, now));
        }
        Ok(true)
    }

    /// From half of the bound on, memory is given back, and those that wait for something get no more records.
    fn free_memory(&self) {
        let budget = &self.shared.budget;
        if !budget.is_used_to(50) {
            return;
        }
        let all = self.source_partitions();
        // Before no more can be taken: what waits keeps what is reserved for it, too.
        all.pause_waiting(&self.shared.answers, budget);
        all.free_memory(budget, false);
    }

    fn check(&self) -> Result<()> {
        self.failure.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Fills the buffer with answers; the bytes written, or the room that the next answer needs.
    pub(crate) fn answers(&self, room: &mut [u8]) -> Result<Result<usize, usize>> {
        self.check()?;
        Ok(self.shared.answers.take(room))
    }

    /// The broker has confirmed a dead letter, or that nothing stands in a gap which still has to come.
    pub(crate) fn confirmed(&self, number: u64) {
        self.answer(number, Message::Confirmed);
    }

    /// A record stands in this gap that the broker has not sent.
    pub(crate) fn left_out(&self, number: u64) {
        self.answer(number, Message::LeftOut);
    }

    fn answer(&self, number: u64, message: fn(u64) -> Message) {
        if let Some(id) = self.shared.answers.answered(number)
            && let Some(handle) = self.source_partitions().handles.get(id as usize)
        {
            let _ = handle.sender.send(message(number));
        }
    }

    /// How long an acknowledgement waits behind an entry that has not come.
    pub fn acknowledgement_delay(&self) -> Duration {
        self.config.acknowledgement_delay
    }

    /// Commits what is open within the limit and ends the sink; whether all was committed.
    pub(crate) fn close(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let tasks: Vec<_> = {
            let mut all = self.source_partitions();
            all.handles
                .iter_mut()
                .filter_map(|handle| {
                    let _ = handle.sender.send(Message::Close);
                    handle.task.take()
                })
                .collect()
        };
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(runtime) = runtime else { return false };
        let all_committed = runtime.block_on(async {
            let mut all_committed = true;
            for task in tasks {
                all_committed &= timeout_at(deadline, task).await.is_ok_and(|ended| ended.unwrap_or(false));
            }
            if let Some(hive) = &self.shared.hive {
                // The last commits may have begun partitions. What is not told now is told at the next start.
                let _ = timeout_at(deadline.min(Instant::now() + HIVE_AT_CLOSE), hive.tried()).await;
            }
            all_committed
        });
        runtime.shutdown_background();
        all_committed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hand_over::frame::pack;
    use crate::position::Position;
    use crate::record::Record;
    use crate::storage::Operation;
    use crate::storage::memory::{Fault, Memory};

    fn record(source_partition: u32, entry: u64, payload: &[u8]) -> Record<'_> {
        Record { source_partition, ..Record::plain(Position { ledger: 1, entry, batch_index: 0 }, payload) }
    }

    fn open(memory: &Memory, configs: serde_json::Value) -> Result<Sink<Memory>> {
        open_with(memory, configs, serde_json::json!({}))
    }

    fn open_with(memory: &Memory, configs: serde_json::Value, sink: serde_json::Value) -> Result<Sink<Memory>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = crate::config::tests::parse(configs, sink)?;
        let deadline = Instant::now() + config.open_timeout;
        Sink::open(config, deadline, runtime, memory.clone(), None, tracing::Span::none())
    }

    fn visit_schema() -> SchemaInfo {
        SchemaInfo {
            schema_type: "AVRO".to_owned(),
            schema: r#"{"type":"record","name":"V","fields":[{"name":"v","type":"boolean"}]}"#.to_owned(),
            version: "00".to_owned(),
            ..SchemaInfo::default()
        }
    }

    /// Hands one record over.
    fn hand_over_one(sink: &Sink<Memory>, topic: &str) {
        let id = sink.source_partition(topic).unwrap();
        let schema = sink.shared.schemas.known(&visit_schema());
        let buffer = pack([Record { schema, ..record(id, 5, &[0]) }]);
        assert!(sink.hand_over(1, &buffer).unwrap());
    }

    /// The hand-over that is told to be committed, waited for.
    fn committed(sink: &Sink<Memory>) -> u64 {
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        let mut room = [0; 24];
        while sink.answers(&mut room).unwrap().unwrap() != 24 {
            assert!(std::time::Instant::now() < deadline, "nothing was committed");
            std::thread::yield_now();
        }
        u64::from_le_bytes(room[16..].try_into().unwrap())
    }

    #[test]
    fn what_is_handed_over_is_committed_in_time_though_nothing_follows() {
        let memory = Memory::new();
        let sink = open(&memory, serde_json::json!({ "directory": "/d", "commitInterval": "1s" })).unwrap();
        let topic = "persistent://t/n/visits-partition-3";
        let id = sink.source_partition(topic).unwrap();
        assert_eq!(sink.source_partition(topic).unwrap(), id);
        hand_over_one(&sink, topic);
        assert_eq!(committed(&sink), 1);
        let files = memory.files();
        assert_eq!(files["/d/visits/visits-p3-00000000000000000001.csv"], b"false\n");
        assert!(!files.keys().any(|path| path.contains("_probe")));
        assert!(sink.close(Duration::from_secs(5)));
        assert!(!sink.close(Duration::from_secs(5)), "a second close has nothing to do");
    }

    #[test]
    fn an_instance_goes_on_with_the_manifests_of_the_one_that_it_follows() {
        let memory = Memory::new();
        for instance in [0, 0, 1, 0] {
            let configs = serde_json::json!({ "directory": "/d", "deliveryGuarantee": "at-least-once" });
            let worker = serde_json::json!({ "processingGuarantees": "ATLEAST_ONCE", "instance": instance });
            let sink = open_with(&memory, configs, worker).unwrap();
            hand_over_one(&sink, "persistent://t/n/visits");
            assert!(sink.close(Duration::from_secs(30)));
        }
        let files = memory.files();
        let manifests = |name: &str| {
            let folder = format!("/d/visits/_commits/{name}/");
            files.keys().filter(|path| path.starts_with(&folder) && path.ends_with(".json")).count()
        };
        assert_eq!((manifests("visits+i0"), manifests("visits+i1")), (3, 1));
        assert_eq!(files.keys().filter(|path| path.ends_with(".csv")).count(), 2, "files that grow: {files:?}");
    }

    #[test]
    fn a_sink_asks_the_broker_for_what_it_left_out_and_commits_nothing_behind_it() {
        let memory = Memory::new();
        let configs = serde_json::json!({ "directory": "/d", "commitInterval": "1s" });
        let sink = open_with(&memory, configs, serde_json::json!({ "looksIntoGaps": true })).unwrap();
        hand_over_one(&sink, "persistent://t/n/visits");
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        let mut room = [0; 56];
        loop {
            match sink.answers(&mut room).unwrap() {
                Ok(56) => sink.left_out(u64::from_le_bytes(room[16..24].try_into().unwrap())),
                Ok(32) => break,
                _ => std::thread::yield_now(),
            }
            assert!(std::time::Instant::now() < deadline, "it does not ask");
        }
        assert_eq!(room[4], 5);
        assert!(!memory.files().keys().any(|path| path.ends_with(".csv")), "{:?}", memory.files().keys());
    }

    #[test]
    fn close_commits_what_is_open_within_its_time() {
        let memory = Memory::new();
        let sink = open(&memory, serde_json::json!({ "directory": "/d" })).unwrap();
        hand_over_one(&sink, "persistent://t/n/visits");
        assert!(sink.close(Duration::from_secs(5)));
        assert_eq!(memory.files()["/d/visits/visits-00000000000000000001.csv"], b"false\n");
    }

    #[test]
    fn records_whose_schema_is_not_there_yet_hold_up_no_other_source_partition_and_are_written_when_it_is() {
        let memory = Memory::new();
        let sink = open(&memory, serde_json::json!({ "directory": "/d", "commitInterval": "1s" })).unwrap();
        let waiting = sink.source_partition("persistent://t/n/orders").unwrap();
        let announced = sink.announce_schema().unwrap();
        let buffer = pack([Record { schema: announced, ..record(waiting, 5, &[1]) }]);
        assert!(sink.hand_over(1, &buffer).unwrap());
        hand_over_one(&sink, "persistent://t/n/visits");
        committed(&sink);
        let files = memory.files();
        assert_eq!(files["/d/visits/visits-00000000000000000001.csv"], b"false\n");
        assert!(!files.keys().any(|path| path.contains("/orders-")), "{files:?}");
        sink.writer_schema(announced, &visit_schema()).unwrap();
        committed(&sink);
        assert_eq!(memory.files()["/d/orders/orders-00000000000000000001.csv"], b"true\n");
    }

    #[test]
    fn close_keeps_to_its_time_though_a_schema_never_comes() {
        let sink = open(&Memory::new(), serde_json::json!({ "directory": "/d" })).unwrap();
        let id = sink.source_partition("persistent://t/n/orders").unwrap();
        let schema = sink.announce_schema().unwrap();
        let buffer = pack([Record { schema, ..record(id, 5, &[1]) }]);
        assert!(sink.hand_over(1, &buffer).unwrap());
        let began = std::time::Instant::now();
        assert!(!sink.close(Duration::from_millis(200)), "the record cannot have been committed");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[test]
    fn a_topic_that_only_looks_like_a_partition_has_a_table_of_its_own_and_one_that_is_not_stored_has_none() {
        let memory = Memory::new();
        let sink = open(&memory, serde_json::json!({ "directory": "/d" })).unwrap();
        for topic in ["visits-partition-1", "visits-partition-01"] {
            hand_over_one(&sink, &format!("persistent://t/n/{topic}"));
        }
        let error = sink.source_partition("non-persistent://t/n/other").unwrap_err();
        assert!(error.message.contains("is not persistent"), "{error}");
        assert!(sink.close(Duration::from_secs(5)));
        let files = memory.files();
        assert_eq!(files["/d/visits/visits-p1-00000000000000000001.csv"], b"false\n");
        assert_eq!(files["/d/visits-partition-01/visits-partition-01-00000000000000000001.csv"], b"false\n");
    }

    #[test]
    fn two_topics_that_get_one_table_are_refused() {
        let sink = open(&Memory::new(), serde_json::json!({ "directory": "/d" })).unwrap();
        sink.source_partition("persistent://t/one/visits").unwrap();
        let error = sink.source_partition("persistent://t/two/visits").unwrap_err();
        assert!(error.message.contains("tableNamePattern"), "{error}");
        assert_eq!(sink.metrics()["source_partitions_stopped"], 1);
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_refused_at_open_and_leaves_nothing() {
        for operation in [Operation::Mkdirs, Operation::Create, Operation::Hsync, Operation::Rename, Operation::Delete]
        {
            let memory = Memory::new();
            memory.fail_next(operation, "", Fault::Refused);
            let error = open(&memory, serde_json::json!({ "directory": "/d" })).map(drop).unwrap_err();
            assert!(error.message.contains("the directory /d cannot be used"), "{error}");
            assert!(memory.files().is_empty(), "{operation}: {:?}", memory.files());
        }
    }

    #[test]
    fn what_a_killed_instance_left_of_its_try_goes_at_its_next_start() {
        let memory = Memory::new();
        let config =
            crate::config::tests::parse(serde_json::json!({ "directory": "/d" }), serde_json::json!({})).unwrap();
        let left = format!("{}-renamed", probe::probe_name(&config));
        memory.put(&left, b"probe\n");
        open(&memory, serde_json::json!({ "directory": "/d" })).unwrap();
        assert!(memory.files().is_empty());
    }

    #[test]
    fn what_killed_instances_left_in_staging_goes_at_a_start_without_a_record() {
        let memory = Memory::new();
        let configs = serde_json::json!({ "directory": "/d" });
        let sink = open(&memory, configs.clone()).unwrap();
        hand_over_one(&sink, "persistent://t/n/visits");
        assert!(sink.close(Duration::from_secs(5)));
        let staged = "/d/visits/_staging";
        let later = format!("{staged}/visits/00000000000000000002-x.csv");
        for left in ["sink-x.json", "schema-x.json", "visits/00000000000000000001-x.csv"] {
            memory.put(&format!("{staged}/{left}"), b"left");
        }
        memory.put(&later, b"perhaps another owner's");
        let sink = open(&memory, configs).unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while sink.metrics()["files_cleaned_total"] < 3 {
            assert!(std::time::Instant::now() < deadline, "{:?}", memory.files().keys());
            std::thread::yield_now();
        }
        let left: Vec<_> = memory.files().into_keys().filter(|path| path.starts_with(staged)).collect();
        assert_eq!(left, [later]);
    }

    #[test]
    fn at_the_memory_bound_nothing_is_taken_until_rows_are_written() {
        let memory = Memory::new();
        let configs = serde_json::json!({ "directory": "/d", "maxMemory": "8MB", "commitInterval": "1d" });
        let sink = open(&memory, configs).unwrap();
        let id = sink.source_partition("persistent://t/n/visits").unwrap();
        let schema = sink.shared.schemas.known(&visit_schema());
        let mut entry = 0;
        let mut most = 0;
        for hand_over in 1..=100 {
            let entries = entry + 1..=entry + 20_000;
            entry = *entries.end();
            let buffer = pack(entries.map(|entry| Record { schema, ..record(id, entry, &[1]) }));
            while !sink.hand_over(hand_over, &buffer).unwrap() {}
            most = most.max(sink.shared.budget.used());
        }
        assert!(most < 12 << 20, "{most} bytes were in memory");
        assert!(sink.close(Duration::from_secs(30)));
        let rows: usize = memory
            .files()
            .iter()
            .filter(|(path, _)| !path.contains("/_"))
            .map(|(_, bytes)| bytes.iter().filter(|byte| **byte == b'\n').count())
            .sum();
        assert_eq!(rows as u64, entry);
    }

    #[test]
    fn a_table_of_another_sink_holds_back_its_own_topic_alone_until_that_is_mended() {
        let memory = Memory::new();
        let identity = "/d/visits/_sink.json";
        memory.put(identity, br#"{"sink":"other","subscription":"s","topic":"t"}"#);
        let sink = open(&memory, serde_json::json!({ "directory": "/d", "commitInterval": "1s" })).unwrap();
        let held_back = sink.source_partition("persistent://t/n/visits").unwrap();
        hand_over_one(&sink, "persistent://t/n/visits");
        hand_over_one(&sink, "persistent://t/n/orders");
        committed(&sink);
        assert!(memory.files().contains_key("/d/orders/orders-00000000000000000001.csv"));
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        let wait_for_pause = |paused: u32| {
            let wanted = [16, 4, held_back, paused].map(u32::to_le_bytes).concat();
            // One answer of any kind.
            let mut room = [0; 24];
            while sink.answers(&mut room).unwrap().unwrap() != 16 || room[..16] != wanted {
                assert!(std::time::Instant::now() < deadline, "{room:?}");
                std::thread::yield_now();
            }
        };
        wait_for_pause(1);
        let metrics = sink.metrics();
        assert_eq!((metrics["source_partitions_held_back"], metrics["source_partitions_stopped"]), (1, 0));
        assert!(metrics["held_back_seconds"] >= 5 && metrics["failing_calls"] == 1, "{metrics:?}");
        memory.remove(identity);
        wait_for_pause(0);
        assert!(sink.close(Duration::from_secs(5)));
        assert!(memory.files().contains_key("/d/visits/visits-00000000000000000001.csv"));
    }

    #[test]
    fn a_bad_record_that_is_to_fail_makes_every_later_call_say_why() {
        let memory = Memory::new();
        let sink = open(&memory, serde_json::json!({ "directory": "/d", "onBadRecord": "fail" })).unwrap();
        let id = sink.source_partition("persistent://t/n/visits").unwrap();
        let schema = sink.shared.schemas.known(&visit_schema());
        let buffer = pack([Record { schema, ..record(id, 1, &[7, 7]) }]);
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        let error = loop {
            if let Err(error) = sink.hand_over(1, &buffer) {
                break error;
            }
            assert!(std::time::Instant::now() < deadline);
        };
        assert!(error.message.contains("cannot be written"), "{error}");
        assert!(sink.answers(&mut [0; 24]).is_err());
        assert!(!sink.close(Duration::from_secs(5)));
    }

    #[test]
    fn at_half_of_the_memory_those_that_wait_get_no_more_records_and_the_others_go_on() {
        let memory = Memory::new();
        memory.put("/d/visits/_sink.json", b"{");
        let configs = serde_json::json!({ "directory": "/d", "maxMemory": "8MB", "commitInterval": "1d" });
        let sink = open(&memory, configs).unwrap();
        let waiting = sink.source_partition("persistent://t/n/visits").unwrap();
        let other = sink.source_partition("persistent://t/n/orders").unwrap();
        let schema = sink.shared.schemas.known(&visit_schema());
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        let mut room = [0; 16];
        let (mut paused, mut entry) = (false, 0);
        while !paused {
            let entries = entry + 1..=entry + 500;
            entry = *entries.end();
            let buffer = pack(entries.map(|entry| Record { schema, ..record(waiting, entry, &[1]) }));
            assert!(sink.hand_over(entry, &buffer).unwrap(), "{} bytes are in memory", sink.shared.budget.used());
            paused = sink.answers(&mut room).unwrap() == Ok(16) && room[4..12] == [4, 0, 0, 0, 0, 0, 0, 0];
            assert!(std::time::Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(10));
        }
        // What is said now is of the other one.
        for hand_over in 1..=100 {
            let entries = 20_000 * hand_over..20_000 * (hand_over + 1);
            let buffer = pack(entries.map(|entry| Record { schema, ..record(other, entry, &[1]) }));
            while !sink.hand_over(entry + hand_over, &buffer).unwrap() {
                assert!(std::time::Instant::now() < deadline, "the other one does not go on");
            }
        }
        assert!(!sink.close(Duration::from_secs(10)), "what waits cannot have been committed");
        let rows = |path: &str, bytes: &[u8]| {
            if path.starts_with("/d/orders/orders-") { bytes.iter().filter(|byte| **byte == b'\n').count() } else { 0 }
        };
        assert_eq!(memory.files().iter().map(|(path, bytes)| rows(path, bytes)).sum::<usize>(), 2_000_000);
    }

    #[test]
    fn commits_go_on_and_close_is_short_though_no_hive_metastore_is_there() {
        let memory = Memory::new();
        // Nobody may listen on port 1.
        let configs =
            serde_json::json!({ "directory": "hdfs://nn:8020/d", "hiveMetastoreUris": "thrift://127.0.0.1:1" });
        let sink = open(&memory, configs).unwrap();
        hand_over_one(&sink, "persistent://t/n/visits");
        let began = std::time::Instant::now();
        assert!(sink.close(Duration::from_secs(30)));
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        assert_eq!(memory.files()["/d/visits/visits-00000000000000000001.csv"], b"false\n");
        assert_eq!(sink.metrics()["hive_pending"], 1);
        assert!(sink.metrics()["hive_failures_total"] >= 1);
    }

    #[test]
    fn two_topics_that_get_one_table_in_hive_are_refused() {
        let configs =
            serde_json::json!({ "directory": "hdfs://nn:8020/d", "hiveMetastoreUris": "thrift://127.0.0.1:1" });
        let sink = open(&Memory::new(), configs).unwrap();
        sink.source_partition("persistent://t/n/page.visit").unwrap();
        sink.source_partition("persistent://t/n/page.visit-partition-1").unwrap();
        let error = sink.source_partition("persistent://t/n/Page_Visit").unwrap_err();
        assert!(error.message.contains("the same table `page_visit` in Hive"), "{error}");
    }
}
