//! What cannot be written, and what must not be: bad records, and another sink's table.

use std::collections::HashMap;
use std::io::Write;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use hdfs_csv_tests::{
    Comparison, Expected, Field, Fields, LIMIT, Letter, Namespace, Services, Shared, Sink, encode, letters, until,
};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::command::Cli;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::{Event, EventKind, Value};
use hdfs_csv_tool::publish::{Publisher, Receipt, send_all};
use hdfs_csv_tool::replay::{Replay, ReplayReport};
use hdfs_csv_tool::topic::read_all;
use hdfs_csv_tool::traffic::text::AWKWARD;
use pulsar::producer::Message;
use serde_json::json;

const KIND: EventKind = EventKind::Searching;
/// 2026-02-10.
const DAY: i64 = 1_770_681_600_000;
/// The first moment of the year 10000, which Hive cannot hold.
const TOO_LATE: i64 = 253_402_300_800_000;

/// A message that is or is not to be in the table.
struct Sent {
    message: Message,
    /// What the dead letter's reason must say; none for a good record.
    bad: Option<&'static str>,
}

#[test]
fn bad_records_go_to_the_dead_letter_topic_as_they_came_and_their_neighbours_are_committed_in_order() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("bad")?;
        let mut sent = Vec::new();
        for batch in [1, 10] {
            let messages = messages()?;
            let receipts = send(&namespace, Some(KIND.schema_text()), batch, &messages)?;
            sent.extend(messages.into_iter().zip(receipts));
        }
        let bare = vec![Sent { message: message(good(0)?, 99), bad: Some("no-schema") }];
        let receipts = send(&namespace, None, 1, &bare)?;
        sent.extend(bare.into_iter().zip(receipts));
        let last = vec![Sent { message: message(good(1)?, 100), bad: None }];
        let receipts = send(&namespace, Some(KIND.schema_text()), 1, &last)?;
        sent.extend(last.into_iter().zip(receipts));

        let sink = Sink::new(&namespace, "cold", &[KIND])?.create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let dead: Vec<_> = sent.iter().filter(|(sent, _)| sent.bad.is_some()).collect();
        let positions = services.scratch("dead.jsonl");
        let mut file = std::fs::File::create(&positions)?;
        for (_, Receipt { position, .. }) in &dead {
            let (ledger, entry, batch_index) = (position.ledger, position.entry, position.batch_index);
            writeln!(
                file,
                "{}",
                json!({ "topic": namespace.topic(KIND), "ledger": ledger, "entry": entry, "batch_index": batch_index })
            )?;
        }
        let summary = Comparison::of(&sink).option("--dead", &positions).run()?;
        ensure!(summary["rows"] == sent.len() - dead.len(), "{summary}");

        let letters = letters(services, &namespace.topic(KIND), dead.len())?;
        let stats = services.stack().admin().topic_stats(&format!("{}-hdfs-csv-dlq", namespace.topic(KIND)))?;
        let kept = &stats["subscriptions"]["hdfs-csv-replay"]["msgBacklog"];
        ensure!(*kept == dead.len(), "{kept} of {} letters are kept until they are sent back", dead.len());
        let order: Vec<_> = letters.iter().map(|letter| letter.position()).collect();
        let expected: Vec<_> = dead.iter().map(|(_, receipt)| text(receipt)).collect();
        ensure!(
            order.iter().flatten().eq(&expected),
            "the dead letters are {order:?}, in this order; sent were {expected:?}"
        );
        for ((sent, receipt), letter) in dead.iter().zip(&letters) {
            same(&namespace, sent, letter).with_context(|| format!("the dead letter of {receipt:?}: {letter:?}"))?;
        }
        sink.delete()
    })
}

#[test]
fn a_table_of_another_sink_is_refused_with_words_that_say_whose_it_is_until_it_is_adopted() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("owned")?;
        let messages: Vec<_> = (0..20).map(good).collect::<Result<_>>()?;
        let messages: Vec<_> =
            messages.into_iter().map(|payload| Sent { message: message(payload, 0), bad: None }).collect();
        send(&namespace, Some(KIND.schema_text()), 1, &messages)?;
        let owner = Sink::new(&namespace, "owner", &[KIND])?.create()?;
        owner.wait_until_all_is_acknowledged(LIMIT)?;

        let intruder = Sink::new(&namespace, "intruder", &[KIND])?.config("directory", json!(owner.directory()));
        let intruder = intruder.create()?;
        until("the refusal in the log", LIMIT, || {
            let text = intruder.worker_log();
            for says in [
                "the table belongs to another sink",
                "this source partition is held back",
                "marketplace/owned/owner`",
                "cluster `standalone`",
                "tableNamePattern",
            ] {
                ensure!(text.contains(says), "the log does not say '{says}'");
            }
            Ok(())
        })?;
        println!("the intruder's status: {}", intruder.status()?);
        // At each of its starts it tries the directory with a file.
        intruder.delete()?;

        send(&namespace, Some(KIND.schema_text()), 1, &messages)?;
        owner.wait_until_all_is_acknowledged(LIMIT)?;
        let summary = Comparison::of(&owner).run()?;
        ensure!(summary["rows"] == 2 * messages.len(), "{summary}");

        // On purpose, it takes the first one's place, with its subscription.
        owner.delete()?;
        let table = format!("{}/{}", owner.directory(), KIND.name());
        let (topic, conf) = (namespace.topic(KIND), services.hadoop_conf()?);
        let adopt = ["hdfs-csv", "adopt", "--table", &table, "--sink", "marketplace/owned/heir", "--topic", &topic];
        let more = ["--subscription", &owner.subscription(), "--cluster", "standalone", "--hdfs-config-dir", &conf];
        Cli::try_parse_from(adopt.iter().chain(&more).chain(&["--sinks-are-stopped"]))?.run()?;
        let heir = Sink::new(&namespace, "heir", &[KIND])?.config("directory", json!(owner.directory()));
        let heir = heir.setting("sourceSubscriptionName", json!(owner.subscription())).create()?;
        send(&namespace, Some(KIND.schema_text()), 1, &messages)?;
        heir.wait_until_all_is_acknowledged(LIMIT)?;
        let summary = Comparison::of(&heir).run()?;
        ensure!(summary["rows"] == 3 * messages.len(), "{summary}");
        heir.delete()
    })
}

