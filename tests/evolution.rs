//! Schemas that change while the sink runs, and records at the bounds of what a broker and a table take.

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{Expected, Field, Fields, LIMIT, Services, Shared, Sink, Typed, letters, long, repository, until};
use hdfs_csv_tool::publish::Receipt;
use pulsar_io_hdfs_csv::storage::Storage;
use serde_json::{Value as Json, json};

/// Rounds in which every producer sends a batch or two.
const ROUNDS: i64 = 25;

fn record(fields: &Json) -> Json {
    json!({ "type": "record", "name": "Offer", "namespace": "evolution", "fields": fields })
}

/// A producer's version of the events: its schema, and a record of it. The values tell a column from another.
struct Version {
    schema: Json,
    record: fn(i64) -> Fields,
    batch: u32,
}

fn fields<const N: usize>(fields: [(&str, Field); N]) -> Fields {
    fields.into_iter().map(|(name, field)| (name.to_owned(), field)).collect()
}

fn maybe(number: i64, field: Field) -> Field {
    if number % 3 == 0 { Field::Null } else { Field::some(field) }
}

fn label(number: i64) -> Field {
    Field::text(["", "\\N", "a,b\\\n\"c\"\r", "naïve 😀", "\t"][number as usize % 5])
}

fn price(number: i64) -> f32 {
    [0.1, -0.0, f32::MAX, f32::MIN_POSITIVE, 16_777_217.0, f32::NAN, f32::INFINITY, 1e-45][number as usize % 8]
}

fn exact_price(number: i64) -> f64 {
    [0.1, -0.0, f64::MAX, 5e-324, 1.0 / 3.0, f64::NAN, f64::NEG_INFINITY, 0.1_f32 as f64][number as usize % 8]
}

fn first() -> Version {
    Version {
        schema: record(&json!([
            { "name": "id", "type": "long" },
            { "name": "count", "type": "int" },
            { "name": "price", "type": "float" },
            { "name": "label", "type": "string", "default": "none" },
        ])),
        record: |number| {
            fields([
                ("id", Field::Long(number)),
                ("count", Field::Int(i32::MAX - number as i32)),
                ("price", Field::Float(price(number))),
                ("label", label(number)),
            ])
        },
        batch: 1,
    }
}

/// A nullable field more, in the middle.
fn with_note() -> Version {
    Version {
        schema: record(&json!([
            { "name": "id", "type": "long" },
            { "name": "note", "type": ["null", "string"], "default": null },
            { "name": "count", "type": "int" },
            { "name": "price", "type": "float" },
            { "name": "label", "type": "string", "default": "none" },
        ])),
        record: |number| {
            fields([
                ("id", Field::Long(number)),
                ("note", maybe(number, label(number + 1))),
                ("count", Field::Int(i32::MIN + number as i32)),
                ("price", Field::Float(price(number))),
                ("label", label(number)),
            ])
        },
        batch: 7,
    }
}

/// Wider numbers.
fn wider() -> Version {
    Version {
        schema: record(&json!([
            { "name": "id", "type": "long" },
            { "name": "count", "type": "long" },
            { "name": "price", "type": "double" },
            { "name": "label", "type": "string", "default": "none" },
            { "name": "note", "type": ["null", "string"], "default": null },
        ])),
        record: |number| {
            fields([
                ("id", Field::Long(number)),
                ("count", Field::Long(i64::MAX - number)),
                ("price", Field::Double(exact_price(number))),
                ("label", label(number)),
                ("note", maybe(number, label(number + 2))),
            ])
        },
        batch: 5,
    }
}

/// The label is gone, and so is the note.
fn without_label() -> Version {
    Version {
        schema: record(&json!([
            { "name": "id", "type": "long" },
            { "name": "count", "type": "long" },
            { "name": "price", "type": "double" },
        ])),
        record: |number| {
            fields([
                ("id", Field::Long(number)),
                ("count", Field::Long(i64::MIN + number)),
                ("price", Field::Double(exact_price(number))),
            ])
        },
        batch: 1,
    }
}

