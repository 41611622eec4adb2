//! What Pulsar's Java client writes of everyday classes, against what the same client reads back of it: no services, and no code of
//! the connector in the oracle (tests/oracle/JavaClient.java and java_client.py). Python's client has the like in
//! src/schema/python_client.rs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::artifacts;
use hdfs_csv_tests::{QUICK_START, repository};
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::record::Record;
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::row::settings::RowSettings;
use pulsar_io_hdfs_csv::schema::plan::Plan;
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::schema::writer::{SchemaInfo, WriterSchema};
use serde::Deserialize;

/// A payload that the client wrote, and the row that must become of it.
#[derive(Deserialize)]
struct Line {
    /// The class and the schema's type.
    name: String,
    schema: SchemaInfo,
    payload: String,
    key: Option<String>,
    row: String,
}

fn run(command: &mut Command, input: &[u8]) -> Result<Vec<u8>> {
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().with_context(|| format!("{command:?}"))?;
    let mut stdin = process.stdin.take().context("a process without input")?;
    let output = std::thread::scope(|scope| {
        // Both at once: the other end stops to read while nobody reads what it writes.
        scope.spawn(move || stdin.write_all(input));
        process.wait_with_output()
    })?;
    ensure!(output.status.success(), "{command:?}: {}", output.status);
    Ok(output.stdout)
}

/// What a program of tests/oracle prints, on Pulsar's own class path, with these in front of it.
fn java(class: &str, sources: &[&str], arguments: &[&str], in_front: &[PathBuf]) -> Result<String> {
    let libraries = artifacts::pulsar_home()?.join("lib/*");
    let classes = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{class}-{}", in_front.len()));
    let sources = sources.iter().map(|name| repository().join("tests/oracle").join(name));
    run(Command::new("javac").args(["-proc:none", "-cp"]).arg(&libraries).arg("-d").arg(&classes).args(sources), b"")?;
    let class_path: Vec<String> =
        in_front.iter().chain([&classes, &libraries]).map(|path| path.display().to_string()).collect();
    let class_path = class_path.join(":");
    // What the client cannot do itself is told there.
    let log = std::fs::File::create(classes.join("log.txt"))?;
    let mut java = Command::new("java");
    java.args([QUICK_START, "-cp", &class_path, class]).args(arguments);
    Ok(String::from_utf8(run(java.stderr(log), b"")?)?)
}

/// The payloads of Pulsar's Java client.
fn corpus() -> Result<Vec<Line>> {
    let printed = java("JavaClient", &["JavaClient.java", "JavaClasses.java"], &[], &[])?;
    let script = repository().join("tests/oracle/java_client.py");
    let lines = run(Command::new("python3").arg("-B").arg(script), printed.as_bytes())?;
    String::from_utf8(lines)?.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    hex.as_bytes().chunks(2).map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}

/// The row that the connector makes.
fn row(line: &Line) -> Result<String> {
    let key = line.key.as_deref().map(bytes).transpose()?;
    row_of(&WriterSchema::compile(&line.schema)?, &bytes(&line.payload)?, key.as_deref())
}

fn row_of(schema: &WriterSchema, payload: &[u8], key: Option<&[u8]>) -> Result<String> {
    let format = FileFormat { dialect: Dialect::Hive(Hive { delimiter: b',' }), compression: Compression::None };
    let settings = RowSettings { format, metadata: Vec::new(), partitioning: None };
    let plan = Plan::new(&settings, schema, &TableColumns { version: 1, columns: schema.columns() });
    let position = Position { ledger: 0, entry: 0, batch_index: 0 };
    let mut row = Vec::new();
    plan.encode(&Record { key, ..Record::plain(position, payload) }, "t", &mut row)?;
    Ok(String::from_utf8(row)?.trim_end_matches('\n').to_owned())
}

