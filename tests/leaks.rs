//! What a sink gives up is given back.

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{LIMIT, Services, Shared, until};
use pulsar_io_hdfs_csv::storage::hdfs::{Hdfs, HdfsWriter};
use pulsar_io_hdfs_csv::storage::{Storage, StorageWriter};

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
