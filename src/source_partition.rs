//! One source partition: its records in order, its batch, its commits. What design and protocol call the owner.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, MaybeDone, maybe_done, select};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::acknowledge::{Answers, DeadLetter};
use crate::batch::{Batch, Chunk, Kept};
use crate::budget::{Budget, Charge};
use crate::cleaning::clean;
use crate::commit::{Commit, Folding, Outcome};
use crate::config::OnBadRecord;
use crate::decode::{BadRecord, Reason};
use crate::error::{Error, ErrorKind, Result};
use crate::frame::{NO_SCHEMA, Place, Record, Records};
use crate::hive::keeper::Keeper;
use crate::layout::{SourcePartitionLayout, parent};
use crate::manifest::{FORMAT_VERSION, Manifest, OpenFile, SinkIdentity};
use crate::metrics::{Metrics, Outage};
use crate::position::Position;
use crate::pruning::prune;
use crate::recovery::{Failure, load, newest_sequence, nonce};
use crate::row::partition::PartitionKey;
use crate::safeguard::{Safeguard, is_on};
use crate::schedule::Schedule;
use crate::schema::plan::{Plan, RowSettings, wanted_columns};
use crate::schema::table::ensure;
use crate::schema::writers::WriterSchemas;
use crate::storage::Storage;

/// Manifests are pruned once in this many commits.
const PRUNE_EVERY: u64 = 64;

/// A call that goes on failing is in the log once in this many attempts: about every five minutes.
const LOG_EVERY: u32 = 30;

/// What the source partitions of a sink share.
pub struct Shared<S: Storage> {
    /// The file system.
    pub storage: S,
    /// How rows are written.
    pub rows: RowSettings,
    /// Rows of a batch.
    pub max_batch_rows: u64,
    /// Bytes of a file.
    pub max_file_size: u64,
    /// Whether records come in the order of their positions, from one consumer at a time. Otherwise there is no mark: each
    /// record is written as often as it comes.
    pub ordered: bool,
    /// When a batch is folded into a file that is there.
    pub folding: Folding,
    /// Manifests that stay when old ones are pruned.
    pub keep_manifests: u64,
    /// What happens to bad records.
    pub on_bad_record: OnBadRecord,
    /// The writers' schemas.
    pub schemas: WriterSchemas,
    /// The bound on memory.
    pub budget: Budget,
    /// What Java is told.
    pub answers: Answers,
    /// What is counted.
    pub metrics: Metrics,
    /// What keeps Hive's metastore up with the tables, if that is wanted.
    pub hive: Option<Keeper>,
    /// A commit works only while it holds one of these.
    pub commits: Semaphore,
    /// How long abandoned records wait for the other owner to commit them: longer than it takes for a commit.
    pub abandoned_limit: Duration,
    /// How long to wait before the nth repetition of a call (from 0) that failed.
    pub pause: fn(attempt: u32) -> Duration,
}

impl<S: Storage> Shared<S> {
    /// What follows a failure: a pause before the next attempt, or the instance's end. There is no last attempt: each is
    /// bounded, says what is wrong, and closing the sink ends them.
    async fn pause_after<'s>(
        &'s self,
        what: &str,
        (attempt, outage): &mut (u32, Option<Outage<'s>>),
        failure: Failure,
    ) -> Result<()> {
        let error = match failure {
            Failure::Fatal(error) => return Err(error),
            Failure::Again(error) => error,
        };
        self.metrics.retries.add(1);
        let outage = outage.get_or_insert_with(|| self.metrics.outage());
        let pause = (self.pause)(*attempt);
        *attempt += 1;
        // A long outage says less and less, but it goes on saying it: every source partition tries for itself.
        if attempt.is_power_of_two() || attempt.is_multiple_of(LOG_EVERY) {
            let for_seconds = outage.since.elapsed().as_secs();
            tracing::warn!(what, attempt, for_seconds, "{error}; nothing is lost, it is tried again");
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }
}

/// Repeats a call until it succeeds or ends the instance.
macro_rules! again {
    ($shared:expr, $what:literal, $call:expr) => {{
        let mut repetition = (0, None);
        loop {
            match $call.await {
                Ok(value) => break Ok(value),
                Err(failure) => {
                    if let Err(error) = $shared.pause_after($what, &mut repetition, failure).await {
                        break Err(error);
                    }
                }
            }
        }
    }};
}

/// Pauses of 0.2 s, doubling up to 10 s.
pub fn pause_between_attempts(attempt: u32) -> Duration {
    Duration::from_millis((200u64 << attempt.min(6)).min(10_000))
}

/// What the newest manifest says, its renames done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Loaded {
    sequence: u64,
    mark: Option<Position>,
    largest_publish_time: i64,
    total_rows: u64,
    total_dropped: u64,
    open_files: Vec<OpenFile>,
    /// Whether this owner put it: since then nobody else was faster.
    own: bool,
}

