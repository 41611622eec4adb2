//! Sends dead letters back to the topics that they came from.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryFutureExt};
use pulsar::consumer::{Consumer, InitialPosition, Message as Received};
use pulsar::producer::Message;
use pulsar::proto::MessageIdData;
use pulsar::{ConsumerOptions, SubType, TokioExecutor};
use serde::Serialize;
use tokio::time::timeout;

use crate::chunks::{Chunks, Part};
use crate::publish::Publisher;
use crate::pulsar_client::{self, Client, Right, explained};
use crate::topic::Position;

/// The properties that the sink gives a dead letter begin so.
const OWN: &str = "hdfs-csv-";
const TOPIC: &str = "hdfs-csv-topic";
const REASON: &str = "hdfs-csv-reason";
/// On ciphertext, which would come back as a plain message.
const ENCRYPTION: &str = "hdfs-csv-encryption";
/// On a letter that could not be sent whole.
const CUT: &str = "hdfs-csv-cut";
/// The reason of a message without a value, which would come back with an empty one.
const NULL_VALUE: &str = "null-value";
const SCHEMA_VERSION: &str = "hdfs-csv-schema-version";
/// How often a message has been sent back; it stays with the message.
const REPLAYED: &str = "hdfs-csv-replayed";

/// The broker has nothing more when nothing comes for this long.
const SILENCE: Duration = Duration::from_secs(5);

/// Messages that are larger are sent compressed, as they may have come: a broker takes 5 MiB by default, and a first look at
/// the largest that are sent as they are leaves room for what goes with them.
const LARGE: usize = 4 << 20;

/// What to send back, and how.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The dead letters' topic.
    pub topic: String,
    /// The subscription that remembers which were sent back.
    pub subscription: String,
    /// Only those whose reason begins so; all when empty.
    pub reason: String,
    /// Count them only.
    pub dry_run: bool,
    /// The longest wait for the broker.
    pub patience: Duration,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayReport {
    /// Sent back, by topic.
    pub sent: BTreeMap<String, u64>,
    /// Left where they are, because of their reason, or because they are encrypted, cut, or without a value.
    pub left: u64,
}

impl Replay {
    /// Sends back every dead letter up to the one that is the last now. A message is acknowledged on the dead letters'
    /// topic only once the broker has it where it belongs: after a crash some come twice, none is lost. So it is with a
    /// producer's batch of which some were sent back and some left: the broker forgets it as a whole, or not.
    pub async fn run(&self, client: &Client, mut each: impl FnMut()) -> Result<ReplayReport> {
        let mut report = ReplayReport::default();
        for (_, partition) in pulsar_client::partitions(client, &self.topic, Right::Consume).await? {
            self.partition(client, &partition, &mut report, &mut each).await?;
        }
        Ok(report)
    }

    async fn partition(
        &self,
        client: &Client,
        topic: &str,
        report: &mut ReplayReport,
        each: &mut impl FnMut(),
    ) -> Result<()> {
        let mut consumer = self.open(client, topic).await?;
        let last = self.within("tell the last message", consumer.get_last_message_id()).await?;
        let Some(last) = last.first().filter(|id| (id.entry_id as i64) >= 0).map(Position::of) else { return Ok(()) };
        let mut publishers: HashMap<(String, bool), Publisher> = HashMap::new();
        let mut entry: Option<Entry> = None;
        let mut chunks = Chunks::default();
        let mut begun: HashMap<String, Vec<MessageIdData>> = HashMap::new();
        // What was sent back before does not come again, perhaps not even the last: then silence is the end.
        while let Ok(next) = timeout(SILENCE, consumer.next()).await {
            let Some(received) = next else { bail!("{topic}: the broker ended the subscription; start again") };
            let mut received = received.with_context(|| format!("{topic}: cannot read"))?;
            let position = Position::of(received.message_id());
            if position > last {
                break;
            }
            if entry.as_ref().is_some_and(|entry| !entry.has(position)) {
                acknowledge(&mut consumer, topic, entry.take()).await?;
            }
            let uuid = received.payload.metadata.uuid().to_owned();
            match chunks.take(&received.payload.metadata, std::mem::take(&mut received.payload.data)) {
                Part::Whole(payload) => received.payload.data = payload,
                Part::Open => {
                    begun.entry(uuid).or_default().push(received.message_id().clone());
                    continue;
                }
                // Its letter was given up by its producer, and sent again.
                Part::Headless => continue,
            }
            let entry = entry.get_or_insert_with(|| {
                let mut ids = begun.remove(&uuid).unwrap_or_default();
                ids.push(received.message_id().clone());
                Entry { ids, sent: !self.dry_run }
            });
            let letter = letter(topic, position, &received)?;
            if !letter.is_whole || !letter.reason.starts_with(&self.reason) {
                report.left += 1;
                entry.sent = false;
                continue;
            }
            if !self.dry_run {
                let is_large = letter.message.payload.len() > LARGE;
                let publisher = match publishers.entry((letter.topic.clone(), is_large)) {
                    std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                    std::collections::hash_map::Entry::Vacant(new) => {
                        new.insert(Publisher::of_whole_messages(client, &letter.topic, is_large).await?)
                    }
                };
                let receipt = publisher.send(letter.message).await?;
                self.within("confirm a message", receipt).await?;
            }
            *report.sent.entry(letter.topic).or_default() += 1;
            each();
            if position == last {
                break;
            }
        }
        acknowledge(&mut consumer, topic, entry).await?;
        for publisher in publishers.into_values() {
            publisher.close().await?;
        }
        consumer.close().await.with_context(|| format!("{topic}: cannot close"))
    }