/// The label is back, at another place and of another default; the fields stand in another order, and there is one more.
fn label_again() -> Version {
    Version {
        schema: record(&json!([
            { "name": "tags", "type": { "type": "array", "items": "string" }, "default": [] },
            { "name": "label", "type": "string", "default": "unknown" },
            { "name": "price", "type": "double" },
            { "name": "count", "type": "long" },
            { "name": "id", "type": "long" },
        ])),
        record: |number| {
            let mut tags = Vec::new();
            long(&mut tags, 1);
            label(number).encode(&mut tags);
            tags.push(0);
            let Field::Text(tag) = label(number) else { unreachable!("labels are texts") };
            fields([
                ("tags", Field::Nested(tags, json!([tag]))),
                ("label", label(number + 3)),
                ("price", Field::Double(exact_price(number))),
                ("count", Field::Long(number)),
                ("id", Field::Long(-number)),
            ])
        },
        batch: 16,
    }
}

/// What the table's columns cannot become, and what the dead letters say of it.
fn misfits() -> [(Version, &'static str); 3] {
    let id = json!({ "name": "id", "type": "long" });
    [
        (
            Version {
                schema: record(&json!([id, { "name": "count", "type": "string" }])),
                record: |number| fields([("id", Field::Long(number)), ("count", Field::text("seven"))]),
                batch: 3,
            },
            "incompatible-schema: column `count` is bigint in the table, but `count` string in the record's schema",
        ),
        (
            Version {
                schema: record(&json!([id, { "name": "Label", "type": "string" }])),
                record: |number| fields([("id", Field::Long(number)), ("Label", label(number))]),
                batch: 1,
            },
            "incompatible-schema: column `label` is string in the table, but `Label` string in the record's schema",
        ),
        (
            Version {
                schema: record(&json!([id, { "name": "DT", "type": "string" }])),
                record: |number| fields([("id", Field::Long(number)), ("DT", label(number))]),
                batch: 1,
            },
            "incompatible-schema: field `dt` has the name of the partition column; set partitionColumn to another name",
        ),
    ]
}

#[test]
fn rows_of_every_version_of_a_schema_are_in_the_columns_of_one_table_and_what_does_not_fit_is_a_dead_letter()
-> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("versions")?;
        let topic = namespace.topic_named("offers");
        let sink = Sink::of_topics(&namespace, "cold", std::slice::from_ref(&topic))?;
        let sink = sink.config("partitionBy", json!("day")).config("partitionTime", json!("publishTime"));
        let mut expected = Expected::default();
        let send = |version: &Version, from: i64, count: i64| -> Result<Vec<(Fields, Receipt)>> {
            let mut producer = Typed::open(services, &topic, &version.schema, version.batch)?;
            producer.send(services, (from..from + count).map(version.record).collect())?;
            producer.close(services)
        };

        // The broker's default strategy takes the nullable field, and refuses what an old consumer could not read.
        expected.extend(send(&first(), 0, 10)?);
        let sink = sink.create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.extend(send(&with_note(), 0, 10)?);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let refusal =
            Typed::open(services, &topic, &wider().schema, 1).err().context("the broker took wider fields")?;
        println!("under the default strategy: {refusal:#}");
        ensure!(format!("{refusal:#}").contains("IncompatibleSchema"), "{refusal:#}");
        namespace.set_schema_strategy("BACKWARD")?;
        until("wider fields under BACKWARD", LIMIT, || Typed::open(services, &topic, &wider().schema, 1))?
            .close(services)?;
        namespace.set_schema_strategy("ALWAYS_COMPATIBLE")?;

        let versions = [first(), with_note(), wider(), without_label(), label_again()];
        let misfits = misfits();
        let all = versions.iter().chain(misfits.iter().map(|(version, _)| version));
        let mut producers = all
            // The broker takes note of the strategy a moment later.
            .map(|version| {
                let open = || Typed::open(services, &topic, &version.schema, version.batch);
                until("every producer is let in", LIMIT, open)
            })
            .collect::<Result<Vec<_>>>()?;
        for round in 1..=ROUNDS {
            let versions = versions.iter().chain(misfits.iter().map(|(version, _)| version));
            for (number, (producer, version)) in producers.iter_mut().zip(versions).enumerate() {
                let misfit = number >= 5;
                // Each at another pace, and the new versions later than the old ones; of those that do not fit, a few.
                let count =
                    if misfit { i64::from(round > 5 && round % 7 == 0) } else { (round * (number as i64 + 1)) % 9 };
                if round > number as i64 {
                    producer.send(services, (0..count).map(|at| (version.record)(100 * round + at)).collect())?;
                }
            }
        }
        let mut dead = Vec::new();
        for (number, producer) in producers.into_iter().enumerate() {
            let sent = producer.close(services)?;
            match number.checked_sub(versions.len()) {
                None => expected.extend(sent),
                Some(misfit) => dead.extend(sent.into_iter().map(|sent| (sent, misfits[misfit].1))),
            }
        }
        sink.wait_until_all_is_acknowledged(LIMIT)?;

        // An instance that finds the columns as they are now, and old producers.
        sink.delete()?;
        sink.create_again()?;
        for version in versions.iter().rev() {
            expected.extend(send(version, 9_000, 5)?);
        }
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let summary = expected.compare(&sink, "offers", &[])?;
        let columns = [
            "_ledger_id bigint",
            "_entry_id bigint",
            "_batch_index int",
            "id bigint",
            "count bigint",
            "price double",
            "label string",
            "note string",
            "tags string",
        ];
        ensure!(summary["columns"] == json!(columns), "{summary}");
        ensure!(summary["versions"] == json!([7, 8, 8, 9]), "{summary}");
        ensure!(summary["nulls"]["label"].as_u64() > Some(0) && summary["short"].as_u64() > Some(0), "{summary}");

        dead.sort_by_key(|((_, receipt), _)| receipt.position);
        let letters = letters(services, &topic, dead.len())?;
        ensure!(!dead.is_empty(), "nothing that does not fit was sent");
        for (((fields, receipt), reason), letter) in dead.iter().zip(&letters) {
            ensure!(letter.payload == hdfs_csv_tests::encode(fields), "another payload: {letter:?}");
            let position = receipt.position;
            let position = format!("{}:{}:{}", position.ledger, position.entry, position.batch_index);
            ensure!(letter.position() == Some(&position), "the letter of {position}: {letter:?}");
            ensure!(letter.reason() == *reason, "{:?} instead of {reason:?}", letter.reason());
        }
        sink.delete()
    })
}

