//! The sinks that are compared.

use anyhow::Result;
use hdfs_csv_tests::{Namespace, Sink};
use serde_json::json;

/// Every sink's process gets this heap: with less the client cannot hold what it fetches ahead of 21 topics.
const HEAP: u64 = 512 << 20;

/// A sink that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// A sink that does nothing but acknowledge: the limit of any sink.
    Noop,
    /// This project's.
    Ours,
    /// Pulsar's own sink for HDFS.
    Hdfs3,
}

impl Peer {
    pub const ALL: [Peer; 3] = [Peer::Noop, Peer::Ours, Peer::Hdfs3];

    /// What the report calls it.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Noop => "noop",
            Peer::Ours => "ours",
            Peer::Hdfs3 => "hdfs3",
        }
    }

    /// The sink on these topics, not yet created.
    pub fn sink<'a>(self, namespace: &'a Namespace<'a>, name: &str, topics: &[String]) -> Result<Sink<'a>> {
        let sink = Sink::of_topics(namespace, name, topics)?.setting("resources", json!({ "ram": HEAP }));
        let (directory, hadoop_conf) = (sink.directory(), namespace.services().hadoop_conf()?);
        Ok(match self {
            Peer::Noop => sink.setting("archive", json!("builtin://noop")).setting("configs", json!({})),
            Peer::Ours => sink.setting(
                "configs",
                json!({
                    "directory": directory,
                    "hdfsConfigDir": hadoop_conf,
                    "partitionBy": "day",
                    "partitionTime": "field:timestamp",
                    // Nothing is sent in chunks, and a drain ends with the last acknowledgement.
                    "chunkedMessageTimeout": "1s",
                }),
            ),
            Peer::Hdfs3 => sink
                .setting("archive", json!("builtin://hdfs3"))
                .setting("processingGuarantees", json!("ATLEAST_ONCE"))
                .setting(
                    "configs",
                    json!({
                        "hdfsConfigResources": format!("{hadoop_conf}/core-site.xml,{hadoop_conf}/hdfs-site.xml"),
                        "directory": directory,
                        "filenamePrefix": "rows",
                        "fileExtension": ".csv",
                        "separator": "\n",
                        "encoding": "UTF-8",
                        "syncInterval": 100,
                        "maxPendingRecords": i32::MAX,
                    }),
                ),
        })
    }
}
