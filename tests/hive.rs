//! Hive's metastore, kept up by the sink: tables, columns and partitions appear by themselves, and nothing of it can hold
//! up a commit.

use anyhow::{Context, Result, ensure};
use hdfs_csv_stack::{Hive, Row};
use hdfs_csv_tests::{Field, Fields, LIMIT, Services, Shared, Sink, Typed, until};
use serde_json::{Value as Json, json};

const DAY: i64 = 86_400_000;
/// 2026-11-01.
const FIRST_DAY: i64 = 20_758;

/// An offer, and what Hive must show of it.
#[derive(Clone)]
struct Offer {
    id: i64,
    /// Days since the first.
    day: i64,
    label: &'static str,
    note: Option<&'static str>,
}

impl Offer {
    fn dt(&self) -> String {
        format!("2026-11-{:02}", 1 + self.day)
    }

    fn row(&self) -> Row {
        let note = self.note.map(str::to_owned);
        vec![Some(self.id.to_string()), Some(self.label.to_owned()), note, Some(self.dt())]
    }

    fn fields(&self, with_note: bool) -> Fields {
        let mut fields = vec![
            ("at".to_owned(), Field::Long((FIRST_DAY + self.day) * DAY + self.id)),
            ("id".to_owned(), Field::Long(self.id)),
            ("label".to_owned(), Field::text(self.label)),
        ];
        if with_note {
            let note = self.note.map_or(Field::Null, |note| Field::some(Field::text(note)));
            fields.push(("note".to_owned(), note));
        }
        fields
    }
}

const LABELS: [&str; 6] = ["", "\\N", "a,b\\\n\"c\"\r", "naïve 😀", "\t", "\\n"];

/// Offers of one day with these ids.
fn offers(ids: std::ops::Range<i64>, day: i64, note: Option<&'static str>) -> Vec<Offer> {
    ids.map(|id| Offer { id, day, label: LABELS[id as usize % LABELS.len()], note }).collect()
}

fn schema(with_note: bool) -> Json {
    let mut fields = vec![
        json!({ "name": "at", "type": { "type": "long", "logicalType": "timestamp-millis" } }),
        json!({ "name": "id", "type": "long" }),
        json!({ "name": "label", "type": "string" }),
    ];
    if with_note {
        fields.push(json!({ "name": "note", "type": ["null", "string"], "default": null }));
    }
    json!({ "type": "record", "name": "Offer", "namespace": "hive", "fields": fields })
}

fn send(services: &Services, topic: &str, offers: &[Offer], with_note: bool) -> Result<()> {
    let mut producer = Typed::open(services, topic, &schema(with_note), 3)?;
    producer.send(services, offers.iter().map(|offer| offer.fields(with_note)).collect())?;
    producer.close(services).map(drop)
}

/// Waits until Hive's answer is this.
fn until_hive_says(hive: &Hive, sql: &str, expected: &[Row]) -> Result<()> {
    until(sql, LIMIT, || {
        let rows = hive.query(&[sql])?;
        ensure!(rows == expected, "{rows:?}, not {expected:?}");
        Ok(())
    })
}

fn rows(offers: &[Offer]) -> Vec<Row> {
    offers.iter().map(Offer::row).collect()
}

fn one(value: impl ToString) -> Row {
    vec![Some(value.to_string())]
}

