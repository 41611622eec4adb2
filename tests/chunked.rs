//! Records that producers send in chunks, with others between the chunks.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdfs_csv_tests::{
    Expected, Field, Fields, LIMIT, QUICK_START, Random, Services, Shared, Sink, Typed, repository, setting, until,
};
use hdfs_csv_tool::publish::Receipt;
use hdfs_csv_tool::topic::Position;
use serde_json::{Value as Json, json};

/// Longer than any record in chunks takes here.
const TIMEOUT: &str = "20s";
/// Of a topic's first schema, and of the next one.
const FIRST_VERSION: &str = "0000000000000000";
const NEXT_VERSION: &str = "0000000000000001";
/// Ids of records that are sent in chunks begin here.
const CHUNKED: i64 = 1_000_000;

fn schema() -> Json {
    json!({ "type": "record", "name": "Note", "fields": [
        { "name": "id", "type": "long" },
        { "name": "text", "type": "string" },
    ]})
}

fn small(id: i64) -> Fields {
    vec![("id".to_owned(), Field::Long(id)), ("text".to_owned(), Field::text("small"))]
}

/// As `Chunks.java` makes it.
fn large(id: i64, letters: usize) -> Fields {
    let letter = char::from(b'a' + (id % 26) as u8);
    vec![("id".to_owned(), Field::Long(id)), ("text".to_owned(), Field::Text(letter.to_string().repeat(letters)))]
}

/// The same fields, but another schema: a `doc` alone would be none to the broker.
fn next_schema() -> Json {
    let mut schema = schema();
    schema["revision"] = json!(2);
    schema
}

/// What a record in chunks is sent as.
#[derive(Clone, Copy)]
struct Cut {
    letters: usize,
    chunks: usize,
    pause: Duration,
}

#[derive(Default)]
struct Said {
    begun: Vec<i64>,
    sent: BTreeMap<i64, Position>,
}

/// `tests/oracle/Chunks.java` at work.
struct Chunks {
    process: Child,
    input: Option<ChildStdin>,
    said: Arc<Mutex<Said>>,
    asked: BTreeMap<i64, Cut>,
}

