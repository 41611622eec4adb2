//! What a user does in one visit.

use super::market::{Market, Order};
use super::rng::Rng;
use super::text::Texts;
use crate::event::{Event, EventKind as Kind, Value};
use Value::{Double, Int, Long, Null, Text, Timestamp};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// No visit goes on longer than this after its session's start.
pub const LONGEST: i64 = 150 * MINUTE;
/// A visit begins nothing new after this long.
const ENOUGH: i64 = 50 * MINUTE;

/// What visits change and draw from.
#[derive(Debug)]
pub struct World {
    /// Users, items and orders.
    pub market: Market,
    /// What users type.
    pub texts: Texts,
    /// The simulation's only source of chance.
    pub rng: Rng,
    /// Below 1 when all time spans are shortened, to fit a short range.
    pub pace: f64,
    /// When all visits are over.
    pub end: i64,
}

/// Lets a user visit the marketplace; the events' timestamps increase.
pub fn visit(world: &mut World, start: i64) -> Vec<Event> {
    let mut visit = Visit { start, now: start, user: 0, cart: Vec::new(), events: Vec::new(), world };
    visit.run();
    visit.events
}

struct Visit<'w> {
    world: &'w mut World,
    start: i64,
    now: i64,
    user: i64,
    cart: Vec<i64>,
    events: Vec<Event>,
}

