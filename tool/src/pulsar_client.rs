//! Connecting to Pulsar, and saying what to do when it does not work.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pulsar::proto::command_get_topics_of_namespace::Mode;
use pulsar::{ConnectionRetryOptions, OperationRetryOptions, Pulsar, TokioExecutor};
use pulsar_io_hdfs_csv::topic::TopicName;

/// A client of one Pulsar cluster.
pub type Client = Pulsar<TokioExecutor>;

/// Connects to the brokers at `service_url`, such as `pulsar://127.0.0.1:6650`.
pub async fn connect(service_url: &str) -> Result<Client> {
    // The client's defaults try for minutes, or for ever: a wrong address must be told soon.
    let connection =
        ConnectionRetryOptions { max_retries: 4, max_backoff: Duration::from_secs(2), ..Default::default() };
    let operation =
        OperationRetryOptions { retry_delay: Duration::from_secs(1), max_retries: Some(20), ..Default::default() };
    Pulsar::builder(service_url, TokioExecutor)
        .with_connection_retry_options(connection)
        .with_operation_retry_options(operation)
        .build()
        .await
        .with_context(|| format!("cannot reach Pulsar at {service_url}: start it, or give its --service-url"))
}

/// The non-partitioned topics that make up a topic, each with its partition; -1 for a topic without partitions.
pub async fn partitions(client: &Client, topic: &str) -> Result<Vec<(i32, String)>> {
    let count = client.lookup_partitioned_topic_number(topic).await.with_context(|| {
        format!("cannot look up {topic}: check that its tenant and namespace exist (pulsar-admin namespaces create …)")
    })?;
    Ok(match count {
        0 => vec![(-1, topic.to_owned())],
        _ => (0..count as i32).map(|index| (index, format!("{topic}-partition-{index}"))).collect(),
    })
}

/// Like [`partitions`], but only those that are there: to open one that is not would create it. Fails when there is none.
pub async fn existing_partitions(client: &Client, topic: &str) -> Result<Vec<(i32, String)>> {
    let TopicName { domain, tenant, namespace, .. } = TopicName::parse(topic)?;
    let mode = if domain == "persistent" { Mode::Persistent } else { Mode::NonPersistent };
    let there = client.get_topics_of_namespace(format!("{tenant}/{namespace}"), mode).await;
    let there = there.with_context(|| format!("cannot list the topics of {tenant}/{namespace}"))?;
    let mut all = partitions(client, topic).await?;
    all.retain(|(_, name)| there.contains(name));
    ensure!(!all.is_empty(), "there is no topic {topic} (pulsar-admin topics list {tenant}/{namespace})");
    Ok(all)
}
