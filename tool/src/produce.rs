//! Sends simulated traffic to the topics and checks every receipt.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::FutureExt;
use pulsar::producer::Message;

use crate::catalogue::Catalogue;
use crate::encode::Encoder;
use crate::event::{Event, EventKind, Value};
use crate::publish::{Pending, Publisher, Receipt};
use crate::pulsar_client::Client;
use crate::record::{Record, Report};
use crate::traffic::{Plan, Traffic};

/// How many messages may wait for their receipts.
const IN_FLIGHT: usize = 20_000;
/// Sleeping for less than this is not worth it.
const SHORTEST_SLEEP: Duration = Duration::from_millis(2);

/// Where the topics are, and how they are written.
#[derive(Clone, Debug)]
pub struct Target {
    /// The tenant of the topics.
    pub tenant: String,
    /// Their namespace.
    pub namespace: String,
    /// Messages in a producer's batch; 1 for none.
    pub batch_size: u32,
    /// Events a second; 0 for as fast as possible.
    pub rate: f64,
}

impl Target {
    /// The full name of an event's topic.
    pub fn topic(&self, kind: EventKind) -> String {
        format!("persistent://{}/{}/{}", self.tenant, self.namespace, kind.name())
    }
}

/// Produces the traffic of a plan; with a record, writes down each message once the broker has it.
/// `progress` is told how many events have been confirmed.
pub async fn produce(
    client: &Client,
    plan: &Plan,
    target: &Target,
    record: Option<Record>,
    progress: impl Fn(u64),
) -> Result<Report> {
    let catalogue = Catalogue::load()?;
    let encoder = Encoder::new(&catalogue)?;
    let mut outlets = Outlets::open(client, plan, target).await?;
    let mut ledger = Ledger { catalogue: &catalogue, target, record, counts: [0; EventKind::ALL.len()], total: 0 };
    let mut in_flight = VecDeque::with_capacity(IN_FLIGHT);
    let began = Instant::now();
    for (number, event) in Traffic::new(plan).enumerate() {
        keep_pace(began, number, target.rate).await;
        let payload = encoder.encode(&event)?;
        let pending = outlets.send(event.kind, payload).await?;
        in_flight.push_back(InFlight::new(pending, event, ledger.record.is_some()));
        while let Some(mut first) = in_flight.pop_front() {
            let receipt = match (&mut first.pending).now_or_never() {
                Some(receipt) => receipt,
                None if in_flight.len() < IN_FLIGHT => {
                    in_flight.push_front(first);
                    break;
                }
                None => (&mut first.pending).await,
            };
            ledger.confirm(&first, receipt)?;
            progress(ledger.total);
        }
    }
    outlets.flush().await?;
    for mut rest in in_flight {
        let receipt = (&mut rest.pending).await;
        ledger.confirm(&rest, receipt)?;
        progress(ledger.total);
    }
    let took = began.elapsed();
    outlets.close().await?;
    ledger.close(plan, took)
}

async fn keep_pace(began: Instant, number: usize, rate: f64) {
    if rate > 0.0 {
        let due = Duration::from_secs_f64(number as f64 / rate);
        let early = due.saturating_sub(began.elapsed());
        if early >= SHORTEST_SLEEP {
            tokio::time::sleep(early).await;
        }
    }
}

/// One publisher for each kind of the plan.
struct Outlets {
    publishers: Vec<Option<Publisher>>,
}

impl Outlets {
    async fn open(client: &Client, plan: &Plan, target: &Target) -> Result<Outlets> {
        let mut publishers = Vec::new();
        for &kind in EventKind::ALL {
            publishers.push(match plan.kinds.contains(&kind) {
                true => Some(
                    Publisher::open(client, &target.topic(kind), Some(kind.schema_text()), target.batch_size).await?,
                ),
                false => None,
            });
        }
        Ok(Outlets { publishers })
    }

    async fn send(&mut self, kind: EventKind, payload: Vec<u8>) -> Result<Pending> {
        let publisher = self.publishers[kind.index()].as_mut().context("no producer is open for this event")?;
        publisher
            .send(Message { payload, ..Default::default() })
            .await
            .with_context(|| format!("event {}", kind.name()))
    }

    async fn flush(&mut self) -> Result<()> {
        for publisher in self.publishers.iter_mut().flatten() {
            publisher.flush().await?;
        }
        Ok(())
    }

    async fn close(self) -> Result<()> {
        for publisher in self.publishers.into_iter().flatten() {
            publisher.close().await?;
        }
        Ok(())
    }
}

/// A message that waits for its receipt; its values are kept only when they are to be recorded.
struct InFlight {
    pending: Pending,
    kind: EventKind,
    values: Option<Vec<Value>>,
}

impl InFlight {
    fn new(pending: Pending, event: Event, keep: bool) -> InFlight {
        InFlight { pending, kind: event.kind, values: keep.then_some(event.values) }
    }
}

/// What has been confirmed so far.
struct Ledger<'a> {
    catalogue: &'a Catalogue,
    target: &'a Target,
    record: Option<Record>,
    counts: [u64; EventKind::ALL.len()],
    total: u64,
}

impl Ledger<'_> {
    fn confirm(&mut self, message: &InFlight, receipt: Result<Receipt>) -> Result<()> {
        let kind = message.kind;
        let receipt = receipt.with_context(|| format!("event {}", kind.name()))?;
        if let (Some(record), Some(values)) = (&mut self.record, &message.values) {
            record.add(&self.target.topic(kind), &receipt, self.catalogue.fields(kind)?, values)?;
        }
        self.counts[kind.index()] += 1;
        self.total += 1;
        Ok(())
    }

    fn close(self, plan: &Plan, took: Duration) -> Result<Report> {
        if let Some(record) = self.record {
            record.finish()?;
        }
        let seconds = took.as_secs_f64();
        Ok(Report {
            seed: plan.seed,
            events: plan.kinds.iter().map(|kind| (kind.name().to_owned(), self.counts[kind.index()])).collect(),
            total: self.total,
            seconds,
            per_second: self.total as f64 / seconds,
        })
    }
}
