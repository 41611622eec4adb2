//! Sending messages to one topic, with a receipt for each.

use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use anyhow::{Context, Result};
use pulsar::compression::{Compression, CompressionZstd};
use pulsar::producer::{Message, Producer, SendFuture};
use pulsar::proto::{Schema, schema::Type};
use pulsar::{ProducerOptions, TokioExecutor};

use crate::pulsar_client::{self, Client, Right, explained};
use crate::topic::Position;

/// Batches are sent before they reach the broker's limit of 5 MiB.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_DELAY: Duration = Duration::from_millis(10);

/// Where the broker has stored a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The partition; -1 in a topic without partitions.
    pub partition: i32,
    /// Where it lies in the partition.
    pub position: Position,
}

/// A message on its way; await it for its receipt.
pub struct Pending {
    partition: i32,
    receipt: SendFuture,
}

impl Future for Pending {
    type Output = Result<Receipt>;

    /// Ready once the broker has stored the message.
    fn poll(mut self: Pin<&mut Self>, context: &mut task::Context<'_>) -> Poll<Self::Output> {
        let partition = self.partition;
        Pin::new(&mut self.receipt).poll(context).map(|receipt| {
            let receipt =
                receipt.context("the broker did not confirm a message: look at its log; what was sent may be there")?;
            let id = receipt.message_id.context("the broker confirmed a message without saying where it is")?;
            Ok(Receipt { partition, position: Position::of(&id) })
        })
    }
}

/// Sends to one topic; each partition has a producer of its own, so that a receipt can tell its partition.
pub struct Publisher {
    partitions: Vec<(i32, Producer<TokioExecutor>)>,
    batch_size: u32,
    sent: u64,
}

impl Publisher {
    /// Opens a topic, creating it if the broker allows that, and registers the Avro schema on it. A
    /// `batch_size` of 1 sends each message alone.
    pub async fn open(client: &Client, topic: &str, avro_schema: Option<&str>, batch_size: u32) -> Result<Publisher> {
        Self::open_with(client, topic, options(topic, avro_schema, batch_size), batch_size).await
    }

    /// Opens a topic for messages that bring the version of their schema, each sent alone, as it is or compressed.
    pub async fn of_whole_messages(client: &Client, topic: &str, compressed: bool) -> Result<Publisher> {
        let compression = compressed.then(|| Compression::Zstd(CompressionZstd::default()));
        Self::open_with(client, topic, ProducerOptions { compression, ..options(topic, None, 1) }, 1).await
    }

    async fn open_with(client: &Client, topic: &str, options: ProducerOptions, batch_size: u32) -> Result<Publisher> {
        let mut partitions = Vec::new();
        for (partition, name) in pulsar_client::partitions(client, topic, Right::Produce).await? {
            let producer = client.producer().with_topic(&name).with_options(options.clone()).build().await;
            let producer = producer.map_err(|error| {
                explained(error, Right::Produce, &name, || {
                    format!(
                        "cannot write to {name}: check that its tenant and namespace exist (pulsar-admin namespaces create …) and \
                         that the schema fits the topic's own (pulsar-admin schemas get …)"
                    )
                })
            })?;
            partitions.push((partition, producer));
        }
        Ok(Publisher { partitions, batch_size: batch_size.max(1), sent: 0 })
    }

    /// Sends a message; partitions take turns.
    pub async fn send(&mut self, message: Message) -> Result<Pending> {
        let turn = self.sent % self.partitions.len() as u64;
        self.sent += 1;
        let (partition, producer) = &mut self.partitions[turn as usize];
        let receipt = producer.send_non_blocking(message).await.context("cannot send a message")?;
        Ok(Pending { partition: *partition, receipt })
    }

    /// Sends the batches begun and waits until the broker has them.
    pub async fn flush(&mut self) -> Result<()> {
        if self.batch_size > 1 {
            for (_, producer) in &mut self.partitions {
                producer.send_batch().await.context("cannot send a batch")?;
            }
        }
        Ok(())
    }

    /// Closes the topic. Wait for every receipt before: messages that have none yet are given up.
    pub async fn close(mut self) -> Result<()> {
        for (_, producer) in &mut self.partitions {
            producer.close().await.context("cannot close a producer")?;
        }
        Ok(())
    }
}

/// Sends these messages to a topic, in order, and returns a receipt for each.
pub async fn send_all(
    client: &Client,
    topic: &str,
    avro_schema: Option<&str>,
    batch_size: u32,
    messages: impl IntoIterator<Item = Message>,
) -> Result<Vec<Receipt>> {
    let mut publisher = Publisher::open(client, topic, avro_schema, batch_size).await?;
    let mut pending = Vec::new();
    for message in messages {
        pending.push(publisher.send(message).await?);
    }
    publisher.flush().await?;
    let mut receipts = Vec::with_capacity(pending.len());
    for message in pending {
        receipts.push(message.await?);
    }
    publisher.close().await?;
    Ok(receipts)
}

fn options(topic: &str, avro_schema: Option<&str>, batch_size: u32) -> ProducerOptions {
    let schema = avro_schema.map(|text| Schema {
        name: topic.to_owned(),
        schema_data: text.trim().as_bytes().to_vec(),
        r#type: Type::Avro.into(),
        properties: Vec::new(),
    });
    let batches = batch_size > 1;
    ProducerOptions {
        schema,
        batch_size: batches.then_some(batch_size),
        batch_byte_size: batches.then_some(BATCH_BYTES),
        batch_timeout: batches.then_some(BATCH_DELAY),
        block_queue_if_full: true,
        ..Default::default()
    }
}