#[test]
fn rows_of_everyday_classes_are_what_the_java_client_reads_back() -> Result<()> {
    let corpus = corpus()?;
    let classes =
        |of: &str| -> BTreeSet<&str> { corpus.iter().filter_map(|line| line.name.strip_suffix(of)).collect() };
    let (avro, json) = (classes("/AVRO"), classes("/JSON"));
    ensure!(avro.intersection(&json).count() >= 100, "{avro:?} {json:?}");
    let differs = |line: &Line| match row(line) {
        Ok(row) if row == line.row => None,
        Ok(row) => Some((line.name.clone(), format!("{row:?} instead of {:?}", line.row))),
        Err(bad) => Some((line.name.clone(), format!("{bad} instead of {:?}", line.row))),
    };
    // The last one of each class.
    let differences: BTreeMap<String, String> = corpus.iter().filter_map(differs).collect();
    ensure!(differences.is_empty(), "of {} payloads: {differences:#?}", corpus.len());
    println!("{} classes, {} payloads", avro.union(&json).count(), corpus.len());
    Ok(())
}

/// A schema that Avro's own parser takes, and a value of it; none of a record that is within itself.
#[derive(Deserialize)]
struct Taken {
    schema: String,
    payload: Option<String>,
}

/// What docs/understand/formats.md says of schemas that Java takes and the connector does not: their records are bad, and say why.
const REFUSED: [&str; 4] = [
    "the record has no fields",
    "differ only in case",
    "two fields become",
    "cannot be held: Hive's decimal has 38 digits",
];
/// What a value at random can be for its column.
const BAD_VALUES: [&str; 2] = ["out-of-range", "malformed"];

#[test]
fn schemas_that_avros_own_parser_takes_are_taken_and_their_values_are_read_to_the_last_byte() -> Result<()> {
    // Pulsar's own, which is 1.11.
    taken_as_by_avros_own_parser(&[])
}

#[test]
fn schemas_that_the_next_versions_parser_takes_are_taken_and_their_values_are_read_to_the_last_byte() -> Result<()> {
    taken_as_by_avros_own_parser(&artifacts::resolve("avro")?)
}

fn taken_as_by_avros_own_parser(avro: &[PathBuf]) -> Result<()> {
    const COUNT: usize = 10_000;
    let printed = java("JavaSchemas", &["JavaSchemas.java"], &[&COUNT.to_string()], avro)?;
    let (mut count, mut refused, mut read, mut bad, mut differences) = (0, BTreeMap::new(), 0, 0, Vec::new());
    // Avro warns between the lines of each logical type that it ignores.
    for line in printed.lines().filter(|line| line.starts_with('{')) {
        let Taken { schema, payload } = serde_json::from_str(line).with_context(|| line.to_owned())?;
        count += 1;
        let info = SchemaInfo { schema_type: "AVRO".to_owned(), schema, ..SchemaInfo::default() };
        let compiled = match WriterSchema::compile(&info) {
            Ok(compiled) => compiled,
            Err(why) => {
                let why = why.to_string();
                match REFUSED.iter().find(|known| why.contains(**known)) {
                    Some(known) => *refused.entry(*known).or_insert(0) += 1,
                    None => differences.push(format!("{why}: {}", info.schema)),
                }
                continue;
            }
        };
        let Some(payload) = payload else { continue };
        match row_of(&compiled, &bytes(&payload)?, None) {
            Ok(_) => read += 1,
            Err(why) if BAD_VALUES.iter().any(|known| why.to_string().starts_with(known)) => bad += 1,
            Err(why) => differences.push(format!("{why}: {} {payload}", info.schema)),
        }
    }
    ensure!(count == COUNT && differences.is_empty(), "of {count} schemas: {differences:#?}");
    println!("{count} schemas; refused: {refused:?}; {read} values read, {bad} that a column cannot hold");
    ensure!(read > COUNT / 2 && bad < COUNT / 100, "{read} values read, {bad} not");
    Ok(())
}
