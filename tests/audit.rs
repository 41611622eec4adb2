//! `hdfs-csv audit` and `hdfs-csv watermark` on real tables: whole ones, damaged ones, and ones that wait for their commits.

use std::collections::BTreeMap;
use std::thread::scope;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use clap::Parser;
use hdfs_csv_tests::{Field, Fields, LIMIT, Namespace, Services, Shared, Sink, encode, until};
use hdfs_csv_tool::audit::report::{AuditReport, Comparison, Kind};
use hdfs_csv_tool::audit::{Period, Subject, audit};
use hdfs_csv_tool::command::Cli;
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::publish::send_all;
use hdfs_csv_tool::verify::verify;
use hdfs_csv_tool::watermark::{DayTime, WatermarkReport, watermark};
use pulsar::compression::Compression;
use pulsar::producer::Message;
use pulsar::proto::{Schema, schema::Type};
use pulsar::{ProducerOptions, TokioExecutor};
use pulsar_io_hdfs_csv::protocol::layout::SourcePartitionLayout;
use pulsar_io_hdfs_csv::protocol::manifest::{Content, Manifest};
use pulsar_io_hdfs_csv::storage::{Storage, write_whole};
use serde_json::{Value as Json, json};

const KIND: EventKind = EventKind::Searching;
const PARTITIONS: u32 = 3;
/// 2026-02-10 and the day after.
const DAY: i64 = 1_770_681_600_000;
const NEXT_DAY: i64 = DAY + 86_400_000;

fn row(timestamp: i64, number: i64) -> Fields {
    let query = format!("\"query\", {}\n{number}", number % 7);
    let fields =
        [("timestamp", Field::Long(timestamp)), ("user_id", Field::Long(number)), ("query", Field::Text(query))];
    fields.map(|(name, field)| (name.to_owned(), field)).into()
}

/// Good records, and one bad one in every fifty.
fn messages(day: i64, count: i64) -> Vec<Message> {
    let message = |number: i64| {
        let mut payload = encode(&row(day + 1_000 * number, number));
        if number % 50 == 7 {
            payload.truncate(4);
        }
        Message { payload, event_time: Some(day as u64), ..Default::default() }
    };
    (0..count).map(message).collect()
}

/// A message of another schema version, and of a compressed batch.
fn send_compressed(services: &Services, topic: &str, count: i64) -> Result<()> {
    let mut schema: Json = serde_json::from_str(KIND.schema_text())?;
    let fields = schema["fields"].as_array_mut().context("a schema without fields")?;
    fields.push(json!({ "name": "device", "type": ["null", "string"], "default": null }));
    let schema = Schema {
        name: topic.to_owned(),
        schema_data: schema.to_string().into_bytes(),
        r#type: Type::Avro.into(),
        properties: Vec::new(),
    };
    let client = services.pulsar()?;
    services.wait_for(async {
        let options = ProducerOptions {
            schema: Some(schema),
            batch_size: Some(count as u32),
            compression: Some(Compression::Lz4(Default::default())),
            ..Default::default()
        };
        let producer = client.producer().with_topic(format!("{topic}-partition-1")).with_options(options).build();
        let mut producer: pulsar::Producer<TokioExecutor> = producer.await?;
        let mut receipts = Vec::new();
        for number in 0..count {
            let mut fields = row(DAY + number, number);
            let device = if number % 2 == 0 { Field::Null } else { Field::some(Field::text("phone")) };
            fields.push(("device".to_owned(), device));
            let message = Message { payload: encode(&fields), ..Default::default() };
            receipts.push(producer.send_non_blocking(message).await?);
        }
        producer.send_batch().await?;
        for receipt in receipts {
            receipt.await?;
        }
        producer.close().await?;
        anyhow::Ok(())
    })
}

/// A sink's table, and what the commands say of it.
struct Table<'a> {
    services: &'a Services,
    subject: Subject,
    directory: String,
}

