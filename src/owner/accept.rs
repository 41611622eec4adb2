//! Accept: the records of a hand-over, one after another, into the batch; and what becomes of those that do not get there.

use std::sync::Arc;

use tokio::time::Instant;

use crate::config::{OnBadRecord, OnNullValue};
use crate::error::{Error, ErrorKind, Result};
use crate::hand_over::frame::{RecordOffset, Records};
use crate::hand_over::letters::DeadLetter;
use crate::hand_over::part::HandOverPart;
use crate::owner::commits::now_millis;
use crate::owner::left_out::LeftToBroker;
use crate::owner::loaded::Loaded;
use crate::owner::state::Owner;
use crate::position::Position;
use crate::record::Record;
use crate::row::partition::PartitionKey;
use crate::safeguard::{Safeguard, is_on};
use crate::storage::Storage;
use crate::value::{BadRecord, Reason};

/// How many milliseconds a producer's clock may be ahead for its records to tell of a topic made anew: an hour, far less than
/// what a commit counts, so that a record that comes again is no such sign.
const MOST_JUDGED_AHEAD: i64 = 3_600_000;

/// Why a run over records did not get to their end.
pub(super) enum Interruption {
    /// The newest manifest must be loaded first.
    NotLoaded,
    /// A record at this position, at or below the last accepted one: the broker redelivers.
    Redelivery(Position),
    /// A record behind abandoned ones.
    BehindAbandoned,
    /// The first record of this writer's schema.
    UnknownSchema(u32),
    /// A record that should be a duplicate and cannot be one.
    MadeAnew(Error),
    /// The rows are much more than their records: whether there is memory for more is to be looked at.
    Grown,
    /// A bad record under `onBadRecord: fail`.
    Fail(BadRecord, Position),
}

impl<S: Storage> Owner<S> {
    /// Takes a hand-over's records. An error ends the instance.
    pub(crate) async fn accept(&mut self, part: HandOverPart) -> Result<()> {
        // Where the first record stands that is in the batch.
        let mut first = RecordOffset::default();
        let mut offset = first;
        self.left_to_broker = LeftToBroker::default();
        self.last_came = Instant::now();
        let (shared, health) = (Arc::clone(&self.shared), Arc::clone(&self.health));
        let mut repair = None;
        while let Some(interruption) = self.add_records(&part.bytes, &mut offset)? {
            if !matches!(interruption, Interruption::MadeAnew(_)) {
                repair = None;
            }
            match interruption {
                Interruption::NotLoaded => self.load().await?,
                Interruption::Redelivery(position) => {
                    self.rewind(position).await?;
                    first = offset;
                }
                Interruption::BehindAbandoned if self.abandoned_are_committed().await? => {}
                Interruption::BehindAbandoned => return Err(self.not_in_memory()),
                Interruption::UnknownSchema(schema) => {
                    if !self.make_plan(schema).await? {
                        self.end_files().await?;
                        first = offset;
                    }
                }
                Interruption::MadeAnew(error) => {
                    let waiting = || shared.retry(&health, "waiting for `hdfs-csv reset`");
                    repair.get_or_insert_with(waiting).after(error.into()).await?;
                    // There is nothing in the batch: the record is at or below the mark, and behind those accepted. Those
                    // before it were perhaps taken for duplicates.
                    (self.last_accepted, offset) = (None, first);
                    self.load().await?;
                }
                Interruption::Grown => {
                    if self.free_grown().await? {
                        first = offset;
                    }
                }
                Interruption::Fail(bad, position) => return Err(self.fail(bad, position).await),
            }
        }
        drop(repair);
        if self.left_to_broker.any && self.left_to_broker.not_all {
            // Java divides them, but not what it had packed. They could not be staged again in order.
            self.batch.retained = None;
        }
        if self.left_to_broker.last {
            // To acknowledge this hand-over would acknowledge that record.
            return Ok(());
        }
        self.batch.hand_over = part.hand_over;
        self.end_hand_over(part, first).await
    }

    /// Adds the records from the offset on to the batch, or drops them, and moves the offset past each.
    pub(super) fn add_records(&mut self, bytes: &[u8], offset: &mut RecordOffset) -> Result<Option<Interruption>> {
        let mut records = Records::from(bytes, *offset);
        // By reference: moving a record is dearer than reading it.
        while let Some(record) = &records.next() {
            let record = record.as_ref().map_err(Error::bug)?;
            if self.loaded.is_none() {
                return Ok(Some(Interruption::NotLoaded));
            }
            if self.is_redelivered(record.position) {
                return Ok(Some(Interruption::Redelivery(record.position)));
            }
            if self.abandoned.is_some() {
                return Ok(Some(Interruption::BehindAbandoned));
            }
            if self.asked_for.is_some() {
                let is_left = self.is_behind_left_out(record.position);
                self.left_to_broker.note(is_left);
                if is_left {
                    *offset = records.offset();
                    continue;
                }
            }
            let Some(loaded) = &self.loaded else { return Ok(Some(Interruption::NotLoaded)) };
            if self.is_duplicate(record.position, loaded) {
                if let Err(error) = self.drop_duplicate(record, loaded) {
                    return Ok(Some(Interruption::MadeAnew(error)));
                }
            } else {
                if let Some(interruption) = self.add_record(record) {
                    return Ok(Some(interruption));
                }
                let follows = self.last_accepted.is_some_and(|last| record.position.is_next_to(last));
                if !follows && self.shared.asks_about_gaps {
                    self.ask_about_gap(record.position);
                }
            }
            self.last_accepted = Some(record.position);
            *offset = records.offset();
            if self.batch.has_grown() {
                return Ok(Some(Interruption::Grown));
            }
        }
        Ok(None)
    }

