//! Writes what `hdfs-csv status` reads: at each change, and now and then so that it is seen to be alive.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::owner::shared::Shared;
use crate::sink::ailing::Ailing;
use crate::status::{HeldBack, Status, Stopped};
use crate::storage::Storage;

/// How often it is written though nothing has changed.
const ALIVE: Duration = Duration::from_secs(300);
/// How often it is written at most.
const AT_MOST: Duration = Duration::from_secs(5);

/// Who writes, and where.
#[derive(Clone, Debug)]
pub(super) struct Author {
    pub(super) sink: String,
    pub(super) instance: u32,
    pub(super) directory: String,
}

/// What was written last.
pub(super) struct StatusWriter {
    author: Author,
    written: Option<(Content, Instant)>,
    writing: Option<JoinHandle<bool>>,
}

/// What tells a change: source partitions, those held back by what, those stopped.
type Content = (Vec<String>, Vec<(String, &'static str)>, Vec<String>);

impl StatusWriter {
    pub(super) fn new(author: Author) -> Self {
        StatusWriter { author, written: None, writing: None }
    }

    /// Writes it in the background if that is due; one that does not get through is tried again later.
    pub(super) fn write<S: Storage>(&mut self, shared: &Arc<Shared<S>>, source_partitions: &[String], ailing: &Ailing) {
        if let Some(writing) = &mut self.writing {
            match writing.now_or_never() {
                Some(Ok(true)) => {}
                // It is due again.
                Some(_) => self.written = None,
                None => return,
            }
            self.writing = None;
        }
        let held_back = ailing.held_back.iter().map(|(topic, held_back)| (topic.clone(), held_back.what)).collect();
        let content = (source_partitions.to_vec(), held_back, ailing.stopped.keys().cloned().collect());
        let now = Instant::now();
        let is_due = match &self.written {
            Some((before, at)) => now - *at >= ALIVE || *before != content && now - *at >= AT_MOST,
            // Nothing has come yet.
            None => content != Content::default(),
        };
        if !is_due {
            return;
        }
        self.written = Some((content, now));
        let (status, shared) = (self.status(source_partitions, ailing), Arc::clone(shared));
        let directory = self.author.directory.clone();
        self.writing = Some(tokio::spawn(async move {
            let written = status.write(&shared.storage, &directory).await;
            if let Err(error) = &written {
                tracing::debug!("the status was not written: {error}");
                tokio::time::sleep(AT_MOST).await;
            }
            written.is_ok()
        }));
    }

    fn status(&self, source_partitions: &[String], ailing: &Ailing) -> Status {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
        let held_back = ailing.held_back.iter().map(|(topic, held_back)| HeldBack {
            topic: topic.clone(),
            what: held_back.what.to_owned(),
            reason: held_back.reason.clone(),
            since: now - held_back.since.elapsed().as_millis() as i64,
        });
        let stopped = ailing.stopped.iter();
        Status {
            sink: self.author.sink.clone(),
            instance: self.author.instance,
            at: now,
            source_partitions: source_partitions.to_vec(),
            held_back: held_back.collect(),
            stopped: stopped.map(|(topic, reason)| Stopped { topic: topic.clone(), reason: reason.clone() }).collect(),
        }
    }
}
