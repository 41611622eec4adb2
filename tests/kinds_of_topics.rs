//! What producers and brokers may do with messages: each of it once, end to end. docs/understand/delivery.md has a line for each.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{
    Expected, Field, Fields, LIMIT, Namespace, QUICK_START, Services, Shared, Sink, Typed, letters, repository,
    setting, until,
};
use hdfs_csv_tool::publish::Receipt;
use hdfs_csv_tool::topic::Position;
use serde_json::{Value as Json, json};

fn schema() -> Json {
    json!({ "type": "record", "name": "Note", "fields": [
        { "name": "id", "type": "long" },
        { "name": "text", "type": "string" },
    ]})
}

/// As `Kinds.java` makes it.
fn record(id: i64, kind: &str) -> Fields {
    let letters = if kind.ends_with("chunks") { 5_000 } else { id % 50 };
    let mut state = id as u64;
    let text = (0..letters).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + ((state >> 33) % 26) as u8)
    });
    vec![("id".to_owned(), Field::Long(id)), ("text".to_owned(), Field::Text(text.collect()))]
}

/// Runs `tests/oracle/Kinds.java`: what it says.
fn java(services: &Services, topic: &str, arguments: &[&str]) -> Result<String> {
    let pulsar = services.stack().pulsar();
    let mut java = Command::new("java");
    java.args([QUICK_START, "-cp"]).arg(pulsar.home().join("lib/*")).arg(repository().join("tests/oracle/Kinds.java"));
    let output = java.args([&pulsar.service_url(), topic]).args(arguments).output().context("java cannot be run")?;
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{out}{errors}");
    Ok(out.into_owned())
}

/// Sends so many records; those that a consumer should get.
fn send(
    services: &Services,
    topic: &str,
    (kind, argument): (&str, Option<&Path>),
    first_id: i64,
    count: i64,
) -> Result<Vec<(Fields, Receipt)>> {
    let (first_id, count) = (first_id.to_string(), count.to_string());
    let argument = argument.map(|path| path.to_string_lossy().into_owned());
    let mut arguments = vec![kind, &first_id, &count];
    arguments.extend(argument.as_deref());
    let said = java(services, topic, &arguments)?;
    let sent = said.lines().filter_map(|line| line.strip_prefix("sent ")).map(|line| {
        let numbers: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().context(line.to_owned())?;
        let [id, ledger, entry, batch_index] = numbers[..] else { anyhow::bail!("{line}") };
        let position = Position { ledger, entry, batch_index: batch_index as u32 };
        Ok((record(id as i64, kind), Receipt { partition: -1, position }))
    });
    sent.collect()
}

/// A topic with the schema, which has no record yet.
fn topic(namespace: &Namespace<'_>) -> Result<String> {
    let (topic, services) = (namespace.topic_named("notes"), namespace.services());
    Typed::open(services, &topic, &schema(), 1)?.close(services)?;
    Ok(topic)
}

fn is_committed_once(name: &str, kinds: &[(&str, Option<&str>)]) -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace(name)?;
        let topic = topic(&namespace)?;
        let sink = Sink::of_topics(&namespace, "once", std::slice::from_ref(&topic))?.create()?;
        let mut expected = Expected::default();
        for (round, (kind, argument)) in (0_i64..).zip(kinds) {
            expected.extend(send(services, &topic, (kind, argument.map(Path::new)), 1_000 * round, 100)?);
        }
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "notes", &[])?;
        let readable = kinds.iter().all(|kind| !NOT_FOR_AUDIT.contains(kind));
        match sink.audit(&topic) {
            Ok(report) => ensure!(readable && report.findings().count() == 0, "{report:#?}"),
            Err(error) => ensure!(!readable && format!("{error:#}").contains("This reader cannot read"), "{error:?}"),
        }
        sink.delete()
    })
}

/// What the client of `hdfs-csv audit` cannot read.
const NOT_FOR_AUDIT: [(&str, Option<&str>); 5] = [
    ("compressed", Some("SNAPPY")),
    ("compressed-batches", Some("SNAPPY")),
    ("compressed", Some("ZLIB")),
    ("compressed-batches", Some("ZLIB")),
    ("compressed-chunks", None),
];

#[test]
fn compressed_messages_alone_and_in_batches_are_committed_once() -> Result<()> {
    let codecs = ["LZ4", "ZSTD"];
    let alone = codecs.map(|codec| ("compressed", Some(codec)));
    let batches = codecs.map(|codec| ("compressed-batches", Some(codec)));
    is_committed_once("compressed", &[alone, batches].concat())
}

