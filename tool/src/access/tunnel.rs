//! A proxy of this process for itself, which speaks TLS: the pulsar crate (6.9.1) shows no certificate of its own, checks names
//! always, and keeps to itself why TLS failed.
//!
//! It is a proxy as Pulsar's own: it answers that topics are to be looked for through it, and the crate then says at the
//! beginning of a connection which broker it means. Only who knows a secret is served: others on this machine do not come in
//! with this client's certificate.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use pulsar::proto::BaseCommand;
use pulsar::proto::base_command::Type;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::connection::{Access, Address};
use super::frame;

/// The crate says at once which broker it means.
const LIMIT: Duration = Duration::from_secs(10);
const SECRET_BYTES: usize = 32;
/// What is looked into of what goes out, and of what comes back.
const PROOFS: [i32; 1] = [Type::AuthResponse as i32];
const PLACES: [i32; 1] = [Type::LookupResponse as i32];

/// It ends when this is dropped.
pub(crate) struct Tunnel {
    port: u16,
    inside: Arc<Inside>,
    listens: JoinHandle<()>,
}

struct Inside {
    access: Access,
    /// The broker, or proxy, that was greeted.
    base: Address,
    secret: Vec<u8>,
    /// The brokers that are to be reached without the cluster's own proxy.
    direct: Mutex<HashSet<String>>,
}

impl Tunnel {
    /// A tunnel to this address, and to the brokers that it names.
    pub(crate) async fn open(access: Access, base: Address) -> Result<Tunnel> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port of this machine can be opened")?;
        let port = listener.local_addr()?.port();
        let secret = secret()?;
        let inside = Arc::new(Inside { access, base, secret, direct: Mutex::default() });
        let listens = tokio::spawn(listen(listener, Arc::clone(&inside)));
        Ok(Tunnel { port, inside, listens })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("pulsar://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// What the data of the proof must begin with.
    pub(crate) fn secret(&self) -> Vec<u8> {
        self.inside.secret.clone()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.listens.abort();
    }
}

fn secret() -> Result<Vec<u8>> {
    let mut secret = vec![0; SECRET_BYTES];
    let random = tokio_rustls::rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut secret).ok().context("the system gives no random bytes")?;
    Ok(secret)
}

async fn listen(listener: TcpListener, inside: Arc<Inside>) {
    // Without a file for a connection there is none, and the crate says so.
    while let Ok((local, _)) = listener.accept().await {
        let inside = Arc::clone(&inside);
        tokio::spawn(async move {
            // The crate only says that the connection has ended: nobody else can tell why.
            if let Err(error) = inside.serve(local).await {
                eprintln!("hdfs-csv: {error:#}");
            }
        });
    }
}

impl Inside {
    async fn serve(&self, local: TcpStream) -> Result<()> {
        local.set_nodelay(true)?;
        let (near_in, mut near_out) = split(local);
        let mut near_in = BufReader::new(near_in);
        let first = timeout(LIMIT, frame::read(&mut near_in)).await;
        // Someone else came and went.
        let Ok(Ok(Some((first, 0)))) = first else { return Ok(()) };
        let Some(mut command) = frame::command_of(&first, &[Type::Connect as i32]) else { return Ok(()) };
        if !self.bare(&mut command) {
            bail!("someone else on this machine tried to speak to Pulsar through this process, and was refused");
        }
        let broker = self.broker(&mut command)?;
        let far = self.access.dial(&broker).await?;
        let (far_in, mut far_out) = split(far);
        let mut far_in = BufReader::new(far_in);
        frame::write(&mut far_out, &command).await?;
        let out = pass(&mut near_in, &mut far_out, &PROOFS, |command| {
            ensure!(self.bare(command), "an answer to the broker without the secret");
            Ok(())
        });
        let back = pass(&mut far_in, &mut near_out, &PLACES, |command| self.lead_here(command));
        // Either side may end it, in whatever way: the crate sees that, and goes on with another connection.
        tokio::select! { ended = out => ended, ended = back => ended }
    }

