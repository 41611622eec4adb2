//! Reading a whole topic: an independent dump of what is in it, to compare with.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use pulsar::consumer::{Consumer, Message};
use pulsar::proto::MessageIdData;
use pulsar::{ConsumerOptions, SubType, TokioExecutor};
use serde::Serialize;
use tokio::time::{Instant, timeout, timeout_at};

use crate::pulsar_client::{self, Client};

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
    /// The version of the schema that it was written with.
    pub schema_version: Option<Vec<u8>>,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// Reads every message of a topic, partition after partition, from the earliest to the one that is the last
/// when the reading of its partition begins. Nothing is acknowledged and no subscription stays behind. Fails when no
/// message comes for `patience`.
pub async fn read_all(client: &Client, topic: &str, patience: Duration) -> Result<Vec<StoredMessage>> {
    let mut messages = Vec::new();
    for (partition, name) in pulsar_client::partitions(client, topic).await? {
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
    let within = |what| format!("{topic}: the broker did not {what} within {patience:?}");
    let mut consumer = timeout(patience, open(client, topic)).await.with_context(|| within("open a reader"))??;
    let last = timeout(patience, consumer.get_last_message_id())
        .await
        .with_context(|| within("tell its last message"))?
        .with_context(|| format!("{topic}: no last message id"))?;
    let Some(last) = last.first().filter(|id| (id.entry_id as i64) >= 0) else {
        return Ok(()); // an empty topic
    };
    let last = Position::of(last);
    let mut previous = None;
    let mut deadline = Instant::now() + patience;
    while previous.is_none_or(|position| position < last) {
        let next = timeout_at(deadline, consumer.next()).await.with_context(|| {
            format!("{topic}: no message came for {patience:?} after {previous:?}, though the last one is {last:?}")
        })?;
        let Some(message) = next else { bail!("{topic}: the reader ended after {previous:?}, before {last:?}") };
        let message = message.with_context(|| format!("{topic}: cannot read after {previous:?}"))?;
        let message = stored(partition, message);
        // When the client reconnects, it begins again at the earliest message.
        if previous.is_none_or(|position| position < message.position) && message.position <= last {
            previous = Some(message.position);
            deadline = Instant::now() + patience;
            each(message);
        }
    }
    Ok(())
}

/// The crate's reader acknowledges each message, which takes most of the time: this does the same without.
async fn open(client: &Client, topic: &str) -> Result<Consumer<Vec<u8>, TokioExecutor>> {
    let earliest = MessageIdData { ledger_id: u64::MAX, entry_id: u64::MAX, ..Default::default() };
    let options = ConsumerOptions { start_message_id: Some(earliest), durable: Some(false), ..Default::default() };
    client
        .consumer()
        .with_topic(topic)
        .with_subscription_type(SubType::Exclusive)
        .with_options(options)
        .build()
        .await
        .with_context(|| format!("cannot read {topic}: check that it exists (pulsar-admin topics list …)"))
}

fn stored(partition: i32, message: Message<Vec<u8>>) -> StoredMessage {
    let position = Position::of(message.message_id());
    let pulsar::Payload { metadata, data } = message.payload;
    StoredMessage {
        partition,
        position,
        publish_time: metadata.publish_time,
        event_time: metadata.event_time.filter(|&time| time != 0),
        key: metadata.partition_key,
        schema_version: metadata.schema_version,
        payload: data,
    }
}
