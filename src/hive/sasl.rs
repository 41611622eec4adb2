//! SASL on a connection to the metastore, as Thrift frames it (`TSaslTransport` of Thrift 0.16): a proof of who the client is, and
//! then messages that may be encrypted.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::task::{AbortHandle, spawn_blocking};

use crate::hive::thrift::MOST_BYTES;

/// The mechanism's name.
const GSSAPI: &[u8] = b"GSSAPI";
/// Bytes on their way to the connection.
const ROOM: usize = 64 << 10;
/// What a metastore says while it is being proved who the client is.
const LONGEST_CHALLENGE: usize = 1 << 20;

const START: u8 = 1;
const OK: u8 = 2;
const BAD: u8 = 3;
const ERROR: u8 = 4;
const COMPLETE: u8 = 5;

/// A proof of who the client is, to one service. An error is in words.
pub(crate) trait Proof: Send + 'static {
    /// What to send for this challenge; the first one is empty. It may block its thread: a KDC is asked.
    fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, String>;
    /// Whether nothing is left to be proved.
    fn is_complete(&self) -> Result<bool, String>;
    /// Whether what follows is wrapped.
    fn is_wrapping(&self) -> Result<bool, String>;
    /// What to send for these bytes.
    fn wrap(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String>;
    /// What was sent as these bytes.
    fn unwrap(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String>;
}

/// Begins a proof to the service on this host. It may block its thread.
pub(crate) type BeginProof = Arc<dyn Fn(&str) -> Result<Box<dyn Proof>, String> + Send + Sync>;

/// Proves on a new connection who the client is. What is written to the stream that this returns, and read from it, is wrapped.
///
/// # Errors
/// The proof cannot be had, the metastore does not take it, or says something else than SASL.
pub(super) async fn proved(
    mut stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    host: &str,
    begin: &BeginProof,
) -> io::Result<(DuplexStream, Wrapping)> {
    let (begin, host) = (Arc::clone(begin), host.to_owned());
    let mut proof = blocking(move || begin(&host)).await?;
    let mut answer;
    (proof, answer) = answered(proof, Vec::new()).await?;
    send(&mut stream, START, GSSAPI).await?;
    send(&mut stream, if proof.is_complete().map_err(failed)? { COMPLETE } else { OK }, &answer).await?;
    let mut status = OK;
    while !proof.is_complete().map_err(failed)? {
        let challenge;
        (status, challenge) = receive(&mut stream).await?;
        (proof, answer) = answered(proof, challenge).await?;
        if status == COMPLETE {
            break;
        }
        send(&mut stream, if proof.is_complete().map_err(failed)? { COMPLETE } else { OK }, &answer).await?;
    }
    if status != COMPLETE && receive(&mut stream).await?.0 != COMPLETE {
        return Err(failed("it did not end the proof of who the sink is".to_owned()));
    }
    let (near, far) = duplex(ROOM);
    let (from, to) = split(stream);
    let (read, write) = split(far);
    let protection = proof.is_wrapping().map_err(failed)?.then(|| Arc::new(Mutex::new(proof)));
    let (sending, receiving) = (outgoing(read, to, protection.clone()), incoming(from, write, protection));
    let failure = Arc::new(OnceLock::new());
    let failed = Arc::clone(&failure);
    // Either one's end is the connection's.
    let task = tokio::spawn(async move {
        let ended = tokio::select! { ended = sending => ended, ended = receiving => ended };
        if let Err(error) = ended.map_err(|error| error.to_string()) {
            let _ = failed.set(error);
        }
    });
    Ok((near, Wrapping { task: task.abort_handle(), failure }))
}

/// What wraps and unwraps what is said on a connection. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Wrapping {
    task: AbortHandle,
    failure: Arc<OnceLock<String>>,
}

impl Wrapping {
    /// Why it has ended, if it has not just come to the connection's end.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.get().cloned()
    }
}

impl Drop for Wrapping {
    fn drop(&mut self) {
        // A peer that does not read would keep it waiting.
        self.task.abort();
    }
}

/// What protects messages, if something does.
type Protection = Option<Arc<Mutex<Box<dyn Proof>>>>;

async fn outgoing(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    protection: Protection,
) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(ROOM);
    while from.read_buf(&mut bytes).await? > 0 {
        let wrapped;
        let message = match &protection {
            None => &bytes,
            Some(proof) => {
                wrapped = proof.lock().unwrap_or_else(PoisonError::into_inner).wrap(&bytes).map_err(failed)?;
                &wrapped
            }
        };
        to.write_all(&length(message.len())).await?;
        to.write_all(message).await?;
        to.flush().await?;
        bytes.clear();
    }
    Ok(())
}

