//! Steady traffic into a topic whose partitions and schema change meanwhile.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::{Event, EventKind};
use hdfs_csv_tool::publish::{Publisher, Receipt};
use hdfs_csv_tool::pulsar_client::connect;
use hdfs_csv_tool::traffic;
use pulsar::producer::Message;
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::namespace::Namespace;
use crate::services::Services;
use crate::traffic::{Confirmed, send};
use crate::wait::until;

/// 2026-01-05.
const FIRST_DAY: i64 = 1_767_571_200_000;
const DAYS: i64 = 60;
/// More than any run sends, so that the days go by while it lasts.
const EVENTS: u64 = 1_800_000;
/// A subscription that deals messages out by their keys has some for every consumer.
const KEYS: usize = 64;
const RECEIPT_LIMIT: Duration = Duration::from_secs(10);

/// One producer: its batches, and which schema it is at.
struct Flow {
    batch: u32,
    every: Duration,
    schema: SchemaInUse,
}

#[derive(Clone, Copy)]
enum SchemaInUse {
    Newest,
    OneBefore,
    First,
}

/// Messages alone, in small and in large batches; old and new producers side by side.
const FLOWS: [Flow; 3] = [
    Flow { batch: 1, every: Duration::from_millis(50), schema: SchemaInUse::Newest },
    Flow { batch: 7, every: Duration::from_millis(200), schema: SchemaInUse::First },
    Flow { batch: 1000, every: Duration::from_secs(4), schema: SchemaInUse::OneBefore },
];

/// An event's schema with so many fields more than it had at first, each of which may be null.
pub fn schema(kind: EventKind, added: u32) -> Result<String> {
    if added == 0 {
        return Ok(kind.schema_text().to_owned());
    }
    let mut schema: Value = serde_json::from_str(kind.schema_text())?;
    let fields = schema["fields"].as_array_mut().context("a schema without fields")?;
    for number in 1..=added {
        let kind = if is_text(number) { "string" } else { "long" };
        fields.push(json!({ "name": field(number), "type": ["null", kind], "default": null }));
    }
    Ok(schema.to_string())
}

/// Producers at work.
pub struct Producers<'a> {
    services: &'a Services,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<Result<()>>>,
    records: Vec<PathBuf>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// How many partitions there are to send to.
    partitions: AtomicU32,
    /// How many fields the newest schema has more than the first.
    added: AtomicU32,
    confirmed: AtomicU64,
    doubtful: AtomicU64,
}

