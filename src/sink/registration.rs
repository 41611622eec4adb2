//! Registration: a topic becomes a source partition, with a table and a task of its own.

use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;
use tracing::Instrument;

use crate::config::checks::check_persistence;
use crate::config::tables::Tables;
use crate::error::{Error, ErrorKind, Result};
use crate::owner::Owner;
use crate::owner::schedule::Schedule;
use crate::protocol::layout::{InvalidName, SourcePartitionLayout};
use crate::sink::task::{TaskState, run};
use crate::sink::{Handle, Sink, SourcePartitions};
use crate::storage::Storage;
use crate::topic::TopicName;

impl<S: Storage> Sink<S> {
    /// Registers a topic by its full name; the same topic gets the same id. An error that names the configuration is of this
    /// topic alone: it is left out.
    pub(crate) fn source_partition(&self, topic: &str) -> Result<u32> {
        let mut all = self.source_partitions();
        if let Some(id) = all.by_topic.get(topic) {
            return Ok(*id);
        }
        let registered = self.register(&mut all, topic);
        if let Err(error) = &registered {
            all.stopped.insert(topic.to_owned(), error.message.clone());
        }
        registered
    }

    fn register(&self, all: &mut SourcePartitions, topic: &str) -> Result<u32> {
        let (name, layout) = self.layout(&mut all.tables, topic)?;
        let id = u32::try_from(all.handles.len()).map_err(Error::bug)?;
        let shared = Arc::clone(&self.shared);
        let owner = Owner::new(shared, id, topic.to_owned(), layout, self.identity(&name.to_string()));
        let schedule = Schedule::new(self.config.commit_interval, self.opened, id);
        all.handles.push(self.spawn(owner, schedule));
        all.by_topic.insert(topic.to_owned(), id);
        Ok(id)
    }

    /// Where a topic's rows go. Its table must be none of the other topics'.
    pub(super) fn layout(&self, tables: &mut Tables, topic: &str) -> Result<(TopicName, SourcePartitionLayout)> {
        let name = TopicName::parse(topic).map_err(|error| Error::new(ErrorKind::Config, error))?;
        let refused = |what: String| Error::new(ErrorKind::Config, what);
        if self.shared.ordered {
            // A pattern can match one.
            check_persistence(&name).map_err(refused)?;
        }
        let (directory, pattern) = (&self.config.directory, &self.config.table_name_pattern);
        let table = tables.claim(&name, directory, pattern, self.shared.hive.is_some()).map_err(refused)?;
        let invalid = |error: InvalidName| refused(format!("topic {topic} cannot have a table: {error}"));
        let mut layout = SourcePartitionLayout::new(table, &name.local, name.partition).map_err(invalid)?;
        if !self.shared.ordered {
            // Several instances may write records of one source partition at the same time: each has manifests of its own.
            layout = layout.of_instance(self.config.sink.instance);
        }
        Ok((name, layout))
    }

    fn spawn(&self, owner: Owner<S>, schedule: Schedule) -> Handle {
        let (sender, inbox) = unbounded_channel();
        let state = Arc::new(TaskState::default());
        let (topic, health) = (owner.topic().to_owned(), Arc::clone(owner.health()));
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
        Handle { topic, sender, state, health, task: Some(watched) }
    }
}
