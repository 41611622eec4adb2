//! The dashboards: brought into Superset, drawn in a browser, and held against direct queries.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Browser, State, SupersetAddress};
use tokio::process::Command;

use crate::names::DATABASE;
use crate::services;

const PROGRAMS: &str = "dashboards";
const SLUGS: [&str; 2] = ["now", "history"];
const ANSWERS: &str = "answers.json";
const COMPARED: &str = "charts.json";

/// Brings databases, datasets, charts and dashboards into Superset.
pub(crate) async fn import(stack: &State) -> Result<()> {
    let superset = address(stack)?;
    let host = |url: &Option<String>, prefix| {
        let url = url.as_deref().context("the stack has no ClickHouse or no Hive")?;
        Ok::<_, anyhow::Error>(url.trim_start_matches(prefix).split('/').next().unwrap_or_default().to_owned())
    };
    let click_house = format!("clickhousedb://default@{}/{DATABASE}", host(&stack.click_house_url, "http://")?);
    let hive = format!("hive://hive@{}/{DATABASE}", host(&stack.hive_url, "jdbc:hive2://")?);
    let mut import = program(Path::new("python3"), "import_assets.py")?;
    sign_in(&mut import, superset);
    import.args(["--clickhouse", &click_house, "--hive", &hive]);
    finish(import).await.map(drop)
}

/// Draws both dashboards, or, where no browser is to be had, asks for each chart's rows alone. Either fails when a chart
/// shows an error or nothing.
pub(crate) async fn draw(stack: &State, browser: Option<&Browser>, out: &Path) -> Result<()> {
    let superset = address(stack)?;
    let mut draw = match browser {
        Some(browser) => {
            let mut draw = program(&browser.python, "draw.py")?;
            draw.arg("--browser").arg(&browser.chromium);
            draw
        }
        None => program(Path::new("python3"), "ask.py")?,
    };
    sign_in(&mut draw, superset);
    draw.arg("--out").arg(out).args(SLUGS);
    finish(draw).await.map(drop)
}

/// Compares what each chart was given with a direct query; what it found, in a line.
pub(crate) async fn compare(stack: &State, out: &Path) -> Result<String> {
    let click_house = stack.click_house_url.as_deref().context("the stack has no ClickHouse")?;
    let mut check = program(Path::new("python3"), "check.py")?;
    check.arg("--answers").arg(out.join(ANSWERS)).arg("--out").arg(out.join(COMPARED));
    check.args(["--clickhouse", click_house, "--hive-client"]);
    check.arg(services::command()?).args(["hive", "--name", services::NAME]);
    finish(check).await
}

/// The pictures.
pub(crate) fn pictures(out: &Path) -> Vec<PathBuf> {
    SLUGS.iter().map(|slug| out.join(format!("{slug}.png"))).collect()
}

/// All that is written about them.
pub(crate) fn files(out: &Path) -> Vec<PathBuf> {
    pictures(out).into_iter().chain([out.join(ANSWERS), out.join(COMPARED)]).collect()
}

/// What a person opens, by the dashboard's name.
pub(crate) fn addresses(stack: &State) -> Result<Vec<(&'static str, String)>> {
    let url = &address(stack)?.url;
    Ok(SLUGS.iter().map(|slug| (*slug, format!("{url}/superset/dashboard/{slug}/"))).collect())
}

pub(crate) fn address(stack: &State) -> Result<&SupersetAddress> {
    stack.superset.as_ref().context("the stack has no Superset")
}

fn program(python: &Path, name: &str) -> Result<Command> {
    let path = services::root().join(PROGRAMS).join(name);
    ensure!(path.is_file(), "{} is missing: run the demo in the project's folder", path.display());
    let mut command = Command::new(python);
    command.arg("-B").arg(path).stdin(Stdio::null()).kill_on_drop(true);
    Ok(command)
}

fn sign_in(command: &mut Command, superset: &SupersetAddress) {
    command.args(["--superset", &superset.url, "--user", &superset.user]).env("SUPERSET_PASSWORD", &superset.password);
}

/// What it printed, if it went well.
async fn finish(mut command: Command) -> Result<String> {
    let output = command.output().await.context("cannot run python3")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
