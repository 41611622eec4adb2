//! A Pulsar cluster: ZooKeeper, three bookies, two brokers and two functions workers, each a process of its own.

use std::thread;
use std::time::Duration;

use super::bookie::Bookie;
use super::broker::{Broker, BrokerPorts};
use super::functions_worker::FunctionsWorker;
use super::pulsar_program::{Distribution, PulsarOptions};
use super::zoo_keeper::ZooKeeper;
use crate::admin::Admin;
use crate::error::Result;
use crate::folder::Folder;
use crate::process::{Service, joined, run};

const BOOKIES: usize = 3;
const BROKERS: usize = 2;
const WORKERS: usize = 2;
const METADATA_LIMIT: Duration = Duration::from_secs(180);

/// The processes of a Pulsar that is a [cluster](crate::Builder::distributed).
pub struct Cluster {
    zoo_keeper: ZooKeeper,
    bookies: Vec<Bookie>,
    brokers: Vec<Broker>,
    workers: Vec<FunctionsWorker>,
}

impl Cluster {
    /// A cluster without data, which runs.
    pub(crate) fn start_new(folder: &Folder, distribution: &Distribution, options: &PulsarOptions) -> Result<Self> {
        let zoo_keeper = ZooKeeper::new(folder, distribution)?;
        let ports: Vec<_> = (0..BROKERS).map(|_| BrokerPorts::of(folder)).collect::<Result<_>>()?;
        let bookie = |number| Bookie::new(folder, distribution, number, &zoo_keeper);
        let bookies = (0..BOOKIES).map(bookie).collect::<Result<_>>()?;
        let broker = |(number, ports): (usize, &BrokerPorts)| {
            Broker::new(folder, distribution, options, number, *ports, &zoo_keeper)
        };
        let brokers: Vec<_> = ports.iter().enumerate().map(broker).collect::<Result<_>>()?;
        let [service_url, admin_url] = [service_url(&brokers), admin_url(&brokers)];
        let store = format!("zk:{}", zoo_keeper.address());
        let worker =
            |number| FunctionsWorker::new(folder, distribution, options, number, &store, [&service_url, &admin_url]);
        let workers = (0..WORKERS).map(worker).collect::<Result<_>>()?;
        let cluster = Self { zoo_keeper, bookies, brokers, workers };

        cluster.zoo_keeper.start()?;
        let mut metadata = distribution.tool("pulsar");
        metadata
            .args(["initialize-cluster-metadata", "--cluster", &options.cluster])
            .args(["--metadata-store", &store, "--configuration-metadata-store", &store])
            .args(["--broker-service-url", &service_url, "--web-service-url", &admin_url]);
        run(metadata, METADATA_LIMIT)?;
        cluster.start()?;
        Ok(cluster)
    }

    /// Starts what does not run, each on what it needs, and waits until it is ready.
    pub(crate) fn start(&self) -> Result<()> {
        self.zoo_keeper.start()?;
        together(&self.bookies, Bookie::start)?;
        together(&self.brokers, Broker::start)?;
        // Of two that are new at once the second one ends: who is first makes the topics that they share.
        self.workers.iter().try_for_each(FunctionsWorker::start)
    }

    /// ZooKeeper.
    pub fn zoo_keeper(&self) -> &ZooKeeper {
        &self.zoo_keeper
    }

    /// The three bookies: each message is on two of them.
    pub fn bookies(&self) -> &[Bookie] {
        &self.bookies
    }

    /// The two brokers.
    pub fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    /// The two functions workers.
    pub fn workers(&self) -> &[FunctionsWorker] {
        &self.workers
    }

    /// All services, in the order in which they start.
    pub(crate) fn services(&self) -> Vec<(String, &Service)> {
        let mut all = vec![("zoo-keeper".to_owned(), self.zoo_keeper.service())];
        all.extend(numbered("bookie", &self.bookies, Bookie::service));
        all.extend(numbered("broker", &self.brokers, Broker::service));
        all.extend(numbered("functions-worker", &self.workers, FunctionsWorker::service));
        all
    }

    pub(crate) fn service_url(&self) -> String {
        service_url(&self.brokers)
    }

    pub(crate) fn admin_url(&self) -> String {
        admin_url(&self.brokers)
    }

    pub(crate) fn functions_url(&self) -> String {
        url("http", self.workers.iter().map(FunctionsWorker::web_port))
    }

    pub(crate) fn admin(&self) -> Admin {
        let brokers: Vec<_> = self.brokers.iter().map(Broker::web_port).collect();
        let workers: Vec<_> = self.workers.iter().map(FunctionsWorker::web_port).collect();
        Admin::of_cluster(&brokers, &workers)
    }
}

fn together<T: Sync>(all: &[T], start: impl Fn(&T) -> Result<()> + Sync) -> Result<()> {
    let start = &start;
    thread::scope(|scope| {
        let starts: Vec<_> = all.iter().map(|one| scope.spawn(move || start(one))).collect();
        starts.into_iter().map(joined).collect::<Vec<_>>().into_iter().collect()
    })
}

fn numbered<'a, T>(
    role: &str,
    all: &'a [T],
    service: impl Fn(&'a T) -> &'a Service,
) -> impl Iterator<Item = (String, &'a Service)> {
    all.iter().enumerate().map(move |(number, one)| (format!("{role}-{number}"), service(one)))
}

fn service_url(brokers: &[Broker]) -> String {
    url("pulsar", brokers.iter().map(Broker::port))
}

fn admin_url(brokers: &[Broker]) -> String {
    url("http", brokers.iter().map(Broker::web_port))
}

/// An address that names several ports, as Pulsar's clients take it.
fn url(scheme: &str, ports: impl Iterator<Item = u16>) -> String {
    format!("{scheme}://{}", ports.map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(","))
}
