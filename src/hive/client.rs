//! A connection to Hive's metastore and the calls that are made on it, each with a time limit.

use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::hive::sasl::{BeginProof, Wrapping, proved};
use crate::hive::thrift::{Answer, Struct, Value, call, read_answer};
use crate::hive::tls::{Tls, encrypted};

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long it may take to prove who this is: Java waits 30 s for one answer of a KDC, three times.
const PROOF_LIMIT: Duration = Duration::from_secs(60);
/// How long a call may take. A new column of a table with very many partitions takes the metastore minutes.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(300);
/// A Java exception's message can be a page long.
const LONGEST_MESSAGE: usize = 500;
/// Partitions that are added in one call.
pub(crate) const BATCH: usize = 100;

/// Where a metastore is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Parses `thrift://host:port`.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let (host, port) = uri.trim().strip_prefix("thrift://")?.trim_end_matches('/').rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let plain = !host.is_empty() && !host.contains(['/', '@', ' ', '?', '#', ',']);
        let port = port.parse().ok().filter(|port| *port > 0)?;
        plain.then(|| Address { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "thrift://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "thrift://{}:{}", self.host, self.port)
        }
    }
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The metastore cannot be reached, or does not answer: the connection is of no use any more.
    #[error("{0}")]
    Away(String),
    /// It answered that it will not do this.
    #[error("{method} was refused: {message}")]
    Refused {
        /// The call.
        method: &'static str,
        /// The number of the exception among those that the method declares; 0 for a failure that it does not declare.
        exception: i16,
        /// What the metastore says.
        message: String,
    },
}

/// A result of a call.
pub(crate) type CallResult<T> = Result<T, CallError>;

/// What a connection is made of.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How a metastore wants to be spoken to.
#[derive(Clone, Default)]
pub(crate) struct Security {
    /// How it is encrypted, if it is.
    pub(crate) tls: Option<Tls>,
    /// How to prove who this is, if that is asked for.
    pub(crate) proof: Option<BeginProof>,
}

impl Security {
    /// A connection on which calls can be made.
    async fn connected(&self, address: &Address, limit: Duration) -> io::Result<Connected> {
        let connecting = TcpStream::connect((address.host.as_str(), address.port));
        let stream = bounded(CONNECT_LIMIT.min(limit), connecting).await?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let encrypted = bounded(CONNECT_LIMIT.min(limit), encrypted(stream, &address.host, tls)).await;
                Box::new(encrypted.map_err(|error| self.explained(error))?)
            }
        };
        let Some(begin) = &self.proof else { return Ok(Connected { stream: BufReader::new(stream), wrapping: None }) };
        let proved = bounded(PROOF_LIMIT.min(limit), proved(stream, &address.host, begin)).await;
        let (stream, wrapping) = proved.map_err(|error| self.explained(error))?;
        Ok(Connected { stream: BufReader::new(Box::new(stream)), wrapping: Some(wrapping) })
    }

    /// What a connection's end without a word may mean.
    fn explained(&self, error: io::Error) -> io::Error {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        if !matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe) {
            return error;
        }
        let tls = match self.tls {
            Some(_) => "without TLS (remove hiveMetastoreTls)",
            None => "with TLS (set hiveMetastoreTls)",
        };
        let kerberos = match self.proof {
            Some(_) => "without Kerberos (remove hiveMetastorePrincipal)",
            None => "with Kerberos (set hiveMetastorePrincipal)",
        };
        io::Error::other(format!(
            "{error}; it closed the connection, as a metastore does to which clients have to speak {tls}, or {kerberos}"
        ))
    }
}

/// A connection on which calls can be made.
struct Connected {
    stream: BufReader<Box<dyn Stream>>,
    /// What wraps and unwraps what is said on it, if something does.
    wrapping: Option<Wrapping>,
}

/// A connection to a metastore.
pub(crate) struct Metastore {
    address: Address,
    security: Security,
    connected: Connected,
    calls: i32,
    limit: Duration,
}

impl Metastore {
    /// Connects to the first of the addresses that takes a connection, and what is said on it first. No call on it takes longer
    /// than the limit.
    pub(crate) async fn connect(addresses: &[Address], security: &Security, limit: Duration) -> CallResult<Self> {
        let mut failures = Vec::new();
        for address in addresses {
            match security.connected(address, limit).await {
                Ok(connected) => {
                    let (address, security) = (address.clone(), security.clone());
                    return Ok(Metastore { address, security, connected, calls: 0, limit });
                }
                Err(error) => failures.push(format!("{address}: {error}")),
            }
        }
        Err(CallError::Away(failures.join("; ")))
    }