    #[inline]
    fn is_redelivered(&self, position: Position) -> bool {
        self.shared.ordered && self.last_accepted.is_some_and(|last| position <= last) && is_on(Safeguard::Rewind)
    }

    #[inline]
    fn is_duplicate(&self, position: Position, loaded: &Loaded) -> bool {
        self.shared.ordered && loaded.newest.mark.is_some_and(|mark| position <= mark) && is_on(Safeguard::Drop)
    }

    /// Adds a row to the batch, or drops a bad record.
    #[inline]
    fn add_record(&mut self, record: &Record<'_>) -> Option<Interruption> {
        if record.null_value && !self.makes_row_of_null(record) {
            return None;
        }
        let added = match self.plans.get(&record.schema).map(|planned| &planned.plan) {
            Some(Ok(plan)) => {
                let added = self.batch.add(record, plan.header(), |out| plan.encode(record, &self.topic, out));
                if added.is_ok() {
                    self.batch.schema_version = self.batch.schema_version.max(plan.version);
                }
                added
            }
            Some(Err(bad)) => Err(bad.clone()),
            None => return Some(Interruption::UnknownSchema(record.schema)),
        };
        match added {
            Ok(PartitionKey::Unknown) => self.shared.metrics.rows_without_partition.add(1),
            Ok(_) => {}
            Err(bad) if self.shared.on_bad_record == OnBadRecord::Fail => {
                return Some(Interruption::Fail(bad, record.position));
            }
            Err(bad) => self.drop_bad(record, &bad),
        }
        None
    }

    /// Whether a message without a value is to be a row. Otherwise it has been dropped.
    #[cold]
    fn makes_row_of_null(&mut self, record: &Record<'_>) -> bool {
        match self.shared.on_null_value {
            OnNullValue::Row => return true,
            OnNullValue::Skip => self.batch.add_dropped(record),
            OnNullValue::DeadLetter => {
                let detail = "its producer gave it no value (a tombstone)".to_owned();
                self.drop_bad(record, &BadRecord { reason: Reason::NullValue, detail });
            }
        }
        false
    }

    fn drop_duplicate(&self, record: &Record<'_>, loaded: &Loaded) -> Result<()> {
        // One from the future says nothing: what was committed of it is not counted either.
        let is_judged = || record.publish_time <= now_millis() + MOST_JUDGED_AHEAD;
        if record.publish_time > loaded.newest.largest_publish_time && is_judged() {
            return Err(Error::protocol(format_args!(
                "record {} of {} was published at {} ms, after everything that is committed of it (up to {} ms), but its position is at or \
                 below the committed {}: the topic seems to have been deleted and created again. If so, stop the sink, run \
                 `hdfs-csv reset --table {} --source-partition {}`, and start it",
                record.position,
                self.topic,
                record.publish_time,
                loaded.newest.largest_publish_time,
                loaded.newest.mark.map(|mark| mark.to_string()).unwrap_or_default(),
                self.layout.table.root(),
                self.layout.name,
            )));
        }
        self.shared.metrics.duplicates.add(1);
        Ok(())
    }

    fn drop_bad(&mut self, record: &Record<'_>, bad: &BadRecord) {
        self.shared.metrics.bad_record(bad.reason);
        // Powers of two: a flood of bad records does not flood the log.
        let count = self.shared.metrics.bad_records();
        if count.is_power_of_two() {
            tracing::warn!(topic = %self.topic, position = %record.position, "bad record ({count} so far): {bad}");
        }
        self.batch.add_dropped(record);
        if self.shared.on_bad_record == OnBadRecord::DeadLetter {
            let mut letter = DeadLetter {
                source_partition: self.id,
                schema: record.schema,
                position: record.position,
                reason: bad.to_string(),
                event_time: record.event_time,
                key: record.key.map(<[u8]>::to_vec),
                key_is_bytes: record.key_is_bytes,
                properties: record.properties.map(<[u8]>::to_vec),
                payload: record.payload.to_vec(),
                charge: self.shared.budget.charge(0),
            };
            letter.charge.set(letter.memory());
            let number = self.shared.answers.dead_letter(letter);
            self.batch.unconfirmed.insert(number, record.position);
        }
    }

    /// Ends the instance for a bad record, after what precedes it is committed.
    pub(super) async fn fail(&mut self, bad: BadRecord, position: Position) -> Error {
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

    async fn end_hand_over(&mut self, part: HandOverPart, first: RecordOffset) -> Result<()> {
        if self.batch.extent.is_none() {
            self.acknowledge_duplicates(part.hand_over);
            return Ok(());
        }
        self.batch.retain(part, first);
        if self.batch.wants_streaming() {
            self.commit_or_stream().await?;
        }
        if self.batch.is_full(self.shared.max_batch_rows, self.shared.max_file_size) {
            self.end_commit().await?;
            self.begin_commit()?;
        }
        Ok(())
    }

    /// A hand-over of duplicates only is acknowledged as soon as the mark's renames are done, else a quiet topic keeps its backlog.
    fn acknowledge_duplicates(&mut self, hand_over: u64) {
        if let Some(abandoned) = &mut self.abandoned {
            // They are the last of these, and come to an end together.
            abandoned.hand_over = hand_over;
            return;
        }
        self.batch.hand_over = hand_over;
        if let Some(committing) = &mut self.committing {
            committing.hand_over = hand_over;
        } else if is_on(Safeguard::AcknowledgeDuplicates) {
            self.shared.answers.committed(self.id, hand_over);
        }
    }
}
