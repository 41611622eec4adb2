//! What readers of the tables give back: Hive, ClickHouse, DuckDB and Python's csv, of values that text formats get wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::hostile::{Hostile, TEXTS, Want, columns, hostile, record, schema};
use hdfs_csv_tests::{LIMIT, Services, Shared, Sink, Typed, repository};
use serde_json::json;

const DUCKDB: &str = "duckdb==2.0.1\n";
const DOCUMENT: &str = "docs/understand/formats.md";
const BEGIN: &str = "<!-- begin of what a test generates: UPDATE_DOCS=1 make integration TEST=readers -->";
const END: &str = "<!-- end of what a test generates -->";

/// What a reader gave back of each row, by its number; nothing for one that it does not have as it was.
type Read = BTreeMap<usize, Option<String>>;

#[test]
fn every_value_comes_back_from_hive_and_from_click_house_and_quoted_csv_loses_what_the_docs_say() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("readers")?;
        let topic = namespace.topic_named("values");
        let values = hostile();
        let records = values.iter().enumerate().map(|(id, value)| record(id, value)).collect();
        let mut producer = Typed::open(services, &topic, &schema(), 7)?;
        producer.send(services, records)?;
        producer.close(services)?;
        let sink = |name: &str, settings: &[(&str, &str)]| -> Result<Sink<'_>> {
            let mut sink = Sink::of_topics(&namespace, name, std::slice::from_ref(&topic))?;
            sink = sink.config("metadataColumns", serde_json::Value::Null);
            for (key, value) in settings {
                sink = sink.config(key, json!(value));
            }
            sink.create()
        };
        let commas = sink("commas", &[])?;
        let tabs = sink("tabs", &[("delimiter", "\t")])?;
        let quoted = sink("quoted", &[("dialect", "rfc4180")])?;
        for sink in [&commas, &tabs, &quoted] {
            sink.wait_until_all_is_acknowledged(LIMIT)?;
        }
        hive(services, &commas, ",", &values)?;
        hive(services, &tabs, "\\t", &values)?;
        click_house(services, &tabs, &values)?;
        let losses = [
            ("Hive's OpenCSVSerde", open_csv_serde(services, &quoted)?),
            ("DuckDB", python(services, &quoted, "duckdb")?),
            ("Python's csv", python(services, &quoted, "csv")?),
        ];
        for sink in [&commas, &tabs, &quoted] {
            sink.delete()?;
        }
        document(&losses)
    })
}

/// Hive's name of a column's type.
fn hive_type(column: &str) -> &'static str {
    match column {
        "flag" => "boolean",
        "whole" => "int",
        "large" => "bigint",
        "small" => "float",
        "real" => "double",
        "raw" => "binary",
        "money" => "decimal(38,10)",
        "day" => "date",
        "at_millis" | "at_micros" | "at_nanos" => "timestamp",
        _ => "string",
    }
}

fn hive(services: &Services, sink: &Sink<'_>, delimiter: &str, values: &[Hostile]) -> Result<()> {
    let table = sink.directory().trim_start_matches('/').replace('/', "_");
    let types: Vec<_> = columns().map(|name| format!("`{name}` {}", hive_type(name))).collect();
    let create = format!(
        r"CREATE EXTERNAL TABLE {table} (id bigint, {})
        ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe' WITH SERDEPROPERTIES (
            'field.delim' = '{delimiter}', 'serialization.format' = '{delimiter}', 'escape.delim' = '\\',
            'serialization.null.format' = '\\N', 'serialization.escape.crlf' = 'true')
        STORED AS TEXTFILE LOCATION '{}/values'",
        types.join(", "),
        sink.directory()
    );
    let selected: Vec<_> = columns()
        .map(|name| match name {
            "raw" => "hex(raw)".to_owned(),
            // The driver writes small decimals as 1E-10.
            "money" => "cast(money as string)".to_owned(),
            _ => format!("`{name}`"),
        })
        .collect();
    let select = format!("SELECT id, {} FROM {table}", selected.join(", "));
    let rows = services.stack().hive()?.query(&[&create, &select])?;
    compare(&format!("Hive, delimiter {delimiter}"), rows, values)?;
    let typed = format!("SELECT count(*), count(id), sum(whole), count(DISTINCT text) FROM {table}");
    let counted = services.stack().hive()?.query(&[&typed])?;
    let texts = values.iter().filter(|value| value.column == "text").count();
    let sum: i64 = values
        .iter()
        .filter_map(|value| match &value.want {
            Want::Plain(text) if value.column == "whole" => text.parse::<i64>().ok(),
            _ => None,
        })
        .sum();
    let expected = [values.len().to_string(), values.len().to_string(), sum.to_string(), texts.to_string()];
    ensure!(counted == [expected.map(Some).to_vec()], "{table}: {counted:?}");
    Ok(())
}

