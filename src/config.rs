//! Configuration in two steps: what was typed, and what it means. Every error is told, not the first only.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::error::{Error, ErrorKind, Result};
use crate::hive::client::Address;
use crate::hive::{HiveSettings, one_name_for_two, table_name};
use crate::row::Dialect;
use crate::row::compression::Compression;
use crate::row::file_format::FileFormat;
use crate::row::hive::Hive;
use crate::row::metadata::Metadata;
use crate::row::partition::{Partitioning, TimeSource, Unit};
use crate::row::rfc4180::Rfc4180;
use crate::schema::plan::RowSettings;
use crate::storage::hdfs::HdfsSettings;
use crate::topic::TopicName;

/// A configuration key: the one definition that the parser, the errors and the documentation share.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the sink's `configs`.
    pub name: &'static str,
    /// The value when it is not given; none for a key that may be absent, or must be given.
    pub default: Option<&'static str>,
    /// What is allowed, in words.
    pub allowed: &'static str,
    /// A value that would do.
    pub example: &'static str,
    /// What it is for.
    pub help: &'static str,
}

impl Key {
    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        self.name == "directory"
    }
}

const fn key(
    name: &'static str,
    default: Option<&'static str>,
    allowed: &'static str,
    example: &'static str,
    help: &'static str,
) -> Key {
    Key { name, default, allowed, example, help }
}

const A_DURATION: &str = "a duration such as 500ms, 10s, 5m, 2h, 7d";