/// A change of a field's type: schemas, payloads and, from the page, what becomes of it.
struct TypeChange {
    change: Json,
    /// What the page says: was, is now, FULL, BACKWARD, FORWARD, the column, a new value, its text or why it is bad.
    says: Vec<String>,
}

impl TypeChange {
    fn schema(&self, when: &str) -> Json {
        record(&json!([{ "name": "v", "type": self.change[when] }]))
    }

    /// Fields that are encoded as the payload.
    fn fields(&self, when: &str) -> Result<Fields> {
        let hex = self.change[when].as_str().context("a change without payload")?;
        let bytes = hex.as_bytes().chunks(2).map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?));
        Ok(fields([("v", Field::Nested(bytes.collect::<Result<_>>()?, Json::Null))]))
    }

    /// Why the new record is bad, if it is.
    fn reason(&self) -> Option<&str> {
        self.says[7].strip_prefix("bad: ")
    }
}

/// The changes of tests/oracle/type-changes.json, beside the lines of docs/understand/schema-evolution.md.
fn type_changes() -> Result<Vec<TypeChange>> {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).with_context(|| path.to_owned());
    let changes: Vec<Json> = serde_json::from_str(&read("tests/oracle/type-changes.json")?)?;
    let page = read("docs/understand/schema-evolution.md")?;
    let (_, table) = page.split_once("| was | is now |").context("a page without the table of changes")?;
    let lines: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    ensure!(lines.len() == changes.len(), "{} lines on the page for {} changes", lines.len(), changes.len());
    let bare = |cell: &str| cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).unwrap_or(cell).to_owned();
    let says = |line: &str| line.trim_matches('|').split(" | ").map(|cell| bare(cell.trim())).collect();
    Ok(changes.into_iter().zip(lines).map(|(change, line)| TypeChange { change, says: says(line) }).collect())
}

/// The text of a table's one file.
fn rows(services: &Services, directory: &str) -> Result<String> {
    let hdfs = services.hdfs()?;
    services.wait_for(async {
        let files = hdfs.list(directory).await?;
        let names: Vec<&str> =
            files.iter().map(|file| file.name.as_str()).filter(|name| !name.starts_with('_')).collect();
        let [name] = names[..] else { anyhow::bail!("{directory} has {names:?}") };
        Ok(String::from_utf8(hdfs.read(&format!("{directory}/{name}")).await?.to_vec())?)
    })
}

