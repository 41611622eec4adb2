use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::files::Settings;
use crate::folder::stacks_dir;
use crate::progress::{Progress, Step};

/// How the functions worker runs functions, sources and sinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// A process for each instance.
    Process,
    /// Threads of Pulsar's own process.
    Thread,
}

/// What a stack is made of. Made by [`Stack::builder`].
#[must_use]
pub struct Builder {
    pub(crate) name: String,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) data_nodes: usize,
    pub(crate) replication: Option<usize>,
    pub(crate) high_availability: bool,
    pub(crate) kerberos: bool,
    pub(crate) kms: bool,
    pub(crate) journal_node: Settings,
    pub(crate) key_server: Settings,
    pub(crate) hive: bool,
    pub(crate) hive_tls: bool,
    pub(crate) hive_settings: Settings,
    pub(crate) click_house: bool,
    pub(crate) superset: bool,
    pub(crate) cluster: String,
    pub(crate) distributed: bool,
    pub(crate) secured: bool,
    pub(crate) runtime: Runtime,
    pub(crate) peak_speed: bool,
    pub(crate) liveness_check: Duration,
    pub(crate) function_java_options: Vec<String>,
    pub(crate) connectors: Vec<PathBuf>,
    pub(crate) environment: Settings,
    pub(crate) broker: Settings,
    pub(crate) name_node: Settings,
    pub(crate) data_node: Settings,
    pub(crate) client: Settings,
    pub(crate) progress: Progress,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            name: "stack".to_owned(),
            data_dir: None,
            data_nodes: 1,
            replication: None,
            high_availability: false,
            kerberos: false,
            kms: false,
            journal_node: Settings::new(),
            key_server: Settings::new(),
            hive: false,
            hive_tls: false,
            hive_settings: Settings::new(),
            click_house: false,
            superset: false,
            cluster: "standalone".to_owned(),
            distributed: false,
            secured: false,
            runtime: Runtime::Process,
            peak_speed: false,
            liveness_check: Duration::from_secs(3),
            function_java_options: Vec::new(),
            connectors: Vec::new(),
            environment: Settings::new(),
            broker: Settings::new(),
            name_node: Settings::new(),
            data_node: Settings::new(),
            client: Settings::new(),
            progress: Progress::silent(),
        }
    }
}

impl Builder {
    /// The name that its data folder begins with.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Where everything of the stack lives, instead of a new folder below [`stacks_dir`]. What an earlier stack left
    /// there is removed.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// How many DataNodes; 0 is a stack without HDFS. 1 by default.
    pub fn data_nodes(mut self, count: usize) -> Self {
        self.data_nodes = count;
        self
    }

    /// On how many DataNodes a block is; by default on all, up to 3.
    pub fn replication(mut self, count: usize) -> Self {
        self.replication = Some(count);
        self
    }

    /// Whether there are two NameNodes, with three JournalNodes: the first is the active one until
    /// [another is made it](crate::Stack::ha_admin). Not by default.
    pub fn high_availability(mut self, high_availability: bool) -> Self {
        self.high_availability = high_availability;
        self
    }

    /// Whether HDFS wants proof of who is there, from a [KDC](crate::Kdc) of its own.
    /// Hive, if there is one, wants it at its metastore, and takes SQL from everyone. Hadoop's own commands are the superuser's.
    /// Not by default.
    pub fn kerberos(mut self, kerberos: bool) -> Self {
        self.kerberos = kerberos;
        self
    }

    /// Whether HDFS has [keys](crate::Kms) for encryption zones.
    pub fn kms(mut self, kms: bool) -> Self {
        self.kms = kms;
        self
    }

    /// Whether there is Hive, with a metastore of its own, on HDFS. Not by default.
    pub fn hive(mut self, hive: bool) -> Self {
        self.hive = hive;
        self
    }

    /// Whether Hive's metastore speaks TLS, with [a certificate](crate::Stack::metastores_certificate) that it has signed itself.
    /// Not by default.
    pub fn hive_tls(mut self, tls: bool) -> Self {
        self.hive_tls = tls;
        self
    }

    /// Whether there is ClickHouse. Not by default.
    pub fn click_house(mut self, click_house: bool) -> Self {
        self.click_house = click_house;
        self
    }