impl Chunks {
    fn start(services: &Services, topic: &str, version: &str) -> Result<Chunks> {
        let pulsar = services.stack().pulsar();
        let mut java = Command::new("java");
        java.args([QUICK_START, "-cp"])
            .arg(pulsar.home().join("lib/*"))
            .arg(repository().join("tests/oracle/Chunks.java"));
        java.args([&pulsar.service_url(), topic, version]);
        let mut process = java.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("java cannot be run")?;
        let output = process.stdout.take().context("no output")?;
        let said = Arc::<Mutex<Said>>::default();
        let shared = Arc::clone(&said);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let words: Vec<&str> = line.split(' ').collect();
                let number = |at: usize| words.get(at).and_then(|word| word.parse().ok()).unwrap_or_default();
                let mut said = shared.lock().unwrap_or_else(PoisonError::into_inner);
                match words[0] {
                    "begun" => said.begun.push(number(1)),
                    "sent" => {
                        let position = Position { ledger: number(2) as u64, entry: number(3) as u64, batch_index: 0 };
                        said.sent.insert(number(1), position);
                    }
                    _ => println!("Chunks.java: {line}"),
                }
            }
        });
        let input = process.stdin.take();
        Ok(Chunks { process, input, said, asked: BTreeMap::new() })
    }

    /// Begins a record, which goes on by itself.
    fn send(&mut self, id: i64, cut: Cut) -> Result<()> {
        let input = self.input.as_mut().context("no input")?;
        writeln!(input, "{id} {} {} {}", cut.letters, cut.chunks, cut.pause.as_millis())?;
        input.flush()?;
        self.asked.insert(id, cut);
        Ok(())
    }

    /// Begins a record in two chunks of which the second waits until it is [released](Chunks::release): back when the broker
    /// has the first one.
    fn hold(&mut self, id: i64) -> Result<()> {
        let letters = 20_000;
        let input = self.input.as_mut().context("no input")?;
        writeln!(input, "{id} {letters} 2 -1")?;
        input.flush()?;
        self.asked.insert(id, Cut { letters, chunks: 2, pause: Duration::ZERO });
        until("the first chunk", LIMIT, || {
            ensure!(self.said(|said| said.begun.contains(&id)), "it is not sent");
            Ok(())
        })
    }

    fn release(&mut self, id: i64) -> Result<()> {
        let input = self.input.as_mut().context("no input")?;
        writeln!(input, "{id}")?;
        input.flush().context("the input is closed")
    }

    fn said<T>(&self, look: impl FnOnce(&Said) -> T) -> T {
        look(&self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many are begun and not yet sent.
    fn under_way(&self) -> usize {
        self.asked.len() - self.said(|said| said.sent.len())
    }

    fn is_sent(&self, id: i64) -> bool {
        self.said(|said| said.sent.contains_key(&id))
    }

    /// Waits until all that was asked for is sent: the records, with the positions of their last chunks.
    fn finish(mut self) -> Result<Vec<(Fields, Receipt)>> {
        drop(self.input.take());
        until("all records in chunks are sent", LIMIT, || {
            ensure!(self.under_way() == 0, "{} are not", self.under_way());
            Ok(())
        })?;
        ensure!(self.process.wait()?.success(), "Chunks.java failed");
        let sent = self.said(|said| said.sent.clone());
        let rows = sent.into_iter().map(|(id, position)| {
            let letters = self.asked.get(&id).map_or(0, |cut| cut.letters);
            (large(id, letters), Receipt { partition: -1, position })
        });
        Ok(rows.collect())
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends small records, one after another, until enough rows are visible in all.
fn send_until_visible(producer: &mut Typed, next: &mut i64, sink: &Sink<'_>, rows: u64) -> Result<()> {
    let services = sink.namespace().services();
    until(&format!("{rows} rows"), LIMIT, || {
        producer.send(services, vec![small(*next)])?;
        *next += 1;
        let visible = sink.committed_rows()?;
        ensure!(visible >= rows, "there are {visible}");
        Ok(())
    })
}

#[test]
fn a_record_in_chunks_brings_a_new_schema_while_others_of_the_old_one_stand_between() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("chunks-schema")?;
        let topic = namespace.topic_named("notes");
        let (mut producer, mut next) = (Typed::open(services, &topic, &schema(), 1)?, 0);
        Typed::open(services, &topic, &next_schema(), 1)?.close(services)?;
        let mut chunks = Chunks::start(services, &topic, NEXT_VERSION)?;
        let sink = Sink::of_topics(&namespace, "once", std::slice::from_ref(&topic))?;
        let sink = sink.config("chunkedMessageTimeout", json!(TIMEOUT)).create()?;
        send_until_visible(&mut producer, &mut next, &sink, 1)?;
        chunks.send(CHUNKED, Cut { letters: 100_000, chunks: 4, pause: Duration::from_millis(500) })?;
        until("the record in chunks", LIMIT, || {
            producer.send(services, vec![small(next)])?;
            next += 1;
            ensure!(chunks.is_sent(CHUNKED), "it is not sent");
            Ok(())
        })?;
        // The client cuts these into chunks by itself.
        for id in 1..=3 {
            chunks.send(CHUNKED + id, Cut { letters: 1_000_000, chunks: 1, pause: Duration::ZERO })?;
        }
        let mut expected = Expected::default();
        expected.extend(chunks.finish()?);
        expected.extend(producer.close(services)?);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "notes", &[])?;
        let report = sink.audit(&topic)?;
        ensure!(report.findings().count() == 0, "{report:#?}");
        sink.delete()
    })
}