#[test]
fn a_field_that_gets_another_type_becomes_what_the_page_says_and_brokers_take_what_it_says() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("changes")?;
        let (hive, admin) = (services.stack().hive()?, services.stack().admin());
        let changes = type_changes()?;
        let tables: Vec<String> = (0..changes.len()).map(|at| format!("type_change_{at}")).collect();
        let topics: Vec<String> = tables.iter().map(|table| namespace.topic_named(table)).collect();
        let send = |when: [&str; 2]| -> Result<()> {
            for (change, topic) in changes.iter().zip(&topics) {
                let mut producer = Typed::open(services, topic, &change.schema(when[0]), 1)?;
                producer.send(services, vec![change.fields(when[1])?])?;
                producer.close(services)?;
            }
            Ok(())
        };
        send(["was", "old"])?;
        let mut differences = Vec::new();
        for (at, strategy) in ["FULL", "BACKWARD", "FORWARD"].into_iter().enumerate() {
            namespace.set_schema_strategy(strategy)?;
            for (change, table) in changes.iter().zip(&tables) {
                let schema = json!({ "type": "AVRO", "schema": change.schema("is").to_string(), "properties": {} });
                let path = format!("/admin/v2/schemas/{}/{table}/compatibility", namespace.full_name());
                // The broker takes note of the strategy a moment later. What it refuses is an error of its own to it.
                let takes = until(&format!("{table} under {strategy}"), LIMIT, || match admin.post(&path, &schema) {
                    Ok(answer) => {
                        ensure!(answer["schemaCompatibilityStrategy"] == strategy, "{answer}");
                        Ok(answer["compatibility"] == true)
                    }
                    Err(refusal) => {
                        let refusal = format!("{refusal:#}");
                        ensure!(
                            refusal.contains(&format!("compatibility check with strategy {strategy}:")),
                            "{refusal}"
                        );
                        Ok(false)
                    }
                })?;
                let says = change.says[2 + at] == "yes";
                if takes != says {
                    differences.push(format!("{:?} under {strategy}: {takes}", change.says));
                }
            }
        }
        ensure!(differences.is_empty(), "{differences:#?}");
        namespace.set_schema_strategy("ALWAYS_COMPATIBLE")?;
        until("the strategy is taken note of", LIMIT, || send(["is", "new"]))?;

        let letters_of = namespace.topic_named("all");
        let sink = Sink::of_topics(&namespace, "cold", &topics)?
            .config("metadataColumns", Json::Null)
            .config("deadLetterTopic", json!(format!("{letters_of}-hdfs-csv-dlq")))
            .config("hiveMetastoreUris", json!(hive.metastore().uri()))
            .create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        for (change, table) in changes.iter().zip(&tables) {
            let rows = rows(services, &format!("{}/{table}", sink.directory()))?;
            let rows: Vec<&str> = rows.lines().skip(1).collect();
            let expected: Vec<String> = match change.reason() {
                Some(_) => Vec::new(),
                None => vec![change.says[7].replace(',', "\\,")],
            };
            ensure!(rows == expected, "{:?}: {rows:?} behind the old record's row", change.says);
        }
        // Hive has each column's type: what its type could not hold would be NULL.
        let reads = tables.iter().map(|table| format!("SELECT '{table}', v IS NULL FROM {table}"));
        let reads: Vec<String> = reads.collect();
        let mut expected = Vec::new();
        for (change, table) in changes.iter().zip(&tables) {
            let row = vec![Some(table.clone()), Some("false".to_owned())];
            expected.extend(vec![row; if change.reason().is_some() { 1 } else { 2 }]);
        }
        until("every table in Hive", LIMIT, || {
            let rows = hive.query(&reads.iter().map(String::as_str).collect::<Vec<_>>())?;
            ensure!(rows == expected, "{rows:?}");
            Ok(())
        })?;
        let mut reasons: Vec<_> = changes.iter().filter_map(TypeChange::reason).collect();
        let letters = letters(services, &letters_of, reasons.len())?;
        let mut told: Vec<_> =
            letters.iter().map(|letter| letter.reason().replace("incompatible-schema: ", "")).collect();
        reasons.sort_unstable();
        told.sort_unstable();
        ensure!(told == reasons, "{told:#?} instead of {reasons:#?}");
        sink.delete()
    })
}

