//! What cannot be written, and what must not be: bad records, and another sink's table.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::{Mutex, Weak};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use hdfs_csv_stack::{Builder, Runtime, Stack};
use hdfs_csv_tests::{Comparison, Namespace, Services, Sink, until};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::{Event, EventKind, Value};
use hdfs_csv_tool::publish::{Receipt, send_all};
use hdfs_csv_tool::traffic::text::AWKWARD;
use pulsar::consumer::Consumer;
use pulsar::producer::Message;
use pulsar::proto::MessageIdData;
use pulsar::{ConsumerOptions, SubType, TokioExecutor};
use serde_json::json;
use tokio::time::timeout;

const KIND: EventKind = EventKind::Searching;
const LIMIT: Duration = Duration::from_secs(60);
/// 2026-02-10.
const DAY: i64 = 1_770_681_600_000;
/// The first moment of the year 10000, which Hive cannot hold.
const TOO_LATE: i64 = 253_402_300_800_000;

static SERVICES: Mutex<Weak<Services>> = Mutex::new(Weak::new());

fn stack() -> Builder {
    Stack::builder().name("bad-records").runtime(Runtime::Thread)
}

/// A message that is or is not to be in the table.
struct Sent {
    message: Message,
    /// What the dead letter's reason must say; none for a good record.
    bad: Option<&'static str>,
}

#[test]
fn bad_records_go_to_the_dead_letter_topic_as_they_came_and_their_neighbours_are_committed_in_order() -> Result<()> {
    let services = Services::shared(&SERVICES, stack)?;
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

        let letters = letters(&namespace, dead.len())?;
        let order: Vec<_> = letters.iter().map(|letter| letter.position()).collect();
        let expected: Vec<_> = dead.iter().map(|(_, receipt)| Some(text(receipt))).collect();
        ensure!(order == expected, "the dead letters are {order:?}, in this order; sent were {expected:?}");
        for ((sent, receipt), letter) in dead.iter().zip(&letters) {
            same(&namespace, sent, letter).with_context(|| format!("the dead letter of {receipt:?}: {letter:?}"))?;
        }
        sink.delete()
    })
}

#[test]
fn a_table_of_another_sink_is_refused_with_words_that_say_whose_it_is() -> Result<()> {
    let services = Services::shared(&SERVICES, stack)?;
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
        let log = services.stack().pulsar().function_log_dir().join("marketplace/owned/intruder/intruder-0.log");
        until("the refusal in the intruder's log", LIMIT, || {
            let text = std::fs::read_to_string(&log).with_context(|| format!("{}", log.display()))?;
            for says in ["the table belongs to another sink", "marketplace/owned/owner", "tableNamePattern"] {
                ensure!(text.contains(says), "{} does not say '{says}'", log.display());
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
        owner.delete()
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

#[derive(Debug)]
struct Letter {
    payload: Vec<u8>,
    properties: BTreeMap<String, String>,
    key: Option<String>,
    event_time: Option<u64>,
}

impl Letter {
    fn position(&self) -> Option<String> {
        self.properties.get("hdfs-csv-position").cloned()
    }
}

fn text(receipt: &Receipt) -> String {
    let position = receipt.position;
    format!("{}:{}:{}", position.ledger, position.entry, position.batch_index)
}

/// The dead letters of the topic, in their topic's order.
fn letters(namespace: &Namespace<'_>, count: usize) -> Result<Vec<Letter>> {
    let topic = format!("{}-hdfs-csv-dlq", namespace.topic(KIND));
    let client = namespace.services().pulsar()?;
    namespace.services().wait_for(async {
        let earliest = MessageIdData { ledger_id: u64::MAX, entry_id: u64::MAX, ..Default::default() };
        let options = ConsumerOptions { start_message_id: Some(earliest), durable: Some(false), ..Default::default() };
        let consumer = client.consumer().with_topic(&topic).with_subscription_type(SubType::Exclusive);
        let mut consumer: Consumer<Vec<u8>, TokioExecutor> = consumer.with_options(options).build().await?;
        let mut letters = Vec::new();
        // One more than there should be: it must not come.
        while let Ok(Some(message)) = timeout(Duration::from_secs(2), consumer.next()).await {
            let pulsar::Payload { metadata, data } = message?.payload;
            letters.push(Letter {
                payload: data,
                properties: metadata.properties.into_iter().map(|pair| (pair.key, pair.value)).collect(),
                key: metadata.partition_key,
                event_time: metadata.event_time.filter(|time| *time != 0),
            });
        }
        ensure!(letters.len() == count, "{} dead letters are in {topic}, not {count}: {letters:#?}", letters.len());
        Ok(letters)
    })
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
    let reason = letter.properties.get("hdfs-csv-reason").map_or("", String::as_str);
    let says = sent.bad.unwrap_or_default();
    ensure!(reason.contains(says), "the reason {reason:?} does not say '{says}'");
    Ok(())
}