#[test]
fn tables_columns_and_partitions_appear_in_hive_also_those_of_a_time_when_its_metastore_was_away() -> Result<()> {
    let services = Services::shared_alone(Shared::Processes)?;
    services.run(|services| {
        let hive = services.stack().hive()?;
        let namespace = services.namespace("away")?;
        let topic = namespace.topic_named("Offers.v1");
        let sink = Sink::of_topics(&namespace, "cold", std::slice::from_ref(&topic))?
            .config("metadataColumns", Json::Null)
            .config("partitionBy", json!("day"))
            .config("partitionTime", json!("field:at"))
            .config("hiveMetastoreUris", json!(hive.metastore().uri()));
        let mut all = offers(0..6, 0, None);
        send(services, &topic, &all, false)?;
        let sink = sink.create()?;
        until_hive_says(hive, "SELECT id, label, NULL, dt FROM offers_v1 ORDER BY id", &rows(&all))?;

        // A new field, in the partition that is there and in a new one.
        let more = [offers(6..9, 0, Some("new")), offers(9..12, 1, Some("new"))].concat();
        send(services, &topic, &more, true)?;
        all.extend(more);
        let select = "SELECT id, label, note, dt FROM offers_v1 ORDER BY id";
        until_hive_says(hive, select, &rows(&all))?;

        // Rows that a file of a known partition grows by: a count must not come from statistics.
        let more = offers(12..20, 1, None);
        send(services, &topic, &more, true)?;
        all.extend(more);
        until_hive_says(hive, "SELECT COUNT(*) FROM offers_v1", &[one(all.len())])?;

        hive.metastore().kill()?;
        let more = offers(20..23, 2, Some("while it was away"));
        send(services, &topic, &more, true)?;
        all.extend(more);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        until("the log tells of the metastore", LIMIT, || {
            ensure!(sink.log().contains("the Hive metastore cannot be told of"), "{}", sink.log());
            Ok(())
        })?;
        sink.restart()?;
        let more = offers(23..26, 3, Some("after a restart"));
        send(services, &topic, &more, true)?;
        all.extend(more);
        sink.wait_until_all_is_acknowledged(LIMIT)?;

        hive.metastore().start()?;
        let days = "SHOW PARTITIONS offers_v1";
        let expected: Vec<Row> = (1..=4).map(|day| one(format!("dt=2026-11-{day:02}"))).collect();
        until_hive_says(hive, days, &expected)?;
        until_hive_says(hive, select, &rows(&all))?;
        sink.delete()
    })
}

#[test]
fn a_table_of_someone_elses_and_a_metastore_that_is_not_there_hold_up_no_commit() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let hive = services.stack().hive()?;
        let namespace = services.namespace("strangers")?;
        hive.query(&["CREATE EXTERNAL TABLE theirs (x INT) LOCATION '/elsewhere'"])?;
        // Nobody may listen on port 1.
        let (there, nowhere) = (hive.metastore().uri(), "thrift://127.0.0.1:1".to_owned());
        let cases = [
            ("theirs", there, "it is another table, and stays as it is: its location is"),
            ("lost", nowhere, "the Hive metastore cannot be told of"),
        ];
        for (name, uri, says) in cases {
            let topic = namespace.topic_named(name);
            send(services, &topic, &offers(0..10, 0, None), true)?;
            let sink = Sink::of_topics(&namespace, name, std::slice::from_ref(&topic))?
                .config("hiveMetastoreUris", json!(uri))
                .create()?;
            sink.wait_until_all_is_acknowledged(LIMIT)?;
            ensure!(sink.commits()? > 0, "{name}: nothing was committed");
            until(&format!("{name}: the log says why"), LIMIT, || {
                ensure!(sink.log().contains(says), "{}", sink.log());
                Ok(())
            })?;
            sink.delete()?;
        }
        let columns = hive.query(&["DESCRIBE theirs"])?;
        let first = columns.first().context("no columns")?;
        ensure!(columns.len() == 1 && first[..2] == [Some("x".to_owned()), Some("int".to_owned())], "{columns:?}");
        Ok(())
    })
}

#[test]
fn quoted_csv_with_a_header_in_gzip_is_a_table_of_strings() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let hive = services.stack().hive()?;
        hive.query(&["CREATE DATABASE quoted"])?;
        let namespace = services.namespace("quoted")?;
        let topic = namespace.topic_named("visits");
        // What OpenCSVSerde reads as it was written: no backslash, no line end, and no NULL.
        let label = |id: i64| ["plain", "a,b", "say \"hello\"", "naïve 😀"][id as usize % 4];
        let sent: Vec<Offer> = (0..8).map(|id| Offer { id, day: 0, label: label(id), note: Some("") }).collect();
        send(services, &topic, &sent, true)?;
        let sink = Sink::of_topics(&namespace, "csv", std::slice::from_ref(&topic))?
            .config("metadataColumns", Json::Null)
            .config("dialect", json!("rfc4180"))
            .config("header", json!(true))
            .config("compression", json!("gzip"))
            .config("hiveDatabase", json!("Quoted"))
            .config("hiveMetastoreUris", json!(format!("thrift://127.0.0.1:1,{}", hive.metastore().uri())))
            .create()?;
        let expected: Vec<Row> = sent
            .iter()
            .map(|offer| vec![Some(offer.id.to_string()), Some(offer.label.to_owned()), Some(String::new())])
            .collect();
        until_hive_says(hive, "SELECT id, label, note FROM quoted.visits ORDER BY id", &expected)?;
        sink.delete()
    })
}
