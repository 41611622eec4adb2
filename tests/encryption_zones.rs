//! A sink's directory is an encryption zone: what is on the disks of DataNodes cannot be read, Hive reads it all, and what becomes of
//! the keys and of their server stops rows, and loses none.

use std::path::Path;

use anyhow::{Result, ensure};
use hdfs_csv_stack::Row;
use hdfs_csv_tests::{Expected, Field, Fields, LIMIT, Services, Shared, Sink, Typed, until};
use pulsar_io_hdfs_csv::storage::Storage;
use serde_json::json;

const KEY: &str = "cold";
/// In each row.
const SECRET: &str = "nobody may find this sentence on a disk";

/// A topic's producer, and what it sent.
struct Notes {
    producer: Typed,
    sent: i64,
}

impl Notes {
    fn send(&mut self, services: &Services, count: i64) -> Result<()> {
        let note = |id: i64| -> Fields {
            vec![("id".to_owned(), Field::Long(id)), ("note".to_owned(), Field::text(&format!("{id}: {SECRET}")))]
        };
        self.producer.send(services, (self.sent..self.sent + count).map(note).collect())?;
        self.sent += count;
        Ok(())
    }

    /// Waits until Hive shows all of it.
    fn are_in_hive(&self, services: &Services) -> Result<()> {
        let hive = services.stack().hive()?;
        let expected: Vec<Row> =
            (0..self.sent).map(|id| vec![Some(id.to_string()), Some(format!("{id}: {SECRET}"))]).collect();
        until("all is in Hive", LIMIT, || {
            let rows = hive.query(&["SELECT id, note FROM secret_notes ORDER BY id"])?;
            ensure!(rows == expected, "{} rows of {}: {rows:?}", rows.len(), expected.len());
            Ok(())
        })
    }
}

/// In how many files below a folder in which a DataNode keeps a block this text is.
fn blocks_with(folder: &Path, text: &str) -> Result<usize> {
    let mut found = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_block = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("blk_"));
        if path.is_dir() {
            found += blocks_with(&path, text)?;
        } else if is_block {
            // Blocks come and go.
            let bytes = std::fs::read(&path).unwrap_or_default();
            found += usize::from(bytes.windows(text.len()).any(|part| part == text.as_bytes()));
        }
    }
    Ok(found)
}

#[test]
fn rows_in_an_encryption_zone_are_unreadable_on_disk_whole_in_hive_and_wait_for_what_the_key_server_denies()
-> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let (stack, namespace) = (services.stack(), services.namespace("zones")?);
        let kms = stack.kms()?;
        let topic = namespace.topic_named("secret_notes");
        let schema = json!({ "type": "record", "name": "Note", "fields": [
            { "name": "id", "type": "long" }, { "name": "note", "type": "string" }
        ] });
        let mut notes = Notes { producer: Typed::open(services, &topic, &schema, 1)?, sent: 0 };
        let sink = Sink::of_topics(&namespace, "cold", std::slice::from_ref(&topic))?
            .config("hiveMetastoreUris", json!(stack.hive()?.metastore().uri()))
            .config("operationTimeout", json!("5s"))
            .config("commitInterval", json!("1s"));
        stack.fs_shell(&["-mkdir", "-p", &sink.directory()])?;
        stack.make_encryption_zone(KEY, &sink.directory())?;
        let sink = sink.create()?;
        notes.send(services, 20)?;
        notes.are_in_hive(services)?;

        // The file that grows was begun with the old key.
        stack.key_shell(&["roll", KEY])?;
        notes.send(services, 20)?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;

        let waits = |what: &str, notes: &mut Notes| -> Result<()> {
            let told = sink.worker_log().matches(what).count();
            until(what, LIMIT, || {
                // The key server knows it after a second: what came until then is committed.
                notes.send(services, 1)?;
                let now = sink.worker_log().matches(what).count();
                ensure!(now > told, "it is said {now} times, as before");
                Ok(())
            })
        };
        kms.give("DECRYPT_EEK", KEY, "somebody")?;
        waits("give it DECRYPT_EEK in kms-acls.xml", &mut notes)?;
        kms.give("DECRYPT_EEK", KEY, "*")?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        kms.stop()?;
        waits("the key management server of hadoop.security.key.provider.path does not answer", &mut notes)?;
        kms.start()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;

        notes.are_in_hive(services)?;
        ensure!(blocks_with(stack.data_dir(), SECRET)? == 0, "a DataNode's disk has what is encrypted");
        // Were it not encrypted it would be found.
        let control = format!("{}-control", sink.directory());
        let hdfs = services.hdfs()?;
        services.wait_for(pulsar_io_hdfs_csv::storage::write_whole(&hdfs, &control, SECRET.to_owned().into()))?;
        ensure!(blocks_with(stack.data_dir(), SECRET)? > 0, "the text is not found where it is");
        services.wait_for(hdfs.delete(&control))?;
        let mut expected = Expected::default();
        expected.extend(notes.producer.close(services)?);
        expected.compare(&sink, "secret_notes", &[])?;
        sink.delete()
    })
}