/// Each row must have its own value in its column, and NULL in the others.
fn compare(reader: &str, rows: Vec<Vec<Option<String>>>, values: &[Hostile]) -> Result<()> {
    let mut left: BTreeMap<usize, &Hostile> = values.iter().enumerate().collect();
    let mut wrong = Vec::new();
    for row in rows {
        let id: usize = row.first().cloned().flatten().context("a row without id")?.parse()?;
        let Some(value) = left.remove(&id) else {
            wrong.push(format!("row {id} comes twice, or was never sent"));
            continue;
        };
        for (column, read) in columns().zip(row.into_iter().skip(1)) {
            let right = match &read {
                None => column != value.column,
                Some(read) => column == value.column && value.want.is(read),
            };
            if !right {
                wrong.push(format!("row {id}, {column}: {read:?} of {:?}", value.want));
            }
        }
    }
    wrong.extend(left.into_iter().map(|(id, value)| format!("row {id} is missing: {value:?}")));
    println!("{reader}: {} of {} rows are as they were sent", values.len().saturating_sub(wrong.len()), values.len());
    ensure!(wrong.is_empty(), "{reader}: {wrong:#?}");
    Ok(())
}

fn click_house(services: &Services, sink: &Sink<'_>, values: &[Hostile]) -> Result<()> {
    let click_house = services.stack().click_house()?;
    let types = columns().map(|name| {
        let click_house_type = match name {
            "flag" => "Bool",
            "whole" => "Int32",
            "large" => "Int64",
            "small" => "Float32",
            "real" => "Float64",
            "money" => "Decimal(38, 10)",
            "day" => "Date32",
            "at_millis" => "DateTime64(3, 'UTC')",
            "at_micros" => "DateTime64(6, 'UTC')",
            "at_nanos" => "DateTime64(9, 'UTC')",
            _ => "String",
        };
        format!("{name} Nullable({click_house_type})")
    });
    let types: Vec<_> = types.collect();
    click_house
        .query(&format!("CREATE TABLE hostile (id Int64, {}) ENGINE = MergeTree ORDER BY id", types.join(", ")))?;
    let text = std::fs::read_to_string(only_file(services, sink)?)?;
    // Its dates and times begin in 1900 and end in 2299: docs/understand/formats.md says so.
    let (outside, inside): (Vec<_>, Vec<_>) =
        text.split_inclusive('\n').partition(|line| line.contains("\t0001-01-01") || line.contains("\t9999-12-31"));
    ensure!(outside.len() == 4, "{} rows are outside of ClickHouse's years", outside.len());
    click_house.query(&format!("INSERT INTO hostile FORMAT TSV\n{}", inside.concat()))?;
    let selected: Vec<_> = columns()
        .map(|name| match name {
            "raw" => "hex(base64Decode(raw))".to_owned(),
            _ if hive_type(name) == "string" => format!("hex({name})"),
            _ => name.to_owned(),
        })
        .collect();
    let read = click_house.query(&format!("SELECT id, {} FROM hostile ORDER BY id FORMAT TSV", selected.join(", ")))?;
    let names: Vec<&str> = columns().collect();
    let rows = read.lines().map(|line| -> Result<Vec<Option<String>>> {
        let fields = line.split('\t').enumerate().map(|(at, field)| {
            if field == "\\N" {
                return Ok(None);
            }
            let text = at.checked_sub(1).is_some_and(|at| names[at] != "raw" && hive_type(names[at]) == "string");
            Ok(Some(if text { String::from_utf8(from_hexadecimal(field)?)? } else { field.to_owned() }))
        });
        fields.collect()
    });
    let mut rows: Vec<_> = rows.collect::<Result<_>>()?;
    // Those left out above, so that the comparison is of all.
    let left_out: Vec<usize> =
        outside.iter().map(|line| Ok(line.split('\t').next().context("no id")?.parse()?)).collect::<Result<_>>()?;
    ensure!(rows.len() + left_out.len() == values.len(), "ClickHouse has {} rows", rows.len());
    rows.sort();
    let kept: Vec<_> = values.to_vec();
    let numbered = kept.into_iter().enumerate().filter(|(id, _)| !left_out.contains(id));
    let (ids, kept): (Vec<usize>, Vec<Hostile>) = numbered.unzip();
    let renumbered = rows.into_iter().map(|mut row| -> Result<_> {
        let id: usize = row[0].as_deref().context("no id")?.parse()?;
        row[0] = ids.iter().position(|kept| *kept == id).map(|at| at.to_string());
        Ok(row)
    });
    compare("ClickHouse's TSV", renumbered.collect::<Result<_>>()?, &kept)
}