impl Visit<'_> {
    fn run(&mut self) {
        let past_order = if self.chance(0.14) { self.world.market.past_order(&mut self.world.rng) } else { None };
        if let Some(order) = past_order {
            self.user = order.user;
            self.now = self.now.max(order.at);
            self.now = self.now.max(order.at + self.span(MINUTE));
            self.log_in(0.6);
            return self.after_sale(&order);
        }
        if self.chance(0.08) {
            self.user = self.world.market.new_user();
            self.emit(Kind::Registering, []);
            self.pause(20 * SECOND);
            self.log_in(0.5);
            if self.chance(0.25) {
                self.subscribe();
            }
        } else {
            self.user = self.world.market.known_user(&mut self.world.rng);
            self.log_in(0.5);
        }
        if self.chance(0.09) { self.account() } else { self.shop() }
    }

    fn log_in(&mut self, probability: f64) {
        if self.chance(probability) {
            let kind = [0, 0, 0, 1, 1, 1, 1, 2][self.world.rng.below(8) as usize];
            self.emit(Kind::LoggingIn, [Int(kind)]);
            self.pause(15 * SECOND);
        }
    }

    fn shop(&mut self) {
        let steps = 1 + (self.world.rng.skewed() * 16.0) as u64;
        for _ in 0..steps {
            match self.world.rng.below(100) {
                0..58 => self.search(),
                58..80 => self.browse(),
                _ => self.recommendations(),
            }
            if self.now - self.start > self.span(ENOUGH) {
                break;
            }
        }
        self.tidy_cart();
        if !self.cart.is_empty() && self.chance(0.5) {
            self.order();
        }
        if self.chance(0.015) {
            self.support();
        }
    }

    fn search(&mut self) {
        let query = self.world.texts.query(&mut self.world.rng);
        self.emit(Kind::Searching, [Text(query)]);
        self.pause(10 * SECOND);
        if self.chance(0.4) {
            self.filter();
        }
        for _ in 0..self.world.rng.below(3) {
            self.view_page();
        }
    }

    fn filter(&mut self) {
        let rng = &mut self.world.rng;
        let price_min = rng.chance(0.45).then(|| rng.within(0, 50_000) as f64 / 100.0);
        let price_max = rng.chance(0.6).then(|| price_min.unwrap_or(0.0) + rng.within(1, 200_000) as f64 / 100.0);
        let rating_min = rng.chance(0.4).then(|| rng.within(4, 9) as f64 / 2.0);
        let rating_max = rng.chance(0.08).then_some(5.0);
        let bound = |bound: Option<f64>| bound.map_or(Null, Double);
        self.emit(Kind::Filtering, [price_min, price_max, rating_min, rating_max].map(bound));
        self.pause(10 * SECOND);
    }

    fn browse(&mut self) {
        let root = self.world.market.root_category(&mut self.world.rng);
        self.emit(Kind::CategoryView, [Long(root), Null]);
        self.pause(8 * SECOND);
        if self.chance(0.7) {
            let category = self.world.market.subcategory(root, &mut self.world.rng);
            self.emit(Kind::CategoryView, [Long(category), Long(root)]);
            self.pause(8 * SECOND);
        }
        if self.chance(0.2) {
            self.filter();
        }
        for _ in 0..self.world.rng.below(3) {
            self.view_page();
        }
    }

    fn recommendations(&mut self) {
        let seconds = self.world.rng.skewed() * 90.0;
        self.emit(Kind::RecommendationView, [Double(seconds)]);
        self.pause((seconds * 1000.0) as i64);
        if self.chance(0.6) {
            self.view_page();
        }
    }

    fn view_page(&mut self) {
        let item = self.world.market.item(&mut self.world.rng);
        self.emit(Kind::PageVisit, [Long(self.world.market.page(item))]);
        self.pause(40 * SECOND);
        if self.chance(0.12) {
            for _ in 0..self.world.rng.within(1, 3) {
                let review = self.world.market.review(item, &mut self.world.rng);
                self.emit(Kind::ReviewReview, [Long(review)]);
                self.pause(15 * SECOND);
            }
        }
        if self.chance(0.07) {
            let other = self.world.market.other_item(item, &mut self.world.rng);
            let comparison = [0, 0, 1, 1, 1, 2, 2, 3][self.world.rng.below(8) as usize];
            self.emit(Kind::ItemComparison, [Long(item), Long(other), Int(comparison)]);
            self.pause(30 * SECOND);
        }
        if self.chance(0.22) {
            self.emit(Kind::CartAdd, [Long(item)]);
            self.pause(5 * SECOND);
            self.cart.push(item);
        }
    }

    fn tidy_cart(&mut self) {
        for item in std::mem::take(&mut self.cart) {
            if self.chance(0.22) {
                self.emit(Kind::CartDelete, [Long(item)]);
                self.pause(5 * SECOND);
            } else {
                self.cart.push(item);
            }
        }
    }

    fn order(&mut self) {
        let items = std::mem::take(&mut self.cart);
        let on_sale = items[0];
        let order = self.world.market.order(self.user, items, self.now, &mut self.world.rng);
        self.emit(Kind::Ordering, [Long(order)]);
        self.pause(2 * SECOND);
        if self.chance(0.35) {
            let coupon = 300_000 + (self.world.rng.skewed() * 500.0) as i64;
            self.emit(Kind::PromoUsage, [Long(coupon), Long(order)]);
            self.pause(2 * SECOND);
        }
        if self.chance(0.35) {
            let sale = 40 + (self.world.rng.skewed() * 25.0) as i64;
            self.emit(Kind::SaleParticipation, [Long(sale), Long(on_sale)]);
            self.pause(2 * SECOND);
        }
        if self.chance(0.1) {
            self.pause(5 * MINUTE);
            self.emit(Kind::OrderCancel, [Long(order)]);
            self.world.market.close(order);
        }
    }

    fn after_sale(&mut self, order: &Order) {
        self.history();
        match self.world.rng.below(100) {
            0..20 => self.return_item(order),
            20..32 => {
                self.emit(Kind::OrderCancel, [Long(order.id)]);
                self.world.market.close(order.id);
            }
            32..68 => {
                let review = self.world.market.new_review();
                let item = *self.world.rng.pick(&order.items);
                self.emit(Kind::ReviewCreating, [Long(review), Long(item)]);
            }
            68..84 => self.support(),
            _ => {}
        }
    }

    fn return_item(&mut self, order: &Order) {
        let item = *self.world.rng.pick(&order.items);
        let reason = [0, 0, 1, 1, 1, 2, 3, 3, 3, 4][self.world.rng.below(10) as usize];
        let message =
            if reason == 0 || self.chance(0.3) { Text(self.world.texts.message(&mut self.world.rng)) } else { Null };
        self.emit(Kind::ItemReturn, [Long(item), Long(order.id), Int(reason), message]);
        self.pause(MINUTE);
        self.world.market.close(order.id);
        if self.chance(0.2) {
            self.support();
        }
    }

    fn account(&mut self) {
        if self.chance(0.65) {
            self.emit(Kind::ProfileEdit, []);
            self.pause(MINUTE);
        }
        if self.chance(0.4) {
            self.subscribe();
        }
        if self.chance(0.3) {
            self.history();
        }
    }

    fn subscribe(&mut self) {
        let subscription = self.world.rng.within(1, 3) as i32;
        self.emit(Kind::MailingSubscription, [Int(subscription)]);
        self.pause(10 * SECOND);
    }

    fn support(&mut self) {
        let way = [1, 2, 2, 3, 3, 3, 3][self.world.rng.below(7) as usize];
        self.emit(Kind::SupportContact, [Int(way)]);
        self.pause(3 * MINUTE);
    }

    fn history(&mut self) {
        let seconds = self.world.rng.skewed() * 120.0;
        self.emit(Kind::OrderHistoryViewing, [Double(seconds)]);
        self.pause((seconds * 1000.0) as i64);
    }

    fn emit<const N: usize>(&mut self, kind: Kind, further: [Value; N]) {
        let mut values = Vec::with_capacity(2 + N);
        values.extend([Timestamp(self.now), Long(self.user)]);
        values.extend(further);
        self.events.push(Event { kind, values });
        self.now += 1;
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.world.rng.chance(probability)
    }

    /// Lets up to twice this long pass.
    fn pause(&mut self, milliseconds: i64) {
        let paused = self.world.rng.unit() * 2.0 * milliseconds as f64;
        self.now += self.span(paused as i64);
    }

    /// This long at the visit's pace. When less than the longest visit is left, the pace is as fast as what is left is
    /// shorter: no visit is cut off at the end, and as much happens just before it as at any other time.
    fn span(&self, milliseconds: i64) -> i64 {
        let left = (self.world.end - self.now).max(0) as f64 / LONGEST as f64;
        (milliseconds as f64 * self.world.pace.min(left)) as i64
    }
}
