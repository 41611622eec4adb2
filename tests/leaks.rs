//! What a sink gives up is given back.

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{LIMIT, Services, Shared, until};
use pulsar_io_hdfs_csv::storage::{Storage, StorageWriter};

/// More than what all other tests at the same time have open.
const FILES: u64 = 300;

#[test]
fn files_that_are_given_up_leave_no_thread_on_the_data_nodes() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let name_node = services.stack().name_node()?;
        let threads = || name_node.data_node_threads().context("the NameNode does not tell its DataNodes' threads");
        let hdfs = services.hdfs()?;
        let mut writers = Vec::new();
        services.wait_for(async {
            for number in 0..FILES {
                let mut writer = hdfs.create(&format!("/leaks/{number}")).await?;
                writer.write(vec![b'x'; 1_000].into()).await?;
                writer.hsync().await?;
                writers.push(writer);
            }
            anyhow::Ok(())
        })?;
        until("all files are open", LIMIT, || {
            let open = threads()?;
            ensure!(open >= FILES, "{open} threads");
            Ok(())
        })?;
        services.wait_for(async { drop(writers) });
        until("the threads end", LIMIT, || {
            let open = threads()?;
            ensure!(open < FILES / 3, "{open} threads are left of {FILES}");
            Ok(())
        })?;
        services.stack().fs_shell(&["-rm", "-r", "-skipTrash", "/leaks"])?;
        Ok(())
    })
}