impl<'a> Table<'a> {
    fn of(namespace: &Namespace<'a>, sink: &Sink<'_>) -> Result<Table<'a>> {
        let services = namespace.services();
        let hdfs = services.hdfs()?;
        let table = services.wait_for(sink.table(&hdfs))?;
        let subject = Subject::new(namespace.topic(KIND), Some(table));
        Ok(Table { services, subject, directory: sink.directory() })
    }

    fn audit(&self) -> Result<AuditReport> {
        let (hdfs, client) = (self.services.hdfs()?, self.services.pulsar()?);
        let audit = audit(&hdfs, &client, &self.subject, Period::default(), LIMIT, &|_| ());
        self.services.wait_for(audit)
    }

    fn watermark(&self, time: &DayTime) -> Result<WatermarkReport> {
        let (hdfs, client) = (self.services.hdfs()?, self.services.pulsar()?);
        self.services.wait_for(watermark(&hdfs, &client, &self.subject, time, LIMIT))
    }

    /// Runs a command as on the command line, on this table.
    fn command(&self, name: &str, options: &[&str]) -> Result<()> {
        let url = self.services.stack().pulsar().service_url();
        let conf = self.services.hadoop_conf()?;
        let own = ["hdfs-csv", name, "--directory", &self.directory, "--service-url", &url, "--hdfs-config-dir", &conf];
        println!("$ hdfs-csv {name} {}", options.join(" "));
        Cli::try_parse_from(own.iter().chain(options))?.run()
    }

    fn path(&self, name: &str) -> Result<String> {
        Ok(self.subject.table.as_ref().context("no table")?.path(name))
    }

    fn read(&self, path: &str) -> Result<Bytes> {
        let hdfs = self.services.hdfs()?;
        Ok(self.services.wait_for(hdfs.read(path))?)
    }

    fn write(&self, path: &str, bytes: Vec<u8>) -> Result<()> {
        let hdfs = self.services.hdfs()?;
        self.services.wait_for(async {
            hdfs.delete(path).await?;
            write_whole(&hdfs, path, bytes.into()).await
        })?;
        Ok(())
    }

    /// The manifests of a source partition, by their paths.
    fn manifests(&self, source_partition: &str) -> Result<BTreeMap<String, Manifest>> {
        let table = self.subject.table.clone().context("no table")?;
        let layout = SourcePartitionLayout { table, name: source_partition.to_owned() };
        let hdfs = self.services.hdfs()?;
        let mut manifests = BTreeMap::new();
        for entry in self.services.wait_for(hdfs.list(&layout.manifests()))? {
            let sequence = SourcePartitionLayout::manifest_sequence(&entry.name).context("no manifest")?;
            let path = layout.manifest(sequence);
            manifests.insert(path.clone(), Manifest::from_json(&self.read(&path)?, &path, sequence)?);
        }
        Ok(manifests)
    }

    /// Changes the lines of a file, looks, and puts it back.
    fn with_lines<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Vec<String>) -> Result<()>,
        look: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        let path = self.path(name)?;
        let before = self.read(&path)?;
        let mut lines: Vec<String> = std::str::from_utf8(&before)?.lines().map(|line| format!("{line}\n")).collect();
        change(&mut lines)?;
        let changed = lines.concat().into_bytes();
        self.write(&path, changed.clone())?;
        let seen = look(&changed);
        self.write(&path, before.to_vec())?;
        seen
    }
}

/// Findings by kind, of those that name a record or a row.
fn named(report: &AuditReport) -> Vec<(Kind, Option<String>)> {
    let own = report.findings().filter(|finding| finding.kind != Kind::Miscounted);
    own.map(|finding| (finding.kind, finding.position.map(|position| position.to_string()))).collect()
}

/// The position that a line's metadata columns say, of a table that has them.
fn position_of(line: &str) -> Result<String> {
    let mut fields = line.split(',');
    let mut next = || fields.next().context("a line without metadata columns");
    Ok(format!("{}:{}:{}", next()?, next()?, next()?))
}

