//! A way to a service that can be cut as a host's end cuts it, without a word, and on which single requests can be held back.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::services::Services;

/// Connections that wait for being accepted. The system drops what asks for more without an answer, as a host does that is
/// gone: the client repeats it for two minutes.
const QUEUE: u32 = 8;
/// Bytes that are passed on at once.
const ROOM: usize = 64 << 10;
/// Within this, a connection that the system takes is there.
const TAKEN: Duration = Duration::from_millis(300);

/// Takes connections and passes their bytes on, as its way lets it.
pub struct Relay {
    port: u16,
    way: watch::Sender<Way>,
}

/// What becomes of what clients say.
#[derive(Debug)]
enum Way {
    /// It is passed on.
    Open,
    /// Nobody is there.
    Vanished,
    /// It is passed on, but not what has these bytes in it.
    Holding(Vec<u8>),
}

impl Way {
    fn is_open(&self) -> bool {
        !matches!(self, Way::Vanished)
    }

    fn holds(&self, said: &[u8]) -> bool {
        matches!(self, Way::Holding(words) if said.windows(words.len()).any(|part| part == words))
    }
}

impl Relay {
    /// A relay to this port of the loopback interface.
    pub fn start(services: &Services, to: u16) -> Result<Relay> {
        Relay::start_cutting(services, to, Duration::MAX)
    }

    /// A relay that cuts connections on which nothing was said for so long.
    pub fn start_cutting(services: &Services, to: u16, idle: Duration) -> Result<Relay> {
        let _inside = services.tokio().enter();
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let listener = socket.listen(QUEUE)?;
        let port = listener.local_addr()?.port();
        let (way, seen) = watch::channel(Way::Open);
        services.tokio().spawn(accept(listener, to, idle, seen));
        Ok(Relay { port, way })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets the service vanish: connections that are there are silent, and new ones are not answered. What this returns
    /// must be kept as long as that is to last; then all connections end, and the service is there again.
    pub fn vanish(&self, services: &Services) -> Result<Vanished<'_>> {
        self.way.send_replace(Way::Vanished);
        let mut vanished = Vanished { relay: self, _queue: Vec::new() };
        services.wait_for(async {
            for _ in 0..4 * QUEUE {
                match timeout(TAKEN, TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))).await {
                    Ok(taken) => vanished._queue.push(taken.context("the relay refuses")?),
                    Err(_) => return Ok(()),
                }
            }
            bail!("this system takes more connections than {QUEUE} that nobody accepts")
        })?;
        Ok(vanished)
    }

    /// Holds back each request that has these bytes in it, and what follows it on its connection, as long as what this returns
    /// is kept. Then it is passed on. A client must send a request at once.
    pub fn hold(&self, words: &[u8]) -> Holding<'_> {
        self.way.send_replace(Way::Holding(words.to_vec()));
        Holding { relay: self }
    }
}

/// A service is gone as long as this lives.
pub struct Vanished<'a> {
    relay: &'a Relay,
    _queue: Vec<TcpStream>,
}

impl Drop for Vanished<'_> {
    fn drop(&mut self) {
        self.relay.way.send_replace(Way::Open);
    }
}

/// Requests are held back as long as this lives.
pub struct Holding<'a> {
    relay: &'a Relay,
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.relay.way.send_replace(Way::Open);
    }
}

async fn accept(listener: TcpListener, to: u16, idle: Duration, mut way: watch::Receiver<Way>) {
    // An error means that the relay is dropped.
    while way.wait_for(Way::is_open).await.is_ok() {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((near, _)) = accepted {
                    tokio::spawn(relay(near, to, idle, way.clone()));
                }
            }
            changed = way.changed() => if changed.is_err() { return },
        }
    }
}

async fn relay(mut near: TcpStream, to: u16, idle: Duration, mut way: watch::Receiver<Way>) {
    let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return };
    let held_back = way.clone();
    let ended = tokio::select! {
        _ = pass_on(&mut near, &mut far, idle, held_back) => true,
        _ = way.wait_for(|way| !way.is_open()) => false,
    };
    if !ended {
        let _ = way.wait_for(Way::is_open).await;
    }
}

/// Passes bytes on until a side ends, or neither has said anything for so long.
async fn pass_on(
    near: &mut TcpStream,
    far: &mut TcpStream,
    idle: Duration,
    mut way: watch::Receiver<Way>,
) -> std::io::Result<()> {
    let (mut from_near, mut from_far) = (vec![0; ROOM], vec![0; ROOM]);
    loop {
        tokio::select! {
            read = near.read(&mut from_near) => match read? {
                0 => return Ok(()),
                length => {
                    let said = &from_near[..length];
                    let _ = way.wait_for(|way| !way.holds(said)).await;
                    far.write_all(said).await?;
                }
            },
            read = far.read(&mut from_far) => match read? {
                0 => return Ok(()),
                length => near.write_all(&from_far[..length]).await?,
            },
            () = sleep(idle) => return Ok(()),
        }
    }
}