    /// Takes the secret off what proves who this is; false if it is not there.
    fn bare(&self, command: &mut BaseCommand) -> bool {
        let data = match (&mut command.connect, &mut command.auth_response) {
            (Some(connect), _) => connect.auth_data.as_mut(),
            (None, Some(response)) => response.response.as_mut().and_then(|response| response.auth_data.as_mut()),
            _ => None,
        };
        let Some(data) = data else { return false };
        let has = data.get(..SECRET_BYTES).is_some_and(|begin| is_equal(begin, &self.secret));
        if has {
            data.drain(..SECRET_BYTES);
        }
        has
    }

    /// The broker that the connection is for. One behind the cluster's own proxy is for that to reach.
    fn broker(&self, command: &mut BaseCommand) -> Result<Address> {
        let meant = command.connect.as_mut().and_then(|connect| connect.proxy_to_broker_url.take());
        match meant {
            None => Ok(self.base.clone()),
            Some(broker) if self.direct().contains(&broker) => Address::of_broker(&broker),
            Some(broker) => {
                if let Some(connect) = &mut command.connect {
                    connect.proxy_to_broker_url = Some(broker);
                }
                Ok(self.base.clone())
            }
        }
    }

    /// Makes the answer where a topic is lead through the tunnel. An address without TLS is never gone to.
    fn lead_here(&self, command: &mut BaseCommand) -> Result<()> {
        let Some(found) = &mut command.lookup_topic_response else { return Ok(()) };
        let Some(url) = found.broker_service_url_tls.take().filter(|url| !url.is_empty()) else {
            found.broker_service_url = None;
            return Ok(());
        };
        let broker = Address::of_broker(&url)?.in_url();
        if !found.proxy_through_service_url() {
            self.direct().insert(broker.clone());
        }
        found.broker_service_url = Some(format!("pulsar://{broker}"));
        found.proxy_through_service_url = Some(true);
        Ok(())
    }