/// Every key.
pub const KEYS: &[Key] = &[
    key(
        "directory",
        None,
        "an absolute path on HDFS, or hdfs://host:port/path",
        "/events",
        "The directory that the tables are in, one directory per topic. Required.",
    ),
    key(
        "hdfsConfigDir",
        None,
        "a local folder with core-site.xml and hdfs-site.xml",
        "/etc/hadoop/conf",
        "Where the Hadoop client's settings are (address, HA, Kerberos, replication); HADOOP_CONF_DIR when absent.",
    ),
    key(
        "tableNamePattern",
        Some("{topic}"),
        "text with {topic}, {namespace} or {tenant} in it",
        "{namespace}_{topic}",
        "The table's directory name. Two topics must not get the same one.",
    ),
    key(
        "deliveryGuarantee",
        Some("exactly-once"),
        "exactly-once or at-least-once",
        "exactly-once",
        "What is promised of each record. exactly-once needs the sink's processingGuarantees: EFFECTIVELY_ONCE; at-least-once needs ATLEAST_ONCE: nothing is lost, and a record can be in the table twice.",
    ),
    key(
        "dialect",
        Some("hive"),
        "hive or rfc4180",
        "rfc4180",
        "How rows are written: hive is read by Hive's default text format, rfc4180 is quoted CSV for other tools.",
    ),
    key(
        "delimiter",
        Some(","),
        "one ASCII character that is no letter, digit, quote, backslash, LF or CR, and for the dialect hive none of + - . : / = and blank; \\t for a tabulator",
        "\\t",
        "What stands between fields.",
    ),
    key(
        "header",
        Some("false"),
        "true or false; true only for the dialect rfc4180",
        "false",
        "Whether a file begins with the columns' names. Then every commit begins a new file, however small.",
    ),
    key(
        "compression",
        Some("none"),
        "none or gzip",
        "gzip",
        "How files are compressed. Each commit is a gzip member of its own.",
    ),
    key(
        "metadataColumns",
        Some("none"),
        "none, all, or a list of _ledger_id, _entry_id, _batch_index, _publish_time, _event_time, _key, _topic",
        "_ledger_id,_entry_id,_batch_index",
        "Columns that say where a row comes from.",
    ),
    key(
        "partitionBy",
        Some("none"),
        "none, day or hour",
        "day",
        "Whether a table has a partition per day or hour (UTC).",
    ),
    key(
        "partitionTime",
        Some("publishTime"),
        "publishTime, eventTime or field:NAME",
        "field:timestamp",
        "Which time of a record decides on its partition.",
    ),
    key("partitionColumn", Some("dt"), "a name of letters, digits and _", "dt", "The partition column's name."),
    key(
        "partitionPastLimit",
        Some("3650d"),
        A_DURATION,
        "30d",
        "Times further before the publish time go to Hive's default partition: a broken clock must not make thousands of directories.",
    ),
    key(
        "partitionFutureLimit",
        Some("7d"),
        A_DURATION,
        "1d",
        "Times further after the publish time go to Hive's default partition.",
    ),
    key(
        "commitInterval",
        Some("60s"),
        "a duration from 1s to 1d",
        "60s",
        "The longest that a record waits for its commit, also when no other follows.",
    ),
    key("maxBatchRows", Some("10000000"), "1 to 1000000000", "1000000", "A batch is committed at this many rows."),
    key(
        "maxFileSize",
        Some("128MB"),
        "a size from 1MB to 1TB",
        "256MB",
        "A batch is committed when one of its files has this size.",
    ),
    key(
        "maxInFlightRecords",
        Some("20000"),
        "1 to 1000000",
        "20000",
        "Under at-least-once, a batch is committed at this many records. Twice as many can be unacknowledged: the broker's maxUnackedMessagesPerConsumer (50000) must be above that.",
    ),
    key(
        "foldBelow",
        Some("8MB"),
        "0, or a size up to 64MB",
        "8MB",
        "A file below this size grows: the next batch is put behind its rows, so that a quiet topic has one file a day. 0 begins a new file with every commit.",
    ),
    key(
        "maxMemory",
        Some("64MB"),
        "a size from 8MB to 64GB",
        "128MB",
        "The bound on records and rows in native memory; at the bound the sink stops taking records until some are written.",
    ),
    key(
        "onBadRecord",
        Some("deadLetter"),
        "deadLetter, skip or fail",
        "skip",
        "What happens to a record that cannot be written. fail ends the sink after what precedes it is committed.",
    ),
    key(
        "deadLetterTopic",
        None,
        "a topic that the sink does not read",
        "persistent://marketplace/bad/events",
        "Where bad records go; TOPIC-hdfs-csv-dlq when absent.",
    ),
    key(
        "hiveMetastoreUris",
        None,
        "thrift://host:port, or several with commas between",
        "thrift://metastore:9083",
        "Hive metastores of one Hive, tried in turn, that are told of new tables, columns and partitions; none when absent.",
    ),
    key(
        "hiveDatabase",
        Some("default"),
        "a name of letters, digits and _",
        "marketplace",
        "The Hive database that the tables are created in. It must exist.",
    ),
    key("operationTimeout", Some("30s"), "a duration from 1s to 1h", "30s", "The bound on one HDFS call."),
    key(
        "openTimeout",
        Some("60s"),
        "a duration from 1s to 1h",
        "60s",
        "The bound on starting: reaching HDFS and trying the directory.",
    ),
    key(
        "logLevel",
        Some("info"),
        "error, warn, info or debug",
        "debug",
        "How much the native library writes to the function's log.",
    ),
];

/// What is promised of each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    /// It is in the table once.
    ExactlyOnce,
    /// It is in the table, perhaps more than once.
    AtLeastOnce,
}

/// What happens to a record that cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBadRecord {
    /// It goes to a dead-letter topic.
    DeadLetter,
    /// It is counted.
    Skip,
    /// The sink ends, after what precedes it is committed.
    Fail,
}

/// What the functions worker says about the sink.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SinkSettings {
    /// Its tenant.
    pub tenant: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The number of this instance.
    #[serde(default)]
    pub instance: u32,
    /// Its subscription's name.
    pub subscription: String,
    /// ATLEAST_ONCE, ATMOST_ONCE, EFFECTIVELY_ONCE or MANUAL.
    pub processing_guarantees: String,
    /// Whether the subscription goes when the sink is deleted.
    #[serde(default)]
    pub cleanup_subscription: Option<bool>,
    /// Where a new subscription begins.
    #[serde(default)]
    pub subscription_position: Option<String>,
    /// The topics that it reads by name.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// After how many milliseconds without an acknowledgement the client asks for a record again.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// The settings that Java passes to `open`.