impl<'a> Producers<'a> {
    /// Starts them on the topic of an event, which has so many partitions.
    pub fn start(namespace: &Namespace<'a>, kind: EventKind, partitions: u32, seed: u64) -> Result<Producers<'a>> {
        let services = namespace.services;
        let shared = Arc::new(Shared { partitions: AtomicU32::new(partitions), ..Shared::default() });
        let (mut tasks, mut records) = (Vec::new(), Vec::new());
        for (number, flow) in FLOWS.into_iter().enumerate() {
            let path = services.scratch(&format!("{}-sent-{number}.jsonl", namespace.name));
            let producer = Producer {
                flow,
                kind,
                topic: namespace.topic(kind),
                service_url: services.stack().pulsar().service_url(),
                seed: seed.wrapping_add(number as u64),
                record: Record::create(&path)?,
                shared: Arc::clone(&shared),
                open: BTreeMap::new(),
                sent: 0,
            };
            tasks.push(services.tokio().spawn(producer.run()));
            records.push(path);
        }
        Ok(Producers { services, shared, tasks, records })
    }

    /// Messages confirmed so far.
    pub fn confirmed(&self) -> u64 {
        self.shared.confirmed.load(Ordering::Relaxed)
    }

    /// How many partitions they send to.
    pub fn partitions(&self) -> u32 {
        self.shared.partitions.load(Ordering::Relaxed)
    }

    /// The topic has more partitions now.
    pub fn use_partitions(&self, partitions: u32) {
        self.shared.partitions.store(partitions, Ordering::Relaxed);
    }

    /// The schema has one field more from now on. Returns how many were added so far.
    pub fn evolve(&self) -> u32 {
        self.shared.added.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Waits until so many more are confirmed: the traffic flows.
    pub fn wait_for_more(&self, messages: u64, limit: Duration) -> Result<()> {
        let wanted = self.confirmed() + messages;
        until("traffic", limit, || {
            self.check()?;
            ensure!(self.confirmed() >= wanted, "{} of {wanted} messages are confirmed", self.confirmed());
            Ok(())
        })
    }

    /// An error when one has ended by itself.
    pub fn check(&self) -> Result<()> {
        ensure!(self.tasks.iter().all(|task| !task.is_finished()), "a producer ended by itself");
        Ok(())
    }

    /// Ends them: every batch begun is sent, every receipt written down.
    pub fn stop(self) -> Result<Confirmed> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.services.wait_for(async {
            for task in self.tasks {
                task.await.context("a producer panicked")?.context("a producer failed")?;
            }
            anyhow::Ok(())
        })?;
        let [messages, doubtful] =
            [&self.shared.confirmed, &self.shared.doubtful].map(|count| count.load(Ordering::Relaxed));
        Ok(Confirmed { messages, doubtful, records: self.records })
    }
}

struct Producer {
    flow: Flow,
    kind: EventKind,
    topic: String,
    service_url: String,
    seed: u64,
    record: Record,
    shared: Arc<Shared>,
    /// By partition, and with what schema.
    open: BTreeMap<u32, (u32, Publisher)>,
    sent: usize,
}

impl Producer {
    async fn run(mut self) -> Result<()> {
        let catalogue = Catalogue::load()?;
        let encoder = Encoder::new(&catalogue)?;
        let names: Vec<String> = catalogue.fields(self.kind)?.iter().map(|field| field.name.clone()).collect();
        let plan = traffic::Plan {
            seed: self.seed,
            count: EVENTS,
            kinds: vec![self.kind],
            start: FIRST_DAY,
            end: FIRST_DAY + DAYS * 86_400_000,
        };
        let mut events = traffic::Traffic::new(&plan);
        let mut failing = false;
        for turn in 0u32.. {
            if self.shared.stop.load(Ordering::Relaxed) {
                break;
            }
            let batch: Vec<Event> = (&mut events).take(self.flow.batch as usize).collect();
            ensure!(batch.len() == self.flow.batch as usize, "the traffic's plan is used up");
            let added = self.added();
            let messages = batch
                .iter()
                .enumerate()
                .map(|(number, event)| message(&encoder, &names, event, added, turn.wrapping_add(number as u32)));
            let (payloads, values): (Vec<_>, Vec<_>) = messages.collect::<Result<Vec<_>>>()?.into_iter().unzip();
            // A batch is of one partition: so it is a whole one.
            let partition = turn % self.shared.partitions.load(Ordering::Relaxed);
            let sent = timeout(RECEIPT_LIMIT, self.send(partition, added, payloads)).await;
            match sent.unwrap_or_else(|_| Err(anyhow!("no receipt"))) {
                Ok(receipts) => {
                    failing = false;
                    for (receipt, values) in receipts.iter().zip(values) {
                        self.record.add(&self.topic, partition, receipt, values)?;
                    }
                    self.shared.confirmed.fetch_add(receipts.len() as u64, Ordering::Relaxed);
                }
                Err(error) => {
                    // The first of an outage says enough.
                    if !std::mem::replace(&mut failing, true) {
                        println!("  batches of {}: partition {partition}: {error:#}", self.flow.batch);
                    }
                    self.shared.doubtful.fetch_add(batch.len() as u64, Ordering::Relaxed);
                    self.open.clear();
                }
            }
            sleep(self.flow.every).await;
        }
        self.record.finish()
    }

    fn added(&self) -> u32 {
        let newest = self.shared.added.load(Ordering::Relaxed);
        match self.flow.schema {
            SchemaInUse::Newest => newest,
            SchemaInUse::OneBefore => newest.saturating_sub(1),
            SchemaInUse::First => 0,
        }
    }

