//! The configuration of the sink that takes all events to HDFS, for `pulsar-admin sinks create
//! --sink-config-file`.

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;

use crate::event::EventKind;

/// The file's name.
pub const FILE: &str = "hdfs-csv.yaml";

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The tenant of the topics and the sink.
    pub tenant: String,
    /// Their namespace.
    pub namespace: String,
    /// The sink's `configs`, in order.
    pub configs: Vec<(String, Json)>,
}

impl Settings {
    /// The settings for these places in HDFS and this rhythm, with days as partitions.
    pub fn new(
        tenant: &str,
        namespace: &str,
        directory: &str,
        hdfs_config_dir: &str,
        commit_interval: &str,
    ) -> Settings {
        let configs = [
            ("directory", directory),
            ("hdfsConfigDir", hdfs_config_dir),
            ("partitionBy", "day"),
            ("partitionTime", "field:timestamp"),
            ("commitInterval", commit_interval),
        ];
        Settings {
            tenant: tenant.to_owned(),
            namespace: namespace.to_owned(),
            configs: configs.map(|(key, value)| (key.to_owned(), value.into())).to_vec(),
        }
    }

    /// Adds or replaces one of the `configs`, given as `key=value`; a value that is a JSON number, `true` or
    /// `false` keeps that type, everything else is text.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let (key, text) = assignment.split_once('=').with_context(|| format!("'{assignment}' is not key=value"))?;
        ensure!(!key.is_empty(), "'{assignment}' has no key");
        let value = match serde_json::from_str(text) {
            Ok(value @ (Json::Number(_) | Json::Bool(_))) => value,
            _ => text.into(),
        };
        match self.configs.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value,
            None => self.configs.push((key.to_owned(), value)),
        }
        Ok(())
    }

    /// The pattern of the topics' full names: these events' and no others, so no dead letter topics.
    pub fn topics_pattern(&self) -> String {
        let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("persistent://{}/{}/({})", self.tenant, self.namespace, names.join("|"))
    }

    /// The sink's configuration as YAML.
    pub fn yaml(&self) -> String {
        let configs: String = self.configs.iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
        format!(
            "# The sink that takes every event to HDFS. Generated from schemas/ by `hdfs-csv sinks --out conf/sinks`:
# change it there. pulsar-admin sinks create --sink-config-file \"$PWD/conf/sinks/{FILE}\"
tenant: {}
namespace: {}
name: cold
archive: builtin://hdfs-csv
topicsPattern: {}
# Exactly once: the broker gives each topic to one instance at a time.
processingGuarantees: EFFECTIVELY_ONCE
sourceSubscriptionName: hdfs-csv-cold
# Pulsar's defaults, Latest and true, lose what was sent before the sink began and while it is replaced.
sourceSubscriptionPosition: Earliest
cleanupSubscription: false
parallelism: 1
configs:
{configs}",
            Json::from(self.tenant.as_str()),
            Json::from(self.namespace.as_str()),
            Json::from(self.topics_pattern()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    fn settings() -> Settings {
        Settings::new("marketplace", "events", "/events", "/etc/hadoop/conf", "60s")
    }

    #[test]
    fn the_pattern_matches_the_topics_and_no_dead_letters() {
        let pattern = Regex::new(&format!("^(?:{})$", settings().topics_pattern())).unwrap();
        assert_eq!(EventKind::ALL.len(), 21);
        for kind in EventKind::ALL {
            let topic = format!("persistent://marketplace/events/{}", kind.name());
            assert!(pattern.is_match(&topic), "{topic}");
            for other in [format!("{topic}-hdfs-csv-dlq"), format!("{topic}2"), topic.replace("events/", "events/x")] {
                assert!(!pattern.is_match(&other), "{other}");
            }
            assert!(!pattern.is_match(&topic.replace("/events/", "/other/")));
        }
    }

    #[test]
    fn a_setting_is_added_or_replaced() {
        let mut settings = settings();
        for assignment in ["commitInterval=1s", "foldBelow=0", "metadataColumns=true", "delimiter=\t", "note=a=b"] {
            settings.set(assignment).unwrap();
        }
        let yaml = settings.yaml();
        for line in [
            "  commitInterval: \"1s\"\n",
            "  foldBelow: 0\n",
            "  metadataColumns: true\n",
            "  delimiter: \"\\t\"\n",
            "  note: \"a=b\"\n",
        ] {
            assert!(yaml.contains(line), "{line}\n{yaml}");
        }
        assert!(settings.set("nothing").is_err());
        assert!(settings.set("=value").is_err());
    }
}