    /// Who it is a connection to.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Calls a method; what it returns, if it returns something.
    async fn call(&mut self, method: &'static str, arguments: Struct) -> CallResult<Option<Value>> {
        self.calls = self.calls.wrapping_add(1);
        let (number, stream) = (self.calls, &mut self.connected.stream);
        let exchange = async {
            stream.write_all(&call(method, number, &arguments)).await?;
            // TLS keeps what the connection does not take at once.
            stream.flush().await?;
            read_answer(stream, number).await
        };
        let answer = bounded(self.limit, exchange).await.map_err(|error| {
            let error = match self.connected.wrapping.as_ref().and_then(Wrapping::failure) {
                Some(failure) => io::Error::other(failure),
                None => self.security.explained(error),
            };
            CallError::Away(format!("{} did not answer {method}: {error}", self.address))
        })?;
        let reply = match answer {
            Answer::Reply(reply) => reply,
            Answer::Refused(message) => {
                return Err(CallError::Refused { method, exception: 0, message: shortened(&message) });
            }
        };
        match reply.first() {
            Some((0, value)) => Ok(Some(value.clone())),
            None => Ok(None),
            Some((exception, Value::Struct(fields))) => {
                Err(CallError::Refused { method, exception, message: shortened(&fields.text(1)) })
            }
            Some((exception, _)) => {
                Err(CallError::Refused { method, exception, message: "no reason given".to_owned() })
            }
        }
    }

    /// A table, if it is there.
    pub(crate) async fn table(&mut self, database: &str, table: &str) -> CallResult<Option<Struct>> {
        const NO_SUCH_OBJECT: i16 = 2;
        let request = Struct::default().with(1, database).with(2, table);
        match self.call("get_table_req", Struct::default().with(1, request)).await {
            Ok(Some(Value::Struct(result))) => Ok(Some(result.fields(1))),
            Ok(_) => Ok(None),
            Err(CallError::Refused { exception: NO_SUCH_OBJECT, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a table; nothing to do when another was first.
    pub(crate) async fn create_table(&mut self, table: Struct) -> CallResult<()> {
        const ALREADY_EXISTS: i16 = 1;
        let arguments = Struct::default().with(1, table).with(2, context(&[NO_STATISTICS]));
        match self.call("create_table_with_environment_context", arguments).await {
            Ok(_) | Err(CallError::Refused { exception: ALREADY_EXISTS, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Replaces a table's description, and in its partitions the columns.
    pub(crate) async fn alter_table(&mut self, database: &str, name: &str, table: Struct) -> CallResult<()> {
        let context = context(&[("CASCADE", "true"), NO_STATISTICS]);
        let arguments = Struct::default().with(1, database).with(2, name).with(3, table).with(4, context);
        self.call("alter_table_with_environment_context", arguments).await.map(drop)
    }

    /// The names of a table's partitions, such as `dt=2026-11-24`.
    pub(crate) async fn partition_names(&mut self, database: &str, table: &str) -> CallResult<Vec<String>> {
        let arguments = Struct::default().with(1, database).with(2, table).with(3, Value::I16(-1));
        match self.call("get_partition_names", arguments).await? {
            Some(Value::List(_, names)) => Ok(names.iter().map(Value::text).collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// Adds those of these partitions that are not there. At most [`BATCH`] should be given.
    pub(crate) async fn add_partitions(
        &mut self,
        database: &str,
        table: &str,
        partitions: Vec<Struct>,
    ) -> CallResult<()> {
        let request = Struct::default()
            .with(1, database)
            .with(2, table)
            .with(3, Value::structs(partitions))
            // If they do not exist, and without them in the answer.
            .with(4, Value::Bool(true))
            .with(5, Value::Bool(false));
        self.call("add_partitions_req", Struct::default().with(1, request)).await.map(drop)
    }

    /// Replaces the descriptions of partitions that are there.
    pub(crate) async fn alter_partitions(
        &mut self,
        database: &str,
        table: &str,
        partitions: Vec<Struct>,
    ) -> CallResult<()> {
        let arguments = Struct::default().with(1, database).with(2, table).with(3, Value::structs(partitions));
        self.call("alter_partitions", arguments).await.map(drop)
    }
}

/// Files grow with every commit: a size or number that the metastore noted at one moment would be wrong at the next.
pub(crate) const NO_STATISTICS: (&str, &str) = ("DO_NOT_UPDATE_STATS", "true");

/// An EnvironmentContext.
fn context(properties: &[(&str, &str)]) -> Struct {
    Struct::default().with(1, Value::text_map(properties.iter().copied()))
}

async fn bounded<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let timed_out = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limit.as_secs_f64()));
    tokio::time::timeout(limit, work).await.map_err(timed_out)?
}

fn shortened(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_and_nothing_else() {
        let parsed = |uri| Address::parse(uri).map(|address| address.to_string());
        assert_eq!(parsed("thrift://ms.example.org:9083").as_deref(), Some("thrift://ms.example.org:9083"));
        assert_eq!(parsed(" thrift://[::1]:9083/").as_deref(), Some("thrift://[::1]:9083"));
        for wrong in ["", "ms:9083", "thrift://ms", "thrift://:9083", "thrift://ms:0", "thrift://ms:x", "http://ms:1"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
