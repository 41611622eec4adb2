//! Reading a whole topic: an independent dump of what is in it, to compare with.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use pulsar::consumer::{Consumer, Message};
use pulsar::proto::{MessageIdData, Schema};
use pulsar::{ConsumerOptions, SubType, TokioExecutor};
use serde::Serialize;
use tokio::time::timeout;

use crate::chunks::{Chunks, Part};
use crate::pulsar_client::{self, Client, Right, explained};

/// Where a message lies in its partition. Messages of one partition are ordered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The ledger's id.
    pub ledger: u64,
    /// The entry in the ledger.
    pub entry: u64,
    /// The message's place in the producer's batch; 0 for a message that was sent alone.
    pub batch_index: u32,
}

impl Position {
    /// The position that a message id tells.
    pub fn of(id: &MessageIdData) -> Position {
        Position {
            ledger: id.ledger_id,
            entry: id.entry_id,
            batch_index: u32::try_from(id.batch_index.unwrap_or(-1)).unwrap_or(0),
        }
    }
}

impl From<Position> for pulsar_io_hdfs_csv::position::Position {
    fn from(Position { ledger, entry, batch_index }: Position) -> Self {
        Self { ledger, entry, batch_index }
    }
}

impl From<pulsar_io_hdfs_csv::position::Position> for Position {
    fn from(position: pulsar_io_hdfs_csv::position::Position) -> Self {
        Position { ledger: position.ledger, entry: position.entry, batch_index: position.batch_index }
    }
}

/// One message as it lies in the topic.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMessage {
    /// The partition; -1 in a topic without partitions.
    pub partition: i32,
    /// Where it lies in the partition.
    pub position: Position,
    /// When the producer sent it: milliseconds since 1970.
    pub publish_time: u64,
    /// The time that the application gave it: milliseconds since 1970.
    pub event_time: Option<u64>,
    /// Its key, as text.
    pub key: Option<String>,
    /// Its key's bytes.
    pub key_bytes: Option<Vec<u8>>,
    /// The version of the schema that it was written with.
    pub schema_version: Option<Vec<u8>>,
    /// Its producer said that it has no value. Of messages in a producer's batch the client does not tell.
    pub null_value: bool,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// Reads every message of a topic, partition after partition, from the earliest to the one that is the last
/// when the reading of its partition begins. Nothing is acknowledged and no subscription stays behind. Fails when no
/// message comes for `patience`.
pub async fn read_all(client: &Client, topic: &str, patience: Duration) -> Result<Vec<StoredMessage>> {
    let mut messages = Vec::new();
    for (partition, name) in pulsar_client::partitions(client, topic, Right::Consume).await? {
        read_partition(client, partition, &name, patience, |message| messages.push(message)).await?;
    }
    Ok(messages)
}

/// Like [`read_all`], of one non-partitioned topic or one partition, handing each message on as it comes.
pub async fn read_partition(
    client: &Client,
    partition: i32,
    topic: &str,
    patience: Duration,
    mut each: impl FnMut(StoredMessage),
) -> Result<()> {
    let mut reader = PartitionReader::open(client, partition, topic, None, patience).await?;
    while let Some(message) = reader.next().await? {
        each(message);
    }
    Ok(())
}

/// Reads one non-partitioned topic, or one partition, up to the message that is the last one when it opens. It leaves
/// no subscription behind.
pub struct PartitionReader {
    client: Client,
    /// None when there is nothing to read.
    consumer: Option<Consumer<Vec<u8>, TokioExecutor>>,
    partition: i32,
    topic: String,
    last: Option<Position>,
    previous: Option<Position>,
    patience: Duration,
    chunks: Chunks,
    /// It began at the first message that the topic holds.
    from_the_start: bool,
}

impl PartitionReader {
    /// Begins behind this position, or at the first message that the topic holds. `patience` bounds each wait for the broker.
    pub async fn open(
        client: &Client,
        partition: i32,
        topic: &str,
        after: Option<Position>,
        patience: Duration,
    ) -> Result<PartitionReader> {
        let last = last_position(client, topic, patience).await?;
        let consumer = match last {
            Some(last) if after < Some(last) => Some(open(client, topic, start(after), patience).await?),
            _ => None,
        };
        Ok(PartitionReader {
            client: client.clone(),
            consumer,
            partition,
            topic: topic.to_owned(),
            last,
            previous: after,
            patience,
            chunks: Chunks::default(),
            from_the_start: after.is_none(),
        })
    }

