//! Dead letters, read by a client of the tests' own.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::StreamExt;
use hdfs_csv_tool::chunks::{Chunks, Part};
use pulsar::consumer::Consumer;
use pulsar::proto::MessageIdData;
use pulsar::{ConsumerOptions, SubType, TokioExecutor};
use tokio::time::timeout;

use crate::services::Services;

/// How long no other letter comes.
const SILENCE: Duration = Duration::from_secs(2);

/// A dead letter as it lies in its topic.
#[derive(Debug)]
pub struct Letter {
    /// Its bytes.
    pub payload: Vec<u8>,
    /// The producer's properties and the sink's.
    pub properties: BTreeMap<String, String>,
    /// Its key: text, or base64 of bytes.
    pub key: Option<String>,
    /// Its event time.
    pub event_time: Option<u64>,
}

impl Letter {
    /// Where the record lay, as `ledger:entry:batch index`.
    pub fn position(&self) -> Option<&str> {
        self.properties.get("hdfs-csv-position").map(String::as_str)
    }

    /// Why it could not be written; empty when the letter does not say.
    pub fn reason(&self) -> &str {
        self.properties.get("hdfs-csv-reason").map_or("", String::as_str)
    }
}

/// The dead letters of a topic, in their topic's order: so many, and not one more.
pub fn letters(services: &Services, topic: &str, count: usize) -> Result<Vec<Letter>> {
    let topic = format!("{topic}-hdfs-csv-dlq");
    let letters = all_letters(services, &topic)?;
    ensure!(letters.len() == count, "{} dead letters are in {topic}, not {count}: {letters:#?}", letters.len());
    Ok(letters)
}

/// All letters of a topic of dead letters, in its order.
pub(crate) fn all_letters(services: &Services, topic: &str) -> Result<Vec<Letter>> {
    let client = services.pulsar()?;
    services.wait_for(async {
        let earliest = MessageIdData { ledger_id: u64::MAX, entry_id: u64::MAX, ..Default::default() };
        let options = ConsumerOptions { start_message_id: Some(earliest), durable: Some(false), ..Default::default() };
        let consumer = client.consumer().with_topic(topic).with_subscription_type(SubType::Exclusive);
        let mut consumer: Consumer<Vec<u8>, TokioExecutor> = consumer.with_options(options).build().await?;
        let (mut letters, mut chunks) = (Vec::new(), Chunks::default());
        while let Ok(Some(message)) = timeout(SILENCE, consumer.next()).await {
            let pulsar::Payload { metadata, data } = message?.payload;
            let Part::Whole(data) = chunks.take(&metadata, data) else { continue };
            letters.push(Letter {
                payload: data,
                properties: metadata.properties.into_iter().map(|pair| (pair.key, pair.value)).collect(),
                key: metadata.partition_key,
                event_time: metadata.event_time.filter(|time| *time != 0),
            });
        }
        Ok(letters)
    })
}
