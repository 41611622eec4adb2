//! Configurations of any bytes, and of any values of the keys that there are: what is wrong is named, and a topic's table is a visible
//! directory of its own below the configured one.

#![no_main]

use hdfs_csv_fuzz::bounds::within;
use hdfs_csv_fuzz::choices::Choices;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::config::keys::KEYS;
use pulsar_io_hdfs_csv::fuzzing::configuration;
use pulsar_io_hdfs_csv::protocol::layout::TableLayout;
use pulsar_io_hdfs_csv::topic::TopicName;
use serde_json::{Map, Value, json};

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    if choices.byte() & 1 == 0 {
        let settings = choices.0;
        if let Err(error) = within((256 << 10) + 512 * settings.len(), || configuration(settings)) {
            assert!(!error.message.is_empty());
        }
        return;
    }
    let mut configs = Map::from_iter([("directory".to_owned(), "/events".into())]);
    let mut names = Vec::new();
    for _ in 0..choices.below(4) {
        let name = match choices.below(KEYS.len() + 1) {
            at if at < KEYS.len() => KEYS[at].name.to_owned(),
            _ => choices.text(),
        };
        let value = match choices.byte() % 4 {
            0 => choices.number().into(),
            1 => Value::Array(vec![choices.text().into(), choices.text().into()]),
            2 => Value::Bool(choices.byte() & 1 == 1),
            _ => choices.text().into(),
        };
        // What is in the file system is another matter.
        if name != "hdfsConfigDir" {
            names.push(name.clone());
            configs.insert(name, value);
        }
    }
    let guarantee = ["EFFECTIVELY_ONCE", "ATLEAST_ONCE", "MANUAL"][choices.below(3)];
    let input = choices.text();
    let sink = json!({ "tenant": "t", "namespace": "n", "name": "s", "subscription": "s", "inputs": [input],
        "processingGuarantees": guarantee, "timeoutMs": choices.number() });
    let settings = serde_json::to_vec(&json!({ "configs": configs, "sink": sink })).expect("it is JSON");
    if let Err(error) = within((256 << 10) + 512 * data.len(), || configuration(&settings)) {
        let message = &error.message;
        let is_of_sink =
            ["processingGuarantees", "timeoutMs", "topic", "inputs"].iter().any(|word| message.contains(word));
        let is_of_key = names.iter().any(|name| message.contains(&format!("`{name}`")));
        assert!(is_of_sink || is_of_key, "{message}");
    }
    if let Ok(topic) = TopicName::parse(&input) {
        // Behind a partition's number the name can look like a partition's again; as a partition's, the same topic is read.
        let partition = TopicName::parse(&format!("{topic}-partition-7")).expect("a name is one");
        assert_eq!(partition.to_string(), topic.to_string());
        let table = TableLayout::new("/events", &topic.local).expect("a topic's name is not empty");
        let name = table.root().strip_prefix("/events/").expect("it is below the directory");
        assert!(!name.contains(['/', ':']) && !name.starts_with(['_', '.']) && name.len() <= 200, "{name}");
    }
});