    fn direct(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.direct.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In a time that does not tell how much is equal.
fn is_equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

/// Passes frames on, changed where they are commands of these types, until one side ends.
async fn pass(
    from: &mut BufReader<impl AsyncRead + Unpin>,
    to: &mut (impl AsyncWrite + Unpin),
    types: &[i32],
    mut change: impl FnMut(&mut BaseCommand) -> Result<()>,
) -> Result<()> {
    while let Ok(Some((frame, rest))) = frame::read(from).await {
        let written = match frame::command_of(&frame, types) {
            Some(mut command) if rest == 0 => {
                change(&mut command)?;
                to.write_all(&frame::of(&command)).await
            }
            _ => to.write_all(&frame).await,
        };
        let written = match (written, rest) {
            (Ok(()), 1..) => tokio::io::copy_buf(&mut from.take(rest), to).await.map(|copied| copied == rest),
            (other, _) => other.map(|()| true),
        };
        // What is there already goes with it.
        let flushed = if from.buffer().is_empty() { to.flush().await } else { Ok(()) };
        if !matches!((written, flushed), (Ok(true), Ok(()))) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use pulsar::proto::{AuthData, CommandAuthResponse, CommandConnect, CommandLookupTopicResponse};

    use super::*;

    fn inside() -> Inside {
        let access = Access::open("pulsar+ssl://proxy:6651");
        let base = Address::parse("proxy:6651", 6651).unwrap();
        Inside { access, base, secret: secret().unwrap(), direct: Mutex::default() }
    }

    fn connect(data: Vec<u8>, broker: Option<&str>) -> BaseCommand {
        let proxy_to_broker_url = broker.map(str::to_owned);
        let connect = CommandConnect { auth_data: Some(data), proxy_to_broker_url, ..Default::default() };
        BaseCommand { r#type: Type::Connect as i32, connect: Some(connect), ..Default::default() }
    }

    fn found(tls: Option<&str>, through_proxy: bool) -> BaseCommand {
        let found = CommandLookupTopicResponse {
            broker_service_url: Some("pulsar://one:6650".to_owned()),
            broker_service_url_tls: tls.map(str::to_owned),
            proxy_through_service_url: Some(through_proxy),
            ..Default::default()
        };
        let r#type = Type::LookupResponse as i32;
        BaseCommand { r#type, lookup_topic_response: Some(found), ..Default::default() }
    }

    #[test]
    fn only_who_knows_the_secret_comes_in_and_the_broker_never_sees_it() {
        let inside = inside();
        let data = |secret: &[u8]| [secret, b"token"].concat();
        let mut own = connect(data(&inside.secret), None);
        assert!(inside.bare(&mut own));
        assert_eq!(own.connect.unwrap().auth_data.unwrap(), b"token");
        let response = AuthData { auth_data: Some(data(&inside.secret)), ..Default::default() };
        let response = CommandAuthResponse { response: Some(response), ..Default::default() };
        let mut own = BaseCommand { auth_response: Some(response), ..Default::default() };
        assert!(inside.bare(&mut own));
        assert_eq!(own.auth_response.unwrap().response.unwrap().auth_data.unwrap(), b"token");
        for other in [data(&[7; SECRET_BYTES]), data(b""), Vec::new()] {
            assert!(!inside.bare(&mut connect(other, None)));
        }
        assert!(!inside.bare(&mut BaseCommand::default()));
    }

    #[test]
    fn a_topic_is_looked_for_through_the_tunnel_and_its_broker_is_reached_by_tls_only() {
        let inside = inside();
        let place = |command: &mut BaseCommand| {
            inside.lead_here(command).unwrap();
            let found = command.lookup_topic_response.clone().unwrap();
            (found.broker_service_url, found.proxy_through_service_url)
        };
        let led = |url: &str| (Some(url.to_owned()), Some(true));
        assert_eq!(place(&mut found(Some("pulsar+ssl://one:6651"), false)), led("pulsar://one:6651"));
        assert_eq!(place(&mut found(Some("pulsar+ssl://other:6651/"), true)), led("pulsar://other:6651"));
        assert_eq!(place(&mut found(None, false)).0, None);
        assert_eq!(place(&mut found(Some(""), false)).0, None);

        let broker = |meant: Option<&str>| {
            let mut command = connect(Vec::new(), meant);
            let address = inside.broker(&mut command).unwrap().to_string();
            (address, command.connect.unwrap().proxy_to_broker_url)
        };
        assert_eq!(broker(None), ("proxy:6651".to_owned(), None));
        assert_eq!(broker(Some("one:6651")), ("one:6651".to_owned(), None));
        assert_eq!(broker(Some("other:6651")), ("proxy:6651".to_owned(), Some("other:6651".to_owned())));
    }

    #[tokio::test]
    async fn frames_pass_whole_whatever_their_size() {
        let large = |bytes: u32| [&bytes.to_be_bytes()[..], &vec![0x55; bytes as usize]].concat();
        let answer = frame::of(&found(Some("pulsar+ssl://one:6651"), false));
        let sent = [large(0), large(10), answer, large(200_000), large(1 << 16)].concat();
        let mut passed = Vec::new();
        let inside = inside();
        let change = |command: &mut BaseCommand| inside.lead_here(command);
        pass(&mut BufReader::new(&sent[..]), &mut passed, &PLACES, change).await.unwrap();
        let mut changed = found(Some("pulsar+ssl://one:6651"), false);
        inside.lead_here(&mut changed).unwrap();
        let expected = [large(0), large(10), frame::of(&changed), large(200_000), large(1 << 16)].concat();
        assert!(passed == expected, "{} bytes, not {}", passed.len(), expected.len());
        // Cut off: what has come is passed.
        let mut cut = Vec::new();
        pass(&mut BufReader::new(&sent[..sent.len() - 1]), &mut cut, &PLACES, |_| Ok(())).await.unwrap();
        assert!(cut.len() < sent.len());
    }
}
