//! The second oracle: Python's fastavro reads the same payloads (tests/oracle/avro_to_rows.py).

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::decode::avro::tests::payload;
use crate::schema::oracle::{any_record, encode, info, plan, record_schema};

const CASES: usize = 5_000;
/// The package and its version.
pub(crate) const FASTAVRO: &str = "fastavro==1.13.1";

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {out}{}", err.chars().take(4_000).collect::<String>());
    out.into_owned()
}

/// The folder of a package for Python.
pub(crate) fn package(package: &str) -> String {
    python("", "packages.py", Some(package)).trim().to_owned()
}

/// What a script of tests/oracle says.
pub(crate) fn python(packages: &str, script: &str, argument: Option<impl AsRef<OsStr>>) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(script);
    run(Command::new("python3").arg("-B").env("PYTHONPATH", packages).arg(script).args(argument))
}

#[test]
#[ignore = "needs python3, and pip to fetch fastavro once: cargo test --lib -- --ignored fastavro"]
fn rows_are_what_fastavro_reads() {
    let mut runner = TestRunner::deterministic();
    let mut cases = tempfile::NamedTempFile::new().unwrap();
    for _ in 0..CASES {
        let (fields, values) = any_record(true).new_tree(&mut runner).unwrap().current();
        let schema = record_schema(&fields);
        let text = schema.to_string();
        let payload = payload(&text, &fields, &values);
        let row = encode(&plan(&info("AVRO", &text), false), None, &payload).unwrap();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        writeln!(cases, "{}", json!({ "schema": schema, "payload": hex(&payload), "row": hex(&row) })).unwrap();
    }
    let said = python(&package(FASTAVRO), "avro_to_rows.py", Some(cases.path()));
    assert!(said.starts_with(&format!("{CASES} rows")), "{said}");
}
