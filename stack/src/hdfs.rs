//! HDFS: a NameNode and its DataNodes.

use std::sync::Arc;
use std::thread;

use crate::builder::Builder;
use crate::error::Result;
use crate::folder::Folder;
use crate::hadoop::Hadoop;
use crate::ports;
use crate::process::{Service, joined};
use crate::services::{DataNode, NameNode};

/// The HDFS of a stack.
pub(crate) struct Hdfs {
    pub(crate) hadoop: Arc<Hadoop>,
    pub(crate) data_nodes: Vec<DataNode>,
    pub(crate) name_node: NameNode,
}

impl Hdfs {
    /// Starts everything and waits until it is ready.
    pub(crate) fn start(builder: &Builder, folder: &Folder) -> Result<Self> {
        let hadoop = Hadoop::new(folder, builder.peak_speed, builder.environment.clone())?;
        let replication = builder.effective_replication();
        ports::retried(|| {
            let name_node = NameNode::new(folder, &hadoop, replication, &builder.name_node, &builder.client)?;
            let url = name_node.url();
            let data_node = |number| DataNode::new(folder, &hadoop, &url, number, &builder.data_node);
            let data_nodes: Vec<_> = (0..builder.data_nodes).map(data_node).collect::<Result<_>>()?;
            thread::scope(|scope| {
                // Neither kind is ready without the other, so none is waited for in vain.
                let start = |node: &DataNode| node.start().inspect_err(|_| drop(name_node.kill()));
                let starts: Vec<_> = data_nodes.iter().map(|node| scope.spawn(move || start(node))).collect();
                let started = name_node.start();
                starts.into_iter().try_for_each(joined).and(started)
            })?;
            Ok(Self { hadoop: hadoop.clone(), data_nodes, name_node })
        })
    }

    /// Its services, in the order in which they are to be stopped.
    pub(crate) fn services(&self) -> impl Iterator<Item = (String, &Service)> {
        let data_nodes = self.data_nodes.iter().enumerate();
        let data_nodes = data_nodes.map(|(number, node)| (format!("data-node-{number}"), node.service()));
        data_nodes.chain([("name-node".to_owned(), self.name_node.service())])
    }
}
