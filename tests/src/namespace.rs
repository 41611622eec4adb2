//! A namespace of topics.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::produce::produce;
use hdfs_csv_tool::topic::{StoredMessage, read_all};
use hdfs_csv_tool::traffic::Plan;
use serde_json::json;

use crate::backlog;
use crate::services::Services;
use crate::shared::TENANT;

/// 2026-02-10.
const FILLED_DAY: i64 = 1_770_681_600_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// A namespace that keeps its messages for ever, so that they can be read again after the sink has acknowledged them.
pub struct Namespace<'a> {
    pub(crate) services: &'a Services,
    /// Its name, without the tenant.
    pub name: String,
}

impl Services {
    /// Makes a namespace that keeps its messages.
    pub fn namespace(&self, name: &str) -> Result<Namespace<'_>> {
        Namespace::create(self, name)
    }
}

impl<'a> Namespace<'a> {
    fn create(services: &'a Services, name: &str) -> Result<Namespace<'a>> {
        let namespace = Namespace { services, name: name.to_owned() };
        let admin = services.stack().admin();
        admin.create_namespace(&namespace.full_name())?;
        admin.set_retention(&namespace.full_name(), -1, -1)?;
        Ok(namespace)
    }

    /// The services that it is on.
    pub fn services(&self) -> &'a Services {
        self.services
    }

    /// `tenant/namespace`.
    pub fn full_name(&self) -> String {
        format!("{TENANT}/{}", self.name)
    }

    /// The full name of an event's topic.
    pub fn topic(&self, kind: EventKind) -> String {
        format!("persistent://{}/{}", self.full_name(), kind.name())
    }

    /// The full name of a topic of this local name.
    pub fn topic_named(&self, name: &str) -> String {
        format!("persistent://{}/{name}", self.full_name())
    }

    /// Lets a new schema of a topic be of any kind, as the strategy ALWAYS_COMPATIBLE does, or another strategy.
    pub fn set_schema_strategy(&self, strategy: &str) -> Result<()> {
        let path = format!("/admin/v2/namespaces/{}/schemaCompatibilityStrategy", self.full_name());
        self.services.stack().admin().put(&path, &json!(strategy)).map(drop).with_context(|| path.clone())
    }

    /// Where the messages of a namespace's events are produced to by `hdfs_csv_tool::produce`.
    pub fn target(&self, batch_size: u32) -> hdfs_csv_tool::produce::Target {
        let (tenant, namespace) = (TENANT.to_owned(), self.name.clone());
        hdfs_csv_tool::produce::Target { tenant, namespace, batch_size, rate: 0.0 }
    }

    /// Sends so many events of a kind, of one day, as fast as the broker takes them.
    pub fn fill(&self, kind: EventKind, count: u64) -> Result<()> {
        let plan = Plan { seed: 1, count, kinds: vec![kind], start: FILLED_DAY, end: FILLED_DAY + 86_400_000 };
        let client = self.services.pulsar()?;
        self.services.wait_for(produce(&client, &plan, &self.target(1_000), None, |_| {})).map(drop)
    }

    /// Sends so many searches of 2,000 letters each: [`backlog::send_wide`].
    pub fn fill_wide(&self, count: u64) -> Result<()> {
        backlog::send_wide(self.services, &self.topic(EventKind::Searching), count)
    }

    /// Every message of a topic, read by the independent reader.
    pub fn read(&self, kind: EventKind) -> Result<Vec<StoredMessage>> {
        let client = self.services.pulsar()?;
        let topic = self.topic(kind);
        self.services.wait_for(read_all(&client, &topic, PATIENCE)).with_context(|| format!("reading {topic}"))
    }

    /// Writes down every schema that the broker has of an event's topic, for the oracle: by table, and by version. Also
    /// returns how many there are.
    pub fn schema_versions(&self, kind: EventKind) -> Result<(PathBuf, usize)> {
        let found = self.services.stack().admin().get(&format!(
            "/admin/v2/schemas/{}/{}/schemas",
            self.full_name(),
            kind.name()
        ))?;
        let all = found["getSchemaResponses"].as_array().with_context(|| format!("{found} are no schemas"))?;
        let versions: serde_json::Map<_, _> =
            all.iter().map(|one| (one["version"].to_string(), one["data"].clone())).collect();
        let path = self.services.scratch(&format!("{}-schemas.json", self.name));
        std::fs::write(&path, json!({ kind.name(): versions }).to_string())?;
        Ok((path, versions.len()))
    }

    /// Writes down what the topics of these events hold, for the oracle.
    pub fn dump(&self, kinds: &[EventKind]) -> Result<PathBuf> {
        let path = self.services.scratch(&format!("{}-topics.jsonl", self.name));
        let mut file = BufWriter::new(File::create(&path).with_context(|| format!("{}", path.display()))?);
        for &kind in kinds {
            for message in self.read(kind)? {
                serde_json::to_writer(&mut file, &line(&self.topic(kind), &message))?;
                file.write_all(b"\n")?;
            }
        }
        file.flush()?;
        Ok(path)
    }
}

fn line(topic: &str, message: &StoredMessage) -> serde_json::Value {
    json!({
        "topic": topic,
        "partition": message.partition,
        "ledger": message.position.ledger,
        "entry": message.position.entry,
        "batch_index": message.position.batch_index,
        "publish_time": message.publish_time,
        "event_time": message.event_time,
        "key": message.key,
        "schema_version": version(message),
        "payload": hex(&message.payload),
    })
}

/// The number by which the broker's REST interface knows the schema of a message.
fn version(message: &StoredMessage) -> Option<u64> {
    Some(u64::from_be_bytes(message.schema_version.as_deref()?.try_into().ok()?))
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
