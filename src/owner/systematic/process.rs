//! One owner's process: the code that ships, polled by hand, without a runtime.

use std::fmt::Write as _;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result};
use crate::owner::Owner;
use crate::owner::left_out::{AskedFor, LeftOut};
use crate::owner::shared::Shared;
use crate::owner::systematic::config::Settings;
use crate::owner::systematic::disk::Call;
use crate::owner::systematic::gate::{Gated, Input, Parked};
use crate::owner::systematic::records;
use crate::owner::systematic::records::{Answered, TOPIC};
use crate::owner::systematic::tasks::Tasks;
use crate::protocol::cleaning::clean;
use crate::protocol::failure::Failure;
use crate::protocol::layout::{SourcePartitionLayout, TableLayout};
use crate::protocol::load::load;
use crate::protocol::manifest::SinkIdentity;
use crate::protocol::nonce::repeatable::{self, Nonces};

/// What a process shows after an input.
#[derive(Clone, Default)]
pub struct Shown {
    /// The storage calls that wait, with their numbers.
    pub calls: Vec<(u8, Call)>,
    /// Calls that it does not wait for any more, without having had an answer.
    pub abandoned: Vec<Call>,
    /// It waits for a message.
    pub parked: bool,
    /// It has rows to commit, and no commit is under way.
    pub may_begin: bool,
    /// A text that is equal for two processes that behave alike from now on; none while it cannot be told.
    pub state: Option<String>,
    pub answered: Answered,
    /// It has rows in memory.
    pub has_rows: bool,
    /// It waits for what the broker left out.
    pub left_out: bool,
    /// It waits for the other owner to commit what it cannot any more.
    pub waits_for_other: bool,
    /// It has given files names of its own.
    pub has_names: bool,
    /// It ended with this error.
    pub ended: Option<(ErrorKind, String)>,
}

/// What `run` of [`crate::sink`] does, with the search in the place of clock and inbox: whatever it waits for may come in
/// any order, the end of a commit before a message.
async fn run(mut owner: Owner<Gated>) -> Result<()> {
    let gated = owner.shared.storage.clone();
    loop {
        gated.gate().parked = Some(parked(&owner));
        let message = tokio::select! {
            biased;
            end = owner.commit_end() => Err(end),
            message = gated.message() => Ok(message),
        };
        gated.gate().parked = None;
        match message {
            Err(end) => owner.conclude_commit(end?).await?,
            Ok(Input::Begin) => owner.begin_commit()?,
            Ok(Input::Take { hand_over, records }) => {
                let part = records::part(&owner.shared, hand_over, &records);
                owner.accept(part).await?;
            }
            Ok(Input::Gap { number, left_out: false }) => owner.confirm(number),
            Ok(Input::Gap { number, left_out: true }) => owner.note_left_out(number),
            Ok(Input::LeftOut) => owner.look_for_left_out().await?,
            Ok(Input::FreeMemory) => owner.free_memory().await?,
            Ok(Input::LookForAbandoned { last }) => {
                if let Some(abandoned) = owner.abandoned.as_mut().filter(|_| last) {
                    abandoned.until = Instant::now();
                }
                owner.check_abandoned().await?;
            }
            Ok(Input::Answer(..)) => return Err(Error::bug("an answer is no message")),
        }
    }
}

/// Two owners without a commit under way behave alike from now on if these agree: the rows of a batch follow from the
/// chunks that it keeps and from its first position (what lies below that was dropped). Of one that keeps none, or waits for
/// the other owner, it cannot be told. Clocks and metrics decide nothing in what the search calls.
fn parked(owner: &Owner<Gated>) -> Parked {
    let idle = owner.committing.is_none();
    let is_told = idle && owner.batch.retained.is_some() && owner.abandoned.is_none();
    let state = is_told.then(|| {
        let batch = &owner.batch;
        let extent = batch.extent.map(|extent| (extent.first, extent.last, extent.largest_publish_time));
        let mut plans: Vec<_> = owner.plans.keys().collect();
        plans.sort_unstable();
        let left_out = batch.left_out.map(LeftOut::without_time);
        let mut text = format!(
            "{:?} {:?} {:?} {extent:?} {:?} {} {left_out:?} {:?} {} {} {} {} {:?} ",
            owner.loaded,
            owner.last_accepted,
            plans,
            batch.unconfirmed,
            owner.answers().last_number(),
            owner.asked_for.map(AskedFor::without_time),
            batch.rows,
            batch.schema_version,
            batch.hand_over,
            owner.unclean,
            repeatable::last(),
        );
        for retained in batch.retained.iter().flatten() {
            let (part, first) = (&retained.part, retained.first);
            let _ = write!(text, "{} {first:?} {:?} ", part.hand_over, part.bytes);
        }
        text
    });
    let may_begin = idle && owner.batch.extent.is_some() && owner.batch.unconfirmed.is_empty();
    Parked {
        may_begin,
        has_rows: owner.batch.extent.is_some(),
        left_out: owner.left_out_due().is_some(),
        abandoned: owner.abandoned_check_due().is_some(),
        state,
    }
}

