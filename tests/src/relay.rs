//! A way to a service that can be cut as a host's end cuts it: without a word.

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

/// Takes connections and passes their bytes on, until its service has vanished.
pub struct Relay {
    port: u16,
    vanished: watch::Sender<bool>,
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
        let (vanished, seen) = watch::channel(false);
        services.tokio().spawn(accept(listener, to, idle, seen));
        Ok(Relay { port, vanished })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets the service vanish: connections that are there are silent, and new ones are not answered. What this returns
    /// must be kept as long as that is to last; then all connections end, and the service is there again.
    pub fn vanish(&self, services: &Services) -> Result<Vanished<'_>> {
        self.vanished.send_replace(true);
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
}

/// A service is gone as long as this lives.
pub struct Vanished<'a> {
    relay: &'a Relay,
    _queue: Vec<TcpStream>,
}

impl Drop for Vanished<'_> {
    fn drop(&mut self) {
        self.relay.vanished.send_replace(false);
    }
}

async fn accept(listener: TcpListener, to: u16, idle: Duration, mut vanished: watch::Receiver<bool>) {
    // An error means that the relay is dropped.
    while vanished.wait_for(|gone| !gone).await.is_ok() {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((near, _)) = accepted {
                    tokio::spawn(relay(near, to, idle, vanished.clone()));
                }
            }
            changed = vanished.changed() => if changed.is_err() { return },
        }
    }
}

async fn relay(mut near: TcpStream, to: u16, idle: Duration, mut vanished: watch::Receiver<bool>) {
    let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await else { return };
    let ended = tokio::select! {
        _ = pass_on(&mut near, &mut far, idle) => true,
        _ = vanished.wait_for(|gone| *gone) => false,
    };
    if !ended {
        let _ = vanished.wait_for(|gone| !gone).await;
    }
}

/// Passes bytes on until a side ends, or neither has said anything for so long.
async fn pass_on(near: &mut TcpStream, far: &mut TcpStream, idle: Duration) -> std::io::Result<()> {
    let (mut from_near, mut from_far) = (vec![0; ROOM], vec![0; ROOM]);
    loop {
        tokio::select! {
            read = near.read(&mut from_near) => match read? {
                0 => return Ok(()),
                length => far.write_all(&from_near[..length]).await?,
            },
            read = far.read(&mut from_far) => match read? {
                0 => return Ok(()),
                length => near.write_all(&from_far[..length]).await?,
            },
            () = sleep(idle) => return Ok(()),
        }
    }
}
