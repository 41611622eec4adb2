//! Steady traffic in the background, with a record of what the broker has confirmed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hdfs_csv_tool::catalogue::Catalogue;
use hdfs_csv_tool::encode::Encoder;
use hdfs_csv_tool::event::EventKind;
use hdfs_csv_tool::publish::Publisher;
use hdfs_csv_tool::pulsar_client::connect;
use hdfs_csv_tool::record::Record;
use hdfs_csv_tool::traffic;
use pulsar::producer::Message;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::namespace::Namespace;
use crate::services::Services;
use crate::wait::until;

/// Not before this (2026-01-05) ...
const FIRST_DAY: i64 = 1_767_571_200_000;
/// ... over so many days, most of which no test lives to see.
const DAYS: i64 = 50;
const EVENTS: u64 = 100_000;
const RECEIPT_LIMIT: Duration = Duration::from_secs(10);
/// The client itself tries for some twenty seconds.
const OPENING_LIMIT: Duration = Duration::from_secs(40);

/// One producer: batches of this many messages of one event, so often.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// The event.
    pub kind: EventKind,
    /// Messages in a producer's batch.
    pub batch: u32,
    /// The time between two batches.
    pub every: Duration,
}

/// What a traffic's producers sent.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// Messages that the broker confirmed.
    pub messages: u64,
    /// Messages whose confirmation never came: they may or may not be in the topic.
    pub doubtful: u64,
    /// What was confirmed, JSON lines, a file for each producer.
    pub records: Vec<PathBuf>,
}

/// Producers at work.
pub struct Traffic<'a> {
    services: &'a Services,
    shared: Arc<Shared>,
    producers: Vec<JoinHandle<Result<()>>>,
    records: Vec<PathBuf>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    confirmed: AtomicU64,
    doubtful: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl<'a> Traffic<'a> {
    /// Starts a producer for each flow. One whose broker goes away connects until it can and goes on; that the first
    /// connection fails is an error.
    pub fn start(namespace: &Namespace<'a>, flows: &[Flow]) -> Result<Traffic<'a>> {
        let services = namespace.services;
        let mut traffic = Traffic { services, shared: Arc::default(), producers: Vec::new(), records: Vec::new() };
        for (number, flow) in flows.iter().enumerate() {
            let path = services.scratch(&format!("{}-sent-{}-{number}.jsonl", namespace.name, traffic_number()));
            let producer = Producer {
                flow: *flow,
                topic: namespace.topic(flow.kind),
                service_url: services.stack().pulsar().service_url(),
                seed: number as u64,
                shared: Arc::clone(&traffic.shared),
            };
            let (record, shared) = (Record::create(&path)?, Arc::clone(&traffic.shared));
            traffic.producers.push(services.tokio().spawn(async move {
                let ended = producer.run(record).await;
                if let Err(error) = &ended {
                    *shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{error:#}"));
                }
                ended
            }));
            traffic.records.push(path);
        }
        Ok(traffic)
    }

    /// Messages confirmed so far.
    pub fn confirmed(&self) -> u64 {
        self.shared.confirmed.load(Ordering::Relaxed)
    }

    /// Waits until so many more are confirmed: the traffic flows.
    pub fn wait_for_more(&self, messages: u64, limit: Duration) -> Result<()> {
        let wanted = self.confirmed() + messages;
        until("traffic", limit, || {
            self.check()?;
            ensure!(self.confirmed() >= wanted, "{} of {wanted} messages are confirmed", self.confirmed());
            Ok(())
        })
    }

    /// Ends it: every batch begun is sent, every receipt written down.
    pub fn stop(self) -> Result<Confirmed> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.services.wait_for(async {
            for producer in self.producers {
                producer.await.context("a producer panicked")?.context("a producer failed")?;
            }
            anyhow::Ok(())
        })?;
        let messages = self.shared.confirmed.load(Ordering::Relaxed);
        ensure!(messages > 0, "no message was sent");
        Ok(Confirmed { messages, doubtful: self.shared.doubtful.load(Ordering::Relaxed), records: self.records })
    }

    fn check(&self) -> Result<()> {
        if let Some(error) = &*self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            bail!("a producer failed: {error}");
        }
        ensure!(self.producers.iter().all(|producer| !producer.is_finished()), "a producer ended by itself");
        Ok(())
    }
}

