//! A world: the storage, the broker, two owners, and what can happen next.

mod words;

use words::name;

use crate::error::ErrorKind;
use crate::owner::systematic::check;
use crate::owner::systematic::check::{Set, bit};
use crate::owner::systematic::config::{Budget, Config, Fault};
use crate::owner::systematic::disk::{Answer, Call, Disk, Value};
use crate::owner::systematic::gate::Input;
use crate::owner::systematic::name::Name;
use crate::owner::systematic::owners::{NodeId, Owners};
use crate::owner::systematic::process::identity;
use crate::owner::systematic::records::{FOREIGN, Question};
use crate::safeguard;
use crate::safeguard::Safeguard;
use crate::storage::StorageErrorKind;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Owner {
    node: NodeId,
    incarnation: u8,
    /// What its client has received.
    queue: Vec<u8>,
    /// The last hand-over's number: one for each record, so that it only grows.
    hand_over: u8,
    /// Hand-overs that are not acknowledged, with their last record.
    told: Vec<(u8, u8)>,
    /// The record up to which an acknowledgement is under way; 0 for none.
    acknowledges: u8,
    /// Without [`Safeguard::Publish`]: renames that it takes for done.
    deferred: Vec<Call>,
    /// What it asked about gaps and was not told yet.
    asked: Vec<Question>,
    /// A hand-over begins at this record or behind it; 0 for none.
    division: u8,
    /// How often it has looked for what was left out, as far as it matters.
    looks: u8,
    /// It was refused the table.
    stopped: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub struct World {
    disk: Disk,
    /// Requests without an answer that have still to arrive.
    under_way: Vec<Call>,
    owners: [Owner; 2],
    /// Everything up to this record is acknowledged.
    mark_delete: u8,
    /// The next record to send.
    next: u8,
    /// The active consumer.
    active: u8,
    left: Budget,
    committed: Set,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Grant(u8, u8),
    Fail(u8, u8, Fault),
    Send,
    Take(u8, u8),
    Begin(u8),
    Acknowledge(u8),
    Land(u8),
    Deferred(u8),
    Restart { owner: u8, flip: bool },
    Crash { owner: u8, under_way: bool, flip: bool },
    Flip,
    Reconnect,
    Seek(u8),
    Stray(u8),
    Skip(u8),
    LookIntoGap(u8),
    LeftOut(u8),
    FreeMemory(u8),
    LookForAbandoned { owner: u8, last: bool },
    PowerLoss,
    Edit,
}

impl Step {
    /// It need not happen.
    pub fn is_fault(self) -> bool {
        matches!(
            self,
            Step::Fail(..)
                | Step::Crash { .. }
                | Step::Flip
                | Step::Reconnect
                | Step::Seek(_)
                | Step::Stray(_)
                | Step::Skip(_)
                | Step::FreeMemory(_)
                | Step::PowerLoss
                | Step::Edit
        )
    }
}

/// How often an owner looks for what was left out while other things can happen.
const LOOKS_BETWEEN: u8 = 2;
/// Looks after which an owner is taken to look for ever.
const MOST_LOOKS: u8 = 60;
/// Starts after which an owner is taken to start for ever.
const MOST_STARTS: u8 = 20;

impl World {
    pub fn new(config: &Config, owners: &mut Owners) -> Self {
        let mut disk = Disk::default();
        if !config.fresh {
            disk.put("/d/visits/_sink.json", &serde_json::to_vec(&identity(false)).unwrap());
            let columns =
                r#"{"version":1,"columns":[{"name":"_batch_index","type":"int"},{"name":"v","type":"bigint"}]}"#;
            disk.put("/d/visits/_schema/00000000000000000001.json", columns.as_bytes());
            disk.apply(Call::Mkdirs(Name::of("/d/visits/_commits/visits"))).ok();
            disk.apply(Call::Mkdirs(Name::of("/d/visits/_staging/visits"))).ok();
        }
        let mut owner = |owner| Owner {
            node: owners.start(owner, 0),
            incarnation: 0,
            queue: Vec::new(),
            hand_over: 0,
            told: Vec::new(),
            acknowledges: 0,
            deferred: Vec::new(),
            asked: Vec::new(),
            division: 0,
            looks: 0,
            stopped: false,
        };
        World {
            disk,
            under_way: Vec::new(),
            owners: [owner(0), owner(1)],
            mark_delete: u8::from(config.never == 1),
            next: 1,
            active: 0,
            left: config.budget,
            committed: 0,
        }
    }

    /// The same world with other faults to come.
    pub fn with_budget(self, left: Budget) -> Self {
        World { left, ..self }
    }

    fn all(config: &Config) -> Set {
        (1..=config.records).filter(|record| *record != config.never).map(bit).sum()
    }

    /// A call that commutes with every step of all others, so that only one order has to be tried: the writing of a staged
    /// file, whose name nobody else knows yet, and looks at what never changes. What that gives up is that a file is listed
    /// or deleted by another owner's cleaning, or power lost, or its owner crashes, *while* it is staged and not before or after.
    /// The searches without it (`coarse` off) have that.
    fn local(&self, call: Call) -> bool {
        let path = call.path().text();
        match call {
            Call::Write(..) | Call::Hsync(_) | Call::Close(_) | Call::Create(_) => true,
            Call::Status(name) => {
                path.contains("/_staging/") && self.disk.file(name).is_some_and(|file| !self.is_named(file))
            }
            Call::Read(name) => {
                (path.contains("/_schema/") || path.ends_with("/_sink.json")) && self.disk.file(name).is_some()
            }
            Call::List(_) => path.ends_with("/_schema") && self.disk.files().iter().any(|file| file.name.is_in(&path)),
            Call::Mkdirs(name) => self.disk.has_directory(name),
            Call::Rename { .. } | Call::Delete(_) => false,
        }
    }

    /// Whether a manifest of its sequence or a later one is there: this one may name it.
    fn is_named(&self, file: &crate::owner::systematic::disk::File) -> bool {
        let sequence = |name: Name| name.text().rsplit('/').next().and_then(|name| name.get(..20)?.parse::<u64>().ok());
        let manifests = self.disk.files().iter().filter(|file| file.name.is_in("/d/visits/_commits/visits"));
        manifests.map(|file| sequence(file.name)).max() >= Some(sequence(file.name))
    }

    /// Everything that can happen next.
    pub fn steps(&self, config: &Config, owners: &Owners) -> Vec<Step> {
        let mut steps = Vec::new();
        if config.coarse {
            for owner in 0..2 {
                let calls = &owners.shown(self.owners[owner as usize].node).calls;
                if let Some((number, call)) = calls.iter().find(|(_, call)| self.local(*call)) {
                    self.calls(config, owner, *number, *call, &mut steps);
                    return steps;
                }
            }
        }
        for at in 0..self.under_way.len() {
            steps.push(Step::Land(at as u8));
        }
        for (index, owner) in self.owners.iter().enumerate() {
            let index = index as u8;
            self.of_owner(config, owners, index, owner, &mut steps);
        }
        let active = &self.owners[self.active as usize];
        let next = self.next + u8::from(self.next == config.never);
        if config.queue > 0 && active.queue.len() < config.queue as usize && next <= config.records {
            steps.push(Step::Send);
        }
        if self.left.flips > 0 {
            steps.push(Step::Flip);
        }
        if self.left.reconnects > 0 {
            steps.push(Step::Reconnect);
        }
        if self.left.seeks > 0 {
            steps.extend((0..self.mark_delete).map(Step::Seek));
        }
        if self.left.strays > 0 {
            steps.extend((self.mark_delete + 2..self.next).map(Step::Stray));
        }
        if self.left.skips > 0 {
            steps.extend((self.next + 1..=config.records).map(Step::Skip));
        }
        if self.left.power > 0 {
            steps.push(Step::PowerLoss);
        }
        if self.left.edits > 0 && self.open_to_edit().is_some() {
            steps.push(Step::Edit);
        }
        // Time passes: what waits for it comes again and again only when nothing else happens.
        if steps.iter().all(|step| step.is_fault()) {
            let looks = |index: &u8| {
                let owner = &self.owners[*index as usize];
                let shown = owners.shown(owner.node);
                !owner.stopped && shown.ended.is_none() && shown.parked && shown.left_out
            };
            // The other one only waits for what this one commits.
            steps.extend([self.active, 1 - self.active].into_iter().find(looks).map(Step::LeftOut));
            let waits = |index: &u8| {
                let shown = owners.shown(self.owners[*index as usize].node);
                shown.ended.is_none() && shown.parked && shown.waits_for_other
            };
            // A day has passed.
            let last = |owner| Step::LookForAbandoned { owner, last: true };
            steps.extend([self.active, 1 - self.active].into_iter().filter(waits).map(last));
        }
        steps
    }

    fn of_owner(&self, config: &Config, owners: &Owners, index: u8, owner: &Owner, steps: &mut Vec<Step>) {
        let shown = owners.shown(owner.node);
        if owner.stopped {
            return;
        }
        if shown.ended.is_some() {
            steps.push(Step::Restart { owner: index, flip: false });
            if self.active == index {
                steps.push(Step::Restart { owner: index, flip: true });
            }
            return;
        }
        let staged = |call: &Call| call.path().text().contains("/_staging/");
        // The files of one batch are staged at the same time; their order is nobody's business.
        let one = config.coarse && shown.calls.iter().all(|(_, call)| staged(call));
        for (number, call) in shown.calls.iter().take(if one { 1 } else { usize::MAX }) {
            self.calls(config, index, *number, *call, steps);
        }
        if shown.parked {
            let waiting = if config.queue > 0 {
                owner.queue.len() as u8
            } else if self.active == index {
                (config.records + 1).saturating_sub(self.next)
            } else {
                0
            };
            let first = owner.queue.first().copied().unwrap_or(self.next);
            let precede = owner.queue.iter().filter(|record| **record < owner.division).count() as u8;
            let undivided = match first < owner.division {
                true if config.queue > 0 => precede,
                true => owner.division - first,
                false => waiting,
            };
            steps.extend((1..=waiting.min(config.chunk).min(undivided)).map(|count| Step::Take(index, count)));
        }
        if shown.may_begin {
            steps.push(Step::Begin(index));
        }
        if shown.parked && !owner.asked.is_empty() {
            steps.push(Step::LookIntoGap(index));
        }
        if shown.parked && shown.left_out && owner.looks < LOOKS_BETWEEN {
            steps.push(Step::LeftOut(index));
        }
        if shown.parked && shown.waits_for_other && owner.looks < LOOKS_BETWEEN {
            steps.push(Step::LookForAbandoned { owner: index, last: false });
        }
        if shown.parked && shown.has_rows && self.left.shortages > 0 {
            steps.push(Step::FreeMemory(index));
        }
        if owner.acknowledges > 0 && owner.deferred.is_empty() {
            steps.push(Step::Acknowledge(index));
        }
        if !owner.deferred.is_empty() {
            steps.push(Step::Deferred(index));
        }
        if self.left.crashes > 0 {
            for flip in [false, true] {
                if !flip || self.active == index {
                    steps.push(Step::Crash { owner: index, under_way: false, flip });
                    if shown.calls.iter().any(|(_, call)| matches!(call, Call::Rename { .. } | Call::Delete(_))) {
                        steps.push(Step::Crash { owner: index, under_way: true, flip });
                    }
                }
            }
        }
    }

    fn calls(&self, config: &Config, owner: u8, number: u8, call: Call, steps: &mut Vec<Step>) {
        steps.push(Step::Grant(owner, number));
        if self.left.calls == 0 {
            return;
        }
        let possible = |fault: &Fault| match fault {
            Fault::RequestLost => true,
            Fault::Silent => matches!(call, Call::Write(..)),
            // For one that only looks, no answer is no answer.
            _ => !call.only_looks(),
        };
        steps.extend(
            config.faults.iter().filter(|fault| possible(fault)).map(|fault| Step::Fail(owner, number, *fault)),
        );
    }

    fn open_to_edit(&self) -> Option<&crate::owner::systematic::disk::File> {
        self.disk.files().iter().find(|file| !file.name.text().contains("/_"))
    }

    fn call(&self, owners: &Owners, owner: u8, number: u8) -> Call {
        let calls = &owners.shown(self.owners[owner as usize].node).calls;
        calls.iter().find(|(own, _)| *own == number).unwrap().1
    }

    /// The world after a step. The error is the violation.
    pub fn after(&self, step: Step, config: &Config, owners: &mut Owners) -> Result<World, String> {
        let mut world = self.clone();
        match step {
            Step::Grant(owner, number) => {
                let call = self.call(owners, owner, number);
                let parked = owners.shown(world.owners[owner as usize].node).parked;
                let answer = if parked && Self::takes_for_done(call) {
                    world.owners[owner as usize].deferred.push(call);
                    Ok(Value::Nothing)
                } else {
                    world.disk.apply(call)
                };
                world.feed(owner, Input::Answer(number, answer), owners);
            }
            Step::Fail(owner, number, fault) => {
                world.left.calls -= 1;
                let answer = world.fail(self.call(owners, owner, number), fault);
                world.feed(owner, Input::Answer(number, answer), owners);
            }
            Step::Send => {
                world.next += u8::from(world.next == config.never);
                world.owners[world.active as usize].queue.push(world.next);
                world.next += 1;
            }
            Step::Take(index, count) => {
                let owner = &mut world.owners[index as usize];
                let records: Vec<u8> = if config.queue > 0 {
                    owner.queue.drain(..count as usize).collect()
                } else {
                    world.next += count;
                    (world.next - count..world.next).collect()
                };
                owner.hand_over += count;
                let hand_over = owner.hand_over;
                owner.told.push((hand_over, records[count as usize - 1]));
                world.feed(index, Input::Take { hand_over, records }, owners);
            }
            Step::Begin(owner) => world.feed(owner, Input::Begin, owners),
            Step::Acknowledge(owner) => {
                let record = std::mem::take(&mut world.owners[owner as usize].acknowledges);
                world.mark_delete = world.mark_delete.max(record);
                world.mark_delete += u8::from(world.mark_delete + 1 == config.never);
                world.next = world.next.max(world.mark_delete + 1);
            }
            Step::Land(at) => {
                let call = world.under_way.remove(at as usize);
                world.disk.apply(call).ok();
            }
            Step::Deferred(owner) => {
                let call = world.owners[owner as usize].deferred.remove(0);
                let directory = crate::protocol::layout::parent(&call.path().text()).to_owned();
                world.disk.apply(Call::Mkdirs(Name::of(&directory))).ok();
                world.disk.apply(call).ok();
            }
            Step::Restart { owner, flip } => {
                let (kind, message) = owners.shown(self.owners[owner as usize].node).ended.clone().unwrap();
                if config.settings.two_sinks && message.contains("belongs to another sink") {
                    world.owners[owner as usize].stopped = true;
                } else if kind == ErrorKind::Storage {
                    world.restart(owner, flip, owners)?;
                } else {
                    return Err(format!("{} ends for good: {message}", name(owner)));
                }
            }
            Step::Crash { owner, under_way, flip } => {
                world.left.crashes -= 1;
                if under_way {
                    let calls = owners.shown(self.owners[owner as usize].node).calls.iter();
                    let lands = calls.filter(|(_, call)| matches!(call, Call::Rename { .. } | Call::Delete(_)));
                    world.under_way.extend(lands.map(|(_, call)| *call));
                }
                world.restart(owner, flip, owners)?;
            }
            Step::Flip => {
                world.left.flips -= 1;
                world.active = 1 - world.active;
                world.next = world.mark_delete + 1;
            }
            Step::Reconnect => {
                world.left.reconnects -= 1;
                world.disconnect(world.active);
                world.next = world.mark_delete + 1;
            }
            Step::Seek(record) => {
                world.left.seeks -= 1;
                world.disconnect(0);
                world.disconnect(1);
                world.mark_delete = record + u8::from(record + 1 == config.never);
                world.next = record + 1;
            }
            Step::Stray(record) => {
                world.left.strays -= 1;
                world.next = record;
            }
            Step::Skip(record) => {
                world.left.skips -= 1;
                world.next = record;
            }
            Step::LookIntoGap(owner) => {
                let Question { number, behind, before } = world.owners[owner as usize].asked.remove(0);
                let left_out = behind.max(world.mark_delete) + 1 < before;
                world.feed(owner, Input::Gap { number, left_out }, owners);
            }
            Step::LeftOut(owner) => {
                world.owners[owner as usize].looks += 1;
                if world.owners[owner as usize].looks == MOST_LOOKS {
                    return Err(format!("{} looks for what was left out for ever", name(owner)));
                }
                world.feed(owner, Input::LeftOut, owners);
            }
            Step::FreeMemory(owner) => {
                world.left.shortages -= 1;
                world.feed(owner, Input::FreeMemory, owners);
            }
            Step::LookForAbandoned { owner, last } => {
                if !last {
                    world.owners[owner as usize].looks += 1;
                }
                world.feed(owner, Input::LookForAbandoned { last }, owners);
            }
            Step::PowerLoss => {
                world.left.power -= 1;
                world.disk.lose_power();
            }
            Step::Edit => {
                world.left.edits -= 1;
                let file = *world.open_to_edit().unwrap();
                world.disk.put(&file.name.text(), &[&file.written.bytes(), FOREIGN].concat());
            }
        }
        world.under_way.sort_unstable();
        if world.disk != self.disk {
            check::change(&self.disk, &world.disk, &mut world.committed)?;
        }
        world.check_acknowledged(config)?;
        Ok(world)
    }

    fn check_acknowledged(&self, config: &Config) -> Result<(), String> {
        let seen = check::visible(&self.disk)?;
        match (1..=self.mark_delete).find(|record| *record != config.never && seen & bit(*record) == 0) {
            Some(record) => Err(format!("record {record} is acknowledged but not in the table")),
            None => Ok(()),
        }
    }

    /// Without [`Safeguard::Publish`] a commit (it alone publishes while its owner waits for messages) does not wait for its
    /// renames. It acknowledges only after them, though.
    fn takes_for_done(call: Call) -> bool {
        let Call::Rename { from, to, .. } = call else { return false };
        !safeguard::is_on(Safeguard::Publish) && from.text().contains("/_staging/") && !to.text().contains("/_")
    }

    fn fail(&mut self, call: Call, fault: Fault) -> Answer {
        match fault {
            Fault::Refused => return Err(StorageErrorKind::Refused),
            Fault::AnswerLost => drop(self.disk.apply(call)),
            Fault::UnderWay => self.under_way.push(call),
            Fault::RequestLost => {}
            Fault::Silent => return Ok(Value::Nothing),
        }
        Err(StorageErrorKind::Unknown)
    }

    fn feed(&mut self, index: u8, input: Input, owners: &mut Owners) {
        let owner = &mut self.owners[index as usize];
        let edge = owners.next(owner.node, input);
        owner.node = edge.node;
        owner.asked.extend(edge.answered.gaps);
        if let Some(hand_over) = edge.answered.committed {
            // As the Java class does: the last of these hand-overs speaks for all.
            let count = owner.told.iter().take_while(|(told, _)| u64::from(*told) <= hand_over).count();
            if let Some((_, record)) = owner.told.drain(..count).next_back() {
                owner.acknowledges = owner.acknowledges.max(record);
            }
        }
        // The broker does not listen to a consumer that is not the active one.
        if let Some(division) = edge.answered.sends_again {
            owner.division = division;
            if self.active == index {
                owner.queue.clear();
                self.next = self.mark_delete + 1;
            }
        }
        let abandoned = owners.shown(edge.node).abandoned.iter().filter(|call| !call.only_looks());
        self.under_way.extend(abandoned);
    }

    /// A connection ends: what the client has received is sent again, what it acknowledged meanwhile is lost.
    fn disconnect(&mut self, owner: u8) {
        let owner = &mut self.owners[owner as usize];
        owner.queue.clear();
        owner.acknowledges = 0;
    }

    fn restart(&mut self, index: u8, flip: bool, owners: &mut Owners) -> Result<(), String> {
        self.disconnect(index);
        let owner = &mut self.owners[index as usize];
        // Names are never given twice, but who gave none starts as before.
        owner.incarnation += u8::from(owners.shown(owner.node).has_names);
        if owner.incarnation == MOST_STARTS {
            return Err(format!("{} starts again and again", name(index)));
        }
        owner.node = owners.start(index, owner.incarnation);
        owner.hand_over = 0;
        owner.told.clear();
        owner.asked.clear();
        owner.looks = 0;
        owner.division = 0;
        owner.deferred.clear();
        if self.active == index {
            self.next = self.mark_delete + 1;
            if flip {
                self.active = 1 - index;
            }
        }
        Ok(())
    }

    /// What must hold when nothing more happens by itself.
    pub fn at_rest(&self, config: &Config) -> Result<(), String> {
        if config.settings.two_sinks {
            return Ok(());
        }
        let missing = Self::all(config) & !check::visible(&self.disk)?;
        if missing != 0 {
            return Err(format!("at rest, record {} is not in the table", missing.trailing_zeros()));
        }
        if self.mark_delete < config.records {
            return Err(format!("at rest, the backlog from record {} on is never acknowledged", self.mark_delete + 1));
        }
        if config.lists { check::listed(&self.disk) } else { Ok(()) }
    }

    /// Files that are still staged.
    pub fn has_litter(&self) -> bool {
        self.disk.files().iter().any(|file| file.name.text().contains("/_staging/"))
    }
}