#[derive(Debug, Deserialize)]
struct Settings {
    #[serde(default)]
    configs: Map<String, Json>,
    sink: SinkSettings,
}

/// A configuration: only valid states.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the functions worker says.
    pub sink: SinkSettings,
    /// The directory's path on HDFS.
    pub directory: String,
    /// How to reach HDFS.
    pub hdfs: HdfsSettings,
    /// The table's name, with placeholders.
    pub table_name_pattern: String,
    /// How rows are written.
    pub rows: RowSettings,
    /// What is promised of each record.
    pub guarantee: Guarantee,
    /// A record waits no longer for its commit.
    pub commit_interval: Duration,
    /// Rows of a batch.
    pub max_batch_rows: u64,
    /// Bytes of a file.
    pub max_file_size: u64,
    /// Files below this many bytes grow.
    pub fold_below: u64,
    /// Bytes of records and rows in memory.
    pub max_memory: usize,
    /// What happens to a bad record.
    pub on_bad_record: OnBadRecord,
    /// The Hive metastore that is kept up with the tables, if one is.
    pub hive: Option<HiveSettings>,
    /// The bound on starting.
    pub open_timeout: Duration,
    /// The least severe level that is logged.
    pub log_level: tracing::Level,
}

impl Config {
    /// Parses the settings that Java passes. The error names every key that is wrong.
    pub fn from_json(settings: &[u8]) -> Result<Self> {
        let settings: Settings = serde_json::from_slice(settings)
            .map_err(|error| Error::bug(format_args!("the settings from Java cannot be read: {error}")))?;
        let mut values = Values { configs: &settings.configs, errors: Vec::new() };
        let config = values.resolve(settings.sink);
        match config {
            Some(config) if values.errors.is_empty() => Ok(config),
            _ => Err(Error::new(ErrorKind::Config, values.errors.join("\n"))),
        }
    }

    /// What is allowed but loses data for most users.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.sink.cleanup_subscription == Some(true) {
            warnings.push(
                "cleanupSubscription is true: deleting the sink deletes its subscription, and what was not yet read is lost. \
                 Set cleanupSubscription: false"
                    .to_owned(),
            );
        }
        if self.sink.subscription_position.as_deref().unwrap_or("Latest") == "Latest" {
            warnings.push(
                "sourceSubscriptionPosition is Latest: what a topic holds before the sink first subscribes is not written. \
                 Set sourceSubscriptionPosition: Earliest"
                    .to_owned(),
            );
        }
        warnings
    }
}

struct Values<'a> {
    configs: &'a Map<String, Json>,
    errors: Vec<String>,
}

