//! Configuration in two steps: what was typed, and what it means.

pub(crate) mod checks;
pub mod keys;
mod resolve;
mod settings;
pub(crate) mod tables;
mod values;

pub(crate) use settings::{Config, Guarantee, OnBadRecord, OnNullValue};

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::keys::KEYS;
    use crate::error::{ErrorKind, Result};
    use crate::storage::hdfs::{Identity, Modes};
    use serde_json::{Value as Json, json};

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
            if key.name == "kerberosKeytab" {
                // Whose key it has.
                configs["kerberosPrincipal"] = json!("etl");
            }
            if key.name == "hiveMetastorePrincipal" {
                // Whose it is.
                configs["hiveMetastoreUris"] = json!("thrift://a:9083");
            }
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
    fn a_timeout_below_the_longest_wait_for_an_acknowledgement_is_refused() {
        let error = parse(json!({ "directory": "/e" }), json!({ "timeoutMs": 500 })).unwrap_err();
        assert!(error.message.contains("timeoutMs (500) is below the 240000 ms"), "{error}");
        let configs = json!({ "directory": "/e", "deliveryGuarantee": "at-least-once" });
        let sink = json!({ "timeoutMs": 500, "processingGuarantees": "ATLEAST_ONCE" });
        let error = parse(configs, sink).unwrap_err();
        assert!(error.message.contains("timeoutMs (500) is below the 60000 ms"), "{error}");
    }

    /// A folder whose hdfs-site.xml has this text.
    fn hadoop_folder_with(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hdfs-site.xml"), text).unwrap();
        folder
    }

    #[test]
    fn a_folder_without_the_hadoop_files_is_refused() {
        let empty = tempfile::tempdir().unwrap();
        assert!(error(json!({ "directory": "/e", "hdfsConfigDir": empty.path() })).contains("core-site.xml"));
    }

    #[test]
    fn who_the_sink_is_to_hdfs_is_said_in_one_way() {
        let identity = |mut keys: Json| {
            keys["directory"] = json!("/e");
            parse(keys, json!({})).map(|config| config.hdfs.identity).map_err(|error| error.message)
        };
        let (principal, keytab) = ("etl/_HOST@EXAMPLE.COM", "/etc/etl.keytab");
        assert_eq!(identity(json!({})), Ok(Identity::Process));
        assert_eq!(identity(json!({ "hdfsUser": "etl" })), Ok(Identity::User("etl".to_owned())));
        assert_eq!(identity(json!({ "kerberosPrincipal": principal })), Ok(Identity::Cache(principal.to_owned())));
        let found = identity(json!({ "kerberosPrincipal": principal, "kerberosKeytab": keytab }));
        assert_eq!(found, Ok(Identity::Keytab { principal: principal.to_owned(), path: keytab.to_owned() }));
        for (keys, says) in [
            (
                json!({ "kerberosKeytab": keytab }),
                "`kerberosKeytab`: whose key it has must be said with kerberosPrincipal",
            ),
            (json!({ "kerberosPrincipal": "etl", "hdfsUser": "etl" }), "`hdfsUser`: kerberosPrincipal says already"),
            (json!({ "kerberosPrincipal": "a/b/c@R" }), "`a/b/c@R` will not do"),
            (json!({ "kerberosPrincipal": "etl@" }), "`etl@` will not do"),
            (json!({ "hiveMetastorePrincipal": "hive/_HOST@R" }), "must be said with hiveMetastoreUris"),
            (
                json!({ "hiveMetastoreUris": "thrift://a:9083", "hiveMetastorePrincipal": "hive@R" }),
                "`hive@R` will not do",
            ),
            (json!({ "kerberosPrincipal": "etl", "kerberosKeytab": "etl.keytab" }), "`etl.keytab` will not do"),
        ] {
            let error = identity(keys).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn modes_are_octal_and_leave_the_owner_what_the_sink_needs() {
        let modes = |keys: Json| {
            let mut configs = json!({ "directory": "/e" });
            configs.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
            parse(configs, json!({})).map(|config| config.hdfs.modes).map_err(|error| error.message)
        };
        assert_eq!(modes(json!({})), Ok(Modes::default()));
        let given = json!({ "fileMode": "0640", "directoryMode": 750 });
        assert_eq!(modes(given), Ok(Modes { file: Some(0o640), directory: Some(0o750) }));
        // What YAML makes of 0640, 0750, 0755 and 0644, too.
        for wrong in ["440", "648", "1640", "64", "", "u=rw", "+640", "416", "488", "493", "420"] {
            assert!(modes(json!({ "fileMode": wrong })).unwrap_err().contains("`fileMode`"), "{wrong}");
        }
        assert!(modes(json!({ "directoryMode": "640" })).unwrap_err().contains("octal"));
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
    fn a_topic_that_is_not_stored_is_refused_under_exactly_once_only() {
        let inputs = json!({ "inputs": ["non-persistent://t/n/visits"] });
        let error = parse(json!({ "directory": "/e" }), inputs.clone()).unwrap_err();
        assert!(error.message.contains("Read persistent://t/n/visits instead"), "{error}");
        let mut at_least_once = inputs;
        at_least_once["processingGuarantees"] = json!("ATLEAST_ONCE");
        parse(json!({ "directory": "/e", "deliveryGuarantee": "at-least-once" }), at_least_once).unwrap();
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