impl From<&Manifest> for Loaded {
    fn from(manifest: &Manifest) -> Self {
        Loaded {
            sequence: manifest.sequence,
            mark: manifest.last,
            largest_publish_time: manifest.largest_publish_time,
            total_rows: manifest.total_rows,
            total_dropped: manifest.total_dropped,
            open_files: manifest.open_files.clone(),
            own: false,
        }
    }
}

/// How a commit ended.
pub struct CommitEnd<S: Storage> {
    commit: Commit<S>,
    outcome: Result<Outcome>,
}

type CommitFuture<S> = dyn Future<Output = CommitEnd<S>> + Send;
type CommitTask<S> = MaybeDone<Pin<Box<CommitFuture<S>>>>;

/// A commit in the background.
struct Committing<S: Storage> {
    future: Pin<Box<CommitTask<S>>>,
    began: Instant,
    /// Its first record.
    first: Position,
    kept: Option<Vec<Kept>>,
    hand_over: u64,
    /// The memory of its rows.
    _charge: Charge,
}

impl<S: Storage> Committing<S> {
    async fn end(&mut self) -> Option<CommitEnd<S>> {
        self.future.as_mut().await;
        self.future.as_mut().take_output()
    }
}

/// Does some work while the commit under way goes on: the HDFS client holds locks while it waits, and a commit that is not
/// polled would never give back what the work waits for.
async fn beside<S: Storage, T>(committing: &mut Option<Committing<S>>, work: impl Future<Output = T>) -> T {
    let Some(committing) = committing else { return work.await };
    match select(pin!(work), committing.future.as_mut()).await {
        Either::Left((done, _)) => done,
        Either::Right(((), work)) => work.await,
    }
}

/// Records that were accepted and are neither committed nor in memory: a race was lost when their rows were streamed. The
/// owner that won commits them, if the broker sends to that one now. Otherwise it sends to this one, which must end then.
struct Abandoned {
    first: Position,
    last: Position,
    hand_over: u64,
    /// How often it was looked whether they are, when to look again, and until when.
    looks: u32,
    next: Instant,
    until: Instant,
}

/// Whether another owner has put a manifest where this one was going to: then it may have deleted what was staged for that.
async fn is_overtaken<S: Storage>(shared: &Shared<S>, layout: &SourcePartitionLayout, sequence: u64) -> Result<bool> {
    Ok(again!(shared, "looking for a newer manifest", newest(&shared.storage, layout))? >= Some(sequence))
}

async fn newest<S: Storage>(storage: &S, layout: &SourcePartitionLayout) -> Result<Option<u64>, Failure> {
    Ok(newest_sequence(storage, layout).await?)
}

fn not_in_memory(topic: &str) -> Error {
    Error::new(
        ErrorKind::Storage,
        format_args!(
            "another instance committed {topic} first and the rows are not in memory any more, so this instance ends and the broker \
             sends them again; nothing is lost"
        ),
    )
}

/// What a run over a chunk's records stopped for.
enum Stop {
    /// All are taken.
    End,
    /// The newest manifest must be loaded first.
    Load,
    /// A record at this position, at or below the last accepted one: the broker redelivers.
    Rewind(Position),
    /// A record behind abandoned ones.
    Abandoned,
    /// The first record of this writer's schema.
    Schema(u32),
    /// A bad record under `onBadRecord: fail`.
    Fail(BadRecord, Position),
}

/// The owner of a source partition.
pub struct SourcePartition<S: Storage> {
    shared: Arc<Shared<S>>,
    id: u32,
    topic: String,
    layout: SourcePartitionLayout,
    identity: SinkIdentity,
    loaded: Option<Loaded>,
    last_accepted: Option<Position>,
    plans: BTreeMap<u32, Result<Plan, BadRecord>>,
    batch: Batch<S>,
    committing: Option<Committing<S>>,
    abandoned: Option<Abandoned>,
    /// Something failed since the last cleaning: there may be files to clean.
    unclean: bool,
}