#[test]
fn tables_are_compared_with_their_topic_and_each_damage_is_found_and_named() -> Result<()> {
    const BAD: u64 = 1 + 2 + 60;
    const COMPRESSED: i64 = 20;

    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("audited")?;
        let topic = namespace.topic(KIND);
        services.stack().admin().create_partitioned_topic(&topic, PARTITIONS)?;
        let client = services.pulsar()?;
        let send = |batch, day, count| {
            let messages = messages(day, count);
            services.wait_for(send_all(&client, &topic, Some(KIND.schema_text()), batch, messages))
        };
        send(1, DAY, 30)?;
        let sink = |name| Sink::new(&namespace, name, &[KIND]);
        let placed = sink("placed")?.create()?;
        let plain = sink("plain")?.config("metadataColumns", Json::Null).config("delimiter", json!("\t")).create()?;
        let often = sink("often")?
            .setting("processingGuarantees", json!("ATLEAST_ONCE"))
            .config("deliveryGuarantee", json!("at-least-once"))
            .config("dialect", json!("rfc4180"))
            .config("header", json!(true))
            .config("compression", json!("gzip"))
            .create()?;
        let sinks = [&placed, &plain, &often];
        for sink in sinks {
            sink.wait_until_all_is_acknowledged(LIMIT)?;
        }
        send(7, DAY, 70)?;
        send_compressed(services, &topic, COMPRESSED)?;
        send(1000, NEXT_DAY, 3000)?;
        for sink in sinks {
            sink.wait_until_all_is_acknowledged(LIMIT)?;
        }

        let records = 30 + 70 + 3000 + COMPRESSED as u64;
        for (sink, by) in
            [(&placed, Comparison::Position), (&plain, Comparison::Commit), (&often, Comparison::Position)]
        {
            let table = Table::of(&namespace, sink)?;
            let report = table.audit()?;
            let total = report.total();
            ensure!(report.findings().count() == 0 && report.compared_by == by, "{}: {report:#?}", table.directory);
            // Only under at-least-once a record may be there twice without being a finding.
            let rows = total.rows - total.doubled;
            let counts = (total.records, rows, total.dropped, total.uncommitted, total.not_compared);
            ensure!(counts == (records, records - BAD, BAD, 0, 0), "{}: {report:#?}", table.directory);
            ensure!(report.source_partitions.len() == PARTITIONS as usize, "{report:#?}");
            table.command("audit", &[])?;
        }
        // A reader leaves nothing behind.
        until("the readers are gone", LIMIT, || {
            let subscriptions = services.stack().admin().subscriptions(&format!("{topic}-partition-0"))?;
            ensure!(subscriptions.len() == sinks.len(), "{subscriptions:?}");
            Ok(())
        })?;
        for sink in sinks {
            sink.stop()?;
        }
        damage(&Table::of(&namespace, &placed)?, true)?;
        damage(&Table::of(&namespace, &plain)?, false)?;
        for sink in sinks {
            sink.delete()?;
        }
        Ok(())
    })
}

