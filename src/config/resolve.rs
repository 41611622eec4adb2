//! From the texts of keys to a configuration. Every error is told, not the first only.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::config::checks::{check_guarantee, check_inputs_are_persistent, check_tables, check_timeout};
use crate::config::keys::{KEYS, Key};
use crate::config::settings::{Config, Guarantee, OnBadRecord, OnNullValue, SinkSettings};
use crate::config::values::{
    OF_NUMBERS, between, hadoop_folder, one_of, parse_delimiter, parse_directory, parse_duration, parse_local_path,
    parse_metadata, parse_mode, parse_name, parse_pattern, parse_principal, parse_service_principal, parse_size,
    parse_time_source, parse_tls, parse_user, seconds,
};
use crate::error::{Error, ErrorKind, Result};
use crate::hive::HiveSettings;
use crate::hive::client::Address;
use crate::row::Dialect;
use crate::row::compression::Compression;
use crate::row::file_format::FileFormat;
use crate::row::hive::Hive;
use crate::row::partition::{Partitioning, Unit};
use crate::row::rfc4180::Rfc4180;
use crate::row::settings::RowSettings;
use crate::storage::hdfs::{HdfsSettings, Identity, Modes};

/// The settings that Java passes to `open`.
#[derive(Debug, Deserialize)]
struct Settings {
    #[serde(default)]
    configs: Map<String, Json>,
    sink: SinkSettings,
}

impl Config {
    /// Parses the settings that Java passes. The error names every key that is wrong.
    pub(crate) fn from_json(settings: &[u8]) -> Result<Self> {
        let settings: Settings = serde_json::from_slice(settings)
            .map_err(|error| Error::bug(format_args!("the settings from Java cannot be read: {error}")))?;
        let mut values = Values { configs: &settings.configs, errors: Vec::new() };
        let config = values.resolve(settings.sink);
        match config {
            Some(config) if values.errors.is_empty() => Ok(config),
            _ => Err(Error::new(ErrorKind::Config, values.errors.join("\n"))),
        }
    }
}

/// The values of keys, and what is wrong with them.
struct Values<'a> {
    configs: &'a Map<String, Json>,
    errors: Vec<String>,
}

impl Values<'_> {
    /// The configuration that they make; none when something is wrong.
    fn resolve(&mut self, sink: SinkSettings) -> Option<Config> {
        self.refuse_unknown_keys();
        let location = self.parse("directory", parse_directory);
        if location.is_none() && self.errors.is_empty() {
            self.wrong("directory", "it is missing");
        }
        let config_dir = self.parse("hdfsConfigDir", hadoop_folder);
        let identity = self.identity();
        let modes = Modes {
            file: self.parse("fileMode", parse_mode(0o600)),
            directory: self.parse("directoryMode", parse_mode(0o700)),
        };
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
        let chunked = self.parse("chunkedMessageTimeout", between(parse_duration, seconds(1), seconds(3_600)));
        let acknowledgement_delay = match guarantee {
            // A chunk is acknowledged with its message only.
            Some(Guarantee::AtLeastOnce) => Some(Duration::ZERO),
            _ => chunked.zip(commit_interval).map(|(chunked, interval)| chunked + interval),
        };
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
        let on_null_value = self.parse(
            "onNullValue",
            one_of(&[("skip", OnNullValue::Skip), ("deadLetter", OnNullValue::DeadLetter), ("row", OnNullValue::Row)]),
        );
        if let (Some(OnNullValue::DeadLetter), Some(OnBadRecord::Skip | OnBadRecord::Fail)) =
            (on_null_value, on_bad_record)
        {
            self.wrong("onNullValue", "deadLetter needs onBadRecord: deadLetter");
        }
        // Java sends the dead letters and makes subscriptions; here only the keys are known.
        self.parse("deadLetterTopic", |text| Some(text.to_owned()));
        self.parse("subscriptionRolePrefix", |text| {
            let of_name = |c: char| c.is_alphanumeric() || "-_.@:=,+".contains(c);
            (!text.is_empty() && text.chars().all(of_name)).then(|| text.to_owned())
        });
        let addresses = self.parse("hiveMetastoreUris", |text| text.split(',').map(Address::parse).collect());
        let metastore_principal = self.parse("hiveMetastorePrincipal", parse_service_principal);
        if metastore_principal.is_some() && addresses.is_none() {
            self.wrong("hiveMetastorePrincipal", "whose it is must be said with hiveMetastoreUris");
        }
        let tls = self.parse("hiveMetastoreTls", parse_tls);
        let database = self.parse("hiveDatabase", parse_name);
        let open_timeout = self.parse("openTimeout", between(parse_duration, seconds(1), seconds(3_600)));
        let log_level = self.parse("logLevel", |text| text.parse().ok());
        self.errors.extend(check_guarantee(guarantee?, &sink).err());
        if guarantee == Some(Guarantee::ExactlyOnce) {
            self.errors.extend(check_inputs_are_persistent(&sink));
        }
        if let Some((interval, delay)) = commit_interval.zip(acknowledgement_delay) {
            self.errors.extend(check_timeout(&sink, interval + delay).err());
        }
        let (url, directory) = location?;
        let hive = addresses.zip(database).map(|(addresses, database)| {
            let database = database.to_ascii_lowercase();
            HiveSettings { addresses, tls: tls.flatten(), principal: metastore_principal, database }
        });
        self.errors.extend(check_tables(&sink, &directory, table_name_pattern.as_deref()?, hive.is_some()));
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
            hdfs: HdfsSettings { config_dir, url, identity: identity?, modes, operation_timeout: operation_timeout? },
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
            acknowledgement_delay: acknowledgement_delay?,
            max_batch_rows: match guarantee? {
                Guarantee::ExactlyOnce => max_batch_rows?,
                Guarantee::AtLeastOnce => max_batch_rows?.min(max_in_flight?),
            },
            max_file_size: max_file_size?,
            fold_below: fold_below?,
            max_memory: usize::try_from(max_memory?).ok()?,
            on_bad_record: on_bad_record?,
            on_null_value: on_null_value?,
            hive,
            open_timeout: open_timeout?,
            log_level: log_level?,
        })
    }

    /// Who the sink is to HDFS.
    fn identity(&mut self) -> Option<Identity> {
        let principal = self.parse("kerberosPrincipal", parse_principal);
        let keytab = self.parse("kerberosKeytab", parse_local_path);
        let user = self.parse("hdfsUser", parse_user);
        Identity::of(principal, keytab, user).map_err(|(name, what)| self.wrong(name, what)).ok()
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
}