impl<S: Storage> SourcePartition<S> {
    /// The source partition of this topic, whose id is that of the hand-over.
    pub fn new(
        shared: Arc<Shared<S>>,
        id: u32,
        topic: String,
        layout: SourcePartitionLayout,
        identity: SinkIdentity,
    ) -> Self {
        let batch = Batch::new(&shared.budget);
        SourcePartition {
            shared,
            id,
            topic,
            layout,
            identity,
            loaded: None,
            last_accepted: None,
            plans: BTreeMap::new(),
            batch,
            committing: None,
            abandoned: None,
            unclean: true,
        }
    }

    /// Takes a hand-over's records. An error ends the instance.
    pub async fn accept(&mut self, chunk: Chunk) -> Result<()> {
        let mut from = Place::default();
        let mut place = from;
        loop {
            match self.take(&chunk.bytes, &mut place)? {
                Stop::End => break,
                Stop::Load => self.load().await?,
                Stop::Rewind(position) => {
                    self.rewind(position).await?;
                    from = place;
                }
                Stop::Abandoned if self.abandoned_are_committed().await? => {}
                Stop::Abandoned => return Err(not_in_memory(&self.topic)),
                Stop::Schema(schema) => {
                    if !self.make_plan(schema).await? {
                        self.end_files().await?;
                        from = place;
                    }
                }
                Stop::Fail(bad, position) => return Err(self.fail(bad, position).await),
            }
        }
        self.end_hand_over(chunk, from).await
    }

    /// Runs over the records from the place on, which it moves past each record taken.
    fn take(&mut self, bytes: &[u8], place: &mut Place) -> Result<Stop> {
        let mut records = Records::from(bytes, *place);
        // By reference: moving a record is dearer than reading it.
        while let Some(record) = &records.next() {
            let record = record.as_ref().map_err(Error::bug)?;
            let Some(loaded) = &self.loaded else { return Ok(Stop::Load) };
            let ordered = self.shared.ordered;
            if ordered && self.last_accepted.is_some_and(|last| record.position <= last) && is_on(Safeguard::Rewind) {
                return Ok(Stop::Rewind(record.position));
            }
            if self.abandoned.is_some() {
                return Ok(Stop::Abandoned);
            }
            if ordered && loaded.mark.is_some_and(|mark| record.position <= mark) && is_on(Safeguard::Drop) {
                self.drop_duplicate(record, loaded)?;
            } else {
                match self.plans.get(&record.schema) {
                    Some(Ok(plan)) => {
                        let added = self.batch.add(record, plan.header(), |out| plan.encode(record, &self.topic, out));
                        match added {
                            Ok(key) => {
                                self.batch.schema_version = self.batch.schema_version.max(plan.version);
                                if key == PartitionKey::Unknown {
                                    self.shared.metrics.rows_without_partition.add(1);
                                }
                            }
                            Err(bad) if self.shared.on_bad_record == OnBadRecord::Fail => {
                                return Ok(Stop::Fail(bad, record.position));
                            }
                            Err(bad) => self.drop_bad(record, bad),
                        }
                    }
                    Some(Err(bad)) if self.shared.on_bad_record == OnBadRecord::Fail => {
                        return Ok(Stop::Fail(bad.clone(), record.position));
                    }
                    Some(Err(bad)) => {
                        let bad = bad.clone();
                        self.drop_bad(record, bad);
                    }
                    None => return Ok(Stop::Schema(record.schema)),
                }
            }
            self.last_accepted = Some(record.position);
            *place = records.place();
        }
        Ok(Stop::End)
    }

    fn drop_duplicate(&self, record: &Record<'_>, loaded: &Loaded) -> Result<()> {
        if record.publish_time > loaded.largest_publish_time {
            return Err(Error::protocol(format_args!(
                "record {} of {} was published at {} ms, after everything that is committed of it (up to {} ms), but its position is at or \
                 below the committed {}: the topic seems to have been deleted and created again. If so, stop the sink, run \
                 `hdfs-csv reset --table {} --source-partition {}`, and start it",
                record.position,
                self.topic,
                record.publish_time,
                loaded.largest_publish_time,
                loaded.mark.map(|mark| mark.to_string()).unwrap_or_default(),
                self.layout.table.root(),
                self.layout.name,
            )));
        }
        self.shared.metrics.duplicates.add(1);
        Ok(())
    }

