//! What an owner knows of its source partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use crate::hand_over::answers::Answers;
use crate::owner::abandoned::Abandoned;
use crate::owner::batch::Batch;
use crate::owner::commit_task::Committing;
use crate::owner::health::Health;
use crate::owner::left_out::{AskedFor, LeftToBroker};
use crate::owner::loaded::Loaded;
use crate::owner::schedule::Schedule;
use crate::owner::shared::Shared;
use crate::position::Position;
use crate::protocol::layout::SourcePartitionLayout;
use crate::protocol::manifest::SinkIdentity;
use crate::schema::plan::Plan;
use crate::schema::writers::CompiledSchema;
use crate::storage::Storage;
use crate::value::BadRecord;

/// How the records of a writer's schema become rows, or why they are bad.
pub(super) struct Planned {
    /// None for messages that were sent without one.
    pub(super) schema: Option<Arc<CompiledSchema>>,
    pub(super) plan: Result<Plan, BadRecord>,
}

/// The owner of a source partition.
pub(crate) struct Owner<S: Storage> {
    pub(super) shared: Arc<Shared<S>>,
    /// The source partition's id in hand-overs.
    pub(super) id: u32,
    pub(super) topic: String,
    pub(super) health: Arc<Health>,
    pub(super) layout: SourcePartitionLayout,
    pub(super) identity: SinkIdentity,
    pub(super) loaded: Option<Loaded>,
    pub(super) last_accepted: Option<Position>,
    /// How records become rows, by their writers' schemas.
    pub(super) plans: BTreeMap<u32, Planned>,
    pub(super) batch: Batch<S>,
    pub(super) committing: Option<Committing<S>>,
    pub(super) abandoned: Option<Abandoned>,
    pub(super) asked_for: Option<AskedFor>,
    /// Which records of the part that is accepted were not taken.
    pub(super) left_to_broker: LeftToBroker,
    /// Something failed since the last cleaning: there may be files to clean.
    pub(super) unclean: bool,
    /// When records came last.
    pub(super) last_came: Instant,
}

impl<S: Storage> Owner<S> {
    /// The owner of this topic's source partition, whose id is that of the hand-over.
    pub(crate) fn new(
        shared: Arc<Shared<S>>,
        id: u32,
        topic: String,
        layout: SourcePartitionLayout,
        identity: SinkIdentity,
    ) -> Self {
        let batch = Batch::new(shared.row_memory.budget(), shared.streaming);
        Owner {
            shared,
            id,
            topic,
            health: Arc::default(),
            layout,
            identity,
            loaded: None,
            last_accepted: None,
            plans: BTreeMap::new(),
            batch,
            committing: None,
            abandoned: None,
            asked_for: None,
            left_to_broker: LeftToBroker::default(),
            unclean: true,
            last_came: Instant::now(),
        }
    }

    /// The source partition's id in hand-overs.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Where Java is told.
    pub(crate) fn answers(&self) -> &Answers {
        &self.shared.answers
    }

    /// The full name of its topic or partition.
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    /// What keeps it from getting on.
    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Whether the batch should be committed by now and waits for the broker to confirm its dead letters or gaps. Records
    /// that come must wait too: each could bring another one, and the batch would never be committed.
    pub(crate) fn is_held_up(&self, schedule: &Schedule) -> bool {
        if self.batch.left_out.is_some() {
            // What was left out can be behind.
            return false;
        }
        let Some(extent) = self.batch.extent.filter(|_| !self.batch.unconfirmed.is_empty()) else { return false };
        self.batch.is_full(self.shared.max_batch_rows, self.shared.max_file_size)
            || schedule.due(extent.began) <= Instant::now()
    }

    /// Whether its dead letters, which the broker has still to confirm, have a quarter of the memory: more records could be as
    /// many letters, and leave none for other source partitions.
    pub(crate) fn waits_for_letters(&self) -> bool {
        self.shared.answers.letter_bytes(self.id) >= self.shared.budget.bound() / 4
    }

    /// What it shares with the others of its sink.
    pub(crate) fn shared(&self) -> Arc<Shared<S>> {
        Arc::clone(&self.shared)
    }

    /// When the first of the records came that are accepted, or left to be sent again, and not committed.
    pub(crate) fn uncommitted_since(&self) -> Option<Instant> {
        let committing = self.committing.as_ref().map(|committing| committing.extent.began);
        committing.or(self.batch.extent.map(|extent| extent.began)).or(self.asked_for.map(|asked_for| asked_for.began))
    }

    /// When [`Owner::is_held_up`] becomes true by time alone; none while nothing is unconfirmed.
    pub(crate) fn held_up_due(&self, schedule: &Schedule) -> Option<Instant> {
        let is_held_up = !self.batch.unconfirmed.is_empty() && self.batch.left_out.is_none();
        let extent = self.batch.extent.filter(|_| is_held_up)?;
        Some(schedule.due(extent.began))
    }

    /// Whether records were accepted and left to another owner or to the broker.
    pub(crate) fn leaves_records(&self) -> bool {
        self.abandoned.is_some() || self.asked_for.is_some()
    }

    /// When to forget what it knows of a source partition of which nothing comes: its topic may have been deleted.
    pub(crate) fn forget_due(&self) -> Option<Instant> {
        let knows = self.loaded.is_some() && self.is_idle() && !self.leaves_records();
        knows.then(|| self.last_came + self.shared.forget_after)
    }

    /// Forgets it. The next record is met as by an owner that has just begun.
    pub(crate) fn forget(&mut self) {
        (self.loaded, self.last_accepted) = (None, None);
        self.plans.clear();
        // Another instance may have crashed since.
        self.unclean = true;
    }

    /// Whether there is nothing in memory that is not committed.
    pub(crate) fn is_idle(&self) -> bool {
        self.batch.extent.is_none() && self.committing.is_none()
    }
}
