//! Two NameNodes of one file system, of which one is active, and the JournalNodes between them. Nothing fails over by itself.

use std::sync::Arc;
use std::thread;

use crate::error::Result;
use crate::files::{Settings, settings};
use crate::folder::Folder;
use crate::hadoop::{self, Hadoop};
use crate::process::joined;
use crate::services::{JournalNode, NameNode, NameNodePorts, Started};

/// The name service: its file system is `hdfs://stack`.
pub(crate) const NAME: &str = "stack";
const IDS: [&str; 2] = ["nn1", "nn2"];
const PROVIDER: &str = "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider";
const JOURNAL_NODES: usize = 3;

/// A name service's addresses.
pub(crate) struct NameService {
    name_nodes: [NameNodePorts; 2],
    journal_nodes: [u16; JOURNAL_NODES],
}

impl NameService {
    /// A name service with ports of its own.
    pub(crate) fn new(folder: &Folder) -> Result<Self> {
        Ok(Self {
            name_nodes: [NameNodePorts::of(folder)?, NameNodePorts::of(folder)?],
            journal_nodes: [folder.port()?, folder.port()?, folder.port()?],
        })
    }

    /// Its file system.
    pub(crate) fn url() -> String {
        format!("hdfs://{NAME}")
    }

    /// What everyone has to know of it.
    pub(crate) fn settings(&self) -> Settings {
        let mut all = settings([
            ("dfs.nameservices", NAME.to_owned()),
            (&format!("dfs.ha.namenodes.{NAME}"), IDS.join(",")),
            (&format!("dfs.client.failover.proxy.provider.{NAME}"), PROVIDER.to_owned()),
            // The JournalNodes let one NameNode write, whatever another one believes.
            ("dfs.ha.fencing.methods", "shell(/bin/true)".to_owned()),
        ]);
        for (id, ports) in IDS.iter().zip(&self.name_nodes) {
            all.insert(format!("dfs.namenode.rpc-address.{NAME}.{id}"), format!("127.0.0.1:{}", ports.rpc));
            // What is asked for over HTTP is a service of this name to Kerberos.
            all.insert(format!("dfs.namenode.http-address.{NAME}.{id}"), format!("localhost:{}", ports.http));
        }
        all
    }

    /// Starts the JournalNodes, on them the NameNodes, and what `others` starts beside the second one. The first NameNode
    /// becomes the active one.
    pub(crate) fn start(
        &self,
        folder: &Folder,
        hadoop: &Arc<Hadoop>,
        given: &Settings,
        of_journal_nodes: &Settings,
        others: impl FnOnce() -> Result<()> + Send,
    ) -> Result<(Vec<NameNode>, Vec<JournalNode>)> {
        // They give edits only to who is a NameNode by these settings.
        let known = hadoop::overlaid(self.settings(), of_journal_nodes);
        let journals = self.journal_nodes.iter().enumerate();
        let journals = journals.map(|(number, port)| JournalNode::new(folder, hadoop, number, *port, &known));
        let journals: Vec<_> = journals.collect::<Result<_>>()?;
        thread::scope(|scope| {
            let starts: Vec<_> = journals.iter().map(|journal| scope.spawn(|| journal.start())).collect();
            starts.into_iter().try_for_each(joined)
        })?;

        let edits = self.journal_nodes.map(|port| format!("localhost:{port}")).join(";");
        let name_node = |(id, ports): (&&str, &NameNodePorts)| {
            let own = settings([
                ("dfs.ha.namenode.id", (*id).to_owned()),
                ("dfs.namenode.shared.edits.dir", format!("qjournal://{edits}/{NAME}")),
                ("dfs.ha.tail-edits.period", "1s".to_owned()),
                // A standby that starts is in safe mode until it has seen what the last segment has: two minutes by default.
                ("dfs.ha.log-roll.period", "5s".to_owned()),
            ]);
            let all = hadoop::overlaid(hadoop::overlaid(self.settings(), &own), given);
            NameNode::new(folder, hadoop, &format!("name-node-{id}"), *ports, &Self::url(), &all, Started::HasRole)
        };
        let name_nodes: Vec<_> = IDS.iter().zip(&self.name_nodes).map(name_node).collect::<Result<_>>()?;
        let [first, second] = &name_nodes[..] else { return Ok((name_nodes, journals)) };
        first.prepare(hadoop, "-format")?;
        first.start()?;
        second.prepare(hadoop, "-bootstrapStandby")?;
        thread::scope(|scope| {
            let others = scope.spawn(others);
            second.start().and(joined(others))
        })?;
        Ok((name_nodes, journals))
    }

    /// The id of a NameNode, counted from 0.
    pub(crate) fn id(number: usize) -> &'static str {
        IDS[number % IDS.len()]
    }
}
