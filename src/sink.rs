//! One sink: its source partitions, its bound on memory, its end.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::Instrument;

use crate::acknowledge::Answers;
use crate::batch::Chunk;
use crate::budget::Budget;
use crate::cleaning::{clean, clean_table};
use crate::commit::Folding;
use crate::config::{Config, Guarantee, one_table_for_two};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::entry_bytes;
use crate::hive::keeper::Keeper;
use crate::hive::{file_system, one_name_for_two, table_name};
use crate::layout::{InvalidName, SourcePartitionLayout, TableLayout, parent};
use crate::manifest::SinkIdentity;
use crate::metrics::Metrics;
use crate::recovery::{Failure, load, nonce, read_identity};
use crate::schedule::Schedule;
use crate::schema::writer::SchemaInfo;
use crate::schema::writers::WriterSchemas;
use crate::source_partition::{Shared, SourcePartition, pause_between_attempts};
use crate::storage::{Overwrite, Storage, StorageResult, write_whole};
use crate::topic::TopicName;

/// How long a hand-over waits for memory before it answers that there is none.
const HAND_OVER_WAIT: Duration = Duration::from_millis(100);
/// Manifests that stay when old ones are pruned: enough for an owner that was away for hours to see that it lost.
const KEEP_MANIFESTS: u64 = 300;
/// Commits that work at the same time. Each takes a second or so, mostly the waits for two closes: this many let 2,000 source
/// partitions commit once a minute, and are no storm for the NameNode when all become due at once.
const COMMITS_AT_ONCE: usize = 64;
/// No commit takes longer, unless HDFS is in trouble.
const COMMIT_TIME: Duration = Duration::from_secs(30);
/// How long a sink that closes waits for Hive's metastore.
const HIVE_AT_CLOSE: Duration = Duration::from_secs(2);
/// Threads of a sink: decoding and I/O.
pub const THREADS: usize = 2;

/// What a source partition's task is told.
enum Message {
    Chunk(Chunk),
    Confirmed(u64),
    Relieve,
    Close,
}

struct Handle {
    sender: UnboundedSender<Message>,
    state: Arc<TaskState>,
    task: Option<JoinHandle<bool>>,
}

/// What the sink sees of a source partition's task.
#[derive(Debug, Default)]
struct TaskState {
    /// Bytes of memory that its batch takes.
    held: AtomicUsize,
    /// Whether it was asked to give memory back and has not yet.
    relieving: AtomicBool,
}

#[derive(Default)]
struct SourcePartitions {
    handles: Vec<Handle>,
    by_topic: HashMap<String, u32>,
    /// The topic of each table, without partition.
    topic_of_table: HashMap<String, String>,
    /// The topic of each table of Hive, if its metastore is kept up.
    topic_of_hive_table: HashMap<String, String>,
}

/// A sink that is open.
pub struct Sink<S: Storage> {
    config: Config,
    shared: Arc<Shared<S>>,
    source_partitions: Mutex<SourcePartitions>,
    failure: Arc<OnceLock<Error>>,
    /// Tells this opening of the sink from every other.
    writer: String,
    span: tracing::Span,
    opened: Instant,
    /// None once it is closed: another thread may still be in a call.
    runtime: Mutex<Option<Runtime>>,
    tasks: tokio::runtime::Handle,
}