async fn incoming(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    protection: Protection,
) -> io::Result<()> {
    loop {
        let length = match from.read_u32().await {
            Ok(length) => length,
            Err(ended) if ended.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let frame = bytes(&mut from, length, MOST_BYTES).await?;
        let plain = match &protection {
            None => frame,
            Some(proof) => proof.lock().unwrap_or_else(PoisonError::into_inner).unwrap(&frame).map_err(failed)?,
        };
        to.write_all(&plain).await?;
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), status: u8, payload: &[u8]) -> io::Result<()> {
    let mut message = vec![status];
    message.extend(length(payload.len()));
    message.extend(payload);
    stream.write_all(&message).await?;
    stream.flush().await
}

async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let status = stream.read_u8().await?;
    let length = stream.read_u32().await?;
    let payload = bytes(stream, length, LONGEST_CHALLENGE).await?;
    match status {
        OK | COMPLETE => Ok((status, payload)),
        BAD | ERROR => {
            let said = String::from_utf8_lossy(&payload);
            Err(failed(format!("it does not take the proof of who the sink is: {said}")))
        }
        _ => Err(failed("it does not say SASL".to_owned())),
    }
}

/// So many bytes, which take memory as they come.
async fn bytes(from: &mut (impl AsyncRead + Unpin), length: u32, most: usize) -> io::Result<Vec<u8>> {
    if length as usize > most {
        return Err(failed(format!("it announces {length} bytes, as something does that does not say SASL")));
    }
    let mut found = Vec::new();
    from.take(length.into()).read_to_end(&mut found).await?;
    if found.len() < length as usize { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(found) }
}

/// Frames are shorter than 4 GiB: calls are, and what wrapping adds.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

