//! The marketplace itself: its users, items, categories and orders, and the ids that it hands out.

use super::popularity::Popularity;
use super::rng::Rng;

const ITEMS: usize = 20_000;
const FIRST_USERS: u64 = 40_000;
const ROOT_CATEGORIES: i64 = 12;
const SUBCATEGORIES: i64 = 8;
/// How many orders can still be returned, cancelled or reviewed.
const OPEN_ORDERS: usize = 4096;

/// An order that was placed.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who placed it.
    pub user: i64,
    /// Its id.
    pub id: i64,
    /// What was bought; never empty.
    pub items: Vec<i64>,
    /// When it was placed.
    pub at: i64,
}

/// The marketplace's state.
#[derive(Debug)]
pub struct Market {
    items: Popularity,
    users: u64,
    orders: Vec<Order>,
    order_ids: i64,
    review_ids: i64,
}

impl Market {
    /// A marketplace that has users and items, but no orders.
    pub fn new() -> Market {
        Market {
            items: Popularity::new(ITEMS),
            users: FIRST_USERS,
            orders: Vec::new(),
            order_ids: 5_000_000_000, // more than 32 bits hold
            review_ids: 70_000_000,
        }
    }

    /// A user who was here before; some come far more often than others.
    pub fn known_user(&self, rng: &mut Rng) -> i64 {
        user_id((rng.skewed() * self.users as f64) as u64)
    }

    /// A user who was not here before.
    pub fn new_user(&mut self) -> i64 {
        self.users += 1;
        user_id(self.users - 1)
    }

    /// An item, by its popularity.
    pub fn item(&self, rng: &mut Rng) -> i64 {
        // Spreads the popular ones over the ids: 7919 and the number of items share no factor.
        (self.items.choose(rng) * 7919 % ITEMS) as i64 + 1001
    }

    /// An item other than this one.
    pub fn other_item(&self, item: i64, rng: &mut Rng) -> i64 {
        let other = self.item(rng);
        if other == item { (item - 1000) % ITEMS as i64 + 1001 } else { other }
    }

    /// The page of an item.
    pub fn page(&self, item: i64) -> i64 {
        900_000_000 + item
    }

    /// A top category.
    pub fn root_category(&self, rng: &mut Rng) -> i64 {
        rng.within(1, ROOT_CATEGORIES)
    }

    /// A category below this one.
    pub fn subcategory(&self, parent: i64, rng: &mut Rng) -> i64 {
        parent * 100 + rng.within(1, SUBCATEGORIES)
    }

    /// A review of this item.
    pub fn review(&self, item: i64, rng: &mut Rng) -> i64 {
        item * 1000 + (rng.skewed() * 40.0) as i64
    }

    /// The id of a new review.
    pub fn new_review(&mut self) -> i64 {
        self.review_ids += 1;
        self.review_ids
    }

    /// Places an order; returns its id.
    pub fn order(&mut self, user: i64, items: Vec<i64>, at: i64, rng: &mut Rng) -> i64 {
        self.order_ids += rng.within(1, 7);
        let order = Order { user, id: self.order_ids, items, at };
        if self.orders.len() < OPEN_ORDERS {
            self.orders.push(order);
        } else {
            let place = rng.below(OPEN_ORDERS as u64) as usize;
            self.orders[place] = order;
        }
        self.order_ids
    }

    /// Some order that was placed before, if any.
    pub fn past_order(&self, rng: &mut Rng) -> Option<Order> {
        self.orders.get(rng.below(self.orders.len() as u64) as usize).cloned()
    }

    /// Closes an order: it can be neither cancelled nor returned again.
    pub fn close(&mut self, order: i64) {
        self.orders.retain(|open| open.id != order);
    }
}

impl Default for Market {
    fn default() -> Self {
        Market::new()
    }
}

fn user_id(number: u64) -> i64 {
    100_001 + number as i64
}