    /// Whether there is Superset. Not by default. The first one on a machine takes minutes to be fetched and made.
    pub fn superset(mut self, superset: bool) -> Self {
        self.superset = superset;
        self
    }

    /// A property of Hive: of `hive-site.xml`.
    pub fn hive_property(mut self, key: &str, value: &str) -> Self {
        self.hive_settings.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The name of Pulsar's cluster; `standalone` by default.
    pub fn cluster(mut self, name: &str) -> Self {
        name.clone_into(&mut self.cluster);
        self
    }

    /// Whether Pulsar is a [cluster](crate::Cluster): ZooKeeper, three bookies, two brokers and two functions workers, each a
    /// process of its own. Not by default.
    pub fn distributed(mut self, distributed: bool) -> Self {
        self.distributed = distributed;
        self
    }

    /// Whether Pulsar, which has to be standalone, asks who is there: for a token or a certificate, whose [role](crate::Security) has only the rights that
    /// it was granted. It listens with TLS, and besides without, for the stack's own requests. A sink's instances have the token
    /// of who made it, and connect with TLS. Not by default.
    pub fn secured(mut self, secured: bool) -> Self {
        self.secured = secured;
        self
    }

    /// How functions run; in processes by default.
    pub fn runtime(mut self, runtime: Runtime) -> Self {
        self.runtime = runtime;
        self
    }

    /// Whether the services themselves are to be fast in the long run, for benchmarks. By default they start fast
    /// instead, for half the processor time. Functions' processes always run at full speed; in the thread runtime they
    /// share Pulsar's JVM, and this.
    pub fn peak_speed(mut self, peak: bool) -> Self {
        self.peak_speed = peak;
        self
    }

    /// How often the worker looks whether an instance has ended, and starts it again. 3 s by default; Pulsar's own
    /// default is 30 s. A process that the worker was too busy to ask after for three times as long ends by itself.
    pub fn liveness_check(mut self, interval: Duration) -> Self {
        self.liveness_check = interval;
        self
    }

    /// An option for the JVM of each function's process, as `-Xss512k`. (A heap's size comes from the function's
    /// `resources`.)
    pub fn function_java_option(mut self, option: &str) -> Self {
        self.function_java_options.push(option.to_owned());
        self
    }

    /// A connector (NAR) for the connectors folder.
    pub fn connector(mut self, nar: impl Into<PathBuf>) -> Self {
        self.connectors.push(nar.into());
        self
    }

    /// An environment variable of all services, of the functions' processes and of Hive's client, as `TZ`.
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.insert(key.to_owned(), value.to_owned());
        self
    }

    /// A line of Pulsar's `standalone.conf`, or of each broker's `broker.conf`.
    pub fn broker_property(mut self, key: &str, value: &str) -> Self {
        self.broker.insert(key.to_owned(), value.to_owned());
        self
    }

    /// A property of the NameNodes.
    pub fn name_node_property(mut self, key: &str, value: &str) -> Self {
        self.name_node.insert(key.to_owned(), value.to_owned());
        self
    }

    /// A property of the DataNodes.
    pub fn data_node_property(mut self, key: &str, value: &str) -> Self {
        self.data_node.insert(key.to_owned(), value.to_owned());
        self
    }

    /// A property of the clients' `hdfs-site.xml`.
    pub fn client_property(mut self, key: &str, value: &str) -> Self {
        self.client.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Who is told about the steps of the start.
    pub fn on_progress(mut self, listener: impl Fn(Step) + Send + Sync + 'static) -> Self {
        self.progress = Progress(Arc::new(listener));
        self
    }

    pub(crate) fn folder(&self) -> PathBuf {
        let unique = || stacks_dir().join(format!("{}-{:08x}", self.name, random()));
        self.data_dir.clone().unwrap_or_else(unique)
    }

    pub(crate) fn effective_replication(&self) -> usize {
        self.replication.unwrap_or_else(|| self.data_nodes.clamp(1, 3))
    }
}

/// Another number each time.
pub(crate) fn random() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    u32::try_from(RandomState::new().hash_one(0) >> 32).unwrap_or_default()
}
