//! The client in use. When an answer does not come in time, it is seen whether its NameNode answers at all; if not, a client is
//! built whose first NameNode is the active one. hdfs-native (0.14.8, proxy.rs) begins each client with the first NameNode that
//! is listed, goes on to the next after an error only, and waits for an answer, and for a connection, without a bound.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use hdfs_native::client::FileStatus;
use hdfs_native::{Client, ClientBuilder, HdfsError};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::storage::apart::Apart;
use crate::storage::creation::Modes;
use crate::storage::file_system::FileSystem;
use crate::storage::hadoop::HadoopSettings;
use crate::storage::identity::{Identity, is_secured};
use crate::storage::words::is_forgotten_token;

/// No NameNode that is well takes longer to say that a path is there.
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// What is said of a call that panicked.
const PANICKED: &str = "the HDFS client ended without an answer";
/// How often hdfs-native goes on to the next NameNode.
const MOST_ATTEMPTS: &str = "dfs.client.failover.max.attempts";

/// How to reach HDFS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HdfsSettings {
    /// The folder with core-site.xml and hdfs-site.xml; the environment's HADOOP_CONF_DIR when none.
    pub config_dir: Option<String>,
    /// `hdfs://…`; `fs.defaultFS` when none.
    pub url: Option<String>,
    /// Who the client is.
    pub identity: Identity,
    /// What files and directories are made with.
    pub modes: Modes,
    /// The bound on one call.
    pub operation_timeout: Duration,
}

impl HdfsSettings {
    /// The file system of this folder, for who the process is.
    pub fn new(config_dir: Option<String>, operation_timeout: Duration) -> Self {
        HdfsSettings {
            config_dir,
            url: None,
            identity: Identity::default(),
            modes: Modes::default(),
            operation_timeout,
        }
    }

    /// The settings of the Hadoop client's folder, as they are now.
    pub(crate) fn hadoop(&self) -> Result<HadoopSettings, String> {
        HadoopSettings::read(self.config_dir.as_deref())
    }

    /// The file system that they lead to.
    pub(crate) fn file_system(&self) -> Result<FileSystem, String> {
        FileSystem::of(&self.hadoop()?, self.url.as_deref())
    }

    /// How long a NameNode may take to say whether it is the active one: twice that is within one call.
    fn look(&self) -> Duration {
        (self.operation_timeout / 4).min(LONGEST_LOOK)
    }
}

/// The ids of each name service's NameNodes, in the order in which a client tries them.
type Order = BTreeMap<String, Vec<String>>;

/// A client of HDFS, and whether it is to be trusted.
pub(super) struct Connection {
    settings: HdfsSettings,
    /// Where calls run when they may block: with Kerberos.
    apart: Option<Apart>,
    current: Mutex<Current>,
    /// One task looks for the active NameNode, and the others wait for what it finds.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Current {
    client: Arc<Client>,
    order: Order,
    /// Why the client has to be looked at before it is used again.
    doubt: Option<Doubt>,
}

/// What a client did that makes it doubtful.
#[derive(Clone)]
enum Doubt {
    /// A call of this path was not answered in time: it has to answer, or another client takes its place.
    Silent(String),
    /// The connection of a call of this path ended. hdfs-native goes on to the next NameNode only when it looks, not when it
    /// writes: so it has to look.
    Cut(String),
    /// It keeps what is of no use any more (hdfs-native 0.14.8): an old key of encrypted data transfer, at which a call panics, or a
    /// token that the key management server has forgotten.
    Broken,
}

impl Connection {
    /// A client that is not connected yet: only settings that cannot be used are an error.
    pub(super) fn new(mut settings: HdfsSettings) -> Result<Self, HdfsError> {
        let hadoop = settings.hadoop().map_err(HdfsError::InvalidArgument)?;
        settings.identity = settings.identity.checked(&hadoop).map_err(HdfsError::InvalidArgument)?;
        let secured = is_secured(&hadoop).map_err(HdfsError::InvalidArgument)?;
        let apart = secured.then(Apart::new).transpose()?;
        let file_system = settings.file_system().map_err(HdfsError::InvalidArgument)?;
        let (order, tasks) = (file_system.name_services.clone(), tasks(apart.as_ref()));
        let client = Arc::new(build(&settings, &file_system.url, file_system.settings_with(&order), tasks)?);
        // The first NameNode may be the one that is silent.
        let doubt = has_several(&order).then(|| Doubt::Silent("/".to_owned()));
        let current = Mutex::new(Current { client, order, doubt });
        Ok(Connection { settings, apart, current, looking: tokio::sync::Mutex::new(()) })
    }