impl Values<'_> {
    fn resolve(&mut self, sink: SinkSettings) -> Option<Config> {
        self.refuse_unknown_keys();
        let location = self.parse("directory", parse_directory);
        if location.is_none() && self.errors.is_empty() {
            self.wrong("directory", "it is missing");
        }
        let config_dir = self.parse("hdfsConfigDir", hadoop_folder);
        if config_dir.as_deref().is_some_and(reads_from_observers) {
            self.wrong(
                "hdfsConfigDir",
                "its hdfs-site.xml uses ObserverReadProxyProvider, whose reads can be stale; set \
                 dfs.client.failover.proxy.provider to org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider",
            );
        }
        let operation_timeout = self.parse("operationTimeout", between(parse_duration, seconds(1), seconds(3_600)));
        let table_name_pattern = self.parse("tableNamePattern", parse_pattern);
        let guarantee = self.parse(
            "deliveryGuarantee",
            one_of(&[("exactly-once", Guarantee::ExactlyOnce), ("at-least-once", Guarantee::AtLeastOnce)]),
        );
        let is_hive = self.parse("dialect", one_of(&[("hive", true), ("rfc4180", false)]));
        let header = self.parse("header", one_of(&[("true", true), ("false", false)]));
        if let (Some(true), Some(true)) = (is_hive, header) {
            self.wrong("header", "Hive would read the names as a row");
        }
        let delimiter = self.parse("delimiter", |text| {
            parse_delimiter(text).filter(|delimiter| is_hive == Some(false) || !OF_NUMBERS.contains(delimiter))
        });
        let compression =
            self.parse("compression", one_of(&[("none", Compression::None), ("gzip", Compression::Gzip)]));
        let metadata = self.parse("metadataColumns", parse_metadata);
        let unit =
            self.parse("partitionBy", one_of(&[("none", None), ("day", Some(Unit::Day)), ("hour", Some(Unit::Hour))]));
        let source = self.parse("partitionTime", parse_time_source);
        let column = self.parse("partitionColumn", parse_name);
        let past_limit = self.parse("partitionPastLimit", parse_duration);
        let future_limit = self.parse("partitionFutureLimit", parse_duration);
        let commit_interval = self.parse("commitInterval", between(parse_duration, seconds(1), seconds(86_400)));
        let max_batch_rows = self.parse("maxBatchRows", between(|text| text.parse().ok(), 1, 1_000_000_000));
        let max_in_flight = self.parse("maxInFlightRecords", between(|text| text.parse().ok(), 1, 1_000_000));
        let max_file_size = self.parse("maxFileSize", between(parse_size, 1 << 20, 1 << 40));
        let fold_below = self.parse("foldBelow", between(parse_size, 0, 64 << 20));
        let max_memory = self.parse("maxMemory", between(parse_size, 8 << 20, 64 << 30));
        let on_bad_record = self.parse(
            "onBadRecord",
            one_of(&[
                ("deadLetter", OnBadRecord::DeadLetter),
                ("skip", OnBadRecord::Skip),
                ("fail", OnBadRecord::Fail),
            ]),
        );
        // Java sends the dead letters; here only the key is known.
        self.parse("deadLetterTopic", |text| Some(text.to_owned()));
        let addresses = self.parse("hiveMetastoreUris", |text| text.split(',').map(Address::parse).collect());
        let database = self.parse("hiveDatabase", parse_name);
        let open_timeout = self.parse("openTimeout", between(parse_duration, seconds(1), seconds(3_600)));
        let log_level = self.parse("logLevel", |text| text.parse().ok());
        self.check_guarantee(guarantee?, &sink);
        if let (Some(timeout), Some(interval)) = (sink.timeout_ms.filter(|timeout| *timeout > 0), commit_interval)
            && u128::from(timeout) < interval.as_millis()
        {
            self.errors.push(format!(
                    "the sink's timeoutMs ({timeout}) is below commitInterval ({} ms): records would be sent again for ever. \
                     Remove timeoutMs, or set it above commitInterval",
                    interval.as_millis()
                ));
        }
        let (url, directory) = location?;
        let hive = addresses.zip(database).map(|(addresses, database)| {
            let database = database.to_ascii_lowercase();
            HiveSettings { addresses, database }
        });
        self.check_tables(&sink, &directory, &table_name_pattern.clone()?, hive.is_some());
        let partitioning = match unit? {
            None => None,
            Some(unit) => Some(Partitioning {
                column: column?,
                unit,
                source: source?,
                past_limit: past_limit?,
                future_limit: future_limit?,
            }),
        };
        Some(Config {
            sink,
            directory,
            hdfs: HdfsSettings { config_dir, url, operation_timeout: operation_timeout? },
            table_name_pattern: table_name_pattern?,
            rows: RowSettings {
                format: FileFormat {
                    dialect: match (is_hive?, delimiter?) {
                        (true, delimiter) => Dialect::Hive(Hive { delimiter }),
                        (false, delimiter) => Dialect::Rfc4180(Rfc4180 { delimiter, header: header? }),
                    },
                    compression: compression?,
                },
                metadata: metadata?,
                partitioning,
            },
            guarantee: guarantee?,
            commit_interval: commit_interval?,
            max_batch_rows: match guarantee? {
                Guarantee::ExactlyOnce => max_batch_rows?,
                Guarantee::AtLeastOnce => max_batch_rows?.min(max_in_flight?),
            },
            max_file_size: max_file_size?,
            fold_below: fold_below?,
            max_memory: usize::try_from(max_memory?).ok()?,
            on_bad_record: on_bad_record?,
            hive,
            open_timeout: open_timeout?,
            log_level: log_level?,
        })
    }

    fn refuse_unknown_keys(&mut self) {
        for name in self.configs.keys() {
            if KEYS.iter().any(|key| key.name == name) {
                continue;
            }
            let closeness =
                |key: &&Key| (strsim::jaro_winkler(&key.name.to_lowercase(), &name.to_lowercase()) * 1e6) as u64;
            let nearest = KEYS.iter().max_by_key(closeness).filter(|key| closeness(key) > 800_000);
            self.errors.push(match nearest {
                Some(key) => format!("configuration key `{name}` is unknown; did you mean `{}`?", key.name),
                None => {
                    let names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
                    format!("configuration key `{name}` is unknown; the keys are {}", names.join(", "))
                }
            });
        }
    }

    /// The value of a key, or of its default; an error when it is not what is allowed.
    fn parse<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let default = KEYS.iter().find(|key| key.name == name).and_then(|key| key.default);
        let text = match self.configs.get(name) {
            None | Some(Json::Null) => default?.to_owned(),
            Some(Json::String(text)) => text.clone(),
            Some(Json::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(","),
            Some(other) => other.to_string(),
        };
        let parsed = parse(&text);
        if parsed.is_none() {
            self.wrong(name, &format!("`{text}` will not do"));
        }
        parsed
    }

    fn wrong(&mut self, name: &str, what: &str) {
        if let Some(key) = KEYS.iter().find(|key| key.name == name) {
            self.errors.push(format!(
                "configuration key `{name}`: {what}; allowed: {}; for example {name}: \"{}\"",
                key.allowed, key.example
            ));
        }
    }

    /// Each topic that is known now gets a table, and none the table of another.
    fn check_tables(&mut self, sink: &SinkSettings, directory: &str, pattern: &str, in_hive: bool) {
        let mut topic_of_table: BTreeMap<String, String> = BTreeMap::new();
        let mut topic_of_hive_table: BTreeMap<String, String> = BTreeMap::new();
        for input in &sink.inputs {
            let name = match TopicName::parse(input) {
                Ok(name) => name,
                Err(error) => {
                    self.errors.push(format!("the sink's inputs: {error}"));
                    continue;
                }
            };
            let table = match name.table(directory, pattern) {
                Ok(table) => table,
                Err(error) => {
                    self.errors.push(format!("topic {input} cannot have a table: {error}"));
                    continue;
                }
            };
            let topic = name.to_string();
            let owner = topic_of_table.entry(table.root().to_owned()).or_insert_with(|| topic.clone());
            if *owner != topic {
                let error = one_table_for_two(owner, &topic, table.root());
                self.errors.push(error);
                continue;
            }
            let name = table_name(table.name());
            let owner = topic_of_hive_table.entry(name.clone()).or_insert_with(|| topic.clone());
            if in_hive && *owner != topic {
                self.errors.push(one_name_for_two(owner, &topic, &name));
            }
        }
    }

    fn check_guarantee(&mut self, guarantee: Guarantee, sink: &SinkSettings) {
        let given = sink.processing_guarantees.as_str();
        let (promise, needed) = match guarantee {
            Guarantee::ExactlyOnce => ("exactly-once", "EFFECTIVELY_ONCE"),
            Guarantee::AtLeastOnce => ("at-least-once", "ATLEAST_ONCE"),
        };
        if given == needed {
            return;
        }
        let or = match given {
            "ATLEAST_ONCE" => "; or set deliveryGuarantee: at-least-once, which allows duplicates",
            "EFFECTIVELY_ONCE" => "; or set deliveryGuarantee: exactly-once",
            _ => "",
        };
        self.errors.push(format!(
            "the sink's processingGuarantees is {given}, but deliveryGuarantee: {promise} needs {needed}. Set processingGuarantees: \
             {needed} in the sink's configuration, or create the sink with --processing-guarantees {needed}{or}"
        ));
    }
}