struct Producer {
    flow: Flow,
    topic: String,
    service_url: String,
    seed: u64,
    shared: Arc<Shared>,
}

impl Producer {
    async fn run(self, mut record: Record) -> Result<()> {
        let catalogue = Catalogue::load()?;
        let encoder = Encoder::new(&catalogue)?;
        let fields = catalogue.fields(self.flow.kind)?;
        let mut events = events(self.flow.kind, self.seed);
        let mut publisher = Some(self.open().await?);
        while !self.shared.stop.load(Ordering::Relaxed) {
            let open = match &mut publisher {
                Some(publisher) => publisher,
                None => match self.open().await {
                    Ok(opened) => publisher.insert(opened),
                    Err(error) => {
                        println!("{}: {error:#}: the producer is opened again", self.topic);
                        sleep(self.flow.every).await;
                        continue;
                    }
                },
            };
            let batch: Vec<_> = (&mut events).take(self.flow.batch as usize).collect();
            ensure!(batch.len() == self.flow.batch as usize, "the traffic's plan is used up");
            let message = |event| Ok(Message { payload: encoder.encode(event)?, ..Default::default() });
            let messages = batch.iter().map(message).collect::<Result<Vec<_>>>()?;
            match timeout(RECEIPT_LIMIT, send(open, messages))
                .await
                .unwrap_or_else(|_| Err(anyhow::anyhow!("no receipt")))
            {
                Ok(receipts) => {
                    for (event, receipt) in batch.iter().zip(&receipts) {
                        record.add(&self.topic, receipt, fields, &event.values)?;
                    }
                    self.shared.confirmed.fetch_add(receipts.len() as u64, Ordering::Relaxed);
                }
                Err(error) => {
                    println!("{}: {error:#}: {} messages are in doubt", self.topic, batch.len());
                    self.shared.doubtful.fetch_add(batch.len() as u64, Ordering::Relaxed);
                    publisher = None;
                }
            }
            sleep(self.flow.every).await;
        }
        if let Some(publisher) = publisher {
            publisher.close().await?;
        }
        record.finish()
    }

    async fn open(&self) -> Result<Publisher> {
        let opening = async {
            let client = connect(&self.service_url).await?;
            Publisher::open(&client, &self.topic, Some(self.flow.kind.schema_text()), self.flow.batch).await
        };
        let opened = timeout(OPENING_LIMIT, opening).await;
        opened.unwrap_or_else(|_| bail!("the broker did not open {} within {OPENING_LIMIT:?}", self.topic))
    }
}

/// Sends a producer's batch and waits for its receipts.
pub(crate) async fn send(
    publisher: &mut Publisher,
    messages: Vec<Message>,
) -> Result<Vec<hdfs_csv_tool::publish::Receipt>> {
    let mut pending = Vec::with_capacity(messages.len());
    for message in messages {
        pending.push(publisher.send(message).await?);
    }
    publisher.flush().await?;
    let mut receipts = Vec::with_capacity(pending.len());
    for message in pending {
        receipts.push(message.await?);
    }
    Ok(receipts)
}

fn events(kind: EventKind, seed: u64) -> traffic::Traffic {
    traffic::Traffic::new(&traffic::Plan {
        seed,
        count: EVENTS,
        kinds: vec![kind],
        start: FIRST_DAY,
        end: FIRST_DAY + DAYS * 86_400_000,
    })
}

/// Tells one traffic's files from another's.
fn traffic_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