/// A record whose one field is a chain of so many records, each within the other.
fn chain(levels: usize) -> Field {
    // The innermost has no next one.
    let mut json = json!({ "value": 7, "next": null });
    for _ in 1..levels {
        json = json!({ "value": 7, "next": json });
    }
    // An int and the branch of the next record, so many times.
    let mut encoded = [14, 2].repeat(levels);
    if let Some(last) = encoded.last_mut() {
        *last = 0;
    }
    Field::Nested(encoded, json)
}

#[test]
fn records_at_the_bounds_of_size_depth_and_width_are_written_and_those_beyond_are_dead_letters() -> Result<()> {
    const BROKERS_BOUND: usize = 5 << 20;
    const WIDTH: usize = 2_000;
    /// As docs/understand/formats.md has it.
    const LEVELS: usize = 256;

    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("bounds")?;
        let [large, deep, wide] = ["large", "deep", "wide"].map(|name| namespace.topic_named(name));

        let texts = record(&json!([{ "name": "id", "type": "long" }, { "name": "text", "type": "string" }]));
        let row = |id, text: String| fields([("id", Field::Long(id)), ("text", Field::Text(text))]);
        // Less what the message's own headers take.
        let length = BROKERS_BOUND - 200;
        let sizes = vec![row(0, "small".to_owned()), row(1, "\\".repeat(length)), row(2, "é\n".repeat(length / 3)), row(3, "small".to_owned())];
        let mut producer = Typed::open(services, &large, &texts, 1)?;
        producer.send(services, sizes)?;
        let mut expected_large = Expected::default();
        expected_large.extend(producer.close(services)?);

        let next = json!(["null", "Node"]);
        let node = json!({ "type": "record", "name": "Node", "fields": [{ "name": "value", "type": "int" }, { "name": "next", "type": next }] });
        let chains = record(&json!([{ "name": "id", "type": "long" }, { "name": "chain", "type": node }]));
        let row = |id, levels| fields([("id", Field::Long(id)), ("chain", chain(levels))]);
        let mut producer = Typed::open(services, &deep, &chains, 10)?;
        let depths = [1, LEVELS, LEVELS + 1, 1_000, 2];
        producer.send(services, depths.iter().zip(0..).map(|(&levels, id)| row(id, levels)).collect())?;
        let (fit, beyond): (Vec<_>, Vec<_>) =
            depths.iter().zip(producer.close(services)?).partition(|(levels, _)| **levels <= LEVELS);
        let mut expected_deep = Expected::default();
        expected_deep.extend(fit.into_iter().map(|(_, sent)| sent));

        let many: Vec<_> = (0..WIDTH)
            .map(|at| json!({ "name": format!("field_{at}"), "type": ["null", if at % 2 == 0 { "string" } else { "long" }] }))
            .collect();
        let row = |id: i64| -> Fields {
            let field = |at: i64| match (id + at) % 5 {
                0 => Field::Null,
                _ if at % 2 == 0 => Field::some(label(at)),
                _ => Field::some(Field::Long(id * at)),
            };
            (0..WIDTH as i64).map(|at| (format!("field_{at}"), field(at))).collect()
        };
        let mut producer = Typed::open(services, &wide, &record(&json!(many)), 10)?;
        producer.send(services, (0..20).map(row).collect())?;
        let mut expected_wide = Expected::default();
        expected_wide.extend(producer.close(services)?);

        let sink = Sink::of_topics(&namespace, "cold", &[large, deep.clone(), wide])?.create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected_large.compare(&sink, "large", &[])?;
        expected_deep.compare(&sink, "deep", &[])?;
        let summary = expected_wide.compare(&sink, "wide", &[])?;
        ensure!(summary["versions"] == json!([WIDTH + 3]), "{summary}");
        for letter in letters(services, &deep, beyond.len())? {
            ensure!(letter.reason().starts_with("too-large"), "{}", letter.reason());
            println!("{} bytes of too many levels: {}", letter.payload.len(), letter.reason());
        }
        sink.delete()
    })
}
