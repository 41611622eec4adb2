//! Messages in large numbers, as fast as the broker takes them.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::{Event, EventKind, Value};
use hdfs_csv_tool::publish::Publisher;
use hdfs_csv_tool::pulsar_client::Client;
use pulsar::producer::Message;

use crate::services::Services;
use crate::shared::repository;

const BATCH: u32 = 1_000;
const IN_FLIGHT: usize = 50_000;
/// Letters.
const WIDE: usize = 2_000;
/// 2026-02-10.
const WIDE_DAY: i64 = 1_770_681_600_000;

/// Sends messages to topics, each given with its Avro schema, if any; a message names its topic by the place. Returns when the
/// broker has all of them.
pub fn send(
    services: &Services,
    topics: &[(String, Option<String>)],
    messages: impl IntoIterator<Item = Result<(usize, Vec<u8>)>>,
) -> Result<()> {
    let client = services.pulsar()?;
    services.wait_for(async {
        let mut publishers = open(&client, topics).await?;
        let mut pending = VecDeque::with_capacity(IN_FLIGHT);
        for message in messages {
            let (topic, payload) = message?;
            let publisher = publishers.get_mut(topic).context("a message for no topic")?;
            pending.push_back(publisher.send(Message { payload, ..Default::default() }).await?);
            if pending.len() == IN_FLIGHT {
                for receipt in pending.drain(..IN_FLIGHT / 2) {
                    receipt.await?;
                }
            }
        }
        for publisher in &mut publishers {
            publisher.flush().await?;
        }
        for receipt in pending {
            receipt.await?;
        }
        for publisher in publishers {
            publisher.close().await?;
        }
        Ok(())
    })
}

/// Sends so many searches of 2,000 letters each to a topic, as fast as the broker takes them: they fill a sink's memory, and
/// are few to compare.
pub fn send_wide(services: &Services, topic: &str, count: u64) -> Result<()> {
    let kind = EventKind::Searching;
    let catalogue = Catalogue::load()?;
    let encoder = Encoder::new(&catalogue)?;
    let messages = (0..count as i64).map(|id| {
        let query = format!("{id:>WIDE$}");
        let values = vec![Value::Timestamp(WIDE_DAY + id), Value::Long(id), Value::Text(query)];
        Ok((0, encoder.encode(&Event { kind, values })?))
    });
    send(services, &[(topic.to_owned(), Some(kind.schema_text().to_owned()))], messages)
}

/// Opens topics, each given with its Avro schema, if any, for large batches.
pub async fn open(client: &Client, topics: &[(String, Option<String>)]) -> Result<Vec<Publisher>> {
    let mut publishers = Vec::with_capacity(topics.len());
    for (topic, schema) in topics {
        publishers.push(Publisher::open(client, topic, schema.as_deref(), BATCH).await?);
    }
    Ok(publishers)
}

/// Builds the connector of a sink that does nothing but acknowledge, `builtin://noop`, into a folder.
pub fn noop_connector(folder: &Path) -> Result<PathBuf> {
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "package", "-f"]).arg(repository().join("tests/noop-sink/pom.xml"));
    maven.arg(format!("-Doutput.directory={}", folder.display()));
    let built = maven.output().context("mvn cannot be run")?;
    ensure!(built.status.success(), "mvn: {}", String::from_utf8_lossy(&built.stdout));
    Ok(folder.join("noop.nar"))
}
