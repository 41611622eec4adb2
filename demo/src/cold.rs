//! Hive: its tables on the files of the sink, and the rows that it finds there.

use std::collections::BTreeMap;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::State;
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::ddl::hive::Hive;
use hdfs_csv_tool::ddl::table::event_tables;
use hdfs_csv_tool::event::EventKind;
use tokio::process::Command;

use crate::names::{DATABASE, DIRECTORY};

/// Makes the tables and views, finds the days, and counts each event's rows: all in one session.
pub(crate) async fn create_tables_and_count(stack: &State) -> Result<BTreeMap<String, u64>> {
    let hive = Hive { database: DATABASE.to_owned(), location: DIRECTORY.to_owned() };
    let script = hive.script(&event_tables(&Catalogue::load()?)?)?;
    let one = |kind: &EventKind| format!("SELECT '{0}' AS event FROM {DATABASE}.{0}", kind.name());
    let every = EventKind::ALL.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ");
    let count = format!("SELECT event, count(*) FROM ({every}) all_rows GROUP BY event");

    let mut client = Command::from(stack.hive_client()?);
    client.args(&script.statements).arg(count).stdin(Stdio::null()).kill_on_drop(true);
    let output = client.output().await.context("cannot run java")?;
    ensure!(output.status.success(), "Hive refused a statement\n{}", String::from_utf8_lossy(&output.stderr));
    let rows = String::from_utf8_lossy(&output.stdout).lines().map(row).collect::<Result<Vec<_>>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// The event and the count of a row; other statements have rows of one value.
fn row(line: &str) -> Result<Option<(String, u64)>> {
    let row: Vec<Option<String>> =
        serde_json::from_str(line).with_context(|| format!("Hive gave a row that is no JSON: {line}"))?;
    match row.as_slice() {
        [Some(event), Some(count)] => Ok(Some((event.clone(), count.parse()?))),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_two_values_is_an_events_count() {
        assert_eq!(row(r#"["searching","12"]"#).unwrap(), Some(("searching".to_owned(), 12)));
        assert_eq!(row(r#"["OK"]"#).unwrap(), None);
        assert!(row("Partitions not in metastore").is_err());
    }
}