    /// The next message; none behind the last one.
    ///
    /// # Errors
    /// When no message comes within the patience though there is one, or the client cannot read it.
    pub async fn next(&mut self) -> Result<Option<StoredMessage>> {
        while self.previous < self.last {
            let Some(mut message) = self.receive().await? else { return Ok(None) };
            let position = Position::of(message.message_id());
            if !message.metadata().encryption_keys.is_empty() {
                bail!("{}: the message {position:?} is encrypted, which this reader cannot read", self.topic);
            }
            let payload = std::mem::take(&mut message.payload.data);
            let part = self.chunks.take(&message.payload.metadata, payload);
            // When the client reconnects, it begins again where it began.
            let is_new = self.previous < Some(position) && Some(position) <= self.last;
            match part {
                Part::Whole(payload) if is_new => {
                    self.previous = Some(position);
                    message.payload.data = payload;
                    return stored(self.partition, message).map(Some);
                }
                Part::Headless if is_new && !self.from_the_start => self.begin_at_the_start().await?,
                // Nobody gets a message whose first chunk the topic does not hold.
                Part::Open | Part::Headless if is_new => self.previous = Some(position),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The client's next message, or a chunk of one; none when there is nothing to read.
    async fn receive(&mut self) -> Result<Option<Message<Vec<u8>>>> {
        let (topic, previous, last, patience) = (&self.topic, self.previous, self.last, self.patience);
        let Some(consumer) = &mut self.consumer else { return Ok(None) };
        let next = timeout(patience, consumer.next()).await.with_context(|| {
            format!("{topic}: no message came for {patience:?} after {previous:?}, though the last one is {last:?}")
        })?;
        let Some(message) = next else { bail!("{topic}: the reader ended after {previous:?}, before {last:?}") };
        message.map(Some).with_context(|| {
            format!(
                "{topic}: cannot read after {previous:?}. This reader cannot read messages that are encrypted, compressed and \
                 sent in chunks, or compressed with Snappy or zlib by other clients than Rust's"
            )
        })
    }

    /// The first chunk of a message stands before the place where the reading began, nobody knows how far.
    async fn begin_at_the_start(&mut self) -> Result<()> {
        self.consumer = None;
        self.consumer = Some(open(&self.client, &self.topic, EARLIEST, self.patience).await?);
        self.from_the_start = true;
        Ok(())
    }
}

/// The position of the last message of one non-partitioned topic or one partition; none when it holds none.
pub(crate) async fn last_position(client: &Client, topic: &str, patience: Duration) -> Result<Option<Position>> {
    // A consumer of its own, which gets no messages: one that has a full queue answers nothing else.
    let mut consumer = open(client, topic, LATEST, patience).await?;
    let last = timeout(patience, consumer.get_last_message_id())
        .await
        .with_context(|| format!("{topic}: the broker did not tell its last message within {patience:?}"))?
        .with_context(|| format!("{topic}: no last message id"))?;
    Ok(last.first().filter(|id| (id.entry_id as i64) >= 0).map(Position::of))
}

/// The schema of this version, from the broker's registry; none when it has none.
pub async fn schema(client: &Client, topic: &str, version: &[u8], patience: Duration) -> Result<Option<Schema>> {
    let mut consumer = open(client, topic, LATEST, patience).await?;
    timeout(patience, consumer.get_schema(topic, Some(version.to_vec())))
        .await
        .with_context(|| format!("{topic}: the broker did not tell a schema within {patience:?}"))?
        .with_context(|| format!("{topic}: the broker cannot tell the schema of version {version:?}"))
}

/// What the broker takes for the place before the first message, and for the one behind the last.
const EARLIEST: (u64, u64) = (u64::MAX, u64::MAX);
const LATEST: (u64, u64) = (i64::MAX as u64, i64::MAX as u64);

/// The entry behind which to begin, so that the one of this position comes: of a producer's batch some may be wanted.
fn start(after: Option<Position>) -> (u64, u64) {
    after.map_or(EARLIEST, |after| (after.ledger, after.entry.wrapping_sub(1)))
}

/// The crate's reader acknowledges each message, which takes most of the time: this does the same without.
async fn open(
    client: &Client,
    topic: &str,
    (ledger_id, entry_id): (u64, u64),
    patience: Duration,
) -> Result<Consumer<Vec<u8>, TokioExecutor>> {
    let start_message_id = Some(MessageIdData { ledger_id, entry_id, ..Default::default() });
    let options = ConsumerOptions { start_message_id, durable: Some(false), ..Default::default() };
    let consumer =
        client.consumer().with_topic(topic).with_subscription_type(SubType::Exclusive).with_options(options).build();
    timeout(patience, consumer)
        .await
        .with_context(|| format!("{topic}: the broker did not open a reader within {patience:?}"))?
        .map_err(|error| {
            explained(error, Right::Consume, topic, || {
                format!("cannot read {topic}: check that it exists (pulsar-admin topics list …)")
            })
        })
}

fn stored(partition: i32, message: Message<Vec<u8>>) -> Result<StoredMessage> {
    let position = Position::of(message.message_id());
    let key_bytes = message.key_bytes().with_context(|| format!("the key of message {position:?}"))?;
    let pulsar::Payload { metadata, data } = message.payload;
    Ok(StoredMessage {
        partition,
        position,
        publish_time: metadata.publish_time,
        event_time: metadata.event_time.filter(|&time| time != 0),
        key: metadata.partition_key,
        key_bytes,
        schema_version: metadata.schema_version,
        null_value: metadata.null_value.unwrap_or(false),
        payload: data,
    })
}
