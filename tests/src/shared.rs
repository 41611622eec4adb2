//! The stacks that tests share, and how every stack of a test is started.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Builder, Runtime, Stack, artifacts};

/// The tenant of everything.
pub(crate) const TENANT: &str = "marketplace";
const NAR: &str = "java-shim/target/pulsar-io-hdfs-csv-0.1.0.nar";

/// An option for functions' processes that are started often and do little: without the optimizing compiler a start costs 3
/// seconds of processor time instead of 5.
pub const QUICK_START: &str = "-XX:TieredStopAtLevel=1";

/// Services that tests share which break nothing: namespaces, directories and databases keep them apart. They are started for
/// the first test and stopped after the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// Sinks are threads of Pulsar's own process; with Hive, ClickHouse, keys for encryption zones, and Pulsar's own JDBC
    /// sink.
    Threads,
    /// Each sink is a process; with Hive.
    Processes,
}

/// Where a shared stack is, once someone has started it.
pub(crate) type Place = Mutex<Option<Arc<Stack>>>;

static PLACES: [Mutex<Weak<Place>>; 2] = [Mutex::new(Weak::new()), Mutex::new(Weak::new())];

impl Shared {
    fn stack(self) -> Result<Builder> {
        let stack = Stack::builder().hive(true);
        Ok(match self {
            Shared::Threads => {
                let stack = stack.name("threads").runtime(Runtime::Thread).click_house(true).kms(true);
                let stack = stack.broker_property("transactionCoordinatorEnabled", "true");
                stack.connector(jdbc_sink()?)
            }
            // A process whose worker is gone, or too busy to ask after it, ends after three of these.
            Shared::Processes => {
                let stack = stack.name("processes").runtime(Runtime::Process).liveness_check(Duration::from_secs(10));
                let stack = stack.function_java_option(QUICK_START);
                // MapReduce, the stack's engine, puts files together by default, and then reads their headers as rows; Tez reads
                // each by itself.
                stack.hive_property("hive.input.format", "org.apache.hadoop.hive.ql.io.HiveInputFormat")
            }
        })
    }

    /// Its place. The stack stays as long as someone holds that.
    pub(crate) fn place(self) -> Arc<Place> {
        let mut known = locked(&PLACES[self as usize]);
        known.upgrade().unwrap_or_else(|| {
            let place = Arc::default();
            *known = Arc::downgrade(&place);
            place
        })
    }

    /// The stack in its place, which is started if nobody has.
    pub(crate) fn in_place(self, place: &Place) -> Result<Arc<Stack>> {
        let mut place = locked(place);
        if let Some(stack) = &*place {
            return Ok(Arc::clone(stack));
        }
        let stack = Arc::new(start(self.stack()?)?);
        *place = Some(Arc::clone(&stack));
        Ok(stack)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a stack with the connector, and makes the tenant.
pub(crate) fn start(stack: Builder) -> Result<Stack> {
    let stack = stack.connector(connector()?).start()?;
    stack.admin().create_tenant(TENANT)?;
    Ok(stack)
}

/// A Pulsar of another cluster beside a test's services, without HDFS.
pub fn another_cluster(name: &str) -> Result<Stack> {
    start(Stack::builder().name(name).cluster(name).runtime(Runtime::Thread).data_nodes(0))
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The connector that is tested: `HDFS_CSV_NAR`, or the one that `mvn package` has built.
pub fn connector() -> Result<PathBuf> {
    let nar = std::env::var_os("HDFS_CSV_NAR").map_or_else(|| repository().join(NAR), PathBuf::from);
    ensure!(nar.is_file(), "{} is not there: build it, as `make test` does, or set HDFS_CSV_NAR", nar.display());
    // The worker takes the name of the file for the connector's.
    nar.canonicalize().with_context(|| format!("{}", nar.display()))
}

/// The connector of Pulsar's own JDBC sink.
pub fn jdbc_sink() -> Result<PathBuf> {
    artifacts::resolve("jdbc-sink")?.into_iter().next().context("the stack's pom names no JDBC sink")
}