#[test]
fn dead_letters_whose_cause_is_mended_are_sent_back_once_and_each_is_in_the_table_once() -> Result<()> {
    const COUNT: i64 = 40;
    /// One that is larger than a message, and comes compressed.
    const LARGE: i64 = COUNT - 1;

    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("replay")?;
        let topic = namespace.topic_named("visits");
        // A field with the partition column's name: the sink cannot write these, and says what to change.
        let schema = json!({ "type": "record", "name": "Visit", "fields": [
            { "name": "id", "type": "long" }, { "name": "dt", "type": "string" }
        ] });
        let row = |id: i64| -> Fields {
            let text = match id {
                LARGE => "x".repeat(8 << 20),
                _ => AWKWARD[id as usize % AWKWARD.len()].to_owned(),
            };
            [("id", Field::Long(id)), ("dt", Field::Text(text))].map(|(name, field)| (name.to_owned(), field)).into()
        };
        let mut messages: Vec<_> = (0..LARGE)
            .map(|id| Sent { message: message(encode(&row(id)), id as usize), bad: Some("incompatible-schema") })
            .collect();
        let key = STANDARD.encode([0xff, 0, 1]);
        messages[3].message.partition_key = Some(key.clone());
        messages[3].message.partition_key_b64_encoded = Some(true);
        let client = services.pulsar()?;
        let send = |schema: Option<String>, batch, messages: &[Sent]| {
            let messages: Vec<_> = messages.iter().map(|sent| sent.message.clone()).collect();
            services.wait_for(send_all(&client, &topic, schema.as_deref(), batch, messages))
        };
        let mut sent = send(Some(schema.to_string()), 1, &messages)?;
        let large = Message { schema_version: Some(vec![0; 8]), ..message(encode(&row(LARGE)), LARGE as usize) };
        sent.push(services.wait_for(async {
            let mut publisher = Publisher::of_whole_messages(&client, &topic, true).await?;
            let receipt = publisher.send(large.clone()).await?.await?;
            publisher.close().await.map(|()| receipt)
        })?);
        messages.push(Sent { message: large, bad: Some("incompatible-schema") });
        send(None, 1, &[Sent { message: message(b"bare".to_vec(), 0), bad: Some("no-schema") }])?;
        // The pattern takes in the dead letters' topic too, which is left out.
        let sink = Sink::of_topics(&namespace, "cold", std::slice::from_ref(&topic))?;
        let pattern = format!("persistent://{}/.*", namespace.full_name());
        let sink = sink.setting("inputs", serde_json::Value::Null).setting("topicsPattern", json!(pattern));
        let sink = sink.config("partitionBy", json!("day")).config("metadataColumns", json!("all")).create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let dead = letters(services, &topic, COUNT as usize + 1)?;
        println!("the reason: {}", dead[0].reason());

        let sink = sink.config("partitionColumn", json!("day"));
        // After an update alone the old instance would get some of what is sent back.
        sink.stop()?;
        sink.wait_until_it_has_stopped()?;
        sink.update()?;
        sink.start()?;
        let replay = |reason: &str, dry_run| {
            let replay = Replay {
                topic: format!("{topic}-hdfs-csv-dlq"),
                subscription: "hdfs-csv-replay".to_owned(),
                reason: reason.to_owned(),
                dry_run,
                patience: LIMIT,
            };
            services.wait_for(replay.run(&client, || ()))
        };
        let all = |left| ReplayReport { sent: [(topic.clone(), COUNT as u64)].into(), left };
        ensure!(replay("incompatible-schema", true)? == all(1), "a dry run");
        let report = replay("incompatible-schema", false)?;
        ensure!(report == all(1), "{report:?}");
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        // Once more: they are remembered, and only what was left for its reason is looked at again.
        let report = replay("incompatible-schema", false)?;
        ensure!(report == ReplayReport { left: 1, ..Default::default() }, "{report:?}");

        // What is not mended comes back, with the number of times that it was sent back.
        let report = replay("", false)?;
        ensure!(report.sent == [(topic.clone(), 1)].into(), "{report:?}");
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let dead = letters(services, &topic, COUNT as usize + 2)?;
        let last = &dead[COUNT as usize + 1];
        ensure!(last.reason().starts_with("no-schema") && last.payload == b"bare", "{last:?}");
        ensure!(last.properties.get("hdfs-csv-replayed").is_some_and(|times| times == "1"), "{last:?}");

        // The rows are those that were sent, at the places where the broker has put them now.
        let stored = services.wait_for(read_all(&client, &topic, LIMIT))?;
        let again: Vec<_> =
            stored.iter().filter(|message| message.position > sent[COUNT as usize - 1].position).collect();
        let again: Vec<_> = again.into_iter().filter(|message| message.payload != b"bare").collect();
        ensure!(again.len() == COUNT as usize, "{} came again", again.len());
        let mut expected = Expected::default();
        for (message, (id, first)) in again.iter().zip((0..).zip(&sent)) {
            ensure!(
                message.position > first.position && message.schema_version == stored[0].schema_version,
                "{message:?}"
            );
            expected.extend([(row(id), Receipt { partition: -1, position: message.position })]);
        }
        let keys: Vec<_> = messages.iter().map(|sent| sent.message.partition_key.clone()).collect();
        ensure!(again.iter().map(|message| message.key.clone()).eq(keys), "other keys");
        let summary = expected.compare(&sink, "visits", &["--all-metadata"])?;
        // Bytes stay bytes: a column holds their base64, which of text would be another one.
        ensure!(summary["keys"].as_array().is_some_and(|keys| keys.contains(&json!(key))), "no key {key}: {summary}");
        sink.delete()
    })
}

