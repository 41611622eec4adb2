//! HDFS that is away.

use std::thread;

use anyhow::{Result, anyhow};
use hdfs_csv_stack::{NameNode, Stack};

/// In what way HDFS is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// Its processes are killed: connections are refused.
    Gone,
    /// Its processes are stopped where they are: connections are taken, and nothing is ever answered.
    Hanging,
    /// So are the DataNodes only: the NameNode answers, and blocks cannot be written.
    DataNodesHanging,
}

impl Outage {
    /// Takes HDFS away.
    pub fn begin(self, stack: &Stack) -> Result<()> {
        match self {
            Outage::Gone => {
                stack.name_node()?.kill()?;
                stack.data_nodes().iter().try_for_each(|node| Ok(node.kill()?))
            }
            Outage::Hanging | Outage::DataNodesHanging => {
                self.hanging(stack)?.into_iter().try_for_each(|pid| Ok(stack.pause(pid)?))
            }
        }
    }

    /// Brings it back, and waits until it takes writes.
    pub fn end(self, stack: &Stack) -> Result<()> {
        match self {
            Outage::Gone => thread::scope(|scope| {
                // Neither is ready without the other.
                let nodes: Vec<_> = stack.data_nodes().iter().map(|node| scope.spawn(move || node.start())).collect();
                stack.name_node()?.start()?;
                nodes.into_iter().try_for_each(|node| Ok(node.join().map_err(|_| anyhow!("a thread panicked"))??))
            }),
            Outage::Hanging | Outage::DataNodesHanging => {
                self.hanging(stack)?.into_iter().try_for_each(|pid| Ok(stack.resume(pid)?))
            }
        }
    }

    fn hanging(self, stack: &Stack) -> Result<Vec<u32>> {
        let name_node = stack.name_node().map(NameNode::pid)?.filter(|_| self == Outage::Hanging);
        Ok(name_node.into_iter().chain(stack.data_nodes().iter().filter_map(|node| node.pid())).collect())
    }
}
