//! Quoted CSV, headers and gzip, through the real worker, read back by Python's csv and gzip.

use anyhow::{Result, ensure};
use hdfs_csv_tests::{Expected, Field, Fields, LIMIT, Services, Shared, Sink, Typed};
use hdfs_csv_tool::traffic::text::AWKWARD;
use serde_json::{Value as Json, json};

const COMMITS: usize = 4;

/// Besides those of the demo's traffic: what quotes and NULLs can be taken for.
const TEXTS: [&str; 12] = ["", "\\N", "NULL", "null", "\"", "\"\"", "\",\"", "\n", "\r", "\r\n", ",", " a "];

fn schema() -> Json {
    json!({ "type": "record", "name": "Line", "fields": [
        { "name": "id", "type": "long" },
        { "name": "text", "type": "string" },
        { "name": "maybe", "type": ["null", "string"], "default": null },
        { "name": "number", "type": ["null", "double"], "default": null },
        { "name": "bytes", "type": "bytes" },
    ] })
}

/// Every awkward text, and beside it another or none.
fn lines(from: usize) -> Vec<Fields> {
    let texts: Vec<&str> = TEXTS.iter().chain(AWKWARD).copied().collect();
    let line = |at: usize| {
        let maybe = match at % 3 {
            0 => Field::Null,
            _ => Field::some(Field::text(texts[(at * 7) % texts.len()])),
        };
        let number = if at.is_multiple_of(2) { Field::Null } else { Field::some(Field::Double(at as f64 / 3.0)) };
        let fields = [
            ("id", Field::Long(at as i64)),
            ("text", Field::text(texts[at % texts.len()])),
            ("maybe", maybe),
            ("number", number),
            ("bytes", Field::Bytes(vec![at as u8; at % 4])),
        ];
        fields.map(|(name, field)| (name.to_owned(), field)).into()
    };
    (from..from + texts.len()).map(line).collect()
}

#[test]
fn quoted_csv_and_gzip_come_back_from_pythons_csv_and_gzip_over_several_commits() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("dialects")?;
        let topic = namespace.topic_named("lines");
        let sink = |name: &str, dialect: &str, header: bool| {
            let sink = Sink::of_topics(&namespace, name, std::slice::from_ref(&topic))?;
            let sink = sink.config("dialect", json!(dialect)).config("compression", json!("gzip"));
            if header { sink.config("header", json!(true)) } else { sink }.create()
        };
        // The topic is there before its subscriptions are.
        let mut producer = Typed::open(services, &topic, &schema(), 5)?;
        let sinks = [
            (sink("titled", "rfc4180", true)?, &["--gzip", "--dialect", "rfc4180", "--header"][..]),
            (sink("quoted", "rfc4180", false)?, &["--gzip", "--dialect", "rfc4180"][..]),
            (sink("escaped", "hive", false)?, &["--gzip"][..]),
        ];
        for (sink, _) in &sinks {
            sink.wait_until_it_consumes()?;
        }
        for commit in 0..COMMITS {
            producer.send(services, lines(100 * commit))?;
            for (sink, _) in &sinks {
                sink.wait_until_all_is_acknowledged(LIMIT)?;
            }
        }
        let mut expected = Expected::default();
        expected.extend(producer.close(services)?);
        for (sink, options) in &sinks {
            let summary = expected.compare(sink, "lines", options)?;
            let commits = sink.commits()?;
            ensure!(commits >= COMMITS, "{commits} commits of {COMMITS} hauls");
            // A file for each commit when it begins with a header; else one that every commit has added a member to.
            let ones = vec![1; commits];
            let members = if options.contains(&"--header") { json!(ones) } else { json!([commits]) };
            ensure!(summary["members"] == members, "{commits} commits: {summary}");
            sink.delete()?;
        }
        Ok(())
    })
}

#[test]
fn a_header_names_every_column_of_the_rows_below_it_also_when_a_column_comes_between_two_commits() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("titles")?;
        let topic = namespace.topic_named("lines");
        let record = |fields: Json| json!({ "type": "record", "name": "Line", "fields": fields });
        let id = json!({ "name": "id", "type": "long" });
        let more = |name: &str| json!({ "name": name, "type": ["null", "string"], "default": null });
        let versions = [
            record(json!([id])),
            record(json!([id, more("first")])),
            record(json!([id, more("second"), more("first")])),
        ];
        let row = |version: usize, at: i64| -> Fields {
            let fields: &[(&str, Field)] = match version {
                0 => &[],
                1 => &[("first", Field::some(Field::text("1,")))],
                _ => &[("second", Field::Null), ("first", Field::some(Field::text("2\"")))],
            };
            [("id", Field::Long(at))]
                .iter()
                .chain(fields)
                .map(|(name, field)| ((*name).to_owned(), field.clone()))
                .collect()
        };
        let mut producers =
            versions.iter().map(|schema| Typed::open(services, &topic, schema, 1)).collect::<Result<Vec<_>>>()?;
        let sink = Sink::of_topics(&namespace, "titled", std::slice::from_ref(&topic))?;
        let sink = sink.config("dialect", json!("rfc4180")).config("header", json!(true));
        // The records are there before the sink: the first batch has them all, and meets each version in its midst.
        for (number, producer) in producers.iter_mut().enumerate() {
            producer.send(services, (0..50).map(|at| row(number, at)).collect())?;
        }
        let sink = sink.create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        // Then old producers come first.
        for (number, producer) in producers.iter_mut().enumerate() {
            producer.send(services, (100..103).map(|at| row(number, at)).collect())?;
        }
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let mut expected = Expected::default();
        for producer in producers {
            expected.extend(producer.close(services)?);
        }
        let summary = expected.compare(&sink, "lines", &["--dialect", "rfc4180", "--header"])?;
        ensure!(summary["versions"] == json!([4, 5, 6]), "{summary}");
        sink.delete()
    })
}
