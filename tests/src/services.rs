//! The services of one test target.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Builder, Stack};
use hdfs_csv_tool::pulsar_client::{Client, connect};
use pulsar_io_hdfs_csv::storage::hdfs::{Hdfs, HdfsSettings};
use tokio::runtime::Runtime as Tokio;

use crate::namespace::Namespace;

/// The tenant of everything.
pub(crate) const TENANT: &str = "marketplace";
const NAR: &str = "java-shim/target/pulsar-io-hdfs-csv-0.1.0.nar";

/// Pulsar and HDFS with the connector installed.
pub struct Services {
    stack: Stack,
    tokio: Tokio,
    scratch: PathBuf,
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The connector that is tested: `HDFS_CSV_NAR`, or the one that `mvn package` has built.
fn connector() -> Result<PathBuf> {
    let nar = std::env::var_os("HDFS_CSV_NAR").map_or_else(|| repository().join(NAR), PathBuf::from);
    ensure!(nar.is_file(), "{} is not there: build it, as `make test` does, or set HDFS_CSV_NAR", nar.display());
    // The worker takes the name of the file for the connector's.
    nar.canonicalize().with_context(|| format!("{}", nar.display()))
}

impl Services {
    /// Starts services as described, with the connector, and makes the tenant.
    pub fn start(stack: Builder) -> Result<Services> {
        let began = Instant::now();
        let stack = stack.connector(connector()?).start()?;
        stack.admin().create_tenant(TENANT)?;
        let scratch = stack.data_dir().join("data/test");
        std::fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
        println!("services are up after {:.1} s; logs: {}", began.elapsed().as_secs_f64(), stack.log_dir().display());
        Ok(Services { stack, tokio: tokio::runtime::Builder::new_multi_thread().enable_all().build()?, scratch })
    }

    /// The services that the tests of a target share: started for the first one, stopped after the last one. Tests of
    /// one target that run one after another, on a single thread, start their own.
    pub fn shared(place: &'static Mutex<Weak<Services>>, stack: impl FnOnce() -> Builder) -> Result<Arc<Services>> {
        let mut place: MutexGuard<'_, Weak<Services>> = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(services) = place.upgrade() {
            return Ok(services);
        }
        let services = Arc::new(Services::start(stack())?);
        *place = Arc::downgrade(&services);
        Ok(services)
    }

    /// Runs a test; an error says where the logs are.
    pub fn run(&self, test: impl FnOnce(&Services) -> Result<()>) -> Result<()> {
        // A producer that an error drops closes itself in the runtime, and panics outside of one.
        let _inside = self.tokio.enter();
        test(self).with_context(|| format!("logs: {}", self.stack.log_dir().display()))
    }

    /// The processes.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Makes a namespace that keeps its messages.
    pub fn namespace(&self, name: &str) -> Result<Namespace<'_>> {
        Namespace::create(self, name)
    }

    /// Runs a future to its end.
    pub fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.tokio.block_on(future)
    }

    /// Where futures run.
    pub(crate) fn tokio(&self) -> &Tokio {
        &self.tokio
    }

    /// A client of Pulsar.
    pub fn pulsar(&self) -> Result<Client> {
        self.wait_for(connect(&self.stack.pulsar().service_url()))
    }

    /// A client of HDFS.
    pub fn hdfs(&self) -> Result<Hdfs> {
        let config_dir = self.hadoop_conf()?;
        let settings = HdfsSettings {
            config_dir: Some(config_dir),
            url: None,
            operation_timeout: std::time::Duration::from_secs(30),
        };
        // The client keeps the runtime that it is built in.
        let _inside = self.tokio.enter();
        Hdfs::new(settings).context("the stack's Hadoop settings")
    }

    /// The folder with the settings of Hadoop's clients.
    pub fn hadoop_conf(&self) -> Result<String> {
        Ok(self.stack.hadoop_conf_dir()?.to_string_lossy().into_owned())
    }

    /// A path for a test's own file; it goes with the stack.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }
}
