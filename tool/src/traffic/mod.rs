//! Seeded marketplace traffic: users who visit, search, compare, order, return and complain. The same plan
//! gives the same events, to the byte.

mod clock;
mod market;
mod popularity;
mod rng;
mod session;
pub mod text;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use self::clock::Clock;
use self::market::Market;
use self::rng::Rng;
use self::session::World;
use self::text::Texts;
pub use crate::event::{Event, EventKind, Value};

/// What traffic to simulate.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How many events in all, over all kinds.
    pub count: u64,
    /// Only these kinds; the others happen too, but are left out and not counted.
    pub kinds: Vec<EventKind>,
    /// No event is before this: milliseconds since 1970.
    pub start: i64,
    /// Every event is before this; it must be after `start`.
    pub end: i64,
}

/// The events of a plan, in the order in which they reach the marketplace: by time, but for the few that a
/// client sends late. The timestamps of each visit increase. The traffic goes on up to the plan's end, for which the last
/// visits hurry.
#[derive(Debug)]
pub struct Traffic {
    wanted: [bool; EventKind::ALL.len()],
    count: u64,
    clock: Clock,
    world: World,
    /// Events of the visits begun so far.
    generated: u64,
    /// When the newest visit began: no later visit sends anything before this.
    frontier: i64,
    arriving: BinaryHeap<Reverse<Arrival>>,
}

impl Traffic {
    /// The traffic of a plan.
    pub fn new(plan: &Plan) -> Traffic {
        let range = (plan.end - plan.start).max(1);
        let pace = (range as f64 / (4 * session::LONGEST) as f64).min(1.0);
        let end = plan.start + range;
        Traffic {
            wanted: std::array::from_fn(|index| plan.kinds.contains(&EventKind::ALL[index])),
            count: if plan.kinds.is_empty() { 0 } else { plan.count },
            clock: Clock::new(plan.start, end),
            world: World { market: Market::new(), texts: Texts::new(), rng: Rng::new(plan.seed), pace, end },
            generated: 0,
            frontier: plan.start,
            arriving: BinaryHeap::new(),
        }
    }

    fn begin_visit(&mut self) {
        let start = self.clock.at(self.generated as f64 / self.count as f64);
        self.frontier = start;
        let room = (self.count - self.generated) as usize;
        let mut events = session::visit(&mut self.world, start);
        events.retain(|event| self.wanted[event.kind.index()]);
        for mut event in events.into_iter().take(room) {
            let at = event.timestamp().min(self.world.end - 1);
            event.values[0] = Value::Timestamp(at);
            let arrival = at + self.delay();
            self.arriving.push(Reverse(Arrival { at: arrival, number: self.generated, event }));
            self.generated += 1;
        }
    }

    /// How long an event is on its way: seconds at most, but minutes from a client that was offline.
    fn delay(&mut self) -> i64 {
        let longest = if self.world.rng.chance(0.002) { 600_000.0 } else { 2_000.0 };
        (self.world.rng.skewed() * longest * self.world.pace) as i64
    }
}

impl Iterator for Traffic {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        while self.generated < self.count {
            if self.arriving.peek().is_some_and(|Reverse(first)| first.at <= self.frontier) {
                break;
            }
            self.begin_visit();
        }
        self.arriving.pop().map(|Reverse(arrival)| arrival.event)
    }
}

#[derive(Debug)]
struct Arrival {
    at: i64,
    number: u64,
    event: Event,
}

impl Ord for Arrival {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl PartialOrd for Arrival {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Arrival {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Arrival {}

#[cfg(test)]
mod tests;