#[test]
fn messages_compressed_with_snappy_or_zlib_are_committed_once() -> Result<()> {
    for codec in ["snappy", "zlib"] {
        let name = Some(codec.to_uppercase());
        is_committed_once(codec, &[("compressed", name.as_deref()), ("compressed-batches", name.as_deref())])?;
    }
    Ok(())
}

#[test]
fn messages_compressed_and_cut_into_chunks_are_committed_once() -> Result<()> {
    is_committed_once("compressed-chunks", &[("compressed-chunks", None)])
}

#[test]
fn delayed_messages_are_committed_once_without_their_delay() -> Result<()> {
    is_committed_once("delayed", &[("delayed", None), ("plain", None), ("delayed", None)])
}

#[test]
fn committed_transactions_are_committed_once_and_aborted_ones_not_at_all() -> Result<()> {
    is_committed_once("transactions", &[("plain", None), ("transactions", None)])
}

#[test]
fn a_compacted_topic_is_written_whole() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("compacted")?;
        let topic = topic(&namespace)?;
        let mut expected = Expected::default();
        expected.extend(send(services, &topic, ("keyed", None), 0, 100)?);
        let path = format!("/admin/v2/{}/compaction", topic.replacen("://", "/", 1));
        let admin = services.stack().admin();
        admin.put(&path, &Json::Null)?;
        until("the compaction", LIMIT, || {
            let status = admin.get(&path)?;
            ensure!(status["status"] == "SUCCESS", "{status}");
            Ok(())
        })?;
        expected.extend(send(services, &topic, ("keyed", None), 1_000, 100)?);
        let sink = Sink::of_topics(&namespace, "once", std::slice::from_ref(&topic))?.create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "notes", &[])?;
        sink.delete()
    })
}

#[test]
fn a_batch_that_no_client_can_take_apart_is_passed_and_what_surrounds_it_is_committed_once() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("damaged")?;
        let topic = topic(&namespace)?;
        let mut expected = Expected::default();
        for first_id in [0, 1_000, 2_000] {
            expected.extend(send(services, &topic, ("plain", None), first_id, 50)?);
            send(services, &topic, ("damaged", None), 0, 2)?;
        }
        let sink = Sink::of_topics(&namespace, "once", std::slice::from_ref(&topic))?.create()?;
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "notes", &[])?;
        let status = sink.status()?;
        ensure!(status["instances"][0]["status"]["numRestarts"] == 0, "{status}");
        sink.delete()
    })
}

/// A folder with the key pairs `own` and `other`.
fn keys(services: &Services, name: &str) -> Result<PathBuf> {
    let folder = services.scratch(name);
    std::fs::create_dir_all(&folder)?;
    java(services, &folder.to_string_lossy(), &["keys", "0", "0"])?;
    Ok(folder)
}

/// A sink with a consumer of its own settings.
/// `RECREATIONS` says how often.
#[test]
fn a_topic_made_anew_with_another_schema_while_the_sink_runs_gives_no_wrong_value() -> Result<()> {
    let recreations: i64 = setting("RECREATIONS", 3)?;
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("anew")?;
        let topic = namespace.topic_named("pairs");
        let admin = services.stack().admin();
        let sink = Sink::of_topics(&namespace, "once", std::slice::from_ref(&topic))?;
        let mut names = ["user_id", "item_id"];
        let mut expected = Expected::default();
        for round in 0..=recreations {
            // Each one's first version, in turn with the fields in the other order.
            let fields = names.map(|name| json!({ "name": name, "type": "long" }));
            let schema = json!({ "type": "record", "name": "Pair", "fields": fields });
            let mut producer = Typed::open(services, &topic, &schema, 5)?;
            if round == 0 {
                sink.create_again()?;
            }
            let records = (100 * round..100 * round + 20).map(|id| {
                let value = |name: &str| if name == "user_id" { id } else { -id };
                names.map(|name| (name.to_owned(), Field::Long(value(name)))).to_vec()
            });
            producer.send(services, records.collect())?;
            expected.extend(producer.close(services)?);
            sink.wait_until_all_is_acknowledged(LIMIT)?;
            if round < recreations {
                admin.delete_topic(&topic).with_context(|| format!("round {round}"))?;
            }
            names.reverse();
        }
        expected.compare(&sink, "pairs", &[])?;
        sink.delete()
    })
}

fn sink_with<'a>(namespace: &'a Namespace<'a>, name: &str, topic: &str, spec: &Json) -> Result<Sink<'a>> {
    let topics = [topic.to_owned()];
    let sink = Sink::of_topics(namespace, name, &topics)?.setting("inputs", Json::Null);
    Ok(sink.setting("inputSpecs", json!({ topic: spec })))
}

