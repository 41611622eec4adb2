//! The tables on ClickHouse's own engine: PyPI's chdb runs it in a Python process (tests/oracle/clickhouse_tables.py).

use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value as Json, json};

use crate::catalogue::Catalogue;
use crate::event::EventKind;
use crate::traffic::{Plan, Traffic};

const CHDB: &str = "chdb-core==26.9.0";
const EVENTS: u64 = 20_000;
const DAYS: i64 = 3;

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {out}{}", err.chars().take(4_000).collect::<String>());
    out.into_owned()
}

#[test]
#[ignore = "needs python3, and pip to fetch chdb once: cargo test --lib -- --ignored clickhouse"]
fn the_views_give_what_the_events_say() {
    let catalogue = Catalogue::load().unwrap();
    let start = 1_793_491_200_000; // 2026-11-01
    let plan = Plan { seed: 7, count: EVENTS, kinds: EventKind::ALL.to_vec(), start, end: start + DAYS * 86_400_000 };
    let mut events = tempfile::NamedTempFile::new().unwrap();
    for event in Traffic::new(&plan) {
        let fields = catalogue.fields(event.kind).unwrap().iter();
        let row: Map<String, Json> =
            fields.zip(&event.values).map(|(field, value)| (field.name.clone(), json!(value))).collect();
        writeln!(events, "{}", json!({ "event": event.kind.name(), "row": row })).unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let oracle = root.join("tests/oracle");
    let chdb = run(Command::new("python3").arg(oracle.join("packages.py")).arg(CHDB));
    let said = run(Command::new("python3")
        .env("PYTHONPATH", chdb.trim())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(oracle.join("clickhouse_tables.py"))
        .args([root.join("conf/clickhouse/tables.sql"), root.join("schemas")])
        .arg(events.path()));
    assert!(said.contains(&format!("{EVENTS} events, ")) && said.ends_with(" 0 differ\n"), "{said}");
    println!("{said}");
}
