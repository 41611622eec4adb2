//! What the faults are done to, and how it is seen that all is well again.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdfs_csv_tool::event::EventKind;
use hdfs_native::ClientBuilder;

use super::producers::Producers;
use super::reader::visible;
use crate::namespace::Namespace;
use crate::random::Random;
use crate::sink::Sink;
use crate::wait::until;

/// For the services' answer to a request that may come while something restarts.
pub(super) const ANSWER: Duration = Duration::from_secs(60);

/// A topic with partitions, what is sent to it, and the sinks on it.
pub struct Scene<'a> {
    /// The topic's namespace.
    pub namespace: &'a Namespace<'a>,
    /// The event of the topic.
    pub kind: EventKind,
    /// The partitioned topic, in full.
    pub topic: String,
    /// The sink under EFFECTIVELY_ONCE, two instances.
    pub exactly_once: &'a Sink<'a>,
    /// As whom it writes.
    pub writer: &'static str,
    /// The sinks under ATLEAST_ONCE.
    pub at_least_once: &'a [Sink<'a>],
    /// The traffic.
    pub producers: &'a Producers<'a>,
    /// How many bursts the exactly-once sink was seen to stream.
    pub streamed: AtomicU64,
}

impl<'a> Scene<'a> {
    /// All sinks, the exactly-once sink first.
    pub fn sinks(&self) -> impl Iterator<Item = &'a Sink<'a>> {
        std::iter::once(self.exactly_once).chain(self.at_least_once)
    }

    /// Waits until each sink has committed so often more, whatever is wrong at first.
    pub fn wait_for_commits(&self, commits: usize, limit: Duration) -> Result<()> {
        let before = self.commits(limit)?;
        until("commits of each sink", limit, || {
            for (sink, before) in self.sinks().zip(&before) {
                sink.give_ports()?;
                let now = sink.commits()?;
                ensure!(now >= before + commits, "{} has {now} commits, and {before} before", sink.directory());
            }
            Ok(())
        })
    }

    /// Waits until the exactly-once sink has committed so often more in every partition.
    pub fn wait_for_commits_of_each_partition(&self, commits: usize, limit: Duration) -> Result<()> {
        let partitions = self.producers.partitions() as usize;
        self.exactly_once.wait_for_commits_of_each(partitions, commits, limit, || Ok(()))
    }

    fn commits(&self, limit: Duration) -> Result<Vec<usize>> {
        until("a look at the commits", limit, || self.sinks().map(Sink::commits).collect())
    }

    /// The exactly-once sink's table on HDFS.
    pub(super) fn table(&self) -> String {
        format!("{}/{}", self.exactly_once.directory(), self.kind.name())
    }

    /// The file of that table which was written last.
    pub(super) async fn newest_file(&self) -> Result<String> {
        let client = ClientBuilder::new().with_config_dir(self.namespace.services.hadoop_conf()?).build()?;
        let mut files = visible(&client, &self.table()).await?;
        files.retain(|file| file.length > 0);
        files
            .into_iter()
            .max_by_key(|file| file.modification_time)
            .map(|file| file.path)
            .context("a table without files")
    }

    /// One of the partition topics, in full.
    pub(super) fn a_partition(&self, random: &mut Random) -> String {
        self.partition(random.below(u64::from(self.producers.partitions())) as u32)
    }

    /// The partition topic of this number, in full.
    pub(super) fn partition(&self, number: u32) -> String {
        format!("{}-partition-{number}", self.topic)
    }

    /// A request to the broker, repeated while it is refused.
    pub(super) fn ask(&self, what: &str, request: impl Fn(&hdfs_csv_stack::Admin) -> Result<()>) -> Result<()> {
        let admin = self.namespace.services.stack().admin();
        until(what, ANSWER, || request(&admin)).with_context(|| self.topic.clone())
    }
}