    async fn open(&self, client: &Client, topic: &str) -> Result<Consumer<Vec<u8>, TokioExecutor>> {
        // A dry run, too, begins where the subscription is: it acknowledges nothing.
        let options = ConsumerOptions { initial_position: InitialPosition::Earliest, ..Default::default() };
        let consumer = client
            .consumer()
            .with_topic(topic)
            .with_subscription(&self.subscription)
            .with_subscription_type(SubType::Exclusive)
            .with_options(options)
            .build();
        let what = format!("open {topic} (is another replay running?)");
        let advice = || format!("cannot {what}");
        let consumer = consumer.map_err(|error| explained(error, Right::Consume, topic, advice));
        timeout(self.patience, consumer)
            .await
            .with_context(|| format!("the broker did not {what} within {:?}", self.patience))?
    }

    async fn within<T, E>(&self, what: &str, call: impl Future<Output = Result<T, E>>) -> Result<T>
    where
        Result<T, E>: Context<T, E>,
    {
        let answer = timeout(self.patience, call).await;
        answer
            .with_context(|| format!("the broker did not {what} within {:?}", self.patience))?
            .with_context(|| format!("cannot {what}"))
    }
}

/// An entry of the dead letters' topic: a message, or a producer's batch; or all entries of a message in chunks.
struct Entry {
    /// The id of its first message; of each chunk.
    ids: Vec<MessageIdData>,
    /// All of it was sent back.
    sent: bool,
}

impl Entry {
    fn has(&self, position: Position) -> bool {
        self.ids.iter().any(|id| (id.ledger_id, id.entry_id) == (position.ledger, position.entry))
    }
}

async fn acknowledge(consumer: &mut Consumer<Vec<u8>, TokioExecutor>, topic: &str, entry: Option<Entry>) -> Result<()> {
    if let Some(Entry { ids, sent: true }) = entry {
        for id in ids {
            consumer.ack_with_id(topic, id).await.with_context(|| format!("{topic}: cannot acknowledge"))?;
        }
    }
    Ok(())
}

struct Letter {
    topic: String,
    reason: String,
    /// It holds the record as it was sent.
    is_whole: bool,
    message: Message,
}

fn letter(dead_letters: &str, position: Position, received: &Received<Vec<u8>>) -> Result<Letter> {
    let metadata = &received.payload.metadata;
    let property = |name: &str| metadata.properties.iter().find(|own| own.key == name).map(|own| own.value.clone());
    let Some(topic) = property(TOPIC) else {
        bail!("{dead_letters}: message {position:?} has no property {TOPIC}: it is not a dead letter of this sink")
    };
    let mut properties: HashMap<String, String> = metadata
        .properties
        .iter()
        .filter(|own| !own.key.starts_with(OWN))
        .map(|own| (own.key.clone(), own.value.clone()))
        .collect();
    let replayed: u64 = property(REPLAYED).and_then(|count| count.parse().ok()).unwrap_or(0);
    properties.insert(REPLAYED.to_owned(), (replayed + 1).to_string());
    let schema_version = property(SCHEMA_VERSION).map(|text| from_hex(&text)).transpose()?;
    let message = Message {
        payload: received.payload.data.clone(),
        properties,
        partition_key: metadata.partition_key.clone(),
        // Without it a key of bytes would become their base64 text.
        partition_key_b64_encoded: metadata.partition_key_b64_encoded,
        event_time: metadata.event_time,
        schema_version,
        ..Default::default()
    };
    let reason = property(REASON).unwrap_or_default();
    let is_whole = property(ENCRYPTION).is_none() && property(CUT).is_none() && !reason.starts_with(NULL_VALUE);
    Ok(Letter { topic, reason, is_whole, message })
}

fn from_hex(text: &str) -> Result<Vec<u8>> {
    let digits = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).map(|at| digits(at).with_context(|| format!("`{text}` is not hexadecimal"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_version_is_read_from_its_text() {
        assert_eq!(from_hex("0000000000000003").unwrap(), [0, 0, 0, 0, 0, 0, 0, 3]);
        assert!(from_hex("000").is_err());
        assert!(from_hex("zz").is_err());
    }
}