async fn answered(mut proof: Box<dyn Proof>, challenge: Vec<u8>) -> io::Result<(Box<dyn Proof>, Vec<u8>)> {
    blocking(move || proof.answer(&challenge).map(|answer| (proof, answer))).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> io::Result<T> {
    match spawn_blocking(work).await {
        Ok(result) => result.map_err(failed),
        Err(ended) => Err(failed(ended.to_string())),
    }
}

fn failed(what: String) -> io::Error {
    io::Error::other(what)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// A proof in so many steps, whose answers are the challenges backwards; wrapping changes all bits and adds a byte.
    struct Backwards {
        steps: usize,
        wrapping: bool,
    }

    impl Proof for Backwards {
        fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, String> {
            self.steps = self.steps.checked_sub(1).ok_or("there is nothing left to prove")?;
            Ok(challenge.iter().rev().copied().collect())
        }

        fn is_complete(&self) -> Result<bool, String> {
            Ok(self.steps == 0)
        }

        fn is_wrapping(&self) -> Result<bool, String> {
            Ok(self.wrapping)
        }

        fn wrap(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
            Ok(bytes.iter().map(|byte| !byte).chain([0]).collect())
        }

        fn unwrap(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
            let (_, bytes) = bytes.split_last().ok_or("nothing is wrapped")?;
            Ok(bytes.iter().map(|byte| !byte).collect())
        }
    }

    fn backwards(steps: usize, wrapping: bool) -> BeginProof {
        Arc::new(move |host| {
            assert_eq!(host, "metastore");
            Ok(Box::new(Backwards { steps, wrapping }))
        })
    }

    /// What becomes of a proof to something that behaves so.
    async fn proof_to<F>(
        begin: BeginProof,
        service: impl FnOnce(TcpStream) -> F,
    ) -> io::Result<(DuplexStream, Wrapping)>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(service(listener.accept().await.unwrap().0));
        timeout(LIMIT, proved(stream, "metastore", &begin)).await.unwrap()
    }

    async fn expect(stream: &mut TcpStream, status: u8, payload: &[u8]) {
        let mut found = vec![0; 5 + payload.len()];
        stream.read_exact(&mut found).await.unwrap();
        let mut expected = vec![status];
        expected.extend(length(payload.len()));
        expected.extend(payload);
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn what_follows_the_proof_is_framed_and_wrapped_both_ways_however_it_is_cut() {
        for wrapping in [false, true] {
            // As Java's service does it: it has the last word.
            let stream = proof_to(backwards(3, wrapping), |mut stream| async move {
                expect(&mut stream, START, GSSAPI).await;
                expect(&mut stream, OK, b"").await;
                send(&mut stream, OK, b"abc").await?;
                expect(&mut stream, OK, b"cba").await;
                send(&mut stream, OK, b"de").await?;
                expect(&mut stream, COMPLETE, b"ed").await;
                send(&mut stream, COMPLETE, b"").await?;
                // It sends back what it gets, a byte in each frame.
                let mut proof = Backwards { steps: 0, wrapping };
                loop {
                    let length = stream.read_u32().await?;
                    let frame = bytes(&mut stream, length, MOST_BYTES).await?;
                    let plain = if wrapping { proof.unwrap(&frame).unwrap() } else { frame };
                    for byte in plain {
                        let frame = if wrapping { proof.wrap(&[byte]).unwrap() } else { vec![byte] };
                        stream.write_all(&length_of(&frame)).await?;
                    }
                }
            });
            let (stream, _wrapping) = stream.await.unwrap();
            let (mut read, mut write) = split(stream);
            let sent: Vec<u8> = (0..3 * ROOM).map(|number| number as u8).collect();
            let copy = sent.clone();
            let sending = tokio::spawn(async move {
                write.write_all(&copy).await.unwrap();
                write
            });
            let mut found = vec![0; sent.len()];
            timeout(LIMIT, read.read_exact(&mut found)).await.unwrap().unwrap();
            assert!(found == sent, "wrapped: {wrapping}");
            sending.await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_unwrapped_is_told_and_a_peer_that_does_not_read_keeps_nothing() {
        let (mut stream, wrapping) = proof_to(backwards(1, true), |mut stream| async move {
            expect(&mut stream, START, GSSAPI).await;
            expect(&mut stream, COMPLETE, b"").await;
            send(&mut stream, COMPLETE, b"").await?;
            // A frame of nothing.
            stream.write_all(&[0; 4]).await?;
            stream.read_u8().await.map(drop)
        })
        .await
        .unwrap();
        assert_eq!(timeout(LIMIT, stream.read(&mut [0])).await.unwrap().unwrap(), 0);
        assert_eq!(wrapping.failure().as_deref(), Some("nothing is wrapped"));

        let (gone, mut ended) = tokio::sync::oneshot::channel::<()>();
        let (mut stream, wrapping) = proof_to(backwards(1, false), |mut stream| async move {
            expect(&mut stream, START, GSSAPI).await;
            expect(&mut stream, COMPLETE, b"").await;
            send(&mut stream, COMPLETE, b"").await?;
            // It stands still until the connection is gone, and reads what was sent only then.
            let _ = (&mut ended).await;
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.map(drop)
        })
        .await
        .unwrap();
        let large = vec![0; 64 << 20];
        assert!(timeout(Duration::from_millis(300), stream.write_all(&large)).await.is_err(), "it is not read");
        let task = wrapping.task.clone();
        drop((stream, wrapping));
        let ends = async {
            while !task.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LIMIT, ends).await.unwrap();
        drop(gone);
    }

    fn length_of(frame: &[u8]) -> Vec<u8> {
        let mut framed = length(frame.len()).to_vec();
        framed.extend(frame);
        framed
    }

    #[tokio::test]
    async fn a_service_that_has_the_last_word_before_the_client_is_done_is_believed() {
        let proved = proof_to(backwards(2, false), |mut stream| async move {
            expect(&mut stream, START, GSSAPI).await;
            expect(&mut stream, OK, b"").await;
            send(&mut stream, COMPLETE, b"abc").await?;
            // Nothing more is to come.
            assert!(timeout(Duration::from_millis(100), stream.read_u8()).await.is_err());
            Ok(())
        });
        drop(proved.await.unwrap());
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_proof_is_told() {
        let refused = proof_to(backwards(2, false), |mut stream| async move {
            send(&mut stream, BAD, b"GSS initiate failed").await?;
            stream.read_to_end(&mut Vec::new()).await.map(drop)
        });
        let error = refused.await.unwrap_err().to_string();
        assert!(error.contains("does not take the proof") && error.contains("GSS initiate failed"), "{error}");

        for said in [&b"HTTP/1.1 400 Bad Request\r\n"[..], &[OK, 0xFF, 0, 0, 0], &[9, 0, 0, 0, 0]] {
            let said = said.to_vec();
            let other = proof_to(backwards(2, false), |mut stream| async move {
                stream.write_all(&said).await?;
                stream.read_to_end(&mut Vec::new()).await.map(drop)
            });
            let error = other.await.unwrap_err().to_string();
            assert!(error.contains("does not say SASL"), "{error}");
        }

        let silent = proof_to(backwards(2, false), |stream| async move {
            drop(stream);
            Ok(())
        });
        assert!(matches!(
            silent.await.unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
        ));

        let no_ticket: BeginProof = Arc::new(|_| Err("Unable to obtain password from user".to_owned()));
        let error = proof_to(no_ticket, |stream| async move {
            drop(stream);
            Ok(())
        });
        assert!(error.await.unwrap_err().to_string().contains("Unable to obtain password"));
    }
}