fn with_keys(keys: &Path) -> Json {
    json!({ "cryptoConfig": {
        "cryptoKeyReaderClassName": "io.hdfscsv.pulsar.KeyFiles",
        "cryptoKeyReaderConfig": { "orders": keys.join("own-private.pem") },
    }})
}

#[test]
fn encrypted_messages_are_decrypted_with_the_keys_of_the_sink() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("encrypted")?;
        let topic = topic(&namespace)?;
        let keys = keys(services, "encrypted-keys")?;
        let sink = sink_with(&namespace, "keys", &topic, &with_keys(&keys))?.create()?;
        let public = keys.join("own-public.pem");
        let mut expected = Expected::default();
        for (round, kind) in (0_i64..).zip(["encrypted", "encrypted-batches", "encrypted-chunks"]) {
            expected.extend(send(services, &topic, (kind, Some(&public)), 1_000 * round, 50)?);
        }
        expected.extend(send(services, &topic, ("plain", None), 9_000, 10)?);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "notes", &[])?;
        sink.delete()
    })
}

#[test]
fn encrypted_messages_without_keys_become_dead_letters_that_can_be_decrypted_later() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("ciphertext")?;
        let topic = topic(&namespace)?;
        let keys = keys(services, "ciphertext-keys")?;
        let spec = json!({ "consumerProperties": { "cryptoFailureAction": "CONSUME" } });
        let sink = sink_with(&namespace, "consumes", &topic, &spec)?.create()?;
        let public = keys.join("own-public.pem");
        let mut expected = Expected::default();
        expected.extend(send(services, &topic, ("plain", None), 0, 10)?);
        let encrypted = send(services, &topic, ("encrypted", Some(&public)), 1_000, 20)?;
        let batches = send(services, &topic, ("encrypted-batches", Some(&public)), 2_000, 20)?;
        expected.extend(send(services, &topic, ("plain", None), 9_000, 10)?);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "notes", &[])?;

        // A batch is one: nobody can take it apart.
        let letters = letters(services, &topic, encrypted.len() + batches.len() / 10)?;
        let mut in_batches = 0;
        for letter in &letters {
            ensure!(letter.reason().contains("it is encrypted, and the sink has no keys"), "{letter:?}");
            let found = letter.properties.get("hdfs-csv-encryption").with_context(|| format!("{letter:?}"))?;
            let found: Json = serde_json::from_str(found)?;
            ensure!(found["keys"]["orders"]["value"].as_str().is_some_and(|key| key.len() > 300), "{found}");
            ensure!(found["parameter"].is_string() && found["compression"] == "NONE", "{found}");
            in_batches += found["batchSize"].as_u64().unwrap_or(0);
        }
        ensure!(in_batches == batches.len() as u64, "{letters:?}");
        sink.delete()
    })
}

#[test]
fn messages_that_cannot_be_decrypted_end_the_sink_and_are_written_once_it_has_the_keys() -> Result<()> {
    let services = Services::shared(Shared::Threads)?;
    services.run(|services| {
        let namespace = services.namespace("undecrypted")?;
        let topic = topic(&namespace)?;
        let keys = keys(services, "undecrypted-keys")?;
        let sink = Sink::of_topics(&namespace, "once", std::slice::from_ref(&topic))?.create()?;
        let mut expected = Expected::default();
        expected.extend(send(services, &topic, ("plain", None), 0, 10)?);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        let encrypted = send(services, &topic, ("encrypted", Some(&keys.join("own-public.pem"))), 1_000, 5)?;
        let behind = send(services, &topic, ("plain", None), 9_000, 10)?;
        let log = services.stack().log_dir();
        let told = || -> Result<usize> {
            let mut said = sink.log();
            for file in std::fs::read_dir(&log)? {
                said += &std::fs::read_to_string(file?.path()).unwrap_or_default();
            }
            Ok(said.matches("is encrypted, and the consumer could not decrypt it").count())
        };
        // An instance begins behind the encrypted ones, if those before are acknowledged.
        for instance in 1..=2 {
            until(&format!("the error of instance {instance} in the log"), LIMIT, || {
                let times = told()?;
                ensure!(times >= instance, "it is there {times} times");
                Ok(())
            })?;
        }
        sink.delete()?;
        expected.compare(&sink, "notes", &[])?;

        let sink = sink_with(&namespace, "once", &topic, &with_keys(&keys))?.create()?;
        expected.extend(encrypted);
        expected.extend(behind);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "notes", &[])?;
        sink.delete()
    })
}
