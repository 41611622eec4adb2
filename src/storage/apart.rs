//! Threads for calls that may block: to connect, a client with Kerberos asks a KDC through GSSAPI, which waits for the answer
//! without giving its thread back (MIT 1.20: 45 s and more). No time limit ends that, and what else wants the thread waits, too.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep};
use tracing::Instrument;

/// Threads that serve connections; each call has one of its own besides.
const THREADS: usize = 2;
/// A call that was given up has ended within this, also on busy cores, unless it is blocked.
const GRACE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// Threads of their own for the calls of a client.
pub(super) struct Apart {
    /// None only while this is dropped.
    runtime: Option<Runtime>,
    handle: Handle,
    /// Calls whose answers nobody waits for any more, and which have not ended.
    given_up: Mutex<Vec<AbortHandle>>,
}

impl Apart {
    /// Starts threads.
    pub(super) fn new() -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(THREADS).thread_name("hdfs-csv-apart").enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok(Apart { runtime: Some(runtime), handle, given_up: Mutex::default() })
    }

    /// Where the client's own tasks run.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs a call to its end, on a thread that it may block, whether or not somebody waits for it.
    pub(super) fn spawn<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let handle = self.handle.clone();
        let call = call.in_current_span();
        self.handle.spawn_blocking(move || handle.block_on(call))
    }

    /// What a call answers; none when it panicked. It is given up when this is dropped.
    pub(super) async fn run<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (mut answer, answered) = oneshot::channel();
        let task = self.spawn(async move {
            let result = tokio::select! {
                result = call => result,
                () = answer.closed() => return,
            };
            // Nobody may wait for it any more.
            let _ = answer.send(result);
        });
        let mut waiting = Waiting { apart: self, task: Some(task.abort_handle()) };
        let result = answered.await.ok();
        waiting.task = None;
        result
    }

    /// Whether a call that was given up is blocked: it waits for a KDC.
    pub(super) async fn is_blocked(&self) -> bool {
        let until = Instant::now() + GRACE;
        while self.is_ending() {
            if Instant::now() > until {
                return true;
            }
            sleep(PAUSE).await;
        }
        false
    }

    /// Whether a call that was given up has not ended yet.
    fn is_ending(&self) -> bool {
        let mut given_up = self.given_up();
        given_up.retain(|task| !task.is_finished());
        !given_up.is_empty()
    }

    fn given_up(&self) -> MutexGuard<'_, Vec<AbortHandle>> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Threads that are blocked end when they can.
            runtime.shutdown_background();
        }
    }
}

/// Somebody waits for the answer of a call.
struct Waiting<'a> {
    apart: &'a Apart,
    task: Option<AbortHandle>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            self.apart.given_up().push(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn a_call_that_blocks_its_thread_is_given_up_in_time_and_others_go_on() {
        let apart = Apart::new().unwrap();
        let (release, blocked) = mpsc::channel::<()>();
        let began = Instant::now();
        assert!(timeout(LIMIT, apart.run(async move { blocked.recv() })).await.is_err());
        assert!(began.elapsed() < Duration::from_secs(5));
        assert!(apart.is_blocked().await);
        assert_eq!(apart.run(async { 7 }).await, Some(7));
        drop(release);
        let deadline = Instant::now() + Duration::from_secs(30);
        while apart.is_blocked().await {
            assert!(Instant::now() < deadline, "it can go on");
        }
    }

    #[tokio::test]
    async fn a_call_that_only_waits_ends_when_it_is_given_up() {
        let apart = Apart::new().unwrap();
        let (held, ended) = oneshot::channel::<()>();
        let waits = async move {
            let _held = held;
            std::future::pending::<()>().await;
        };
        assert!(timeout(LIMIT, apart.run(waits)).await.is_err());
        assert!(timeout(Duration::from_secs(30), ended).await.unwrap().is_err(), "what it had is dropped");
        assert!(!apart.is_blocked().await);
    }

    #[tokio::test]
    async fn a_call_that_panics_has_no_answer() {
        let apart = Apart::new().unwrap();
        assert_eq!(
            apart.run(async { panic!("as hdfs-native does on messages that it does not know") }).await,
            None::<()>
        );
    }
}
