//! The sinks that are compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{Namespace, Sink};
use serde_json::{Value, json};

/// Every sink's process gets this heap: with less the client cannot hold what it fetches ahead of 21 topics.
const HEAP: u64 = 512 << 20;

/// What the worker calls the earlier build.
const BEFORE: &str = "hdfs-csv-before";

/// A sink that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// A sink that does nothing but acknowledge: the limit of any sink.
    Noop,
    /// This project's.
    Ours,
    /// An earlier build of it.
    Before,
    /// Pulsar's own sink for HDFS.
    Hdfs3,
}

impl Peer {
    /// Those of the report.
    pub const REPORTED: [Peer; 3] = [Peer::Noop, Peer::Ours, Peer::Hdfs3];
    /// Those of a comparison with an earlier build.
    pub const BUILDS: [Peer; 3] = [Peer::Noop, Peer::Ours, Peer::Before];

    /// What the report calls it.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Noop => "noop",
            Peer::Ours => "ours",
            Peer::Before => "before",
            Peer::Hdfs3 => "hdfs3",
        }
    }

    /// The sink on these topics, not yet created.
    pub fn sink<'a>(self, namespace: &'a Namespace<'a>, name: &str, topics: &[String]) -> Result<Sink<'a>> {
        let sink = Sink::of_topics(namespace, name, topics)?.setting("resources", json!({ "ram": HEAP }));
        let (directory, hadoop_conf) = (sink.directory(), namespace.services().hadoop_conf()?);
        Ok(match self {
            Peer::Noop => sink.setting("archive", json!("builtin://noop")).setting("configs", json!({})),
            Peer::Ours => sink.setting("configs", own_configs(&directory, &hadoop_conf)),
            Peer::Before => {
                let sink = sink.setting("configs", own_configs(&directory, &hadoop_conf));
                sink.setting("archive", json!(format!("builtin://{BEFORE}")))
            }
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

fn own_configs(directory: &str, hadoop_conf: &str) -> Value {
    json!({
        "directory": directory,
        "hdfsConfigDir": hadoop_conf,
        "partitionBy": "day",
        "partitionTime": "field:timestamp",
        // Nothing is sent in chunks, and a drain ends with the last acknowledgement.
        "chunkedMessageTimeout": "1s",
    })
}

/// A copy of an earlier build's archive, in a folder of its own, under a name beside which this build can be.
pub fn renamed(nar: &Path, folder: &Path) -> Result<PathBuf> {
    const SERVICES: &str = "META-INF/services";
    std::fs::create_dir_all(folder.join(SERVICES))?;
    let service = format!("name: {BEFORE}\ndescription: An earlier build\nsinkClass: io.hdfscsv.pulsar.HdfsCsvSink\n");
    std::fs::write(folder.join(SERVICES).join("pulsar-io.yaml"), service)?;
    let copy = folder.join(format!("{BEFORE}.nar"));
    std::fs::copy(nar, &copy).with_context(|| format!("{}", nar.display()))?;
    let mut jar = Command::new("jar");
    jar.args(["--update", "--file"]).arg(&copy).arg("-C").arg(folder).arg(format!("{SERVICES}/pulsar-io.yaml"));
    let output = jar.output().context("jar cannot be run")?;
    ensure!(output.status.success(), "jar: {}", String::from_utf8_lossy(&output.stderr));
    Ok(copy)
}