    /// Runs a call of a client, where it may block. It is given up when this is dropped.
    pub(super) fn run<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, HdfsError>> + Send + 'static,
    ) -> impl Future<Output = Result<T, HdfsError>> + Send {
        // What is kept of a call of hdfs-native (0.14.8) takes up to 24 KB: whoever waits for one, and be it later, would have
        // room for each that it makes.
        let call = Box::pin(call);
        async {
            let answer = match &self.apart {
                // What it panics at is given up with its client.
                None => AssertUnwindSafe(call).catch_unwind().await.ok(),
                Some(apart) => apart.run(call).await,
            };
            answer.unwrap_or_else(|| Err(panicked()))
        }
    }

    /// Begins a call of a client that goes on whether or not somebody waits for it; none outside of any runtime.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        match &self.apart {
            None => Some(Handle::try_current().ok()?.spawn(call)),
            Some(apart) => Some(apart.spawn(call)),
        }
    }

    /// Who the client is.
    pub(super) fn identity(&self) -> &Identity {
        &self.settings.identity
    }

    /// Whether the client proves who it is.
    pub(super) fn is_secured(&self) -> bool {
        self.apart.is_some()
    }

    /// The file system as the folder's settings say now.
    pub(super) fn file_system(&self) -> Result<FileSystem, HdfsError> {
        self.settings.file_system().map_err(HdfsError::InvalidArgument)
    }

    /// Whether a call that was given up waits for a KDC that does not answer.
    pub(super) async fn waits_for_kdc(&self) -> bool {
        match &self.apart {
            None => false,
            Some(apart) => apart.is_blocked().await,
        }
    }

    /// The bound on one call.
    pub(super) fn limit(&self) -> Duration {
        self.settings.operation_timeout
    }

    /// The client for the next call. The caller bounds the wait.
    pub(super) async fn client(&self) -> Arc<Client> {
        if let Current { client, doubt: None, .. } = &*self.current() {
            return Arc::clone(client);
        }
        let _alone = self.looking.lock().await;
        let current = self.current().clone();
        let Some(doubt) = &current.doubt else { return current.client };
        if let Doubt::Silent(path) | Doubt::Cut(path) = doubt {
            let answers = self.is_active(&current.client, path).await;
            if answers || matches!(doubt, Doubt::Cut(_)) {
                self.current().doubt = None;
                return current.client;
            }
        }
        if self.waits_for_kdc().await {
            // A new client would wait for it, too.
            return current.client;
        }
        let next = match self.file_system() {
            Ok(file_system) => {
                let order = match doubt {
                    Doubt::Broken => current.order,
                    _ => self.order(&file_system, &current.order).await,
                };
                let built = self.build(file_system.url.clone(), file_system.settings_with(&order)).await;
                built.map(|client| (client, order))
            }
            Err(error) => Err(error),
        };
        let mut now = self.current();
        now.doubt = None;
        match next {
            Ok((client, order)) => (now.client, now.order) = (client, order),
            Err(error) => tracing::warn!(%error, "the HDFS client could not be built anew; the old one stays"),
        }
        Arc::clone(&now.client)
    }

    /// Takes note of what became of a call of this client, within its limit.
    pub(super) fn note<T>(&self, client: &Arc<Client>, path: &str, answered: &Result<Result<T, HdfsError>, Elapsed>) {
        let mut current = self.current();
        let is_cut = |error: &HdfsError| matches!(error, HdfsError::IOError(_));
        let doubt = match answered {
            Err(_) => Doubt::Silent(path.to_owned()),
            Ok(Err(HdfsError::OperationFailed(what))) if what == PANICKED || is_forgotten_token(what) => Doubt::Broken,
            Ok(Err(error)) if is_cut(error) && current.doubt.is_none() && has_several(&current.order) => {
                Doubt::Cut(path.to_owned())
            }
            Ok(_) => return,
        };
        if Arc::ptr_eq(&current.client, client) {
            current.doubt = Some(doubt);
        }
    }

    /// The order in which the next client tries the NameNodes: the active one first, or the next one if none says that it is.
    async fn order(&self, file_system: &FileSystem, before: &Order) -> Order {
        let mut order = Order::new();
        for (name_service, listed) in &file_system.name_services {
            // Another list than before, if somebody has changed the settings meanwhile.
            let mut ids = before.get(name_service).unwrap_or(listed).clone();
            if ids.len() != listed.len() || ids.iter().any(|id| !listed.contains(id)) {
                ids.clone_from(listed);
            }
            if ids.len() > 1 {
                let active = self.active(file_system, name_service, &ids).await;
                if let Some(active) = active {
                    let name_node = ids[active].as_str();
                    tracing::warn!(
                        name_service,
                        name_node,
                        "HDFS did not answer in time; this NameNode is the active one"
                    );
                }
                ids.rotate_left(active.unwrap_or(1));
            }
            order.insert(name_service.clone(), ids);
        }
        order
    }

    /// Which of these NameNodes answers first that it is the active one. All are asked at once.
    async fn active(&self, file_system: &FileSystem, name_service: &str, ids: &[String]) -> Option<usize> {
        let mut asked: FuturesUnordered<_> = (ids.iter().enumerate())
            .map(async |(number, id)| {
                let client = self.alone(file_system, name_service, id).await.ok()?;
                self.is_active(&client, "/").await.then_some(number)
            })
            .collect();
        while let Some(answer) = asked.next().await {
            if answer.is_some() {
                return answer;
            }
        }
        None
    }

    /// Whether a NameNode that this client reaches says soon whether this path is there: a standby does not.
    async fn is_active(&self, client: &Arc<Client>, path: &str) -> bool {
        const OF_OTHERS: [&str; 3] = [
            "org.apache.hadoop.ipc.StandbyException",
            "org.apache.hadoop.ipc.ObserverRetryOnActiveException",
            "org.apache.hadoop.ipc.RetriableException",
        ];
        match timeout(self.settings.look(), self.look_at(client, path)).await {
            Ok(Ok(_) | Err(HdfsError::FileNotFound(_))) => true,
            // Access is denied, perhaps: it looked.
            Ok(Err(HdfsError::RPCError(class, _))) => !OF_OTHERS.contains(&class.as_str()),
            _ => false,
        }
    }

    /// Looks at a path.
    pub(super) async fn look_at(&self, client: &Arc<Client>, path: &str) -> Result<FileStatus, HdfsError> {
        let (client, path) = (Arc::clone(client), path.to_owned());
        self.run(async move { client.get_file_info(&path).await }).await
    }

    /// A client that knows one NameNode, and asks it once.
    pub(super) async fn alone(
        &self,
        file_system: &FileSystem,
        name_service: &str,
        id: &str,
    ) -> Result<Arc<Client>, HdfsError> {
        let alone = Order::from([(name_service.to_owned(), vec![id.to_owned()])]);
        self.asking_once(format!("hdfs://{name_service}"), file_system.settings_with(&alone)).await
    }

    /// A client of this URL that does not try again.
    pub(super) async fn asking_once(
        &self,
        url: String,
        mut settings: BTreeMap<String, String>,
    ) -> Result<Arc<Client>, HdfsError> {
        settings.insert(MOST_ATTEMPTS.to_owned(), "0".to_owned());
        self.build(url, settings).await
    }

    /// Builds a client, which may look for a ticket.
    async fn build(&self, url: String, given: BTreeMap<String, String>) -> Result<Arc<Client>, HdfsError> {
        let (settings, tasks) = (self.settings.clone(), tasks(self.apart.as_ref()));
        self.run(async move { build(&settings, &url, given, tasks).map(Arc::new) }).await
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a call that panicked.
pub(super) fn panicked() -> HdfsError {
    HdfsError::OperationFailed(PANICKED.to_owned())
}

/// Whether there is another NameNode to go on to.
fn has_several(order: &Order) -> bool {
    order.values().any(|ids| ids.len() > 1)
}

/// Where a client's own tasks run.
fn tasks(apart: Option<&Apart>) -> Option<Handle> {
    apart.map_or_else(|| Handle::try_current().ok(), |apart| Some(apart.handle().clone()))
}

/// Builds a client of this URL, which looks at these settings before those of the folder.
fn build(
    settings: &HdfsSettings,
    url: &str,
    given: BTreeMap<String, String>,
    tasks: Option<Handle>,
) -> Result<Client, HdfsError> {
    // For the key management server. Another user of rustls in this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = settings.identity.given_to(ClientBuilder::new().with_url(url).with_config(given));
    if let Some(config_dir) = &settings.config_dir {
        builder = builder.with_config_dir(config_dir);
    }
    if let Some(tasks) = tasks {
        builder = builder.with_io_runtime(tasks);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Instant;

    use super::*;
    use crate::storage::hadoop::tests::{folder, property};
    use crate::storage::hdfs::Hdfs;
    use crate::storage::{Storage, StorageErrorKind};

    const LIMIT: Duration = Duration::from_secs(2);

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Role {
        /// It answers that a path is not there.
        Active,
        Standby,
        /// It takes connections and never answers.
        Silent,
        /// It takes connections and ends them, as a way to it does behind which nobody is.
        Cut,
    }

    /// As much of a NameNode as answers whether it is the active one.
    struct NameNode {
        port: u16,
        role: Arc<Mutex<Role>>,
    }

    impl NameNode {
        fn start(role: Role) -> NameNode {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let node = NameNode { port: listener.local_addr().unwrap().port(), role: Arc::new(Mutex::new(role)) };
            let role = Arc::clone(&node.role);
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let (stream, role) = (stream.unwrap(), Arc::clone(&role));
                    // An error is the connection's end.
                    std::thread::spawn(move || serve(stream, &role));
                }
            });
            node
        }

        fn becomes(&self, role: Role) {
            *self.role.lock().unwrap() = role;
        }
    }

    /// Hadoop's protocol: seven bytes, then messages of a length and a header that has a length, too.
    fn serve(mut stream: TcpStream, role: &Mutex<Role>) -> std::io::Result<()> {
        stream.read_exact(&mut [0; 7])?;
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut message = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut message)?;
            // The header's first fields: the kind, the operation, and the call's number, zigzag. Numbers here are below 64.
            let [_, 0x08, _, 0x10, _, 0x18, number, ..] = message[..] else { panic!("{message:?}") };
            if number % 2 == 1 {
                // That of the connection itself is below 0, and not answered.
                continue;
            }
            let mut answer = vec![0x08, number / 2];
            match *role.lock().unwrap() {
                Role::Silent => continue,
                Role::Cut => return Ok(()),
                Role::Active => answer.extend([0x10, 0]),
                Role::Standby => {
                    let class = b"org.apache.hadoop.ipc.StandbyException";
                    answer.extend([0x10, 1, 0x22, class.len() as u8]);
                    answer.extend(class);
                }
            }
            answer.insert(0, answer.len() as u8);
            // Without a file: the path is not there.
            answer.push(0);
            stream.write_all(&(answer.len() as u32).to_be_bytes())?;
            stream.write_all(&answer)?;
        }
    }

    /// The settings of a client of these NameNodes, in this order, and the folder that they are in.
    fn settings(name_nodes: &[&NameNode]) -> (HdfsSettings, tempfile::TempDir) {
        let ids: Vec<_> = (0..name_nodes.len()).map(|number| format!("nn{number}")).collect();
        let mut text = property("dfs.ha.namenodes.ns", &ids.join(", "));
        for (id, node) in ids.iter().zip(name_nodes) {
            text += &property(&format!("dfs.namenode.rpc-address.ns.{id}"), &format!("127.0.0.1:{}", node.port));
        }
        let folder = folder(&[("core-site.xml", &property("fs.defaultFS", "hdfs://ns")), ("hdfs-site.xml", &text)]);
        let config_dir = Some(folder.path().to_str().unwrap().to_owned());
        (HdfsSettings::new(config_dir, LIMIT), folder)
    }

    /// What becomes of a call that is not answered in time.
    async fn silence() -> Result<Result<(), HdfsError>, Elapsed> {
        timeout(Duration::ZERO, std::future::pending()).await
    }

    #[tokio::test]
    async fn a_write_whose_connection_is_cut_reaches_the_other_name_node_when_it_is_tried_again() {
        let nodes = [NameNode::start(Role::Active), NameNode::start(Role::Standby)];
        let (settings, _folder) = settings(&[&nodes[0], &nodes[1]]);
        let hdfs = Hdfs::new(settings).unwrap();
        assert_eq!(hdfs.status("/x").await.unwrap(), None);
        nodes[0].becomes(Role::Cut);
        nodes[1].becomes(Role::Active);
        let error = hdfs.delete("/x").await.unwrap_err();
        assert_eq!(error.kind, StorageErrorKind::Unknown, "it may be done: {error}");
        assert!(!hdfs.delete("/x").await.unwrap());
    }

    #[tokio::test]
    async fn a_process_that_starts_does_not_wait_for_a_silent_name_node_that_is_listed_first() {
        let (first, second) = (NameNode::start(Role::Silent), NameNode::start(Role::Active));
        let (settings, _folder) = settings(&[&first, &second]);
        assert_eq!(Hdfs::new(settings).unwrap().status("/x").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_name_node_that_falls_silent_is_left_after_one_call_for_the_one_that_becomes_active() {
        for first in [0, 1] {
            let nodes = [NameNode::start(Role::Active), NameNode::start(Role::Standby)];
            let (settings, _folder) = settings(&[&nodes[first], &nodes[1 - first]]);
            let hdfs = Hdfs::new(settings).unwrap();
            assert_eq!(hdfs.status("/x").await.unwrap(), None);
            nodes[0].becomes(Role::Silent);
            nodes[1].becomes(Role::Active);
            let error = hdfs.status("/x").await.unwrap_err();
            assert_eq!(error.kind, StorageErrorKind::Unknown, "{error}");
            assert_eq!(hdfs.status("/x").await.unwrap(), None, "listed as number {first}");
        }
    }

    #[tokio::test]
    async fn while_no_name_node_is_active_each_call_ends_in_time_and_then_calls_go_on() {
        let (first, second) = (NameNode::start(Role::Silent), NameNode::start(Role::Standby));
        let (settings, _folder) = settings(&[&first, &second]);
        let hdfs = Hdfs::new(settings).unwrap();
        for _ in 0..2 {
            let began = Instant::now();
            let error = hdfs.status("/x").await.unwrap_err();
            assert!(error.message.contains("no answer within 2 s") && began.elapsed() < 2 * LIMIT, "{error}");
        }
        second.becomes(Role::Active);
        assert_eq!(hdfs.status("/x").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_client_whose_name_node_answers_stays_when_something_else_did_not() {
        let (first, second) = (NameNode::start(Role::Active), NameNode::start(Role::Standby));
        let (settings, _folder) = settings(&[&first, &second]);
        let connection = Connection::new(settings).unwrap();
        let client = connection.client().await;
        connection.note(&client, "/x", &silence().await);
        assert!(Arc::ptr_eq(&client, &connection.client().await));
        first.becomes(Role::Silent);
        second.becomes(Role::Active);
        connection.note(&client, "/x", &silence().await);
        let next = connection.client().await;
        assert!(!Arc::ptr_eq(&client, &next));
        // One that was given up earlier says nothing of the one that is used now.
        connection.note(&client, "/x", &silence().await);
        assert!(connection.current().doubt.is_none());
    }

    #[tokio::test]
    async fn a_client_whose_call_panics_is_replaced_though_its_name_node_answers() {
        let node = NameNode::start(Role::Active);
        let (settings, _folder) = settings(&[&node]);
        let connection = Connection::new(settings).unwrap();
        let client = connection.client().await;
        let answered = connection.run(async { panic!("as at a key that DataNodes have forgotten") }).await;
        assert!(matches!(&answered, Err(HdfsError::OperationFailed(what)) if what == PANICKED));
        connection.note::<()>(&client, "/x", &Ok(answered));
        assert!(!Arc::ptr_eq(&client, &connection.client().await));
        assert!(connection.current().doubt.is_none());
    }
}
