//! ClickHouse: its tables, Pulsar's own JDBC sinks that fill them, and the rows that are there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdfs_csv_stack::State;
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::ddl::clickhouse::ClickHouse;
use hdfs_csv_tool::ddl::table::{EventTable, event_tables};
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::jdbc_sinks::Settings;
use tokio::task::spawn_blocking;

use crate::names::{DATABASE, NAMESPACE, TENANT};
use crate::steps::Steps;
use crate::topics::admin;

const USER: &str = "default";
const POLL: Duration = Duration::from_millis(500);
/// Sinks that bring nothing for so long bring nothing any more.
const STALLED: Duration = Duration::from_secs(90);

/// Makes the tables. They must be there before the sinks.
pub(crate) async fn create_tables(stack: &State) -> Result<()> {
    let script = ClickHouse { database: DATABASE.to_owned(), keep_days: None }.script(&tables()?)?;
    let stack = stack.clone();
    spawn_blocking(move || {
        script.statements.iter().try_for_each(|statement| {
            let line = statement.lines().next().unwrap_or_default();
            stack.click_house(statement).map(drop).with_context(|| format!("ClickHouse refused `{line}`"))
        })
    })
    .await?
}

/// Creates a sink for each event.
pub(crate) async fn create_sinks(stack: &State) -> Result<()> {
    let address = stack.click_house_url.as_deref().context("the stack has no ClickHouse")?;
    let host = address.trim_start_matches("http://");
    let settings = Settings {
        tenant: TENANT.to_owned(),
        namespace: NAMESPACE.to_owned(),
        jdbc_url: format!("jdbc:clickhouse://{host}/{DATABASE}?compress=0&decompress=0"),
        user: USER.to_owned(),
    };
    let (tables, admin) = (tables()?, admin(stack)?);
    let namespace = format!("{TENANT}/{NAMESPACE}");
    spawn_blocking(move || {
        tables.iter().try_for_each(|table| {
            let (name, config) = settings.sink(table);
            Ok(admin.create_sink(&namespace, &name, &config)?)
        })
    })
    .await?
}

/// Returns the rows of each event when all that were produced are there, or when no more come.
pub(crate) async fn wait(
    stack: &State,
    steps: &Steps,
    produced: &BTreeMap<String, u64>,
) -> Result<BTreeMap<String, u64>> {
    let wanted = produced.values().sum();
    let step = steps.begin_counted("Insert rows into ClickHouse", wanted);
    let (mut seen, mut progress) = (0, Instant::now());
    loop {
        let rows = count(stack).await?;
        let all = rows.values().sum();
        step.set(all);
        if produced.iter().all(|(event, count)| rows.get(event) >= Some(count)) {
            step.done();
            return Ok(rows);
        }
        if all != seen {
            (seen, progress) = (all, Instant::now());
        }
        if progress.elapsed() > STALLED {
            bail!(
                "{all} of {wanted} rows are in ClickHouse, and none more for {} s; the sinks' logs are in {}",
                STALLED.as_secs(),
                stack.log_dir.display()
            );
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The rows of each event's table.
pub(crate) async fn count(stack: &State) -> Result<BTreeMap<String, u64>> {
    let one = |kind: &EventKind| format!("SELECT '{0}', count() FROM {DATABASE}.{0}", kind.name());
    let sql = EventKind::ALL.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ");
    let stack = stack.clone();
    let answer = spawn_blocking(move || stack.click_house(&sql)).await??;
    let rows = answer.lines().map(|line| {
        let (event, rows) = line.split_once('\t').context("ClickHouse gave a row without a count")?;
        Ok((event.to_owned(), rows.parse()?))
    });
    let rows = rows.collect::<Result<BTreeMap<_, _>>>()?;
    ensure!(rows.len() == EventKind::ALL.len(), "ClickHouse counted {} tables", rows.len());
    Ok(rows)
}

fn tables() -> Result<Vec<EventTable>> {
    event_tables(&Catalogue::load()?)
}
