//! The services of a test: its own, or shared ones.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Builder, Stack};
use hdfs_csv_tool::access::{Access, Proof, Token};
use hdfs_csv_tool::pulsar_client::{Client, connect_as};
use pulsar_io_hdfs_csv::storage::hdfs::{Hdfs, HdfsSettings};
use tokio::runtime::Runtime as Tokio;

use crate::logs::complaints;
use crate::shared::{Place, Shared, start};
use crate::turns::{Claim, Turn};

/// Pulsar and HDFS with the connector installed.
pub struct Services {
    stack: Arc<Stack>,
    tokio: Tokio,
    scratch: PathBuf,
    started_within: Duration,
    _place: Option<Arc<Place>>,
    // The last to go: the next test's turn begins when the services are gone.
    turn: Turn,
}

impl Services {
    /// Starts services as described, with the connector, when it is this test's turn.
    pub fn start(stack: Builder) -> Result<Services> {
        let turn = Turn::take(None);
        let began = Instant::now();
        Services::of(Arc::new(start(stack)?), None, turn, began)
    }

    /// Services that others use, too, when it is this test's turn.
    pub fn shared(shared: Shared) -> Result<Services> {
        Services::claim(Claim { shared, alone: false })
    }

    /// Services that others use, too, but not meanwhile: this test takes some of them away.
    pub fn shared_alone(shared: Shared) -> Result<Services> {
        Services::claim(Claim { shared, alone: true })
    }

    fn claim(claim: Claim) -> Result<Services> {
        // Held before its turn, too: the services stay for this test.
        let place = claim.shared.place();
        let turn = Turn::take(Some(claim));
        let began = Instant::now();
        Services::of(claim.shared.in_place(&place)?, Some(place), turn, began)
    }

    fn of(stack: Arc<Stack>, place: Option<Arc<Place>>, turn: Turn, began: Instant) -> Result<Services> {
        let scratch = stack.data_dir().join("data/test").join(turn.name().replace("::", "-"));
        std::fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
        let started_within = began.elapsed();
        println!("services are up after {:.1} s; logs: {}", started_within.as_secs_f64(), stack.log_dir().display());
        let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Services { stack, tokio, scratch, started_within, _place: place, turn })
    }

    /// Runs a test; an error says where the logs are, and what they complained of meanwhile.
    pub fn run(&self, test: impl FnOnce(&Services) -> Result<()>) -> Result<()> {
        // A producer that an error drops closes itself in the runtime, and panics outside of one.
        let _inside = self.tokio.enter();
        let (began, since) = (Instant::now(), SystemTime::now());
        let ended = test(self).with_context(|| format!("logs: {}", self.stack.log_dir().display()));
        if ended.is_err() {
            println!("{}", complaints(&self.stack.log_dir(), since));
        }
        ended.and(self.turn.took(self.started_within, began.elapsed()))
    }

    /// The processes.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Runs a future to its end.
    pub fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.tokio.block_on(future)
    }

    /// Where futures run.
    pub(crate) fn tokio(&self) -> &Tokio {
        &self.tokio
    }

    /// A client of Pulsar: the operator's, where it asks who is there.
    pub fn pulsar(&self) -> Result<Client> {
        let pulsar = self.stack.pulsar();
        let mut access = Access::open(&pulsar.service_url());
        if let Ok(security) = pulsar.security() {
            access.proof = Proof::Token(Token::Text(security.operators_token().to_owned()));
        }
        self.wait_for(connect_as(&access))
    }

    /// A client of HDFS.
    pub fn hdfs(&self) -> Result<Hdfs> {
        let config_dir = self.hadoop_conf()?;
        let settings = HdfsSettings::new(Some(config_dir), std::time::Duration::from_secs(30));
        // The client keeps the runtime that it is built in.
        let _inside = self.tokio.enter();
        Hdfs::new(settings).context("the stack's Hadoop settings")
    }

    /// The command `hdfs-csv`, which `make` has built beside the tests, as a client of this HDFS: in the environment that
    /// such a client needs, without arguments.
    pub fn command(&self) -> Result<Command> {
        let tests = std::env::current_exe()?;
        let built = tests.ancestors().nth(2).context("the tests are in no folder")?.join("hdfs-csv");
        ensure!(built.is_file(), "{} is not there: build it, as `make test` does", built.display());
        let mut command = Command::new(built);
        command.env("HADOOP_CONF_DIR", self.hadoop_conf()?);
        if let Ok(kdc) = self.stack.kdc() {
            command.envs(kdc.environment());
        }
        Ok(command)
    }

    /// The folder with the settings of Hadoop's clients.
    pub fn hadoop_conf(&self) -> Result<String> {
        Ok(self.stack.hadoop_conf_dir()?.to_string_lossy().into_owned())
    }

    /// A folder of this name for clients of HDFS that has these settings, too; its path.
    pub fn hadoop_conf_with(&self, name: &str, settings: &[(&str, &str)]) -> Result<String> {
        let property = |(name, value)| format!("<property><name>{name}</name><value>{value}</value></property>");
        let added: String = settings.iter().copied().map(property).collect();
        self.hadoop_conf_changed(name, |text| text.replace("</configuration>", &(added.clone() + "</configuration>")))
    }

    /// A folder of this name for clients of HDFS whose files are changed so; its path.
    pub fn hadoop_conf_changed(&self, name: &str, change: impl Fn(String) -> String) -> Result<String> {
        let folder = self.scratch(name);
        std::fs::create_dir_all(&folder)?;
        for file in ["core-site.xml", "hdfs-site.xml"] {
            let text = std::fs::read_to_string(Path::new(&self.hadoop_conf()?).join(file))?;
            std::fs::write(folder.join(file), change(text))?;
        }
        Ok(folder.to_string_lossy().into_owned())
    }

    /// A path for this test's own file; it goes with the stack.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }
}
