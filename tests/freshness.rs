//! A record that nothing follows is in HDFS soon.

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use hdfs_csv_tests::{Comparison, LIMIT, Namespace, Services, Shared, Sink, until};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::{Event, EventKind, Value};
use hdfs_csv_tool::publish::Publisher;
use hdfs_csv_tool::verify::tables;
use pulsar::producer::Message;
use pulsar_io_hdfs_csv::storage::Storage;
use pulsar_io_hdfs_csv::storage::hdfs::Hdfs;
use serde_json::json;

const KIND: EventKind = EventKind::PageVisit;
const COMMIT_INTERVAL: Duration = Duration::from_secs(2);
const ALLOWED: Duration = Duration::from_secs(2);
/// The page of the first record; each has its own.
const FIRST_PAGE: i64 = 987_654_321_000;

#[test]
fn a_record_that_nothing_follows_is_visible_within_the_commit_interval_and_two_seconds() -> Result<()> {
    let services = Services::shared(Shared::Processes)?;
    services.run(|services| {
        let namespace = services.namespace("fresh")?;
        let mut source = Source::open(&namespace)?;
        // So that the topic is there; it is no measurement, the sink does not run yet.
        let (page, _) = source.send(services)?;
        let sink = Sink::new(&namespace, "cold", &[KIND])?.config("commitInterval", json!("2s")).create()?;
        let hdfs = services.hdfs()?;
        until("the first row", LIMIT, || seen(services, &hdfs, &sink, page))?;

        let mut longest = Duration::ZERO;
        // Alone, and while the commit of the one before is under way.
        for pause in [0, 0, 0, 1_900, 2_300, 2_700] {
            let companion = (pause > 0).then(|| source.send(services)).transpose()?;
            sleep(Duration::from_millis(pause));
            let (page, sent) = source.send(services)?;
            for (page, sent) in companion.into_iter().chain([(page, sent)]) {
                let seen = until("the row", LIMIT, || seen(services, &hdfs, &sink, page))?;
                println!("visible {:.2} s after its receipt", (seen - sent).as_secs_f64());
                longest = longest.max(seen - sent);
            }
        }
        source.close(services)?;
        println!("freshness: at most {:.2} s, commitInterval {COMMIT_INTERVAL:?}", longest.as_secs_f64());
        ensure!(longest <= COMMIT_INTERVAL + ALLOWED, "a record was not visible for {longest:?}");
        sink.wait_until_all_is_acknowledged(LIMIT)?;
        Comparison::of(&sink).run()?;
        sink.delete()
    })
}

struct Source {
    publisher: Publisher,
    next: i64,
}

impl Source {
    fn open(namespace: &Namespace<'_>) -> Result<Source> {
        let services = namespace.services();
        let client = services.pulsar()?;
        let topic = namespace.topic(KIND);
        let publisher = services.wait_for(Publisher::open(&client, &topic, Some(KIND.schema_text()), 1))?;
        Ok(Source { publisher, next: FIRST_PAGE })
    }

    /// Sends a record; its page, and when the broker had it.
    fn send(&mut self, services: &Services) -> Result<(i64, Instant)> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
        let page = self.next;
        self.next += 1;
        let event = Event { kind: KIND, values: vec![Value::Timestamp(now), Value::Long(7), Value::Long(page)] };
        let payload = Encoder::new(&Catalogue::load()?)?.encode(&event)?;
        services.wait_for(async {
            self.publisher.send(Message { payload, ..Default::default() }).await?.await?;
            Ok((page, Instant::now()))
        })
    }

    fn close(self, services: &Services) -> Result<()> {
        services.wait_for(self.publisher.close())
    }
}

/// The time, if the row of this page can be read.
fn seen(services: &Services, hdfs: &Hdfs, sink: &Sink<'_>, page: i64) -> Result<Instant> {
    let end = format!(",{page}\n");
    services.wait_for(async {
        for table in tables(hdfs, &sink.directory()).await? {
            for day in hdfs.list(table.root()).await?.into_iter().filter(|entry| entry.name.starts_with("dt=")) {
                for file in hdfs.list(&table.path(&day.name)).await? {
                    let text = hdfs.read(&table.path(&format!("{}/{}", day.name, file.name))).await?;
                    if text.windows(end.len()).any(|part| part == end.as_bytes()) {
                        return Ok(Instant::now());
                    }
                }
            }
        }
        None.with_context(|| format!("no row of page {page}"))
    })
}
