//! Open: what a sink is made of, and what it begins with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use crate::budget::Budget;
use crate::config::{Config, Guarantee};
use crate::error::Result;
use crate::hand_over::answers::Answers;
use crate::hive::client::Security;
use crate::hive::file_system;
use crate::hive::keeper::Keeper;
use crate::hive::sasl::BeginProof;
use crate::metrics::Metrics;
use crate::owner::Streaming;
use crate::owner::retry::pause_between_attempts;
use crate::owner::row_memory::RowMemory;
use crate::owner::shared::Shared;
use crate::protocol::folding::{Folding, FoldingMemory};
use crate::schema::writers::WriterSchemas;
use crate::sink::Sink;
use crate::sink::pace::{FIRST_AT_ONCE, MOST_STREAMED, Pace};
use crate::sink::probe::probe;
use crate::sink::recover::recover;
use crate::sink::status::{Author, StatusWriter};
use crate::sink::watch::watch;
use crate::slots::Slots;
use crate::storage::Storage;

/// Manifests that stay when old ones are pruned: enough for an owner that was away for hours to see that it lost.
const KEEP_MANIFESTS: u64 = 300;
/// No commit takes longer, unless HDFS is in trouble.
const COMMIT_TIME: Duration = Duration::from_secs(30);
/// Memory is asked for at most so often.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// To load a source partition again takes a few calls.
const FORGET_AFTER: Duration = Duration::from_secs(3_600);

impl<S: Storage> Sink<S> {
    /// Opens a sink on this storage: tries the directory, and finishes in the background what earlier commits left.
    /// The directory is tried until the deadline. To a metastore that wants it this is proved.
    pub(crate) fn open(
        config: Config,
        deadline: Instant,
        runtime: Runtime,
        storage: S,
        proof: Option<BeginProof>,
        span: tracing::Span,
    ) -> Result<Self> {
        for warning in config.warnings() {
            span.in_scope(|| tracing::warn!("{warning}"));
        }
        let hive = match &config.hive {
            Some(settings) => {
                let (file_system, owner) = (file_system(&config.hdfs)?, config.hdfs.identity.user());
                Some(Keeper::new(
                    settings.clone(),
                    Security { tls: settings.tls.clone(), proof },
                    file_system,
                    owner,
                    config.rows.clone(),
                ))
            }
            None => None,
        };
        runtime.block_on(probe(&storage, &config, deadline))?;
        let (version, directory) = (env!("CARGO_PKG_VERSION"), &config.directory);
        span.in_scope(|| tracing::info!(version, directory, "the sink is open"));
        let budget = Budget::new(config.max_memory);
        let shared = Arc::new(Shared {
            storage,
            rows: config.rows.clone(),
            max_batch_rows: config.max_batch_rows,
            max_file_size: config.max_file_size,
            ordered: config.guarantee == Guarantee::ExactlyOnce,
            asks_about_gaps: config.guarantee == Guarantee::ExactlyOnce && config.sink.looks_into_gaps,
            folding: Folding {
                below: config.fold_below,
                format: config.rows.format.into(),
                memory: FoldingMemory::new(&budget),
            },
            keep_manifests: KEEP_MANIFESTS,
            on_bad_record: config.on_bad_record,
            on_null_value: config.on_null_value,
            schemas: WriterSchemas::default(),
            row_memory: RowMemory::new(&budget),
            budget,
            answers: Answers::default(),
            metrics: Metrics::default(),
            streaming: Streaming::default(),
            hive,
            commits: Slots::new(FIRST_AT_ONCE),
            files: Slots::new(FIRST_AT_ONCE),
            streamed: Slots::new(MOST_STREAMED),
            abandoned_limit: config.commit_interval * 2 + COMMIT_TIME,
            forget_after: FORGET_AFTER,
            acknowledgement_delay: config.acknowledgement_delay,
            pause: pause_between_attempts,
            waits_for_repair: true,
            spawn: Box::new(|task| drop(tokio::spawn(task.in_current_span()))),
        });
        let sink = Sink {
            config,
            shared,
            source_partitions: Arc::default(),
            failure: Arc::default(),
            span,
            opened: Instant::now(),
            tasks: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
        };
        sink.recover();
        sink.keep_memory();
        sink.keep_hive();
        sink.watch();
        Ok(sink)
    }

    /// Begins to finish what earlier commits left.
    fn recover(&self) {
        let shared = Arc::clone(&self.shared);
        let (directory, owner) = (self.config.directory.clone(), self.identity(""));
        let recovery = async move { recover(&shared, &directory, &owner).await };
        self.tasks.spawn(recovery.instrument(self.span.clone()));
    }

    /// Has rows leave memory while records wait for that.
    fn keep_memory(&self) {
        let (shared, all) = (Arc::clone(&self.shared), Arc::clone(&self.source_partitions));
        self.tasks.spawn(async move {
            loop {
                shared.row_memory.wanted().await;
                while shared.row_memory.is_short(true) {
                    all.lock().unwrap_or_else(PoisonError::into_inner).free_memory(&shared.budget, true);
                    // Who gives needs time, and some cannot.
                    sleep(ASK_AGAIN).await;
                }
            }
        });
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

    /// Begins to watch the source partitions.
    fn watch(&self) {
        let author = Author {
            sink: self.identity("").sink,
            instance: self.config.sink.instance,
            directory: self.config.directory.clone(),
        };
        let status = StatusWriter::new(author);
        let pace = Pace::new(self.config.directory.clone());
        let watching = watch(Arc::clone(&self.shared), Arc::clone(&self.source_partitions), status, pace);
        self.tasks.spawn(watching.instrument(self.span.clone()));
    }
}