    fn drop_bad(&mut self, record: &Record<'_>, bad: BadRecord) {
        self.shared.metrics.bad_record(bad.reason);
        // Powers of two: a flood of bad records does not flood the log.
        let count = self.shared.metrics.bad_records();
        if count.is_power_of_two() {
            tracing::warn!(topic = %self.topic, position = %record.position, "bad record ({count} so far): {bad}");
        }
        self.batch.add_dropped(record);
        if self.shared.on_bad_record == OnBadRecord::DeadLetter {
            let number = self.shared.answers.dead_letter(DeadLetter {
                source_partition: self.id,
                schema: record.schema,
                position: record.position,
                reason: bad.to_string(),
                event_time: record.event_time,
                key: record.key.map(<[u8]>::to_vec),
                key_is_bytes: record.key_is_bytes,
                properties: record.properties.map(<[u8]>::to_vec),
                payload: record.payload.to_vec(),
                charge: self.shared.budget.charge(record.memory()),
            });
            self.batch.unconfirmed.insert(number);
        }
    }

    /// Ends the instance for a bad record, after what precedes it is committed.
    async fn fail(&mut self, bad: BadRecord, position: Position) -> Error {
        self.shared.metrics.bad_record(bad.reason);
        if let Err(error) = self.commit_all().await {
            return error;
        }
        Error::new(
            ErrorKind::Record,
            format_args!(
                "record {position} of {} cannot be written: {bad}. What precedes it is committed. Skip it by moving the subscription \
                 past it, or set onBadRecord: deadLetter",
                self.topic
            ),
        )
    }

    async fn end_hand_over(&mut self, chunk: Chunk, from: Place) -> Result<()> {
        if self.batch.extent.is_none() {
            // Only duplicates: they are acknowledged as soon as the mark's renames are done, else a quiet topic keeps its backlog.
            self.batch.hand_over = chunk.hand_over;
            match &mut self.committing {
                Some(committing) => committing.hand_over = chunk.hand_over,
                None if is_on(Safeguard::AcknowledgeDuplicates) => {
                    self.shared.answers.committed(self.id, chunk.hand_over);
                }
                None => {}
            }
            return Ok(());
        }
        self.batch.keep(chunk, from);
        if self.batch.wants_streaming() {
            self.spill().await?;
        }
        if self.batch.is_full(self.shared.max_batch_rows, self.shared.max_file_size) {
            self.end_commit().await?;
            self.begin_commit()?;
        }
        Ok(())
    }

    /// Gives a large batch's memory back by streaming. What is streamed cannot be staged again after a lost race, and races are
    /// likely when the broker has just turned to another instance: so the first batch after a load is committed instead, and
    /// the next one waits for that.
    async fn spill(&mut self) -> Result<()> {
        if self.shared.ordered && self.batch.unconfirmed.is_empty() && !self.is_own() {
            self.end_commit().await?;
            if !self.is_own() {
                return self.begin_commit();
            }
        }
        self.stream().await
    }

