//! Connecting to Pulsar, and saying what to do when it does not work.

use std::time::Duration;

use anyhow::{Context, Error, Result, ensure};
use pulsar::error::{ConnectionError, ConsumerError, ProducerError, ServiceDiscoveryError};
use pulsar::proto::ServerError;
use pulsar::proto::command_get_topics_of_namespace::Mode;
use pulsar::{ConnectionRetryOptions, OperationRetryOptions, Pulsar, TokioExecutor};
use pulsar_io_hdfs_csv::topic::TopicName;

use crate::access::{Access, Asked, Tunnel};

/// A client of one Pulsar cluster.
pub type Client = Pulsar<TokioExecutor>;

/// Connects to the brokers at `service_url`, such as `pulsar://127.0.0.1:6650`, which ask nobody who is there.
pub async fn connect(service_url: &str) -> Result<Client> {
    connect_as(&Access::open(service_url)).await
}

/// Connects to brokers that ask who is there, perhaps with TLS.
pub async fn connect_as(access: &Access) -> Result<Client> {
    // The client's defaults try for minutes, or for ever: a wrong address must be told soon.
    let connection =
        ConnectionRetryOptions { max_retries: 4, max_backoff: Duration::from_secs(2), ..Default::default() };
    let operation =
        OperationRetryOptions { retry_delay: Duration::from_secs(1), max_retries: Some(20), ..Default::default() };
    let address = access.greet().await?;
    let (mut url, mut begins_with, mut guard) = (format!("pulsar://{}", address.in_url()), Vec::new(), None);
    if access.is_secured() {
        let tunnel = Tunnel::open(access.clone(), address).await?;
        (url, begins_with, guard) = (tunnel.url(), tunnel.secret(), Some(tunnel));
    }
    Pulsar::builder(url, TokioExecutor)
        .with_auth_provider(Box::new(Asked { proof: access.proof.clone(), begins_with, _guard: guard }))
        .with_connection_retry_options(connection)
        .with_operation_retry_options(operation)
        .build()
        .await
        .with_context(|| format!("cannot reach Pulsar at {}: start it, or give its --service-url", access.service_url))
}

/// What a role needs the right to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// To read.
    Consume,
    /// To write.
    Produce,
}

/// An error of a call that needs this right to a topic, or to a namespace: that the right is missing, if that is why, or else the
/// advice.
pub(crate) fn explained(error: pulsar::Error, right: Right, place: &str, advice: impl FnOnce() -> String) -> Error {
    let action = match right {
        Right::Consume => "consume",
        Right::Produce => "produce",
    };
    let grant = if place.contains("://") {
        format!(
            "pulsar-admin topics grant-permission --role ROLE --actions {action} {place}, or the same of its namespace"
        )
    } else {
        format!("pulsar-admin namespaces grant-permission --role ROLE --actions {action} {place}")
    };
    let is_missing = server_error(&error) == Some(ServerError::AuthorizationError);
    let what = if is_missing { format!("the role lacks the right to {action} on {place}: {grant}") } else { advice() };
    Error::new(error).context(what)
}

/// Whether the broker refused a call because the role lacks a right.
pub(crate) fn lacks_right(error: &Error) -> bool {
    error.downcast_ref().and_then(server_error) == Some(ServerError::AuthorizationError)
}

fn server_error(error: &pulsar::Error) -> Option<ServerError> {
    let connection = match error {
        pulsar::Error::ServiceDiscovery(ServiceDiscoveryError::Query(kind, _)) => return *kind,
        pulsar::Error::ServiceDiscovery(ServiceDiscoveryError::Connection(error))
        | pulsar::Error::Connection(error)
        | pulsar::Error::Consumer(ConsumerError::Connection(error))
        | pulsar::Error::Producer(ProducerError::Connection(error)) => error,
        _ => return None,
    };
    match connection {
        ConnectionError::PulsarError(kind, _) => *kind,
        _ => None,
    }
}

/// The non-partitioned topics that make up a topic, each with its partition; -1 for a topic without partitions. The right is
/// what they are to be looked up for.
pub(crate) async fn partitions(client: &Client, topic: &str, right: Right) -> Result<Vec<(i32, String)>> {
    let count = client.lookup_partitioned_topic_number(topic).await;
    let count = count.map_err(|error| {
        explained(error, right, topic, || {
            format!(
                "cannot look up {topic}: check that its tenant and namespace exist (pulsar-admin namespaces create …)"
            )
        })
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
    let there = there.map_err(|error| {
        let namespace = format!("{tenant}/{namespace}");
        explained(error, Right::Consume, &namespace, || format!("cannot list the topics of {namespace}"))
    })?;
    let mut all = partitions(client, topic, Right::Consume).await?;
    all.retain(|(_, name)| there.contains(name));
    ensure!(!all.is_empty(), "there is no topic {topic} (pulsar-admin topics list {tenant}/{namespace})");
    Ok(all)
}