#[test]
fn a_record_in_chunks_is_written_though_the_process_is_killed_between_them_with_all_before_committed() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("chunks-between")?;
        let topic = namespace.topic_named("notes");
        let (mut producer, mut next) = (Typed::open(services, &topic, &schema(), 1)?, 0);
        let mut chunks = Chunks::start(services, &topic, FIRST_VERSION)?;
        let sink = Sink::of_topics(&namespace, "between", std::slice::from_ref(&topic))?;
        let sink = sink.config("chunkedMessageTimeout", json!("10m")).create()?;
        for round in 0..3 {
            let id = CHUNKED + round;
            chunks.hold(id)?;
            // At least one of those that stand behind the first chunk.
            let behind_the_first = next + round + 1;
            send_until_visible(&mut producer, &mut next, &sink, behind_the_first as u64)?;
            let pid = sink.wait_for_process(0, None)?;
            ensure!(sink.kill(pid)?, "the process {pid} had ended");
            sink.wait_for_process(0, Some(pid))?;
            chunks.release(id)?;
            until("the last chunk", LIMIT, || {
                ensure!(chunks.is_sent(id), "it is not sent");
                Ok(())
            })?;
            let behind_the_last = next + round + 2;
            send_until_visible(&mut producer, &mut next, &sink, behind_the_last as u64)?;
        }
        let mut expected = Expected::default();
        expected.extend(chunks.finish()?);
        expected.extend(producer.close(services)?);
        until("all rows are visible", LIMIT, || {
            let visible = sink.committed_rows()?;
            ensure!(visible == next as u64 + 3, "there are {visible} of {}", next + 3);
            Ok(())
        })?;
        expected.compare(&sink, "notes", &[])?;
        ensure!(!sink.log().contains("acknowledged before"), "a chunk was acknowledged too early: {}", sink.log());
        sink.delete()
    })
}

#[test]
fn a_record_in_chunks_that_takes_longer_than_the_timeout_is_written_and_told() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("chunks-late")?;
        let topic = namespace.topic_named("notes");
        let (mut producer, mut next) = (Typed::open(services, &topic, &schema(), 1)?, 0);
        let mut chunks = Chunks::start(services, &topic, FIRST_VERSION)?;
        let sink = Sink::of_topics(&namespace, "late", std::slice::from_ref(&topic))?;
        let sink = sink.config("chunkedMessageTimeout", json!("1s")).create()?;
        send_until_visible(&mut producer, &mut next, &sink, 1)?;
        chunks.hold(CHUNKED)?;
        producer.send(services, vec![small(next)])?;
        // The first chunk, too.
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        chunks.release(CHUNKED)?;
        let mut expected = Expected::default();
        expected.extend(chunks.finish()?);
        expected.extend(producer.close(services)?);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "notes", &[])?;
        ensure!(
            sink.log().contains("so long to come that its first chunk had been acknowledged before"),
            "{}",
            sink.log()
        );
        sink.delete()
    })
}

/// `CHUNK_KILLS` says how often a process is killed.
#[test]
fn records_in_chunks_that_overlap_survive_kills_at_random_moments() -> Result<()> {
    let kills: usize = setting("CHUNK_KILLS", 4)?;
    let mut random = Random::seeded("chunked");
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("chunks-kills")?;
        let topic = namespace.topic_named("notes");
        let (mut producer, mut next) = (Typed::open(services, &topic, &schema(), 1)?, 0);
        let (mut chunks, mut next_chunked) = (Chunks::start(services, &topic, FIRST_VERSION)?, CHUNKED);
        let sink = Sink::of_topics(&namespace, "killed", std::slice::from_ref(&topic))?;
        let sink = sink.config("chunkedMessageTimeout", json!(TIMEOUT)).create()?;
        let mut last = None;
        for kill in 1..=kills {
            let pid = sink.wait_for_process(0, last)?;
            // Its start takes some seconds.
            let end = Instant::now() + random.millis(0, 12_000);
            while Instant::now() < end {
                producer.send(services, vec![small(next)])?;
                next += 1;
                if chunks.under_way() < 3 {
                    let pause = random.millis(50, 900);
                    let cut = Cut { letters: 20_000, chunks: 2 + random.below(6) as usize, pause };
                    chunks.send(next_chunked, cut)?;
                    next_chunked += 1;
                }
                thread::sleep(random.millis(10, 200));
            }
            let killed = sink.kill(pid)?;
            println!("kill {kill} of process {pid}: {killed}; {next} small, {} in chunks", next_chunked - CHUNKED);
            last = Some(pid);
        }
        sink.wait_for_process(0, last)?;
        let mut expected = Expected::default();
        expected.extend(chunks.finish()?);
        producer.send(services, vec![small(next)])?;
        expected.extend(producer.close(services)?);
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        expected.compare(&sink, "notes", &[])?;
        let log = sink.log();
        if log.contains("acknowledged before") {
            bail!("a chunk was acknowledged too early: {log}");
        }
        Ok(())
    })
}
