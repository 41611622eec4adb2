//! HDFS: NameNodes and DataNodes.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use crate::builder::Builder;
use crate::error::Result;
use crate::files::{Settings, settings};
use crate::folder::Folder;
use crate::hadoop::{self, Hadoop};
use crate::kerberos::superusers_cache;
use crate::name_service::NameService;
use crate::ports;
use crate::process::{Service, joined};
use crate::services::{DataNode, JournalNode, NameNode, NameNodePorts, Started};

/// The HDFS of a stack.
pub(crate) struct Hdfs {
    pub(crate) hadoop: Arc<Hadoop>,
    pub(crate) data_nodes: Vec<DataNode>,
    /// One, or two of a name service.
    pub(crate) name_nodes: Vec<NameNode>,
    pub(crate) journal_nodes: Vec<JournalNode>,
    /// `hdfs://127.0.0.1:port`, or `hdfs://` and the name service.
    pub(crate) url: String,
    /// A folder with `core-site.xml` and `hdfs-site.xml` for clients.
    pub(crate) client_conf: PathBuf,
}

impl Hdfs {
    /// Starts everything and waits until it is ready.
    pub(crate) fn start(builder: &Builder, folder: &Folder) -> Result<Self> {
        let mut environment = builder.environment.clone();
        if builder.kerberos {
            environment.insert("KRB5CCNAME".to_owned(), superusers_cache(folder).display().to_string());
        }
        let hadoop = Hadoop::new(folder, builder.peak_speed, environment)?;
        ports::retried(|| match builder.high_availability {
            false => Self::with_one_name_node(builder, folder, &hadoop),
            true => Self::highly_available(builder, folder, &hadoop),
        })
    }

    fn with_one_name_node(builder: &Builder, folder: &Folder, hadoop: &Arc<Hadoop>) -> Result<Self> {
        let ports = NameNodePorts::of(folder)?;
        let url = format!("hdfs://127.0.0.1:{}", ports.rpc);
        let own = settings([
            ("dfs.namenode.rpc-address", format!("127.0.0.1:{}", ports.rpc)),
            ("dfs.namenode.http-address", format!("127.0.0.1:{}", ports.http)),
            ("dfs.replication", builder.effective_replication().to_string()),
        ]);
        let own = hadoop::overlaid(own, &builder.name_node);
        let name_node = NameNode::new(folder, hadoop, "name-node", ports, &url, &own, Started::TakesWrites)?;
        name_node.prepare(hadoop, "-format")?;
        let client_conf = configure_clients(builder, folder, &url, &Settings::new())?;
        let data_nodes = data_nodes(builder, folder, hadoop, &url, &builder.data_node)?;
        thread::scope(|scope| {
            // Neither kind is ready without the other, so none is waited for in vain.
            let start = |node: &DataNode| node.start().inspect_err(|_| drop(name_node.kill()));
            let starts: Vec<_> = data_nodes.iter().map(|node| scope.spawn(move || start(node))).collect();
            let started = name_node.start();
            starts.into_iter().try_for_each(joined).and(started)
        })?;
        let (name_nodes, journal_nodes) = (vec![name_node], Vec::new());
        Ok(Self { hadoop: Arc::clone(hadoop), data_nodes, name_nodes, journal_nodes, url, client_conf })
    }

    fn highly_available(builder: &Builder, folder: &Folder, hadoop: &Arc<Hadoop>) -> Result<Self> {
        let (service, url) = (NameService::new(folder)?, NameService::url());
        let client_conf = configure_clients(builder, folder, &url, &service.settings())?;
        let known = hadoop::overlaid(service.settings(), &builder.data_node);
        let data_nodes = data_nodes(builder, folder, hadoop, &url, &known)?;
        let replication = settings([("dfs.replication", builder.effective_replication().to_string())]);
        let given = hadoop::overlaid(replication, &builder.name_node);
        let (name_nodes, journal_nodes) = service.start(folder, hadoop, &given, &builder.journal_node, || {
            thread::scope(|scope| {
                let starts: Vec<_> = data_nodes.iter().map(|node| scope.spawn(|| node.start())).collect();
                starts.into_iter().try_for_each(joined)
            })
        })?;
        let hdfs = Self { hadoop: Arc::clone(hadoop), data_nodes, name_nodes, journal_nodes, url, client_conf };
        hdfs.ha_admin(&["-transitionToActive", NameService::id(0)])?;
        hdfs.name_nodes.first().map_or(Ok(()), NameNode::wait_for_writes)?;
        Ok(hdfs)
    }

    /// Gives these settings to everyone, clients too, and starts everything anew.
    pub(crate) fn change(&self, changes: &Settings) -> Result<()> {
        let confs = self.data_nodes.iter().map(DataNode::conf).chain(self.name_nodes.iter().map(NameNode::conf));
        confs.chain([self.client_conf.as_path()]).try_for_each(|conf| hadoop::change(conf, changes))?;
        thread::scope(|scope| {
            // Neither kind is ready without the other.
            let data_nodes: Vec<_> = self.data_nodes.iter().map(|node| scope.spawn(|| node.restart())).collect();
            let name_nodes: Vec<_> = self.name_nodes.iter().map(|node| scope.spawn(|| node.restart())).collect();
            data_nodes.into_iter().chain(name_nodes).try_for_each(joined)
        })
    }

    /// Runs `hdfs haadmin` on its name service.
    pub(crate) fn ha_admin(&self, arguments: &[&str]) -> Result<String> {
        self.hadoop.ha_admin(&self.client_conf, &[&["-ns", crate::name_service::NAME], arguments].concat())
    }

    /// Its services, in the order in which they are to be stopped.
    pub(crate) fn services(&self) -> impl Iterator<Item = (String, &Service)> {
        let data_nodes = self.data_nodes.iter().enumerate();
        let data_nodes = data_nodes.map(|(number, node)| (format!("data-node-{number}"), node.service()));
        let name_nodes = self.name_nodes.iter().enumerate().map(|(number, node)| {
            let name = if number == 0 { "name-node".to_owned() } else { format!("name-node-{number}") };
            (name, node.service())
        });
        let journal_nodes = self.journal_nodes.iter().enumerate();
        let journal_nodes = journal_nodes.map(|(number, node)| (format!("journal-node-{number}"), node.service()));
        data_nodes.chain(name_nodes).chain(journal_nodes)
    }
}

/// Makes the folder for clients.
fn configure_clients(builder: &Builder, folder: &Folder, url: &str, known: &Settings) -> Result<PathBuf> {
    let conf = folder.conf().join("client");
    let base = settings([
        ("dfs.replication", builder.effective_replication().to_string()),
        // With so few DataNodes there is often none to put in a lost one's place.
        ("dfs.client.block.write.replace-datanode-on-failure.best-effort", "true".to_owned()),
    ]);
    hadoop::configure(&conf, url, &hadoop::overlaid(hadoop::overlaid(base, known), &builder.client))?;
    Ok(conf)
}

fn data_nodes(
    builder: &Builder,
    folder: &Folder,
    hadoop: &Arc<Hadoop>,
    url: &str,
    given: &Settings,
) -> Result<Vec<DataNode>> {
    (0..builder.data_nodes).map(|number| DataNode::new(folder, hadoop, url, number, given)).collect()
}
