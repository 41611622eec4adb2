//! A sink on the services.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hdfs_csv_stack::Error;
use hdfs_csv_tool::audit::report::AuditReport;
use hdfs_csv_tool::audit::{Period, Subject, audit};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::verify::{tables, verify};
use pulsar_io_hdfs_csv::protocol::layout::TableLayout;
use pulsar_io_hdfs_csv::storage::Storage;
use pulsar_io_hdfs_csv::storage::hdfs::Hdfs;
use serde_json::{Value, json};

use crate::namespace::Namespace;
use crate::shared::TENANT;
use crate::wait::{LIMIT, until, until_true};

/// A sink tells its metrics once a second.
const REPORT_LIMIT: Duration = Duration::from_secs(20);

/// A sink: its configuration, and what the services say about it.
pub struct Sink<'a> {
    namespace: &'a Namespace<'a>,
    name: String,
    kinds: Vec<EventKind>,
    topics: Vec<String>,
    config: Value,
    /// Who makes it, where Pulsar asks for roles; none for its operator.
    role: Option<String>,
}

impl<'a> Sink<'a> {
    /// A sink that reads the topics of these events into `/<namespace>/<name>`: a second's commits, days as partitions,
    /// ids of the messages as columns, and acknowledgements soon: nothing is sent in chunks. It does not run yet.
    pub fn new(namespace: &'a Namespace<'a>, name: &str, kinds: &[EventKind]) -> Result<Sink<'a>> {
        let topics = kinds.iter().map(|&kind| namespace.topic(kind)).collect();
        let mut sink =
            Sink { namespace, name: name.to_owned(), kinds: kinds.to_vec(), topics, config: Value::Null, role: None };
        sink.config = json!({
            "archive": "builtin://hdfs-csv",
            "inputs": sink.topics,
            "processingGuarantees": "EFFECTIVELY_ONCE",
            "sourceSubscriptionName": sink.subscription(),
            "sourceSubscriptionPosition": "Earliest",
            "cleanupSubscription": false,
            "parallelism": 1,
            "resources": { "ram": 256 << 20 },
            "configs": {
                "directory": sink.directory(),
                "hdfsConfigDir": namespace.services.hadoop_conf()?,
                "metadataColumns": "_ledger_id,_entry_id,_batch_index",
                "partitionBy": "day",
                "partitionTime": "field:timestamp",
                "commitInterval": "1s",
                "chunkedMessageTimeout": "1s",
            },
        });
        Ok(sink)
    }

    /// A sink that reads topics of any schemas, given by their full names; otherwise like [`Sink::new`], but without
    /// partitions.
    pub fn of_topics(namespace: &'a Namespace<'a>, name: &str, topics: &[String]) -> Result<Sink<'a>> {
        let mut sink = Sink::new(namespace, name, &[])?.setting("inputs", json!(topics));
        sink.topics = topics.to_vec();
        Ok(sink.config("partitionBy", Value::Null).config("partitionTime", Value::Null))
    }

    /// Changes one of the sink's own settings, as `parallelism`.
    pub fn setting(mut self, key: &str, value: Value) -> Sink<'a> {
        self.config[key] = value;
        self
    }

    /// Gives it a role in Pulsar, in a stack that asks for roles.
    pub fn role(mut self, role: &str) -> Sink<'a> {
        self.role = Some(role.to_owned());
        self
    }

    /// What it is created with.
    pub fn configuration(&self) -> &Value {
        &self.config
    }

    /// Whether a record is to be in its tables no more than once.
    pub fn is_exactly_once(&self) -> bool {
        self.config["processingGuarantees"] == "EFFECTIVELY_ONCE"
    }

    /// How many instances it has.
    pub fn instances(&self) -> u32 {
        self.config["parallelism"].as_u64().unwrap_or(1) as u32
    }

    /// Changes one of its `configs`; null takes it away.
    pub fn config(mut self, key: &str, value: Value) -> Sink<'a> {
        match self.config["configs"].as_object_mut() {
            Some(configs) if value.is_null() => drop(configs.remove(key)),
            _ => self.config["configs"][key] = value,
        }
        self
    }

    /// Creates it. That it runs is for [`Sink::wait_until_it_runs`] to say, or for what it commits.
    pub fn create(self) -> Result<Sink<'a>> {
        self.create_again()?;
        Ok(self)
    }

    /// Creates it again after it was deleted.
    pub fn create_again(&self) -> Result<()> {
        let admin = match &self.role {
            Some(role) => self.namespace.services.stack().admin_as(role)?,
            None => self.admin(),
        };
        admin.create_sink(&self.namespace.full_name(), &self.name, &self.config).with_context(|| self.describe())
    }

    /// Gives it the configuration that this now has.
    pub fn update(&self) -> Result<()> {
        self.admin().update_sink(&self.namespace.full_name(), &self.name, &self.config).with_context(|| self.describe())
    }

    /// Gives it so many instances.
    pub fn scale(&mut self, instances: u32) -> Result<()> {
        self.config["parallelism"] = json!(instances);
        self.update()
    }

    /// Stops its instances; [`Sink::start`] starts them again.
    pub fn stop(&self) -> Result<()> {
        self.admin().stop_sink(&self.namespace.full_name(), &self.name).with_context(|| self.describe())
    }

    /// Starts its instances.
    pub fn start(&self) -> Result<()> {
        self.admin().start_sink(&self.namespace.full_name(), &self.name).with_context(|| self.describe())
    }

    /// What its first instance has logged; empty before it starts.
    pub fn log(&self) -> String {
        self.log_of(0)
    }

    /// What this instance has logged; empty before it starts.
    pub fn log_of(&self, instance: u32) -> String {
        let folder = self.namespace.services.stack().pulsar().function_log_dir();
        let log = format!("{}/{}/{}-{instance}.log", self.namespace.full_name(), self.name, self.name);
        std::fs::read_to_string(folder.join(log)).unwrap_or_default()
    }

    /// What the worker of its first instance has logged, of other sinks too: in the thread runtime the library's lines are there.
    pub fn worker_log(&self) -> String {
        let log = self.namespace.services.stack().log_dir().join("pulsar.log");
        std::fs::read_to_string(log).unwrap_or_default()
    }

    /// Stops all its instances and starts them again.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.start()
    }

    /// Deletes it.
    pub fn delete(&self) -> Result<()> {
        self.admin().delete_sink(&self.namespace.full_name(), &self.name).with_context(|| self.describe())
    }

    /// How many rows the commits of its tables count.
    pub fn committed_rows(&self) -> Result<u64> {
        let services = self.namespace.services();
        let hdfs = services.hdfs()?;
        services.wait_for(async {
            let mut rows = 0;
            for table in tables(&hdfs, &self.directory()).await? {
                rows += verify(&hdfs, &table).await?.source_partitions.values().map(|own| own.rows).sum::<u64>();
            }
            Ok(rows)
        })
    }

    /// Its only table.
    pub async fn table(&self, hdfs: &Hdfs) -> Result<TableLayout> {
        let mut found = tables(hdfs, &self.directory()).await?;
        found.pop().filter(|_| found.is_empty()).context("not one table")
    }

    /// What `hdfs-csv audit` says of its only table and this topic.
    pub fn audit(&self, topic: &str) -> Result<AuditReport> {
        let services = self.namespace.services();
        let (hdfs, client) = (services.hdfs()?, services.pulsar()?);
        services.wait_for(async {
            let table = self.table(&hdfs).await?;
            let subject = Subject::new(topic.to_owned(), Some(table));
            audit(&hdfs, &client, &subject, Period::default(), LIMIT, &|_| ()).await
        })
    }

    /// Its directory on HDFS.
    pub fn directory(&self) -> String {
        match self.config["configs"]["directory"].as_str() {
            Some(directory) => directory.to_owned(),
            None => format!("/{}/{}", self.namespace.name, self.name),
        }
    }

    /// The events whose topics it reads.
    pub fn kinds(&self) -> &[EventKind] {
        &self.kinds
    }

    /// The namespace of its topics.
    pub fn namespace(&self) -> &Namespace<'a> {
        self.namespace
    }

    /// What Pulsar says about it.
    pub fn status(&self) -> Result<Value> {
        Ok(self.admin().sink_status(&self.namespace.full_name(), &self.name)?)
    }

    /// Waits until all instances run.
    pub fn wait_until_it_runs(&self) -> Result<()> {
        until(&format!("{} runs", self.describe()), LIMIT, || {
            self.give_ports()?;
            let status = self.status()?;
            ensure!(status["numRunning"] == self.config["parallelism"], "{status}");
            Ok(())
        })
    }

    /// The processes of its instances that are alive: instance and process id.
    pub fn processes(&self) -> Vec<(u32, u32)> {
        self.namespace.services.stack().function_pids(TENANT, &self.namespace.name, &self.name)
    }

    /// Starts it anew if the worker gave one of its instances a port that is another's: whether it did. Such an instance
    /// never runs, which is no fault of the connector.
    pub fn give_ports(&self) -> Result<bool> {
        let pulsar = self.namespace.services.stack().pulsar();
        let lacks = pulsar.function_lacks_a_port(TENANT, &self.namespace.name, &self.name);
        if lacks {
            println!("{}: the worker gave an instance one port for two purposes", self.describe());
            self.restart()?;
        }
        Ok(lacks)
    }

    /// Waits for the process of an instance, another one than that which had this id.
    pub fn wait_for_process(&self, instance: u32, other_than: Option<u32>) -> Result<u32> {
        until(&format!("a process for instance {instance} of {}", self.describe()), LIMIT, || {
            let processes = self.processes();
            let found = processes.iter().find(|(number, pid)| *number == instance && Some(*pid) != other_than);
            found.map(|(_, pid)| *pid).with_context(|| format!("there are {processes:?}"))
        })
    }

    /// Waits until every topic of it, or partition, has a consumer.
    pub fn wait_until_it_consumes(&self) -> Result<()> {
        let topics = self.source_partitions()?;
        until(&format!("{} consumes", self.describe()), LIMIT, || {
            self.give_ports()?;
            for topic in &topics {
                let stats = self.admin().topic_stats(topic)?;
                let consumers = &stats["subscriptions"][self.subscription()]["consumers"];
                ensure!(consumers.as_array().is_some_and(|all| !all.is_empty()), "{topic} has no consumer");
            }
            Ok(())
        })
    }

    /// Waits until none of its topics has a consumer: after [`Sink::stop`] an instance goes on for a moment.
    pub fn wait_until_it_has_stopped(&self) -> Result<()> {
        let topics = self.source_partitions()?;
        until(&format!("{} has stopped", self.describe()), LIMIT, || {
            for topic in &topics {
                let stats = self.admin().topic_stats(topic)?;
                let consumers = &stats["subscriptions"][self.subscription()]["consumers"];
                ensure!(consumers.as_array().is_none_or(Vec::is_empty), "{topic} has {consumers}");
            }
            Ok(())
        })
    }

    /// Kills the process of one of its instances with SIGKILL; false when it has ended by itself: an instance that the
    /// worker was too busy to ask after does.
    pub fn kill(&self, pid: u32) -> Result<bool> {
        match self.namespace.services.stack().kill_process(pid) {
            Ok(()) => Ok(true),
            Err(Error::Foreign(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until every message that its topics hold is acknowledged.
    pub fn wait_until_all_is_acknowledged(&self, limit: Duration) -> Result<()> {
        let topics = self.source_partitions()?;
        until_true(&format!("{} has no backlog", self.describe()), limit, || {
            self.give_ports()?;
            let mut left = Vec::new();
            for topic in &topics {
                match self.backlog(topic)? {
                    0 => {}
                    backlog => left.push(format!("{backlog} in {topic}")),
                }
            }
            Ok((left.is_empty(), left.join(", ")))
        })
    }

    /// Its topics, each partition for itself.
    fn source_partitions(&self) -> Result<Vec<String>> {
        let wanted = &self.topics;
        let mut all = self.admin().topics(&self.namespace.full_name())?;
        all.retain(|name| wanted.iter().any(|topic| name == topic || name.starts_with(&format!("{topic}-partition-"))));
        ensure!(all.len() >= wanted.len(), "of the topics {wanted:?} there are only {all:?}");
        Ok(all)
    }

    /// How many entries of a topic it has not acknowledged.
    pub fn backlog(&self, topic: &str) -> Result<u64> {
        let stats = self.admin().topic_stats(topic)?;
        match stats["subscriptions"][self.subscription()]["msgBacklog"].as_u64() {
            Some(backlog) => Ok(backlog),
            None => bail!("{topic} has no subscription {}: {}", self.subscription(), stats["subscriptions"]),
        }
    }

    /// Waits until so many partitions have so many commits more, of which the second one began after now. What the check finds wrong is
    /// what the error says.
    pub fn wait_for_commits_of_each(
        &self,
        partitions: usize,
        commits: usize,
        limit: Duration,
        check: impl Fn() -> Result<()>,
    ) -> Result<()> {
        let before = until("a look at the commits", limit, || self.newest_commits())?;
        until(&format!("{commits} commits in each partition of {}", self.describe()), limit, || {
            self.give_ports()?;
            check()?;
            let now = self.newest_commits()?;
            ensure!(now.len() >= partitions, "of {partitions} partitions these have commits: {now:?}");
            let waits = now.iter().find(|(name, now)| **now < before.get(*name).copied().unwrap_or_default() + commits);
            ensure!(waits.is_none(), "{waits:?} waits; before there were {before:?}");
            Ok(())
        })
    }

    /// How many commits its tables have had.
    pub fn commits(&self) -> Result<usize> {
        Ok(self.newest_commits()?.values().sum())
    }

    /// The sequence of the newest commit by source partition. Their number would go back when old ones are pruned.
    pub fn newest_commits(&self) -> Result<BTreeMap<String, usize>> {
        let services = self.namespace.services;
        services.wait_for(newest_commits(&services.hdfs()?, &self.directory()))
    }

    /// The files in the staging folders of its tables: those of source partitions, and small ones that are put if absent.
    pub fn staged(&self) -> Result<(Vec<String>, Vec<String>)> {
        if self.namespace.services.stack().kdc().is_ok() {
            return self.staged_by_command();
        }
        let hdfs = self.namespace.services.hdfs()?;
        self.namespace.services.wait_for(async {
            let (mut staged, mut small) = (Vec::new(), Vec::new());
            for table in tables(&hdfs, &self.directory()).await? {
                let folder = table.path("_staging");
                for entry in hdfs.list(&folder).await? {
                    let path = format!("{folder}/{}", entry.name);
                    if entry.is_directory {
                        let inside = hdfs.list(&path).await?;
                        staged.extend(inside.iter().map(|file| format!("{path}/{}", file.name)));
                    } else {
                        small.push(path);
                    }
                }
            }
            Ok((staged, small))
        })
    }

    /// The same by Hadoop's own command, where HDFS wants proof: this process's environment has no KDC.
    fn staged_by_command(&self) -> Result<(Vec<String>, Vec<String>)> {
        let listed = self.namespace.services.stack().fs_shell(&["-ls", "-R", &self.directory()])?;
        let files =
            listed.lines().filter(|line| line.starts_with('-')).filter_map(|line| line.split_whitespace().last());
        let staged = files.filter(|path| path.contains("/_staging/")).map(str::to_owned);
        Ok(staged.partition(|path| path.split("/_staging/").nth(1).is_some_and(|below| below.contains('/'))))
    }

    /// Deletes what is staged: an open file, which a killed instance leaves, can be read by nobody. The sink must have
    /// nothing to commit.
    pub fn discard_staged(&self) -> Result<()> {
        let (staged, small) = self.staged()?;
        let paths: Vec<&str> = staged.iter().chain(&small).map(String::as_str).collect();
        if !paths.is_empty() {
            self.namespace.services.stack().fs_shell(&[&["-rm", "-f", "-skipTrash"], &paths[..]].concat())?;
        }
        Ok(())
    }

    /// Waits until it commits something, whatever that is.
    pub fn wait_for_a_commit(&self, limit: Duration) -> Result<()> {
        let before = self.commits()?;
        until(&format!("{} commits", self.describe()), limit, || {
            self.give_ports()?;
            let commits = self.commits()?;
            ensure!(commits > before, "there are {commits} commits, as before");
            Ok(())
        })
    }

    /// How many messages its instances have taken since they started.
    pub fn taken(&self) -> Result<u64> {
        let status = self.status()?;
        let instances = status["instances"].as_array().context("a status without instances")?;
        Ok(instances.iter().filter_map(|instance| instance["status"]["numWrittenToSink"].as_u64()).sum())
    }

    /// A gauge as it is now: the sum of what it was told to have changed by, when it is told the next time.
    pub fn gauge(&self, name: &str) -> Result<f64> {
        let (_, count) = self.summary(name)?;
        until(&format!("{} tells {name} again", self.describe()), REPORT_LIMIT, || {
            let (sum, later) = self.summary(name)?;
            ensure!(later > count, "it has told it {count} times, as before");
            Ok(sum)
        })
    }

    /// A counter since each of its instances started, of all of them.
    pub fn total(&self, name: &str) -> Result<f64> {
        Ok(self.values(name, "sum")?.iter().sum())
    }

    /// The sum and the count of a metric's values, from the worker's metrics.
    fn summary(&self, name: &str) -> Result<(f64, f64)> {
        let first = |kind: &str| {
            let told = self.values(name, kind)?.first().copied();
            told.with_context(|| format!("{} has told no {name}", self.describe()))
        };
        Ok((first("sum")?, first("count")?))
    }

    /// What each instance has told of a metric, from the worker's metrics.
    fn values(&self, name: &str, kind: &str) -> Result<Vec<f64>> {
        let all = self.admin().get("/metrics/")?;
        let all = all.as_str().context("metrics that are no text")?;
        let labels = [
            format!("namespace=\"{}\"", self.namespace.full_name()),
            format!("name=\"{}\"", self.name),
            format!("metric=\"{name}\""),
        ];
        let start = format!("pulsar_sink_user_metric__{kind}{{");
        let own = |line: &&str| line.starts_with(&start) && labels.iter().all(|label| line.contains(label.as_str()));
        let value = |line: &str| -> Result<f64> {
            let value = line.split("} ").nth(1).and_then(|rest| rest.split(' ').next());
            Ok(value.context("a metric without value")?.parse()?)
        };
        all.lines().filter(own).map(value).collect()
    }

    /// Its subscription's name.
    pub fn subscription(&self) -> String {
        match self.config["sourceSubscriptionName"].as_str() {
            Some(name) => name.to_owned(),
            None => format!("hdfs-csv-{}", self.name),
        }
    }

    fn admin(&self) -> hdfs_csv_stack::Admin {
        self.namespace.services.stack().admin()
    }

    fn describe(&self) -> String {
        format!("sink {}/{}", self.namespace.full_name(), self.name)
    }
}

/// The sequence of the newest commit by source partition, of the tables in a directory.
pub(crate) async fn newest_commits(hdfs: &Hdfs, directory: &str) -> Result<BTreeMap<String, usize>> {
    let mut newest = BTreeMap::new();
    for table in tables(hdfs, directory).await? {
        for source_partition in hdfs.list(&table.commits()).await? {
            let path = format!("{}/{}", table.commits(), source_partition.name);
            let manifests = hdfs.list(&path).await?;
            let sequences = manifests.iter().filter_map(|file| file.name.strip_suffix(".json")?.parse().ok());
            newest.insert(path, sequences.max().unwrap_or_default());
        }
    }
    Ok(newest)
}