    async fn send(&mut self, partition: u32, added: u32, payloads: Vec<Vec<u8>>) -> Result<Vec<Receipt>> {
        if self.open.get(&partition).is_some_and(|(with, _)| *with != added)
            && let Some((_, publisher)) = self.open.remove(&partition)
        {
            publisher.close().await?;
        }
        let publisher = match self.open.entry(partition) {
            std::collections::btree_map::Entry::Occupied(open) => &mut open.into_mut().1,
            std::collections::btree_map::Entry::Vacant(place) => {
                let client = connect(&self.service_url).await?;
                let topic = format!("{}-partition-{partition}", self.topic);
                let schema = schema(self.kind, added)?;
                let publisher = Publisher::open(&client, &topic, Some(&schema), self.flow.batch).await?;
                &mut place.insert((added, publisher)).1
            }
        };
        let messages = payloads.into_iter().map(|payload| {
            self.sent += 1;
            Message { payload, partition_key: Some(format!("key-{}", self.sent % KEYS)), ..Default::default() }
        });
        send(publisher, messages.collect()).await
    }
}

/// The payload and the values of an event with so many fields more. They come last, so the payload is longer by theirs.
fn message(
    encoder: &Encoder<'_>,
    names: &[String],
    event: &Event,
    added: u32,
    number: u32,
) -> Result<(Vec<u8>, Map<String, Value>)> {
    let mut payload = encoder.encode(event)?;
    let mut values = Map::new();
    for (name, value) in names.iter().zip(&event.values) {
        values.insert(name.clone(), serde_json::to_value(value)?);
    }
    for at in 1..=added {
        let value = match (number.wrapping_add(at) % 3, is_text(at)) {
            (0, _) => Value::Null,
            (_, true) => {
                let text = format!("{number}, \"{at}\"");
                payload.push(2);
                put_long(&mut payload, text.len() as i64);
                payload.extend_from_slice(text.as_bytes());
                Value::String(text)
            }
            (_, false) => {
                payload.push(2);
                put_long(&mut payload, -i64::from(number));
                json!(-i64::from(number))
            }
        };
        if value.is_null() {
            payload.push(0);
        }
        values.insert(field(at), value);
    }
    Ok((payload, values))
}

fn field(number: u32) -> String {
    format!("added_{number}")
}

fn is_text(number: u32) -> bool {
    number % 2 == 1
}

/// An Avro long: zigzag, then seven bits a byte.
fn put_long(payload: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        payload.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    payload.push(rest as u8);
}

/// What was confirmed, JSON lines, as the oracle reads it.
struct Record {
    file: BufWriter<File>,
}

impl Record {
    fn create(path: &Path) -> Result<Record> {
        let file = File::create(path).with_context(|| format!("{}", path.display()))?;
        Ok(Record { file: BufWriter::new(file) })
    }

    fn add(&mut self, topic: &str, partition: u32, receipt: &Receipt, values: Map<String, Value>) -> Result<()> {
        let position = receipt.position;
        let (ledger, entry, batch_index) = (position.ledger, position.entry, position.batch_index);
        let id = json!({ "ledger": ledger, "entry": entry, "batch_index": batch_index, "partition": partition });
        serde_json::to_writer(&mut self.file, &json!({ "topic": topic, "id": id, "values": values }))?;
        self.file.write_all(b"\n").context("cannot write the record")
    }

    fn finish(mut self) -> Result<()> {
        self.file.flush().context("cannot write the record")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_fields_may_be_null_and_come_last() {
        let text = schema(EventKind::Searching, 2).unwrap();
        let schema: Value = serde_json::from_str(&text).unwrap();
        let names: Vec<_> = schema["fields"].as_array().unwrap().iter().map(|field| field["name"].clone()).collect();
        assert_eq!(names, ["timestamp", "user_id", "query", "added_1", "added_2"]);
        assert_eq!(schema["fields"][4]["type"], json!(["null", "long"]));
    }

    #[test]
    fn longs_are_written_as_avro_writes_them() {
        for (value, bytes) in [(0, &[0u8][..]), (-1, &[1]), (1, &[2]), (-64, &[0x7f]), (64, &[0x80, 1])] {
            let mut payload = Vec::new();
            put_long(&mut payload, value);
            assert_eq!(payload, bytes, "{value}");
        }
    }
}
