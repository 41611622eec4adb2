//! `pulsar-admin sinks localrun`: a sink beside Pulsar, from the archive, without a functions worker.

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{Comparison, LIMIT, Services, Shared, Sink, connector};
use hdfs_csv_tool::event::EventKind;
use pulsar_io_hdfs_csv::protocol::identity::read_identity;
use serde_json::json;

const EVENTS: u64 = 5_000;

#[test]
fn a_local_run_writes_every_record_and_leaves_nothing_when_it_is_stopped() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("local-run")?;
        namespace.fill(EventKind::Searching, EVENTS)?;
        let sink = Sink::new(&namespace, "local", &[EventKind::Searching])?.setting("archive", json!(connector()?));
        let sink = sink.setting("tenant", json!("marketplace"));
        let sink = sink.setting("namespace", json!(namespace.name)).setting("name", json!("local"));
        let file = services.scratch("sink.yaml");
        // JSON is YAML, too.
        std::fs::write(&file, sink.configuration().to_string())?;

        let run = services.stack().local_run(&file)?;
        sink.wait_until_all_is_acknowledged(LIMIT).with_context(|| run.log().display().to_string())?;
        ensure!(run.pids().len() > 1, "pulsar-admin starts a process for the sink: {:?}", run.pids());
        run.stop()?;
        let summary = Comparison::of(&sink).run()?;
        ensure!(summary["rows"] == EVENTS, "{summary}");
        let (staged, small) = sink.staged()?;
        ensure!(staged.is_empty() && small.is_empty(), "{staged:?} and {small:?} are left");

        // It is no sink of this cluster: the runner calls its own `local`, and the table knows.
        let hdfs = services.hdfs()?;
        let owner = services.wait_for(async {
            let table = sink.table(&hdfs).await?;
            anyhow::Ok(read_identity(&hdfs, &table.identity()).await?)
        })?;
        ensure!(owner.as_ref().and_then(|owner| owner.cluster.as_deref()) == Some("local"), "{owner:?}");
        Ok(())
    })
}