/// Damages a table in every way, one after another.
fn damage(table: &Table<'_>, placed: bool) -> Result<()> {
    let own = "searching-p1";
    let manifests = table.manifests(own)?;
    let newest = manifests.values().next_back().and_then(|newest| newest.files.first()).context("no files")?;
    let name = newest.name.clone();
    let clean = |report: AuditReport| ensure_named(&report, &[]);

    // A row is gone.
    let mut victim = String::new();
    let report = table.with_lines(
        &name,
        |lines| {
            victim = lines.remove(lines.len() / 2);
            Ok(())
        },
        |_| table.audit(),
    )?;
    let position = |line: &str| if placed { position_of(line).map(Some) } else { Ok(None) };
    let named_position =
        |report: &AuditReport| report.findings().find_map(|finding| finding.position).map(|own| own.to_string());
    let expected = if placed { position(&victim)? } else { named_position(&report) };
    ensure!(expected.is_some(), "no record is named: {report:#?}");
    ensure_named(&report, &[(Kind::Missing, expected)])?;
    ensure!(report.total().missing == 1, "{report:#?}");
    clean(table.audit()?)?;

    // A row is there twice.
    let report = table.with_lines(
        &name,
        |lines| {
            victim = lines[3].clone();
            lines.insert(5, victim.clone());
            Ok(())
        },
        |_| table.audit(),
    )?;
    let expected = if placed { position(&victim)? } else { named_position(&report) };
    ensure_named(&report, &[(Kind::Doubled, expected)])?;
    ensure!(report.total().doubled == 1, "{report:#?}");

    // A value is another one; its length is the same.
    let report = table.with_lines(
        &name,
        |lines| {
            victim = lines[4].clone();
            lines[4] = victim.replace("query", "QUERY");
            ensure!(lines[4] != victim, "nothing to alter in {victim}");
            Ok(())
        },
        |_| {
            if let Err(error) = table.command("audit", if placed { &[] } else { &["--json"] }) {
                println!("it ends with: {error:#}");
            } else {
                bail!("the command says that all is well");
            }
            table.audit()
        },
    )?;
    if placed {
        ensure_named(&report, &[(Kind::Altered, position(&victim)?)])?;
    } else {
        ensure_named(&report, &[(Kind::Missing, named_position(&report)), (Kind::Unaccounted, None)])?;
    }
    let path = table.path(&name)?;
    ensure!(report.findings().any(|own| own.path.as_ref() == Some(&path) && own.what.contains("row 5")), "{report:#?}");

    // A record was never written, and nothing that verify looks at says so.
    let report = table.with_lines(
        &name,
        |lines| {
            victim = lines.pop().context("an empty file")?;
            Ok(())
        },
        |changed| {
            let written: Vec<_> = without_a_row(&manifests, &name, changed)?;
            for (path, json) in &written {
                table.write(path, json.clone())?;
            }
            let hdfs = table.services.hdfs()?;
            let layout = table.subject.table.as_ref().context("no table")?;
            let verified = table.services.wait_for(verify(&hdfs, layout))?;
            let report = table.audit();
            for (path, _) in &written {
                table.write(path, manifests[path].to_json()?)?;
            }
            ensure!(verified.findings.is_empty(), "verify sees it too: {:?}", verified.findings);
            report
        },
    )?;
    let expected = if placed { position(&victim)? } else { named_position(&report) };
    ensure_named(&report, &[(Kind::Missing, expected)])?;

    // A file that nobody committed, and one that is lost.
    let foreign = table.path("dt=2026-02-10/copy.csv")?;
    table.write(&foreign, b"1\n".to_vec())?;
    let report = table.audit();
    let hdfs = table.services.hdfs()?;
    table.services.wait_for(hdfs.delete(&foreign))?;
    ensure_named(&report?, &[(Kind::Unaccounted, None)])?;
    let before = table.read(&path)?;
    table.services.wait_for(hdfs.delete(&path))?;
    let report = table.audit();
    table.write(&path, before.to_vec())?;
    let report = report?;
    let rows = newest.content.rows;
    let is_missing = |report: &AuditReport| report.findings().any(|own| own.kind == Kind::Unreadable);
    ensure!(report.total().missing == rows && is_missing(&report), "{rows} rows: {report:#?}");
    clean(table.audit()?)
}

fn ensure_named(report: &AuditReport, expected: &[(Kind, Option<String>)]) -> Result<()> {
    ensure!(named(report) == expected, "expected were {expected:?}, found was {report:#?}");
    Ok(())
}

/// The manifests as if the last row of a file had never been there.
fn without_a_row(manifests: &BTreeMap<String, Manifest>, name: &str, changed: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let is_named = |manifest: &Manifest| manifest.files.iter().any(|file| file.name == name);
    let last = manifests.values().filter(|manifest| is_named(manifest)).map(|manifest| manifest.sequence).max();
    let last = last.context("no manifest names the file")?;
    let mut written = Vec::new();
    for (path, manifest) in manifests.iter().filter(|(_, manifest)| manifest.sequence >= last) {
        let mut manifest = manifest.clone();
        manifest.total_rows -= 1;
        if manifest.sequence == last {
            manifest.rows -= 1;
            for file in manifest.files.iter_mut().filter(|file| file.name == name) {
                let checksum = crc32(changed);
                file.content = Content {
                    length: changed.len() as u64,
                    rows: file.content.rows - 1,
                    checksum,
                    ..file.content.clone()
                };
            }
        }
        written.push((path.clone(), manifest.to_json()?));
    }
    Ok(written)
}

/// CRC-32 as in zlib, eight hexadecimal digits.
fn crc32(bytes: &[u8]) -> String {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    format!("{:08x}", !crc)
}

