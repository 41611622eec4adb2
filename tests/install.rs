//! The page that leads from the files of a release to rows, as its reader goes through it: `make release-try`.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Runtime, Stack};
use hdfs_csv_tests::{LIMIT, Page, Services, connector, until};
use serde_json::Value;

const PAGE: &str = "docs/use/install.md";
const EVENTS: u64 = 1_000;

#[test]
#[ignore = "it needs the files of a release: make release-try"]
fn the_commands_of_the_page_lead_from_the_files_of_a_release_to_rows() -> Result<()> {
    let release =
        std::env::var_os("HDFS_CSV_RELEASE").context("HDFS_CSV_RELEASE names no folder: run make release-try")?;
    let release = PathBuf::from(release).canonicalize().context("there is no release: run make release first")?;
    let services = Services::start(Stack::builder().name("install").runtime(Runtime::Process))?;
    services.run(|services| {
        let (stack, state) = (services.stack(), services.stack().state());
        // The page's reader has no archive but the release's.
        let installed = stack.connectors().join(connector()?.file_name().context("an archive without a name")?);
        std::fs::remove_file(installed)?;
        stack.admin().post("/admin/v3/sinks/reloadBuiltInSinks", &Value::Null)?;
        ensure!(stack.admin().connectors()?.is_empty(), "a connector is there: {:?}", stack.admin().connectors());
        let bin = services.scratch("bin");
        std::fs::create_dir_all(&bin)?;
        let values = [
            ("RELEASE", release.display().to_string()),
            ("CONNECTORS", stack.connectors().display().to_string()),
            ("BIN", bin.display().to_string()),
            ("HADOOP_CONF_DIR", services.hadoop_conf()?),
            ("DIRECTORY", "/events".to_owned()),
            ("SERVICE_URL", state.service_url.clone()),
        ];
        let mut page = Page::read(services, PAGE, &values)?;
        page.program("hdfs", &state.fs_shell()?, 1)?;
        page.program("pulsar-admin", &state.pulsar_admin(None)?, 0)?;
        let said = page.run()?;
        println!("{said}");
        ensure!(said.contains("hdfs-csv"), "the connector is not among those that are there: {said}");

        let command = bin.join("hdfs-csv");
        until("every event is a row", LIMIT, || {
            let mut verify = std::process::Command::new(&command);
            verify.args(["verify", "--json", "--directory", "/events"]).env("HADOOP_CONF_DIR", services.hadoop_conf()?);
            let output = verify.output()?;
            let reports: Value = serde_json::from_slice(&output.stdout).context("no report")?;
            ensure!(output.status.success() && reports[0]["rows"] == EVENTS, "{reports}");
            Ok(())
        })
    })
}