/// Completes earlier commits as [`crate::sink::Sink`] does when it opens, beside the owner.
async fn recover(shared: Arc<Shared<Gated>>, layout: SourcePartitionLayout, identity: SinkIdentity) {
    let gated = &shared.storage;
    let once = async || {
        if let Some(manifest) = load(gated, &layout, &identity).await? {
            clean(gated, &layout, manifest.sequence).await?;
        }
        Ok(())
    };
    let mut recovery = pin!(async { while let Err(Failure::Again(_)) = once().await {} });
    gated.gate().recovery = Some(Vec::new());
    poll_fn(|context| {
        gated.gate().in_recovery = true;
        let polled = recovery.as_mut().poll(context);
        gated.gate().in_recovery = false;
        polled
    })
    .await;
    gated.gate().recovery = None;
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A process that runs.
pub struct Process {
    gated: Gated,
    shared: Arc<Shared<Gated>>,
    future: BoxFuture<'static, Result<()>>,
    tasks: Tasks,
    woken: Arc<Woken>,
    nonces: Nonces,
}

impl Process {
    /// The incarnation of an owner (0 or 1), and what it shows.
    pub fn start(settings: &Settings, owner: u8, incarnation: u8) -> (Self, Shown) {
        let gated = Gated::default();
        let tasks = Tasks::default();
        let shared = records::shared(gated.clone(), tasks.clone(), settings);
        let layout = SourcePartitionLayout::new(TableLayout::new("/d", "visits").unwrap(), "visits", None).unwrap();
        let identity = identity(settings.two_sinks && owner == 1);
        let owner_code = Owner::new(Arc::clone(&shared), 0, TOPIC.to_owned(), layout.clone(), identity.clone());
        let run = run(owner_code);
        let future: BoxFuture<'static, _> = if owner < settings.recovers {
            let recovery = recover(Arc::clone(&shared), layout, identity);
            Box::pin(futures_util::future::join(recovery, run).map(|(_, ended)| ended))
        } else {
            Box::pin(run)
        };
        let nonces = Nonces { prefix: format!("{}{incarnation}n", ["A", "B"][owner as usize]), last: 0 };
        let mut process =
            Process { gated, shared, future, tasks, woken: Arc::new(Woken(AtomicBool::new(false))), nonces };
        let shown = process.poll();
        (process, shown)
    }

    pub fn feed(&mut self, input: Input) -> Shown {
        {
            let mut gate = self.gated.gate();
            match input {
                Input::Answer(number, answer) => {
                    let at = gate.slots.iter().position(|slot| slot.number == number).unwrap();
                    if gate.slots[at].of_recovery {
                        gate.recovery.as_mut().unwrap().push(answer.clone());
                    }
                    gate.slots[at].answer = Some(answer);
                    gate.slots[at].waker.take().unwrap().wake();
                }
                message => gate.message = Some(message),
            }
        }
        self.poll()
    }

    fn poll(&mut self) -> Shown {
        repeatable::replace(Some(self.nonces.clone()));
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut ended = None;
        loop {
            self.woken.0.store(false, Ordering::Relaxed);
            let mut context = Context::from_waker(&waker);
            match self.future.as_mut().poll(&mut context) {
                Poll::Ready(Ok(())) => unreachable!(),
                Poll::Ready(Err(error)) => {
                    // With the owner its commit ends.
                    self.future = Box::pin(std::future::pending());
                    self.tasks.poll(&mut context);
                    ended = Some((error.kind, error.message));
                    break;
                }
                Poll::Pending => self.tasks.poll(&mut context),
            }
            if !self.woken.0.load(Ordering::Relaxed) {
                break;
            }
        }
        self.nonces = repeatable::replace(None).unwrap();
        let mut gate = self.gated.gate();
        let waiting = gate.slots.iter().filter(|slot| slot.answer.is_none());
        let calls: Vec<_> = waiting.map(|slot| (slot.number, slot.call)).collect();
        let recovery = format!("{:?} {calls:?}", gate.recovery);
        let parked = gate.parked.as_mut();
        let state = parked.as_ref().and_then(|parked| parked.state.as_ref()).map(|state| state.clone() + &recovery);
        let is = |what: fn(&Parked) -> bool| parked.as_deref().is_some_and(what);
        let (may_begin, has_rows) = (is(|parked| parked.may_begin), is(|parked| parked.has_rows));
        let (left_out, waits_for_other) = (is(|parked| parked.left_out), is(|parked| parked.abandoned));
        let is_parked = parked.is_some();
        let answered = records::answers(&self.shared.answers);
        Shown {
            calls,
            parked: is_parked && ended.is_none(),
            may_begin,
            state: state.filter(|_| ended.is_none()),
            abandoned: std::mem::take(&mut gate.abandoned),
            answered,
            has_rows,
            left_out,
            waits_for_other,
            has_names: self.nonces.last > 0,
            ended,
        }
    }
}

/// The sink that the table belongs to, or another one.
pub fn identity(other: bool) -> SinkIdentity {
    SinkIdentity {
        sink: if other { "t/n/other" } else { "t/n/sink" }.to_owned(),
        subscription: "s".to_owned(),
        topic: TOPIC.to_owned(),
        cluster: None,
    }
}
