//! Which topics and tables a command is about.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use pulsar_io_hdfs_csv::protocol::identity::read_identity;
use pulsar_io_hdfs_csv::storage::Storage;
use pulsar_io_hdfs_csv::topic::TopicName;

use crate::audit::Subject;
use crate::verify::tables;

/// Which topics and tables.
#[derive(Clone, Debug, Args)]
pub struct SubjectArgs {
    /// The directory that the tables are in.
    #[arg(long)]
    directory: String,
    /// Only these tables, separated by commas.
    #[arg(long, value_delimiter = ',', conflicts_with = "topics")]
    tables: Vec<String>,
    /// Only these topics, separated by commas; one that has no table yet is told of, too.
    #[arg(long, value_delimiter = ',')]
    topics: Vec<String>,
}

impl SubjectArgs {
    /// The topics, each with its table. A table says itself which topic it comes from.
    pub async fn subjects<S: Storage>(&self, storage: &S) -> Result<Vec<Subject>> {
        let directory = self.directory.trim_end_matches('/');
        let mut subjects = Vec::new();
        for table in tables(storage, directory).await? {
            if !self.tables.is_empty() && !self.tables.iter().any(|name| table.root() == format!("{directory}/{name}"))
            {
                continue;
            }
            let identity = read_identity(storage, &table.identity()).await.with_context(|| table.identity())?;
            match identity {
                Some(identity) => subjects.push(Subject::new(identity.topic, Some(table))),
                None if self.tables.is_empty() => {}
                None => {
                    bail!("{} does not say which topic it comes from: {} is missing", table.root(), table.identity())
                }
            }
        }
        ensure!(
            self.tables.is_empty() || subjects.len() == self.tables.len(),
            "not every table of --tables is in {directory}"
        );
        if self.topics.is_empty() {
            ensure!(!subjects.is_empty(), "{directory} has no tables; give --topics for topics that have none yet");
            return Ok(subjects);
        }
        let mut wanted = Vec::new();
        for name in &self.topics {
            let topic = TopicName::parse(name)?.to_string();
            let known = subjects.iter().find(|subject| subject.topic == topic).cloned();
            wanted.push(known.unwrap_or(Subject::new(topic, None)));
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsar_io_hdfs_csv::storage::memory::Memory;

    fn args(tables: &[&str], topics: &[&str]) -> SubjectArgs {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        SubjectArgs { directory: "/d/".to_owned(), tables: owned(tables), topics: owned(topics) }
    }

    #[tokio::test]
    async fn a_table_says_its_topic_and_a_topic_may_have_no_table() {
        let memory = Memory::new();
        for table in ["a", "b"] {
            let topic = format!("persistent://t/n/{table}");
            let identity = format!(r#"{{"sink":"s","subscription":"s","topic":"{topic}"}}"#);
            memory.put(&format!("/d/{table}/_sink.json"), identity.as_bytes());
        }
        memory.put("/d/other/file", b"");
        let found = async |tables: &[&str], topics: &[&str]| -> Result<Vec<(String, Option<String>)>> {
            let subjects = args(tables, topics).subjects(&memory).await?;
            let pair = |own: Subject| (own.topic, own.table.map(|table| table.root().to_owned()));
            Ok(subjects.into_iter().map(pair).collect())
        };
        let pair = |name: &str, table: Option<&str>| (format!("persistent://t/n/{name}"), table.map(str::to_owned));
        assert_eq!(found(&[], &[]).await.unwrap(), [pair("a", Some("/d/a")), pair("b", Some("/d/b"))]);
        assert_eq!(found(&["b"], &[]).await.unwrap(), [pair("b", Some("/d/b"))]);
        assert_eq!(found(&[], &["t/n/c", "t/n/a"]).await.unwrap(), [pair("c", None), pair("a", Some("/d/a"))]);
        for wrong in ["c", "other"] {
            assert!(found(&[wrong], &[]).await.is_err());
        }
    }
}
