//! What the owners of a sink share.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::budget::Budget;
use crate::config::{OnBadRecord, OnNullValue};
use crate::hand_over::answers::Answers;
use crate::hive::keeper::Keeper;
use crate::metrics::Metrics;
use crate::owner::Streaming;
use crate::owner::row_memory::RowMemory;
use crate::protocol::folding::Folding;
use crate::row::settings::RowSettings;
use crate::schema::writers::WriterSchemas;
use crate::slots::Slots;
use crate::storage::Storage;

/// What the source partitions of a sink share.
pub(crate) struct Shared<S: Storage> {
    pub(crate) storage: S,
    pub(crate) rows: RowSettings,
    /// A batch of so many rows is committed.
    pub(crate) max_batch_rows: u64,
    /// A batch with a file of so many bytes is committed.
    pub(crate) max_file_size: u64,
    /// Whether records come in the order of their positions, from one consumer at a time. Otherwise there is no mark: each
    /// record is written as often as it comes.
    pub(crate) ordered: bool,
    /// Whether nothing behind a gap is committed before it is known that no record stands in it which still has to come: one
    /// that the client cannot decrypt, or that the broker left out.
    pub(crate) asks_about_gaps: bool,
    pub(crate) folding: Folding,
    /// Manifests that stay when old ones are pruned.
    pub(crate) keep_manifests: u64,
    pub(crate) on_bad_record: OnBadRecord,
    pub(crate) on_null_value: OnNullValue,
    pub(crate) schemas: WriterSchemas,
    pub(crate) budget: Budget,
    pub(crate) row_memory: RowMemory,
    pub(crate) answers: Answers,
    pub(crate) metrics: Metrics,
    /// When rows are streamed.
    pub(crate) streaming: Streaming,
    /// What keeps Hive's metastore up with the tables, if that is wanted.
    pub(crate) hive: Option<Keeper>,
    /// A commit works only while it holds one of these.
    pub(crate) commits: Slots,
    /// A file of a batch is written only while it holds one of these.
    pub(crate) files: Slots,
    /// A file of a batch is streamed only while it holds one of these.
    pub(crate) streamed: Slots,
    /// How long abandoned records wait for the other owner to commit them: longer than it takes for a commit.
    pub(crate) abandoned_limit: Duration,
    /// What is known of a source partition is forgotten when nothing came of it for so long.
    pub(crate) forget_after: Duration,
    /// How long an acknowledgement waits behind an entry that has not come.
    pub(crate) acknowledgement_delay: Duration,
    /// How long to wait before the nth repetition of a call (from 0) that failed.
    pub(crate) pause: fn(attempt: u32) -> Duration,
    /// Whether a source partition whose table is not as its manifests say waits until somebody has mended that, while the
    /// others go on. Otherwise it ends the instance.
    pub(crate) waits_for_repair: bool,
    /// Runs a task beside the owner that begins it.
    pub(crate) spawn: Box<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>,
}
