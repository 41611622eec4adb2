//! What each instance of a sink writes beside the tables, so that `hdfs-csv status` can tell of source partitions that are held
//! back or left out.

use serde::{Deserialize, Serialize};

use crate::storage::{Overwrite, Storage, StorageResult, write_whole};

/// What an instance says of its source partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `tenant/namespace/name`.
    pub sink: String,
    /// The instance's number, from 0.
    pub instance: u32,
    /// When it was written: milliseconds since 1970.
    pub at: i64,
    /// The topics, or partitions, of which it has got records.
    pub source_partitions: Vec<String>,
    /// Those of them that do not get on.
    pub held_back: Vec<HeldBack>,
    /// Topics that cannot have a table.
    pub stopped: Vec<Stopped>,
}

/// A source partition that does not get on and goes on by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBack {
    /// The topic or partition.
    pub topic: String,
    /// What it does again and again, or waits for.
    pub what: String,
    /// Why that does not succeed; empty while it only waits.
    pub reason: String,
    /// Since when: milliseconds since 1970.
    pub since: i64,
}

/// A topic that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stopped {
    /// The topic.
    pub topic: String,
    /// Why, and what to do.
    pub reason: String,
}

/// The folder of what instances say, in the directory of the tables. No table has such a name.
pub fn folder(directory: &str) -> String {
    format!("{directory}/_status")
}

impl Status {
    /// Writes it over what the instance said before.
    pub(crate) async fn write<S: Storage>(&self, storage: &S, directory: &str) -> StorageResult<()> {
        let folder = folder(directory);
        let name = format!("{:08x}-{}", crc32fast::hash(self.sink.as_bytes()), self.instance);
        let (temporary, path) = (format!("{folder}/.{name}"), format!("{folder}/{name}.json"));
        let json = serde_json::to_vec_pretty(self).unwrap_or_default();
        storage.mkdirs(&folder).await?;
        storage.delete(&temporary).await?;
        write_whole(storage, &temporary, json.into()).await?;
        storage.rename(&temporary, &path, Overwrite::Replace).await
    }

    /// What instances say; one that cannot be read is left out, because it is being written.
    ///
    /// # Errors
    /// When HDFS cannot be asked.
    pub async fn read_all<S: Storage>(storage: &S, directory: &str) -> StorageResult<Vec<Status>> {
        let folder = folder(directory);
        let mut all = Vec::new();
        for entry in storage.list(&folder).await?.into_iter().filter(|entry| entry.name.ends_with(".json")) {
            if let Ok(bytes) = storage.read(&format!("{folder}/{}", entry.name)).await {
                all.extend(serde_json::from_slice::<Status>(&bytes));
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::memory::Memory;

    #[tokio::test]
    async fn what_an_instance_says_replaces_what_it_said_before_and_stands_beside_the_others() {
        let memory = Memory::new();
        let status = |instance, at| Status {
            sink: "t/n/s".to_owned(),
            instance,
            at,
            source_partitions: vec!["persistent://t/n/a".to_owned()],
            held_back: Vec::new(),
            stopped: Vec::new(),
        };
        for (instance, at) in [(0, 1), (1, 2), (0, 3)] {
            status(instance, at).write(&memory, "/d").await.unwrap();
        }
        let mut all = Status::read_all(&memory, "/d").await.unwrap();
        all.sort_by_key(|own| own.instance);
        assert_eq!(all, [status(0, 3), status(1, 2)]);
        assert_eq!(memory.files().len(), 2);
    }
}