fn from_hexadecimal(text: &str) -> Result<Vec<u8>> {
    let digits = |at| text.get(at..at + 2).context("half a byte");
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(digits(at)?, 16)?)).collect()
}

/// The only file of the sink's table, fetched.
fn only_file(services: &Services, sink: &Sink<'_>) -> Result<PathBuf> {
    let local = services.scratch(&format!("{}.csv", sink.directory().replace('/', "-")));
    let path = format!("{}/values/values-*.csv", sink.directory());
    services.stack().fs_shell(&["-getmerge", &path, &local.to_string_lossy()])?;
    Ok(local)
}

/// What Hive's own reader of quoted CSV makes of the texts. It knows strings only.
fn open_csv_serde(services: &Services, sink: &Sink<'_>) -> Result<Read> {
    let types: Vec<_> = columns().map(|name| format!("`{name}` string")).collect();
    let create = format!(
        r#"CREATE EXTERNAL TABLE quoted (id string, {})
        ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
        WITH SERDEPROPERTIES ('separatorChar' = ',', 'quoteChar' = '"', 'escapeChar' = '\u0001')
        STORED AS TEXTFILE LOCATION '{}/values'"#,
        types.join(", "),
        sink.directory()
    );
    let rows = services.stack().hive()?.query(&[&create, "SELECT id, text FROM quoted"])?;
    Ok(texts(rows.into_iter().map(|mut row| (row[0].take(), row[1].take()))))
}

/// What a reader in Python makes of the texts.
fn python(services: &Services, sink: &Sink<'_>, reader: &str) -> Result<Read> {
    let python = hdfs_csv_stack::python::environment("duckdb", DUCKDB)?.join("python");
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1").arg(repository().join("tests/oracle/quoted.py"));
    command.args(["--reader", reader, "--columns", &(columns().count() + 1).to_string()]);
    let text = columns().position(|name| name == "text").context("no text")? + 1;
    let output = command.args(["--text", &text.to_string()]).arg(only_file(services, sink)?).output()?;
    ensure!(output.status.success(), "{reader}: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout)?;
    let rows: Vec<(Option<String>, Option<String>)> =
        lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    Ok(texts(rows.into_iter()))
}

/// By number of the text, what was read; a number that is there twice, or is none, is a row that was torn.
fn texts(rows: impl Iterator<Item = (Option<String>, Option<String>)>) -> Read {
    let mut read = Read::new();
    let mut torn = Vec::new();
    for (id, text) in rows {
        let Some(id) = id.and_then(|id| id.parse().ok()) else { continue };
        if read.insert(id, text).is_some() {
            torn.push(id);
        }
    }
    read.retain(|id, _| !torn.contains(id));
    read
}

/// Holds the table in the document against what was read; writes it when `UPDATE_DOCS` is set.
fn document(losses: &[(&str, Read); 3]) -> Result<()> {
    let mut table = "| text | as it was sent |".to_owned();
    losses.iter().for_each(|(reader, _)| table += &format!(" {reader} |"));
    table += "\n|---|---|---|---|---|\n";
    let mut lost = [0; 3];
    for (id, (name, text)) in TEXTS.iter().enumerate() {
        let shown = |text: &str| format!("`{}`", text.escape_debug().to_string().replace('|', "\\|"));
        table += &format!("| {name} | {} |", shown(text));
        for (at, (_, read)) in losses.iter().enumerate() {
            let said = match read.get(&id) {
                Some(Some(read)) if read == text => "✓".to_owned(),
                Some(Some(read)) => shown(read),
                Some(None) => "NULL".to_owned(),
                None => "the row is torn".to_owned(),
            };
            lost[at] += u32::from(said != "✓");
            table += &format!(" {said} |");
        }
        table += "\n";
    }
    table += &format!("| of {} come back | |", TEXTS.len());
    lost.iter().for_each(|lost| table += &format!(" {} |", TEXTS.len() as u32 - lost));
    table += "\n";
    let path = repository().join(Path::new(DOCUMENT));
    let document = std::fs::read_to_string(&path)?;
    let (before, rest) =
        document.split_once(BEGIN).context("docs/understand/formats.md lacks the mark before the table")?;
    let (written, after) =
        rest.split_once(END).context("docs/understand/formats.md lacks the mark behind the table")?;
    if written.trim() == table.trim() {
        return Ok(());
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}\n{table}{END}{after}"))?;
        return Ok(());
    }
    println!("{table}");
    anyhow::bail!("{DOCUMENT} does not say what these readers do; it is printed above, UPDATE_DOCS=1 writes it")
}
