//! What a sink gives up is given back.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{Field, LIMIT, Services, Shared, Sink, Typed, connector, until};
use pulsar_io_hdfs_csv::storage::hdfs::{Hdfs, HdfsWriter};
use pulsar_io_hdfs_csv::storage::{Storage, StorageWriter};
use serde_json::json;

/// For each that is open, HDFS keeps the space of a block free.
const FILES: u64 = 64;

/// A file that is durable and not closed.
async fn written(hdfs: &Hdfs, number: u64) -> Result<HdfsWriter> {
    let mut writer = hdfs.create(&format!("/leaks/{number}")).await?;
    writer.write(vec![b'x'; 1_000].into()).await?;
    writer.hsync().await?;
    Ok(writer)
}

#[test]
fn files_that_are_given_up_leave_no_thread_on_the_data_nodes() -> Result<()> {
    let services = Services::shared_alone(Shared::Processes)?;
    services.run(|services| {
        let name_node = services.stack().name_node()?;
        let threads = || name_node.data_node_threads().context("the NameNode does not tell its DataNodes' threads");
        let hdfs = services.hdfs()?;
        let (mut writers, mut number) = (Vec::new(), 0);
        until("the files are written", LIMIT, || {
            while (writers.len() as u64) < FILES {
                number += 1;
                // One that fails is given up, too: on a busy machine a call can take longer than its limit.
                writers.push(services.wait_for(written(&hdfs, number))?);
            }
            Ok(())
        })?;
        until("all files are open", LIMIT, || {
            let open = threads()?;
            ensure!(open >= FILES, "{open} threads");
            Ok(())
        })?;
        services.wait_for(async { drop(writers) });
        until("the threads end", LIMIT, || {
            let open = threads()?;
            ensure!(open < FILES / 4, "{open} threads are left of {FILES}");
            Ok(())
        })?;
        services.stack().fs_shell(&["-rm", "-r", "-skipTrash", "/leaks"])?;
        Ok(())
    })
}

/// The files of the connector's library that Pulsar's process has mapped.
fn mapped(services: &Services) -> Result<BTreeSet<String>> {
    let pid = services.stack().state().pids.get("pulsar").copied().context("Pulsar has no process")?;
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let own = maps.lines().filter(|line| line.contains("pulsar_io_hdfs_csv"));
    // Device and inode: the file has been deleted.
    Ok(own.map(|line| line.split_whitespace().skip(3).take(2).collect::<Vec<_>>().join(" ")).collect())
}

#[test]
fn an_uploaded_archive_that_starts_again_and_again_maps_its_library_once() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("uploaded")?;
        let topic = namespace.topic_named("lines");
        let schema = json!({ "type": "record", "name": "Line", "fields": [{ "name": "id", "type": "long" }] });
        let mut producer = Typed::open(services, &topic, &schema, 1)?;
        let sink = Sink::of_topics(&namespace, "uploaded", std::slice::from_ref(&topic))?;
        let sink = sink.setting("archive", json!(connector()?)).create()?;
        for id in 0..4 {
            producer.send(services, vec![vec![("id".to_owned(), Field::Long(id))]])?;
            until("its commit", LIMIT, || {
                let rows = sink.committed_rows()?;
                ensure!(rows == id as u64 + 1, "{rows} rows");
                Ok(())
            })?;
            // A class loader that is new each time. Other sinks of this process have the same library.
            let files = mapped(services)?;
            ensure!(files.len() == 1, "after {id} starts: {files:?}");
            sink.restart()?;
        }
        drop(producer.close(services)?);
        sink.delete()
    })
}
