//! The tenant, the namespace, the topics with their schemas, and the sink.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdfs_csv_stack::{Admin, State};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::sinks::{FILE, Settings};
use tokio::process::Command;

use crate::names::{COMMIT_INTERVAL, DIRECTORY, NAMESPACE, SINK, TENANT};

/// The sink's JVM starts in a few seconds, unless the machine has much else to do.
const SINK_STARTS: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(250);

/// A client of Pulsar's REST interface.
pub(crate) fn admin(stack: &State) -> Result<Admin> {
    let port = stack.admin_url.rsplit(':').next().and_then(|port| port.parse().ok());
    Ok(Admin::new(port.with_context(|| format!("{} has no port", stack.admin_url))?))
}

/// The full name of an event's topic.
pub(crate) fn topic(kind: EventKind) -> String {
    format!("persistent://{TENANT}/{NAMESPACE}/{}", kind.name())
}

/// Makes the tenant, the namespace, which keeps every message, and the topics.
pub(crate) async fn create(stack: &State) -> Result<()> {
    let admin = admin(stack)?;
    let created = tokio::task::spawn_blocking(move || {
        let namespace = format!("{TENANT}/{NAMESPACE}");
        admin.create_tenant(TENANT)?;
        admin.create_namespace(&namespace)?;
        admin.set_retention(&namespace, -1, -1)?;
        for kind in EventKind::ALL {
            admin.create_topic(&topic(*kind))?;
            admin.upload_schema(&topic(*kind), "AVRO", kind.schema_text().trim())?;
        }
        Ok(())
    });
    created.await?
}

/// Creates the sink as a user does, and waits until it runs.
pub(crate) async fn create_sink(stack: &State, out: &Path) -> Result<()> {
    let conf = stack.hadoop_conf_dir.as_ref().context("the stack has no HDFS")?;
    let file = out.join(FILE);
    let mut settings = Settings::new(TENANT, NAMESPACE, DIRECTORY, &conf.display().to_string(), COMMIT_INTERVAL);
    // Nothing is sent in chunks, and the demo waits for the acknowledgements.
    settings.set("chunkedMessageTimeout=1s")?;
    std::fs::write(&file, settings.yaml()).with_context(|| format!("cannot write {}", file.display()))?;

    let mut command = Command::from(stack.pulsar_admin(Some("sinks"))?);
    command.args(["sinks", "create", "--sink-config-file"]).arg(&file).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("cannot run pulsar-admin")?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(
        output.status.success(),
        "pulsar-admin sinks create failed\n{}{}",
        said(&output.stdout),
        said(&output.stderr)
    );
    wait_until_it_runs(stack).await
}

async fn wait_until_it_runs(stack: &State) -> Result<()> {
    let deadline = Instant::now() + SINK_STARTS;
    loop {
        let admin = admin(stack)?;
        let status = tokio::task::spawn_blocking(move || admin.sink_status(&format!("{TENANT}/{NAMESPACE}"), SINK));
        let status = status.await?;
        if status.as_ref().is_ok_and(|status| status["numRunning"] == 1) {
            return Ok(());
        }
        if Instant::now() > deadline {
            let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            bail!(
                "the sink does not run after {} s; its log is {}; its status: {status}",
                SINK_STARTS.as_secs(),
                sink_log(stack).display()
            );
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Where the sink's only instance logs.
pub(crate) fn sink_log(stack: &State) -> PathBuf {
    stack.function_log_dir.join(format!("{TENANT}/{NAMESPACE}/{SINK}/{SINK}-0.log"))
}