fn good(number: usize) -> Result<Vec<u8>> {
    event(DAY + number as i64, AWKWARD[number % AWKWARD.len()])
}

fn event(timestamp: i64, query: &str) -> Result<Vec<u8>> {
    let values = vec![Value::Timestamp(timestamp), Value::Long(7), Value::Text(query.to_owned())];
    Encoder::new(&Catalogue::load()?)?.encode(&Event { kind: KIND, values })
}

/// Good records, and between them one of each bad kind.
fn messages() -> Result<Vec<Sent>> {
    let whole = event(DAY, "a query that is cut off")?;
    let mut no_text = event(DAY, "\u{e9}")?;
    let first_of_two = no_text.len() - 2;
    no_text[first_of_two] = 0xff;
    let bad: Vec<(Vec<u8>, &str)> = vec![
        (whole[..whole.len() - 3].to_vec(), "truncated"),
        ([&whole[..], b"more"].concat(), "trailing-bytes"),
        (vec![0xff; 16], "malformed"),
        (event(TOO_LATE, "too late")?, "out-of-range"),
        (Vec::new(), "truncated"),
        (no_text, "invalid-utf8"),
    ];
    let mut all = Vec::new();
    for (number, (payload, says)) in bad.into_iter().enumerate() {
        all.push(Sent { message: message(good(2 * number)?, 2 * number), bad: None });
        all.push(Sent { message: message(payload, 2 * number + 1), bad: Some(says) });
    }
    all.push(Sent { message: message(good(40)?, 40), bad: None });
    Ok(all)
}

/// A message with all that a producer can give it.
fn message(payload: Vec<u8>, number: usize) -> Message {
    let properties = [("trace", "a\"b\\c\nd é"), ("hop", "1")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    Message {
        payload,
        properties: HashMap::from(properties),
        partition_key: Some(format!("ключ {number}")),
        event_time: Some(1_700_000_000_000 + number as u64),
        ..Default::default()
    }
}

fn send(namespace: &Namespace<'_>, schema: Option<&str>, batch: u32, messages: &[Sent]) -> Result<Vec<Receipt>> {
    let client = namespace.services().pulsar()?;
    let messages: Vec<_> = messages.iter().map(|sent| sent.message.clone()).collect();
    namespace.services().wait_for(send_all(&client, &namespace.topic(KIND), schema, batch, messages))
}

fn text(receipt: &Receipt) -> String {
    let position = receipt.position;
    format!("{}:{}:{}", position.ledger, position.entry, position.batch_index)
}

fn same(namespace: &Namespace<'_>, sent: &Sent, letter: &Letter) -> Result<()> {
    let message = &sent.message;
    ensure!(letter.payload == message.payload, "another payload");
    ensure!(letter.key == message.partition_key, "another key");
    ensure!(letter.event_time == message.event_time, "another event time");
    for (key, value) in &message.properties {
        ensure!(letter.properties.get(key) == Some(value), "property {key}: {value:?} was sent");
    }
    let topic = letter.properties.get("hdfs-csv-topic");
    ensure!(topic == Some(&namespace.topic(KIND)), "another topic");
    let reason = letter.reason();
    let says = sent.bad.unwrap_or_default();
    ensure!(reason.contains(says), "the reason {reason:?} does not say '{says}'");
    Ok(())
}
