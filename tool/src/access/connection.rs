//! The first words of a connection: where a broker is, TLS, and the proof of who this is.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use pulsar::proto::base_command::Type;
use pulsar::proto::{BaseCommand, CommandConnect, ServerError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::rustls as tls;
use tokio_rustls::rustls::pki_types::ServerName;

use super::frame;
use super::proof::Proof;
use super::tls::Tls;

/// The bound on a connection, and on the broker's first answer.
const LIMIT: Duration = Duration::from_secs(10);
/// How often one that is refused is tried, and the pause before the next time.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);
/// What the broker is told to speak.
const PROTOCOL: i32 = 12;

/// Where Pulsar is, and who this is to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Such as `pulsar://127.0.0.1:6650`, or `pulsar+ssl://one:6651,other:6651`.
    pub service_url: String,
    /// How this proves who it is.
    pub proof: Proof,
    /// Whom it believes, and what it shows, where the address begins with `pulsar+ssl`.
    pub tls: Tls,
}

/// Where one broker, or proxy, listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// What can be read and written.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Access {
    /// An address where nobody is asked who is there.
    pub fn open(service_url: &str) -> Access {
        Access { service_url: service_url.to_owned(), proof: Proof::Nobody, tls: Tls::default() }
    }

    /// Whether the address asks for TLS.
    pub(crate) fn is_secured(&self) -> bool {
        self.service_url.starts_with("pulsar+ssl://")
    }

    /// The addresses that it names.
    fn addresses(&self) -> Result<Vec<Address>> {
        let url = &self.service_url;
        let Some((scheme, rest)) = url.split_once("://") else { bail!("{url} is no address of Pulsar: {EXAMPLES}") };
        let port = match scheme {
            "pulsar" => 6650,
            "pulsar+ssl" => 6651,
            _ => bail!("{url} is no address of Pulsar's brokers: {EXAMPLES}"),
        };
        let hosts = rest.split('/').next().unwrap_or_default();
        hosts.split(',').map(|host| Address::parse(host, port).with_context(|| format!("in {url}"))).collect()
    }

    /// The first of the addresses where a broker takes this for who it is to be.
    ///
    /// # Errors
    /// Why the first one does not, and what to do.
    pub(crate) async fn greet(&self) -> Result<Address> {
        let mut first = None;
        for address in self.addresses()? {
            match self.greet_one(&address).await {
                Ok(()) => return Ok(address),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        Err(first.context("no address")?)
    }

    async fn greet_one(&self, address: &Address) -> Result<()> {
        let connect = CommandConnect {
            client_version: concat!("hdfs-csv ", env!("CARGO_PKG_VERSION")).to_owned(),
            auth_method_name: Some(self.proof.method().to_owned()),
            auth_data: Some(self.proof.data()?),
            protocol_version: Some(PROTOCOL),
            ..Default::default()
        };
        let command = BaseCommand { r#type: Type::Connect.into(), connect: Some(connect), ..Default::default() };
        let mut stream = self.dial(address).await?;
        let answer = async {
            frame::write(&mut stream, &command).await?;
            frame::read(&mut stream).await
        };
        let answer = timeout(LIMIT, answer).await.with_context(|| {
            format!(
                "{address} takes the connection and does not answer: is it Pulsar's port, and does it want {}?",
                self.other_scheme()
            )
        })?;
        let answer = answer.map_err(|error| self.refused(address, &error))?;
        let Some((frame, _)) = answer else {
            bail!("{address} ends the connection: is it Pulsar's port, and does it want {}?", self.other_scheme())
        };
        let answers = [Type::Connected, Type::Error, Type::AuthChallenge].map(i32::from);
        let command = frame::command_of(&frame, &answers)
            .with_context(|| format!("{address} answers something else than Pulsar: is it Pulsar's port?"))?;
        let Some(error) = command.error else { return Ok(()) };
        match ServerError::try_from(error.error) {
            Ok(ServerError::AuthenticationError) => bail!(
                "the broker at {address} does not take {} for who may come in ({}): a token must be signed with the broker's key, a \
                 certificate must be of a CA that the broker trusts; name them in client.conf (authPlugin, authParams), or with \
                 --pulsar-token-file, or with --pulsar-certificate and --pulsar-key",
                self.proof.owner(),
                error.message
            ),
            kind => bail!("the broker at {address} refuses the connection ({kind:?}): {}", error.message),
        }
    }

    /// A connection, with TLS if the address asks for it.
    pub(super) async fn dial(&self, address: &Address) -> Result<Box<dyn Stream>> {
        let unreached = || {
            format!(
                "cannot reach Pulsar at {address}: start it, or give its --service-url, or the brokerServiceUrl in client.conf"
            )
        };
        let stream = timeout(LIMIT, tcp(address)).await.with_context(unreached)?.with_context(unreached)?;
        stream.set_nodelay(true)?;
        if !self.is_secured() {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(address.host.clone())
            .with_context(|| format!("{} is no name that a certificate could have", address.host))?;
        let connector = self.tls.connector()?;
        let handshake = timeout(LIMIT, connector.connect(name, stream)).await;
        let stream =
            handshake.with_context(|| format!("{address} does not begin TLS: is it the port for pulsar+ssl?"))?;
        Ok(Box::new(stream.map_err(|error| self.refused(address, &error))?))
    }

    /// What it means that TLS was refused, by this side or by the other.
    fn refused(&self, address: &Address, error: &std::io::Error) -> anyhow::Error {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<tls::Error>());
        anyhow::anyhow!("cannot speak TLS with Pulsar at {address}: {} ({error})", advice(tls))
    }

    fn other_scheme(&self) -> &'static str {
        if self.is_secured() { "pulsar://" } else { "pulsar+ssl://" }
    }
}

/// What to do about it; none is an end of the connection.
fn advice(error: Option<&tls::Error>) -> &'static str {
    use tls::AlertDescription::CertificateRequired;
    use tls::CertificateError as Certificate;
    use tls::Error::{AlertReceived, InvalidCertificate, InvalidMessage};
    match error {
        Some(InvalidCertificate(Certificate::UnknownIssuer)) => {
            "its CA is not trusted: name the CA's certificate as tlsTrustCertsFilePath in client.conf, or with --pulsar-ca"
        }
        Some(InvalidCertificate(Certificate::NotValidForName | Certificate::NotValidForNameContext { .. })) => {
            "its certificate is for other names: use one of them, or have the broker advertise the name in its certificate; \
             tlsEnableHostnameVerification=false in client.conf leaves names out"
        }
        Some(InvalidCertificate(
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. },
        )) => "its certificate is not valid now: have it renewed, and look at this machine's clock",
        Some(InvalidCertificate(_)) => "its certificate cannot be used: have another one made for the broker",
        Some(AlertReceived(CertificateRequired)) => {
            "the broker wants a certificate: name it as tlsCertificateFilePath and tlsKeyFilePath in client.conf, or with \
             --pulsar-certificate and --pulsar-key"
        }
        Some(AlertReceived(_)) => {
            "the broker does not take this client's certificate: it must be of a CA that the broker trusts, and not be expired"
        }
        Some(InvalidMessage(_)) => "it does not speak TLS: use its port for pulsar+ssl, or pulsar:// for the other one",
        _ => "the connection ended",
    }
}