    fn is_own(&self) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| loaded.own)
    }

    /// Streams the batch's large files.
    async fn stream(&mut self) -> Result<()> {
        let sequence = self.next_sequence()? + u64::from(self.committing.is_some());
        let (shared, layout, batch) = (&self.shared, &self.layout, &mut self.batch);
        let compression = shared.rows.format.compression;
        let streamed = beside(&mut self.committing, async {
            again!(shared, "streaming rows", batch.stream(&shared.storage, layout, sequence, compression))
        });
        let Err(error) = streamed.await else { return Ok(()) };
        let Some(extent) = self.batch.extent else { return Err(error) };
        let (mut first, mut hand_over) = (extent.first, self.batch.hand_over);
        if let Some(end) = self.settled().await
            && let Some(lost) = self.take_commit_end(end).await?
        {
            (first, hand_over) = (lost.first, hand_over.max(lost.hand_over));
        }
        if is_overtaken(&self.shared, &self.layout, sequence).await? {
            self.abandon(first, hand_over).await
        } else {
            Err(error)
        }
    }

    fn next_sequence(&self) -> Result<u64> {
        let loaded = self.loaded.as_ref().ok_or_else(|| Error::bug("a batch without a loaded manifest"))?;
        Ok(loaded.sequence + 1)
    }

    /// Gives memory back: a large batch streams, a small one is committed.
    pub async fn relieve(&mut self) -> Result<()> {
        if self.batch.has_piece() { self.spill().await } else { self.begin_commit() }
    }

    async fn load(&mut self) -> Result<()> {
        let (shared, layout, identity) = (&self.shared, &self.layout, &self.identity);
        let manifest = again!(shared, "loading", load(&shared.storage, layout, identity))?;
        let loaded = manifest.as_ref().map(Loaded::from).unwrap_or_default();
        tracing::debug!(topic = %self.topic, sequence = loaded.sequence, mark = ?loaded.mark, "loaded");
        self.loaded = Some(loaded);
        self.clean().await;
        Ok(())
    }

    /// Deletes what failures left. A failure here is no harm: the next one tries again.
    async fn clean(&mut self) {
        let Some(loaded) = self.loaded.as_ref().filter(|_| self.unclean) else { return };
        match clean(&self.shared.storage, &self.layout, loaded.sequence).await {
            Ok(cleaned) => {
                self.shared.metrics.files_cleaned.add(cleaned.deleted);
                self.unclean = cleaned.left > 0;
            }
            Err(error) => tracing::warn!("cleaning of staged files failed: {error}; it is tried again later"),
        }
    }

    /// Deletes old manifests now and then. A failure here is no harm: the next time takes more.
    async fn prune(&mut self) {
        let keep = self.shared.keep_manifests;
        let due = self
            .loaded
            .as_ref()
            .is_some_and(|loaded| loaded.sequence > keep && loaded.sequence % PRUNE_EVERY.min(keep) == 0);
        if !due {
            return;
        }
        if let Err(failure) = prune(&self.shared.storage, &self.layout, keep).await {
            tracing::warn!("pruning of old manifests failed: {failure}; it is tried again later");
            self.unclean = true;
        }
    }

    /// The broker redelivers from this position on: settle what is in doubt, drop what is not committed, load again.
    async fn rewind(&mut self, position: Position) -> Result<()> {
        self.shared.metrics.rewinds.add(1);
        tracing::info!(topic = %self.topic, %position, last_accepted = ?self.last_accepted, "the broker sends records again");
        let abandoned = self.abandoned.take().map(|abandoned| abandoned.first);
        let mut first_dropped = abandoned.or(self.batch.extent.map(|extent| extent.first));
        if let Some(end) = self.settled().await
            && let Some(lost) = self.take_commit_end(end).await?
        {
            first_dropped = Some(lost.first);
        }
        self.drop_batch();
        self.load().await?;
        let mark = self.loaded.as_ref().and_then(|loaded| loaded.mark);
        match first_dropped
            .filter(|_| is_on(Safeguard::FirstDropped))
            .filter(|first| Some(*first) > mark && position > *first)
        {
            None => Ok(()),
            Some(first) => Err(Error::new(
                ErrorKind::Storage,
                format_args!(
                    "{} is sent again from {position} on, but {first} before it is not committed either, so this instance ends and the \
                     broker sends both again; nothing is lost",
                    self.topic
                ),
            )),
        }
    }

    fn drop_batch(&mut self) {
        self.unclean |= !self.batch.streamed_paths().is_empty();
        self.batch = Batch::new(&self.shared.budget);
        self.loaded = None;
        self.last_accepted = None;
    }

    /// Returns false when the batch cannot take its rows, because they have more columns than a header that is written.
    async fn make_plan(&mut self, schema: u32) -> Result<bool> {
        let plan = self.plan(schema).await?;
        let mut fits = true;
        if let Ok(plan) = &plan {
            let others = self.plans.len();
            // All rows are written under the newest columns that are known: one header is right for them.
            self.plans.retain(|_, other| other.as_ref().map_or(true, |other| other.version >= plan.version));
            fits = self.plans.len() == others || self.batch.take_header(plan.header());
        }
        self.plans.insert(schema, plan);
        Ok(fits)
    }

    /// Commits the batch in the midst of a hand-over, so that other rows begin files of their own.
    async fn end_files(&mut self) -> Result<()> {
        self.end_commit().await?;
        self.begin_commit()?;
        if self.batch.extent.is_none() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Storage,
            format_args!(
                "{} has got a new column while a file with a header of the old ones was being written, and dead letters keep it \
                 from being committed, so this instance ends and the broker sends its records again; nothing is lost",
                self.topic
            ),
        ))
    }

    async fn plan(&mut self, id: u32) -> Result<Result<Plan, BadRecord>> {
        if id == NO_SCHEMA {
            let detail = "the message was sent without a schema; send it with the topic's schema".to_owned();
            return Ok(Err(BadRecord { reason: Reason::NoSchema, detail }));
        }
        let compiled = beside(&mut self.committing, self.shared.schemas.get(id)).await?;
        let incompatible = |detail: String| Ok(Err(BadRecord { reason: Reason::IncompatibleSchema, detail }));
        let schema = match &*compiled {
            Ok(schema) => schema,
            Err(unsupported) => return incompatible(unsupported.to_string()),
        };
        let wanted = wanted_columns(&self.shared.rows, schema);
        if let Some(partitioning) = &self.shared.rows.partitioning
            && wanted.iter().any(|column| column.name.eq_ignore_ascii_case(&partitioning.column))
        {
            return incompatible(format!(
                "field `{}` has the name of the partition column; set partitionColumn to another name",
                partitioning.column
            ));
        }
        let (shared, layout) = (&self.shared, &self.layout);
        let ensured = beside(&mut self.committing, async {
            again!(shared, "adding columns", ensure(&shared.storage, &layout.table, &wanted))
        })
        .await?;
        match ensured {
            Ok(columns) => Ok(Ok(Plan::new(&shared.rows, schema, &columns))),
            Err(incompatible_columns) => incompatible(incompatible_columns.to_string()),
        }
    }

    /// A dead letter is confirmed.
    pub fn confirm(&mut self, number: u64) {
        self.batch.unconfirmed.remove(&number);
    }

    /// When the batch must be committed though it is not full; none while there is nothing to commit, or a commit is under way.
    pub fn commit_due(&self, schedule: &Schedule) -> Option<Instant> {
        let extent = self.batch.extent.filter(|_| self.committing.is_none() && self.batch.unconfirmed.is_empty())?;
        Some(schedule.due(extent.began))
    }

    /// Whether the batch should be committed by now and waits for the broker to confirm its dead letters. Records that come
    /// must wait too: each could bring another dead letter, and the batch would never be committed.
    pub fn is_held_up(&self, schedule: &Schedule) -> bool {
        let Some(extent) = self.batch.extent.filter(|_| !self.batch.unconfirmed.is_empty()) else { return false };
        self.batch.is_full(self.shared.max_batch_rows, self.shared.max_file_size)
            || schedule.due(extent.began) <= Instant::now()
    }

    /// Bytes of memory that its batch takes.
    pub fn held(&self) -> usize {
        self.batch.held()
    }

    /// Whether there is nothing that is not committed.
    pub fn is_idle(&self) -> bool {
        self.batch.extent.is_none() && self.committing.is_none()
    }

    /// Begins to commit the batch, unless it is empty, waits for dead letters, or a commit is under way.
    pub fn begin_commit(&mut self) -> Result<()> {
        let Some(extent) = self.batch.extent.filter(|_| self.committing.is_none()) else { return Ok(()) };
        if !self.batch.unconfirmed.is_empty() {
            return Ok(());
        }
        let loaded = self.loaded.as_ref().ok_or_else(|| Error::bug("a batch without a loaded manifest"))?;
        let mut batch = std::mem::replace(&mut self.batch, Batch::new(&self.shared.budget));
        let sequence = loaded.sequence + 1;
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            sequence,
            nonce: nonce(),
            source_partition: self.layout.name.clone(),
            ordered: self.shared.ordered,
            sink: self.identity.clone(),
            predecessor_last: loaded.mark,
            first: Some(extent.first),
            last: Some(extent.last),
            largest_publish_time: loaded.largest_publish_time.max(extent.largest_publish_time),
            rows: batch.rows,
            dropped: batch.dropped,
            total_rows: loaded.total_rows + batch.rows,
            total_dropped: loaded.total_dropped + batch.dropped,
            schema_version: batch.schema_version,
            files: Vec::new(),
            open_files: loaded.open_files.clone(),
        };
        let (kept, hand_over) = (batch.kept.take(), batch.hand_over);
        let partitioning = self.shared.rows.partitioning.as_ref();
        let directory = |key| partitioning.map_or_else(String::new, |partitioning| partitioning.directory(key));
        let compression = self.shared.rows.format.compression;
        let name = |directory: &str| self.layout.published(directory, sequence, compression.extension());
        let folding = &self.shared.folding;
        let open_file = |directory: &str| folding.target(&loaded.open_files, directory);
        let (files, charge) = batch.into_files(directory, name, open_file, compression);
        let mut commit = Commit::new(self.layout.clone(), manifest, files, folding.clone());
        let shared = Arc::clone(&self.shared);
        let future: Pin<Box<CommitFuture<S>>> = Box::pin(async move {
            let advance = async |commit: &mut Commit<S>| {
                // Given back before a pause: what cannot be committed must not keep others from it.
                let _permit = shared.commits.acquire().await.map_err(Error::bug)?;
                commit.advance(&shared.storage).await
            };
            let outcome = again!(shared, "committing", advance(&mut commit));
            CommitEnd { commit, outcome }
        });
        let future = Box::pin(maybe_done(future));
        self.committing =
            Some(Committing { future, began: Instant::now(), first: extent.first, kept, hand_over, _charge: charge });
        Ok(())
    }

    /// Waits until the commit under way has ended; for ever when there is none. It may be dropped and called again.
    pub async fn commit_end(&mut self) -> CommitEnd<S> {
        match self.settled().await {
            Some(end) => end,
            None => std::future::pending().await,
        }
    }

    async fn settled(&mut self) -> Option<CommitEnd<S>> {
        match &mut self.committing {
            Some(committing) => committing.end().await,
            None => None,
        }
    }

    /// Waits for the commit under way, if there is one, and draws the conclusions.
    pub async fn end_commit(&mut self) -> Result<()> {
        match self.settled().await {
            Some(end) => self.conclude(end).await,
            None => Ok(()),
        }
    }

    /// Commits everything that was accepted. Dead letters that are not confirmed hold it up.
    pub async fn commit_all(&mut self) -> Result<()> {
        self.end_commit().await?;
        self.begin_commit()?;
        self.end_commit().await
    }

    /// Draws the conclusions from a commit's end: the mark moves, or the race is lost and what was accepted is staged again.
    pub async fn conclude(&mut self, end: CommitEnd<S>) -> Result<()> {
        match self.take_commit_end(end).await? {
            None => {
                self.clean().await;
                self.prune().await;
                Ok(())
            }
            Some(lost) => self.stage_again(lost).await,
        }
    }

    /// The lost commit; none when it was committed.
    async fn take_commit_end(&mut self, end: CommitEnd<S>) -> Result<Option<Committing<S>>> {
        let CommitEnd { commit, outcome } = end;
        self.unclean |= commit.has_poisoned();
        let committing = self.committing.take().ok_or_else(|| Error::bug("a commit ended that was not under way"))?;
        let outcome = match outcome {
            Err(_)
                if !commit.is_staged()
                    && is_overtaken(&self.shared, &self.layout, commit.manifest().sequence).await? =>
            {
                Outcome::Lost
            }
            outcome => outcome?,
        };
        match outcome {
            Outcome::Committed => {
                let manifest = commit.manifest();
                let bytes: u64 = manifest.files.iter().map(|file| file.content.length).sum();
                let folded: u64 =
                    manifest.files.iter().filter_map(|file| file.replaces.as_ref()).map(|old| old.length).sum();
                let metrics = &self.shared.metrics;
                metrics.commits.add(1);
                metrics.commit_millis.add(committing.began.elapsed().as_millis() as u64);
                metrics.rows_committed.add(manifest.rows);
                metrics.bytes_committed.add(bytes - folded);
                metrics.bytes_rewritten.add(folded);
                metrics
                    .files_committed
                    .add(manifest.files.iter().filter(|file| file.replaces.is_none()).count() as u64);
                tracing::debug!(topic = %self.topic, sequence = manifest.sequence, rows = manifest.rows, bytes, "committed");
                if let Some(hive) = self.shared.hive.as_ref().filter(|_| manifest.rows > 0) {
                    let directories = manifest.files.iter().map(|file| parent(&file.name));
                    hive.committed(&self.layout.table, manifest.schema_version, directories);
                }
                self.loaded = Some(Loaded { own: true, ..Loaded::from(manifest) });
                self.shared.answers.committed(self.id, committing.hand_over);
                Ok(None)
            }
            Outcome::Lost => {
                self.shared.metrics.races_lost.add(1);
                self.unclean = true;
                tracing::warn!(topic = %self.topic, sequence = commit.manifest().sequence, "another instance committed first");
                Ok(Some(committing))
            }
        }
    }

    /// After a lost race: what was accepted above the new mark is staged again, in order, before any later record is
    /// taken, since the broker will not send it again.
    async fn stage_again(&mut self, lost: Committing<S>) -> Result<()> {
        let later = self.batch.kept.take();
        let hand_over = lost.hand_over.max(self.batch.hand_over);
        let (Some(lost_chunks), Some(later)) = (lost.kept, later) else {
            return self.abandon(lost.first, hand_over).await;
        };
        self.drop_batch();
        self.load().await?;
        if !is_on(Safeguard::Restage) {
            return Ok(());
        }
        for kept in lost_chunks.into_iter().chain(later) {
            Box::pin(self.accept_again(kept)).await?;
        }
        if self.batch.extent.is_none() {
            self.shared.answers.committed(self.id, hand_over);
        } else {
            self.batch.hand_over = hand_over;
        }
        Ok(())
    }

    /// Gives up all records from this one on: they cannot be staged again.
    async fn abandon(&mut self, first: Position, hand_over: u64) -> Result<()> {
        let last = self.last_accepted.ok_or_else(|| Error::bug("a race was lost without a record"))?;
        self.drop_batch();
        // What comes at or below it is sent again.
        self.last_accepted = Some(last);
        let now = Instant::now();
        let until = now + self.shared.abandoned_limit;
        self.abandoned = Some(Abandoned { first, last, hand_over, looks: 0, next: now, until });
        self.look().await
    }

    /// When to look whether abandoned records are committed; none while there are none.
    pub fn look_due(&self) -> Option<Instant> {
        self.abandoned.as_ref().map(|abandoned| abandoned.next)
    }

    /// Looks whether abandoned records are committed by now. The instance ends when they are not for too long.
    pub async fn look(&mut self) -> Result<()> {
        if self.abandoned_are_committed().await? {
            return Ok(());
        }
        let topic = &self.topic;
        let now = Instant::now();
        match &mut self.abandoned {
            Some(abandoned) if now < abandoned.until => {
                abandoned.next = now + (self.shared.pause)(abandoned.looks);
                abandoned.looks += 1;
                Ok(())
            }
            _ => Err(not_in_memory(topic)),
        }
    }

    /// Loads. If the other owner has committed what was abandoned, it is acknowledged and forgotten.
    async fn abandoned_are_committed(&mut self) -> Result<bool> {
        self.load().await?;
        let mark = self.loaded.as_ref().and_then(|loaded| loaded.mark);
        match self.abandoned.take_if(|abandoned| mark >= Some(abandoned.last)) {
            Some(abandoned) => self.shared.answers.committed(self.id, abandoned.hand_over),
            None if self.abandoned.is_some() => return Ok(false),
            None => {}
        }
        Ok(true)
    }

    async fn accept_again(&mut self, Kept { chunk, from }: Kept) -> Result<()> {
        let mut place = from;
        loop {
            match self.take(&chunk.bytes, &mut place)? {
                Stop::End => break,
                // Nothing of these is written, not even a header.
                Stop::Schema(schema) => drop(self.make_plan(schema).await?),
                Stop::Fail(bad, position) => return Err(self.fail(bad, position).await),
                Stop::Load | Stop::Rewind(_) | Stop::Abandoned => {
                    return Err(Error::bug("kept records are out of order"));
                }
            }
        }
        if self.batch.extent.is_some() {
            self.batch.keep(chunk, from);
        }
        Ok(())
    }
}

#[cfg(test)]
mod growth;
#[cfg(test)]
pub(crate) mod systematic;
#[cfg(test)]
mod tests;