impl<S: Storage> Sink<S> {
    /// Opens a sink on this storage: tries the directory, and finishes in the background what earlier commits left.
    pub fn open(config: Config, runtime: Runtime, storage: S, span: tracing::Span) -> Result<Self> {
        for warning in config.warnings() {
            span.in_scope(|| tracing::warn!("{warning}"));
        }
        let hive = match &config.hive {
            Some(settings) => Some(Keeper::new(settings.clone(), file_system(&config.hdfs)?, config.rows.clone())),
            None => None,
        };
        let probed =
            runtime.block_on(async { timeout(config.open_timeout, probe(&storage, &probe_name(&config))).await });
        match probed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(unusable(&config, &error.to_string())),
            Err(_) => {
                let limit = config.open_timeout.as_secs_f64();
                return Err(unusable(
                    &config,
                    &format!("no answer within {limit} s (openTimeout); is the NameNode at the configured address up?"),
                ));
            }
        }
        let shared = Arc::new(Shared {
            storage,
            rows: config.rows.clone(),
            max_batch_rows: config.max_batch_rows,
            max_file_size: config.max_file_size,
            ordered: config.guarantee == Guarantee::ExactlyOnce,
            folding: Folding { below: config.fold_below, format: config.rows.format },
            keep_manifests: KEEP_MANIFESTS,
            on_bad_record: config.on_bad_record,
            schemas: WriterSchemas::default(),
            budget: Budget::new(config.max_memory),
            answers: Answers::default(),
            metrics: Metrics::default(),
            hive,
            commits: Semaphore::new(COMMITS_AT_ONCE),
            abandoned_limit: config.commit_interval * 2 + COMMIT_TIME,
            pause: pause_between_attempts,
        });
        let sink = Sink {
            config,
            shared,
            source_partitions: Mutex::default(),
            failure: Arc::default(),
            writer: nonce(),
            span,
            opened: Instant::now(),
            tasks: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
        };
        sink.recover();
        sink.keep_hive();
        Ok(sink)
    }

    /// Finishes the renames of every source partition's last commit, so that what is committed is seen before the
    /// first record comes, and deletes what crashes left. The first record loads again.
    fn recover(&self) {
        let shared = Arc::clone(&self.shared);
        let (directory, owner) = (self.config.directory.clone(), self.identity(""));
        let recovery = async move {
            for attempt in 0.. {
                match recover_tables(&shared, &directory, &owner).await {
                    Ok(count) => {
                        tracing::info!(source_partitions = count, "earlier commits are complete");
                        return;
                    }
                    Err(Failure::Fatal(error)) => {
                        tracing::error!("{error}");
                        return;
                    }
                    Err(Failure::Again(error)) => {
                        tracing::warn!("completing earlier commits failed: {error}; it is tried again");
                        tokio::time::sleep(pause_between_attempts(attempt)).await;
                    }
                }
            }
        };
        self.tasks.spawn(recovery.instrument(self.span.clone()));
    }

    /// Begins to tell Hive's metastore of the tables.
    fn keep_hive(&self) {
        let shared = Arc::clone(&self.shared);
        let keeping = async move {
            if let Some(hive) = &shared.hive {
                hive.run(&shared.storage, &shared.metrics).await;
            }
        };
        self.tasks.spawn(keeping.instrument(self.span.clone()));
    }

    fn identity(&self, topic: &str) -> SinkIdentity {
        let sink = &self.config.sink;
        SinkIdentity {
            sink: format!("{}/{}/{}", sink.tenant, sink.namespace, sink.name),
            subscription: sink.subscription.clone(),
            topic: topic.to_owned(),
        }
    }

    fn source_partitions(&self) -> MutexGuard<'_, SourcePartitions> {
        self.source_partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a topic by its full name; the same topic gets the same id.
    pub fn source_partition(&self, topic: &str) -> Result<u32> {
        let mut all = self.source_partitions();
        if let Some(id) = all.by_topic.get(topic) {
            return Ok(*id);
        }
        let name = TopicName::parse(topic).map_err(|error| Error::new(ErrorKind::Config, error))?;
        let invalid = |error: InvalidName| {
            Error::new(ErrorKind::Config, format_args!("topic {topic} cannot have a table: {error}"))
        };
        let table = name.table(&self.config.directory, &self.config.table_name_pattern).map_err(invalid)?;
        let mut layout = SourcePartitionLayout::new(table, &name.local, name.partition).map_err(invalid)?;
        if !self.shared.ordered {
            // Several instances may write records of one source partition at the same time: each has manifests of its own.
            layout = layout.of_writer(&self.writer);
        }
        let whole_topic = name.to_string();
        let table = layout.table.root();
        let owner = all.topic_of_table.entry(table.to_owned()).or_insert_with(|| whole_topic.clone());
        if *owner != whole_topic {
            return Err(Error::new(ErrorKind::Config, one_table_for_two(owner, &whole_topic, table)));
        }
        if self.shared.hive.is_some() {
            let name = table_name(layout.table.name());
            let owner = all.topic_of_hive_table.entry(name.clone()).or_insert_with(|| whole_topic.clone());
            if *owner != whole_topic {
                return Err(Error::new(ErrorKind::Config, one_name_for_two(owner, &whole_topic, &name)));
            }
        }
        let id = u32::try_from(all.handles.len()).map_err(Error::bug)?;
        let shared = Arc::clone(&self.shared);
        let owner = SourcePartition::new(shared, id, topic.to_owned(), layout, self.identity(&whole_topic));
        let schedule = Schedule::new(self.config.commit_interval, self.opened, id);
        all.handles.push(self.spawn(owner, schedule));
        all.by_topic.insert(topic.to_owned(), id);
        Ok(id)
    }

    fn spawn(&self, owner: SourcePartition<S>, schedule: Schedule) -> Handle {
        let (sender, inbox) = unbounded_channel();
        let state = Arc::new(TaskState::default());
        let run = run(owner, inbox, Arc::clone(&state), schedule);
        let task = self.tasks.spawn(run.instrument(self.span.clone()));
        let (failure, span) = (Arc::clone(&self.failure), self.span.clone());
        // A task's panic ends here and not in the JVM.
        let watched = self.tasks.spawn(async move {
            let error = match task.await {
                Ok(Ok(committed)) => return committed,
                Ok(Err(error)) => error,
                Err(join) => Error::bug(format_args!("a source partition's task ended: {join}")),
            };
            span.in_scope(|| tracing::error!("{error}"));
            let _ = failure.set(error);
            false
        });
        Handle { sender, state, task: Some(watched) }
    }

    /// The id of a writer's schema, for the records of it that come before it is known.
    pub fn announce_schema(&self) -> Result<u32> {
        self.shared.schemas.announce()
    }

    /// Gives the writer's schema that was announced with this id. One that cannot be written is taken: its records are bad.
    pub fn writer_schema(&self, id: u32, info: &SchemaInfo) -> Result<()> {
        self.shared.schemas.give(id, info)
    }

    /// Takes the records of a hand-over; false when the memory bound is reached and nothing was taken.
    pub fn hand_over(&self, number: u64, buffer: &[u8]) -> Result<bool> {
        self.check()?;
        self.relieve();
        if !self.shared.budget.wait(HAND_OVER_WAIT) {
            return Ok(false);
        }
        let all = self.source_partitions();
        let (parts, count) = split(buffer)?;
        self.shared.metrics.records_received.add(count);
        for (id, bytes) in parts {
            let handle = all
                .handles
                .get(id as usize)
                .ok_or_else(|| Error::bug(format_args!("source partition {id} was never registered")))?;
            let charge = self.shared.budget.charge(bytes.capacity());
            // A task that has ended has set the failure that the next call throws.
            let _ = handle.sender.send(Message::Chunk(Chunk { hand_over: number, bytes, charge }));
        }
        Ok(true)
    }

    /// At half of the bound the source partition that holds most is asked to give memory back, so that the other half is
    /// there while it does.
    fn relieve(&self) {
        if self.shared.budget.used() * 2 < self.shared.budget.bound() {
            return;
        }
        let all = self.source_partitions();
        let idle = all.handles.iter().filter(|handle| !handle.state.relieving.load(Ordering::Relaxed));
        let largest = idle.max_by_key(|handle| handle.state.held.load(Ordering::Relaxed));
        if let Some(handle) = largest.filter(|handle| handle.state.held.load(Ordering::Relaxed) > 0) {
            handle.state.relieving.store(true, Ordering::Relaxed);
            let _ = handle.sender.send(Message::Relieve);
        }
    }

    fn check(&self) -> Result<()> {
        self.failure.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Fills the buffer with answers; the bytes written, or the room that the next answer needs.
    pub fn answers(&self, room: &mut [u8]) -> Result<Result<usize, usize>> {
        self.check()?;
        Ok(self.shared.answers.take(room))
    }

    /// The broker has confirmed a dead letter.
    pub fn dead_letter_confirmed(&self, number: u64) {
        if let Some(id) = self.shared.answers.confirmed(number)
            && let Some(handle) = self.source_partitions().handles.get(id as usize)
        {
            let _ = handle.sender.send(Message::Confirmed(number));
        }
    }

    /// Every counter and gauge by its name.
    pub fn metrics(&self) -> std::collections::BTreeMap<String, u64> {
        let mut all = self.shared.metrics.snapshot();
        all.insert("hive_pending".to_owned(), self.shared.hive.as_ref().map_or(0, Keeper::pending));
        all.insert("memory_bytes".to_owned(), self.shared.budget.used() as u64);
        all.insert("source_partitions".to_owned(), self.source_partitions().handles.len() as u64);
        all
    }

    /// Commits what is open within the limit and ends the sink; whether all was committed.
    pub fn close(&self, limit: Duration) -> bool {
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

/// A source partition's task: takes what comes, commits when it is time. Returns whether all was committed when it closed.
async fn run<S: Storage>(
    mut owner: SourcePartition<S>,
    mut inbox: UnboundedReceiver<Message>,
    state: Arc<TaskState>,
    schedule: Schedule,
) -> Result<bool> {
    let mut closing = false;
    let mut waiting = VecDeque::new();
    loop {
        if !owner.is_held_up(&schedule)
            && let Some(chunk) = waiting.pop_front()
        {
            owner.accept(chunk).await?;
            state.held.store(owner.held(), Ordering::Relaxed);
        }
        if closing && waiting.is_empty() {
            owner.begin_commit()?;
            if owner.is_idle() {
                return Ok(owner.look_due().is_none());
            }
        }
        let (due, look_due) = (owner.commit_due(&schedule), owner.look_due());
        tokio::select! {
            biased;
            end = owner.commit_end() => owner.conclude(end).await?,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => owner.begin_commit()?,
            () = sleep_until(look_due.unwrap_or_else(Instant::now)), if look_due.is_some() => owner.look().await?,
            () = std::future::ready(()), if !waiting.is_empty() && !owner.is_held_up(&schedule) => {}
            message = inbox.recv() => match message {
                Some(Message::Chunk(chunk)) => waiting.push_back(chunk),
                Some(Message::Confirmed(number)) => owner.confirm(number),
                Some(Message::Relieve) => {
                    owner.relieve().await?;
                    state.held.store(owner.held(), Ordering::Relaxed);
                    state.relieving.store(false, Ordering::Relaxed);
                }
                // What waits for dead letters to be confirmed is committed when they are.
                Some(Message::Close) => closing = true,
                None => return Ok(owner.is_idle()),
            },
        }
    }
}

/// Records by source partition.
type Parts = Vec<(u32, Vec<u8>)>;

/// The buffer's records by source partition, in order, and how many there are.
fn split(buffer: &[u8]) -> Result<(Parts, u64)> {
    let mut count = 0;
    let mut parts = Parts::new();
    let mut current = 0;
    let mut run = 0..0;
    while run.end < buffer.len() {
        let entry = entry_bytes(buffer, run.end).map_err(Error::bug)?;
        if parts.get(current).is_none_or(|(id, _)| *id != entry.source_partition) {
            if let Some((_, part)) = parts.get_mut(current) {
                part.extend_from_slice(&buffer[run.clone()]);
            }
            run = run.end..run.end;
            current = parts.iter().position(|(id, _)| *id == entry.source_partition).unwrap_or_else(|| {
                parts.push((entry.source_partition, Vec::new()));
                parts.len() - 1
            });
        }
        run.end += entry.length;
        count += u64::from(entry.records);
    }
    if let Some((_, part)) = parts.get_mut(current) {
        part.extend_from_slice(&buffer[run]);
    }
    Ok((parts, count))
}

/// The name of the file to try the directory with: the same at each start of this instance, another for every other one.
fn probe_name(config: &Config) -> String {
    let sink = &config.sink;
    let identity = crc32fast::hash(format!("{}/{}/{}", sink.tenant, sink.namespace, sink.name).as_bytes());
    format!("{}/_probe-{identity:08x}-{}", config.directory, sink.instance)
}

/// Writes, syncs, renames and deletes one file, so that a wrong path, quota or permission fails at the start.
async fn probe<S: Storage>(storage: &S, name: &str) -> StorageResult<()> {
    storage.mkdirs(parent(name)).await?;
    let renamed = format!("{name}-renamed");
    let tried = async {
        // What an instance left that was killed while it tried.
        storage.delete(name).await?;
        storage.delete(&renamed).await?;
        write_whole(storage, name, Bytes::from_static(b"probe\n")).await?;
        storage.rename(name, &renamed, Overwrite::Never).await?;
        storage.delete(&renamed).await
    };
    let tried = tried.await;
    if tried.is_err() {
        // Whichever is there must not stay.
        let _ = storage.delete(name).await;
        let _ = storage.delete(&renamed).await;
    }
    tried.map(drop)
}

fn unusable(config: &Config, what: &str) -> Error {
    let settings = config.hdfs.config_dir.as_deref().unwrap_or("HADOOP_CONF_DIR");
    Error::new(
        ErrorKind::Storage,
        format_args!(
            "the directory {} cannot be used: {what}. The sink tried to write, sync, rename and delete a file there with the Hadoop \
             settings of {settings}: check the address in core-site.xml, the directory's owner, permissions and quotas, and that the \
             NameNode is not in safe mode",
            config.directory
        ),
    )
}

/// Loads every source partition of every table that belongs to this sink; how many there are.
async fn recover_tables<S: Storage>(
    shared: &Shared<S>,
    directory: &str,
    owner: &SinkIdentity,
) -> Result<usize, Failure> {
    let (storage, metrics) = (&shared.storage, &shared.metrics);
    let mut count = 0;
    for table in storage.list(directory).await?.iter().filter(|entry| entry.is_directory) {
        let Some(layout) = TableLayout::existing(directory, &table.name) else { continue };
        let Some(identity) = read_identity(storage, &layout.identity()).await? else { continue };
        if identity.sink != owner.sink || identity.subscription != owner.subscription {
            continue;
        }
        if let Some(hive) = &shared.hive {
            hive.mark(&layout);
        }
        let mut deleted = clean_table(storage, &layout).await?;
        for source in storage.list(&layout.commits()).await?.into_iter().filter(|entry| entry.is_directory) {
            let layout = SourcePartitionLayout { table: layout.clone(), name: source.name };
            match load(storage, &layout, &identity).await {
                Ok(manifest) => {
                    count += 1;
                    let sequence = manifest.map_or(0, |manifest| manifest.sequence);
                    deleted += clean(storage, &layout, sequence).await?.deleted;
                }
                // The others' commits must not stay hidden for it; its own first record ends the instance.
                Err(Failure::Fatal(error)) => tracing::error!("{error}"),
                Err(again) => return Err(again),
            }
        }
        metrics.files_cleaned.add(deleted);
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{ENTRY_HEADER, Place, Record, Records, pack};
    use crate::position::Position;
    use crate::storage::Operation;
    use crate::storage::memory::{Fault, Memory};
    use proptest::prelude::*;

    fn record(source_partition: u32, entry: u64, payload: &[u8]) -> Record<'_> {
        Record { source_partition, ..Record::plain(Position { ledger: 1, entry, batch_index: 0 }, payload) }
    }

    proptest! {
        #[test]
        fn a_hand_over_is_split_by_source_partition_without_loss_and_in_order(ids in prop::collection::vec(0..4u32, 0..40)) {
            let payloads: Vec<_> = (0..ids.len()).map(|at| vec![7; at % 5]).collect();
            // Two records of an entry, if they are of one source partition.
            let records = ids.iter().zip(&payloads).enumerate().map(|(at, (id, payload))| {
                let position = Position { ledger: 1, entry: at as u64 / 2, batch_index: at as u32 };
                Record { position, ..record(*id, 0, payload) }
            });
            let buffer = pack(records);
            let (parts, count) = split(&buffer).unwrap();
            prop_assert_eq!(count, ids.len() as u64);
            prop_assert_eq!(parts.iter().map(|(_, bytes)| bytes.len()).sum::<usize>(), buffer.len());
            for (id, bytes) in parts {
                let found: Vec<_> = Records::from(&bytes, Place::default()).map(|record| record.unwrap()).collect();
                let expected: Vec<_> = ids.iter().enumerate().filter(|(_, own)| **own == id).map(|(at, _)| at as u32).collect();
                prop_assert!(found.iter().all(|record| record.source_partition == id));
                prop_assert_eq!(found.iter().map(|record| record.position.batch_index).collect::<Vec<_>>(), expected);
            }
        }
    }

    fn open(memory: &Memory, configs: serde_json::Value) -> Result<Sink<Memory>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let config = crate::config::tests::parse(configs, serde_json::json!({}))?;
        Sink::open(config, runtime, memory.clone(), tracing::Span::none())
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
        while sink.answers(&mut room).unwrap().unwrap() == 0 {
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
    fn two_topics_that_get_one_table_are_refused() {
        let sink = open(&Memory::new(), serde_json::json!({ "directory": "/d" })).unwrap();
        sink.source_partition("persistent://t/one/visits").unwrap();
        let error = sink.source_partition("persistent://t/two/visits").unwrap_err();
        assert!(error.message.contains("tableNamePattern"), "{error}");
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
        let left = format!("{}-renamed", probe_name(&config));
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
    fn a_source_partition_that_fails_makes_every_later_call_say_why() {
        let memory = Memory::new();
        memory.put("/d/visits/_sink.json", br#"{"sink":"other","subscription":"s","topic":"t"}"#);
        let sink = open(&memory, serde_json::json!({ "directory": "/d" })).unwrap();
        let id = sink.source_partition("persistent://t/n/visits").unwrap();
        let buffer = pack([record(id, 1, &[1])]);
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        let error = loop {
            if let Err(error) = sink.hand_over(1, &buffer) {
                break error;
            }
            assert!(std::time::Instant::now() < deadline);
        };
        assert!(error.message.contains("belongs to another sink"), "{error}");
        assert!(sink.answers(&mut [0; 24]).is_err());
        assert!(!sink.close(Duration::from_secs(5)));
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

    #[test]
    fn a_malformed_hand_over_is_an_error_and_not_a_panic() {
        assert!(split(&[1; ENTRY_HEADER + 1]).is_err());
    }
}