const EXAMPLES: &str = "give pulsar://host:6650, or pulsar+ssl://host:6651 for TLS, with --service-url or as brokerServiceUrl in \
                        client.conf";

async fn tcp(address: &Address) -> std::io::Result<TcpStream> {
    let mut attempt = 1;
    loop {
        match TcpStream::connect((address.host.as_str(), address.port)).await {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused && attempt < ATTEMPTS => {
                sleep(PAUSE).await
            }
            other => return other,
        }
        attempt += 1;
    }
}

impl Address {
    /// `host:port`, `host`, `[address]:port`.
    pub(super) fn parse(text: &str, default_port: u16) -> Result<Address> {
        let wrong = || format!("`{text}` is no host:port");
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok().with_context(wrong)?),
            _ => (text, default_port),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        ensure!(!host.is_empty() && !host.contains(['@', '?', '#']), wrong());
        Ok(Address { host: host.to_owned(), port })
    }

    /// As part of a URL.
    pub(crate) fn in_url(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { self.to_string() }
    }

    /// That of `pulsar+ssl://host:port`.
    pub(super) fn of_broker(url: &str) -> Result<Address> {
        let hosts = url.split_once("://").map_or(url, |(_, rest)| rest);
        Address::parse(hosts.trim_end_matches('/'), 6651)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(url: &str) -> Vec<String> {
        Access::open(url).addresses().unwrap().iter().map(Address::to_string).collect()
    }

    #[test]
    fn an_address_names_one_broker_or_several() {
        assert_eq!(addresses("pulsar://one"), ["one:6650"]);
        assert_eq!(addresses("pulsar+ssl://one,other:7,[::1]:8/"), ["one:6651", "other:7", "::1:8"]);
        assert_eq!(Address::of_broker("pulsar+ssl://[::1]:8").unwrap().in_url(), "[::1]:8");
        for wrong in ["http://one:8080", "one:6650", "pulsar://", "pulsar://one:port", "pulsar://a@b", "pulsar://one,"]
        {
            let error = format!("{:#}", Access::open(wrong).addresses().unwrap_err());
            assert!(error.contains(wrong), "{error}");
        }
    }
}