/// What is wrong when two topics get one table.
pub(crate) fn one_table_for_two(first: &str, second: &str, table: &str) -> String {
    format!(
        "topics {first} and {second} get the same table {table}; set tableNamePattern so that they differ, for example \
         tableNamePattern: \"{{namespace}}_{{topic}}\""
    )
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn between<T: PartialOrd>(parse: impl Fn(&str) -> Option<T>, least: T, most: T) -> impl FnOnce(&str) -> Option<T> {
    move |text| parse(text).filter(|value| *value >= least && *value <= most)
}

fn one_of<T: Clone>(values: &[(&str, T)]) -> impl FnOnce(&str) -> Option<T> {
    move |text| values.iter().find(|(name, _)| *name == text).map(|(_, value)| value.clone())
}

/// A number with one of these units.
fn parse_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

fn parse_duration(text: &str) -> Option<Duration> {
    let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    parse_with_unit(text, &units).map(Duration::from_millis)
}

fn parse_size(text: &str) -> Option<u64> {
    parse_with_unit(text, &[("", 1), ("B", 1), ("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("TB", 1 << 40)])
}

/// A URL of the file system, if one is given, and the path.
fn parse_directory(text: &str) -> Option<(Option<String>, String)> {
    let (url, path) = match text.split_once("://") {
        None => (None, text),
        Some((scheme @ ("hdfs" | "viewfs"), rest)) => {
            let (host, _) = rest.split_once('/')?;
            (Some(format!("{scheme}://{host}")), &rest[host.len()..])
        }
        Some(_) => return None,
    };
    let normal =
        path.starts_with('/') && !path.split('/').any(|part| part == "." || part == "..") && !path.contains("//");
    let path = path.trim_end_matches('/');
    (normal && !path.is_empty()).then(|| (url, path.to_owned()))
}

const HADOOP_FILES: [&str; 2] = ["core-site.xml", "hdfs-site.xml"];

/// A folder with at least one of the Hadoop client's files.
fn hadoop_folder(text: &str) -> Option<String> {
    HADOOP_FILES.iter().any(|file| Path::new(text).join(file).is_file()).then(|| text.to_owned())
}

/// An observer NameNode may answer with a state of the past, in which the newest manifest is missing.
fn reads_from_observers(config_dir: &str) -> bool {
    let read = |file| std::fs::read_to_string(Path::new(config_dir).join(file)).unwrap_or_default();
    HADOOP_FILES.iter().any(|file| read(file).contains("ObserverReadProxyProvider"))
}

fn parse_pattern(text: &str) -> Option<String> {
    let rest = text.replace("{topic}", "").replace("{namespace}", "").replace("{tenant}", "");
    (!text.is_empty() && !rest.contains(['{', '}', '/'])).then(|| text.to_owned())
}

/// What numbers, dates and base64 are written with: Hive does not unescape their columns.
const OF_NUMBERS: &[u8] = b"+-.:/= ";

fn parse_delimiter(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [b'\\', b't'] => Some(b'\t'),
        &[byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"\\\"\n\r\0".contains(&byte) => Some(byte),
        _ => None,
    }
}

fn parse_metadata(text: &str) -> Option<Vec<Metadata>> {
    match text {
        "none" => Some(Vec::new()),
        "all" => Some(Metadata::ALL.to_vec()),
        list => {
            let names: Vec<_> = list.split(',').map(str::trim).collect();
            let known = names.iter().all(|name| Metadata::ALL.iter().any(|metadata| metadata.name() == *name));
            known.then(|| Metadata::ALL.into_iter().filter(|metadata| names.contains(&metadata.name())).collect())
        }
    }
}

fn parse_time_source(text: &str) -> Option<TimeSource> {
    match text {
        "publishTime" => Some(TimeSource::PublishTime),
        "eventTime" => Some(TimeSource::EventTime),
        other => {
            other.strip_prefix("field:").filter(|name| !name.is_empty()).map(|name| TimeSource::Field(name.to_owned()))
        }
    }
}

fn parse_name(text: &str) -> Option<String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (plain && text.starts_with(|c: char| c.is_ascii_alphabetic())).then(|| text.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn parse(configs: Json, sink: Json) -> Result<Config> {
        let mut whole = json!({
            "tenant": "marketplace", "namespace": "events", "name": "cold", "subscription": "cold",
            "processingGuarantees": "EFFECTIVELY_ONCE", "cleanupSubscription": false, "subscriptionPosition": "Earliest",
            "timeoutMs": null, "instance": 0
        });
        whole.as_object_mut().unwrap().extend(sink.as_object().unwrap().clone());
        Config::from_json(&serde_json::to_vec(&json!({ "configs": configs, "sink": whole })).unwrap())
    }

    fn error(configs: Json) -> String {
        let error = parse(configs, json!({})).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        error.message
    }

    #[test]
    fn a_directory_is_enough_and_every_default_is_valid() {
        let config = parse(json!({ "directory": "/events/" }), json!({})).unwrap();
        assert_eq!(config.directory, "/events");
        assert_eq!(config.commit_interval, Duration::from_secs(60));
        assert_eq!(config.rows.partitioning, None);
        assert_eq!(config.warnings(), Vec::<String>::new());
    }

    #[test]
    fn every_example_in_the_definition_is_valid() {
        let folder = hadoop_folder_with("<configuration/>");
        for key in KEYS {
            let example = if key.name == "hdfsConfigDir" { folder.path().to_str().unwrap() } else { key.example };
            let mut configs = json!({ "directory": "/events" });
            configs[key.name] = json!(example);
            parse(configs, json!({})).unwrap_or_else(|error| panic!("{}: {error}", key.name));
        }
    }

    #[test]
    fn every_key_refuses_what_it_cannot_be_and_says_what_is_allowed_with_an_example() {
        for key in KEYS.iter().filter(|key| key.name != "deadLetterTopic") {
            for wrong in [json!(""), json!({ "a": 1 }), json!("no such thing?!/")] {
                let mut configs = json!({ "directory": "/events" });
                configs[key.name] = wrong.clone();
                let error = error(configs);
                assert!(error.contains(&format!("`{}`", key.name)), "{wrong}: {error}");
                assert!(error.contains(key.allowed) && error.contains(key.example), "{wrong}: {error}");
            }
        }
    }

    #[test]
    fn every_key_that_is_misspelt_is_refused_with_the_one_that_was_meant() {
        for key in KEYS {
            for misspelt in
                [format!("{}s", key.name), key.name[..key.name.len() - 1].to_owned(), key.name.to_uppercase()]
            {
                let mut configs = json!({ "directory": "/events" });
                configs[&misspelt] = json!(key.example);
                let error = error(configs);
                let says = format!("`{misspelt}` is unknown; did you mean `{}`?", key.name);
                assert!(error.contains(&says), "{says}: {error}");
            }
        }
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        for (name, value) in [
            ("commitInterval", "0s"),
            ("commitInterval", "25h"),
            ("maxMemory", "1MB"),
            ("maxBatchRows", "0"),
            ("maxFileSize", "99999999999999999999"),
            ("operationTimeout", "10ms"),
            ("delimiter", "ab"),
            ("delimiter", "é"),
            ("delimiter", "-"),
            ("delimiter", "\""),
            ("header", "true"),
        ] {
            assert!(error(json!({ "directory": "/e", name: value })).contains(name), "{name} {value}");
        }
    }

    #[test]
    fn all_errors_are_told_at_once() {
        let error = error(json!({ "directory": "events", "commitIntervall": "1s", "maxMemory": 7 }));
        assert!(error.contains("`directory`: `events` will not do"), "{error}");
        assert!(error.contains("`commitIntervall` is unknown; did you mean `commitInterval`?"), "{error}");
        assert!(error.contains("`maxMemory`: `7` will not do"), "{error}");
        assert_eq!(error.lines().count(), 3);
    }

    #[test]
    fn a_missing_directory_is_told_as_missing() {
        assert!(error(json!({})).contains("`directory`: it is missing"));
    }

    #[test]
    fn a_guarantee_that_does_not_fit_names_the_line_to_change() {
        for (promise, guarantee, needed) in [
            ("exactly-once", "ATLEAST_ONCE", "EFFECTIVELY_ONCE"),
            ("exactly-once", "ATMOST_ONCE", "EFFECTIVELY_ONCE"),
            ("exactly-once", "MANUAL", "EFFECTIVELY_ONCE"),
            ("at-least-once", "EFFECTIVELY_ONCE", "ATLEAST_ONCE"),
            ("at-least-once", "ATMOST_ONCE", "ATLEAST_ONCE"),
        ] {
            let configs = json!({ "directory": "/e", "deliveryGuarantee": promise });
            let error = parse(configs, json!({ "processingGuarantees": guarantee })).unwrap_err();
            assert!(error.message.contains(&format!("processingGuarantees: {needed}")), "{error}");
        }
        let configs = json!({ "directory": "/e", "deliveryGuarantee": "at-least-once" });
        let config = parse(configs, json!({ "processingGuarantees": "ATLEAST_ONCE" })).unwrap();
        assert_eq!((config.guarantee, config.max_batch_rows), (Guarantee::AtLeastOnce, 20_000));
    }

    #[test]
    fn a_timeout_below_the_commit_interval_is_refused() {
        let error = parse(json!({ "directory": "/e" }), json!({ "timeoutMs": 500 })).unwrap_err();
        assert!(error.message.contains("timeoutMs (500) is below commitInterval (60000 ms)"), "{error}");
    }

    /// A folder whose hdfs-site.xml has this text.
    fn hadoop_folder_with(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hdfs-site.xml"), text).unwrap();
        folder
    }

    #[test]
    fn a_folder_without_the_hadoop_files_and_one_that_reads_from_observers_are_refused() {
        let empty = tempfile::tempdir().unwrap();
        assert!(error(json!({ "directory": "/e", "hdfsConfigDir": empty.path() })).contains("core-site.xml"));
        let observers = hadoop_folder_with("<value>org.example.ObserverReadProxyProvider</value>");
        assert!(error(json!({ "directory": "/e", "hdfsConfigDir": observers.path() })).contains("can be stale"));
    }

    #[test]
    fn two_inputs_that_get_one_table_are_refused_unless_the_pattern_tells_them_apart() {
        let inputs =
            json!({ "inputs": ["persistent://t/one/visits", "t/two/visits", "persistent://t/one/visits-partition-1"] });
        let error = parse(json!({ "directory": "/e" }), inputs.clone()).unwrap_err();
        assert_eq!(error.message.lines().count(), 1, "{error}");
        assert!(error.message.contains("persistent://t/one/visits and persistent://t/two/visits"), "{error}");
        parse(json!({ "directory": "/e", "tableNamePattern": "{namespace}.{topic}" }), inputs).unwrap();
    }

    #[test]
    fn inputs_that_get_one_name_in_hive_are_refused_when_its_metastore_is_kept_up() {
        let inputs = json!({ "inputs": ["t/n/page.visit", "t/n/Page_Visit"] });
        parse(json!({ "directory": "/e" }), inputs.clone()).unwrap();
        let hive =
            json!({ "directory": "/e", "hiveMetastoreUris": "thrift://a:9083,thrift://b:9083", "hiveDatabase": "Raw" });
        let error = parse(hive.clone(), inputs).unwrap_err();
        assert!(error.message.contains("the same table `page_visit` in Hive"), "{error}");
        let settings = parse(hive, json!({})).unwrap().hive.unwrap();
        assert_eq!((settings.addresses.len(), settings.database.as_str()), (2, "raw"));
    }

    #[test]
    fn settings_that_lose_data_are_warned_about() {
        let config = parse(
            json!({ "directory": "hdfs://nn:8020/e" }),
            json!({ "cleanupSubscription": true, "subscriptionPosition": "Latest" }),
        )
        .unwrap();
        assert_eq!(config.hdfs.url.as_deref(), Some("hdfs://nn:8020"));
        assert_eq!(config.warnings().len(), 2);
    }
}