#[test]
fn what_is_not_committed_is_no_finding_and_the_watermark_moves_when_it_is() -> Result<()> {
    const WAITING: i64 = 90;

    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("waiting")?;
        let topic = namespace.topic(KIND);
        services.stack().admin().create_partitioned_topic(&topic, PARTITIONS)?;
        let client = services.pulsar()?;
        let send = |day, count| {
            services.wait_for(send_all(&client, &topic, Some(KIND.schema_text()), 7, messages(day, count)))
        };
        send(DAY, 60)?;
        // Before there is a table, all is uncommitted, from the first message on.
        let unborn = Subject::new(topic.clone(), None);
        let hdfs = services.hdfs()?;
        let report = services.wait_for(audit(&hdfs, &client, &unborn, Period::default(), LIMIT, &|_| ()))?;
        ensure!(report.total().uncommitted == 60 && report.findings().count() == 0, "{report:#?}");
        let field = DayTime::Field("timestamp".to_owned());
        let report = services.wait_for(watermark(&hdfs, &client, &unborn, &field, LIMIT))?;
        ensure!(report.watermarks.event_time.is_some_and(|time| time.timestamp_millis() == DAY), "{report:#?}");

        let sink = Sink::new(&namespace, "cold", &[KIND])?.create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        sink.stop()?;
        let table = Table::of(&namespace, &sink)?;
        let committed = table.watermark(&field)?;
        ensure!(
            committed.watermarks.complete && committed.days["dt=2026-02-10"].complete == Some(true),
            "{committed:#?}"
        );
        ensure!(committed.days["dt=2026-02-10"].rows == 60 - 2, "{committed:#?}");

        send(NEXT_DAY, WAITING)?;
        let report = table.audit()?;
        let total = report.total();
        ensure!(report.findings().count() == 0, "{report:#?}");
        ensure!((total.records, total.uncommitted) == (60, WAITING as u64), "{report:#?}");
        let held = table.watermark(&field)?;
        ensure!(!held.watermarks.complete, "{held:#?}");
        ensure!(held.watermarks.event_time.is_some_and(|time| time.timestamp_millis() == NEXT_DAY), "{held:#?}");
        ensure!(held.watermarks.publish_time > committed.watermarks.publish_time, "{committed:#?} {held:#?}");
        ensure!(held.days["dt=2026-02-10"].complete == Some(true), "{held:#?}");
        // Its producer gave all of them the day's first moment for an event time.
        let by_event = table.watermark(&DayTime::EventTime)?;
        ensure!(by_event.watermarks.event_time == held.watermarks.event_time, "{by_event:#?}");

        let ask = |day: &str, wait: &str| {
            table.command("watermark", &["--time-field", "timestamp", "--day", day, "--wait", wait])
        };
        ask("2026-02-10", "0s")?;
        let error = ask("2026-02-11", "1s").err().context("a day that is not complete is told complete")?;
        ensure!(error.to_string().contains("2026-02-11 is not complete within 1s"), "{error:#}");
        let nowhere = namespace.topic_named("nowhere");
        let error = table.command("audit", &["--topics", &nowhere]).err().context("a topic that is not there")?;
        ensure!(error.to_string().contains("there is no topic"), "{error:#}");
        let there = services.stack().admin().topics(&namespace.full_name())?;
        ensure!(!there.contains(&nowhere), "asking for a topic has created it: {there:?}");
        let misspelt = table.command("watermark", &["--time-field", "time", "--day", "2026-02-10"]);
        ensure!(
            misspelt.is_err_and(|error| error.to_string().contains("no timestamp or date `time`")),
            "a misspelt field"
        );

        // Who waits is told as soon as it is there.
        scope(|threads| {
            let waiting = threads.spawn(|| ask("2026-02-11", "60s"));
            sink.start()?;
            waiting.join().map_err(|_| anyhow::anyhow!("the waiting one panicked"))?
        })?;
        let report = table.audit()?;
        ensure!(report.total().rows == 60 + WAITING as u64 - 4 && report.findings().count() == 0, "{report:#?}");
        let moved = table.watermark(&field)?;
        ensure!(
            moved.watermarks.complete && moved.watermarks.publish_time > held.watermarks.publish_time,
            "{moved:#?}"
        );
        ensure!(moved.days["dt=2026-02-11"].rows == WAITING as u64 - 2, "{moved:#?}");
        sink.delete()
    })
}
