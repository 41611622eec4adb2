//! What the dashboards ask of both engines: the steps of the funnel, and what becomes of orders.

use crate::event::EventKind;

/// The steps from interest to an order: each step's name, and the events that a user takes it by.
pub const FUNNEL: [(&str, &[EventKind]); 3] = [
    ("visited or searched", &[EventKind::PageVisit, EventKind::Searching]),
    ("added to cart", &[EventKind::CartAdd]),
    ("ordered", &[EventKind::Ordering]),
];

/// The events that say what becomes of orders: the column that counts each, and the event.
pub const ORDERS: [(&str, EventKind); 4] = [
    ("orders", EventKind::Ordering),
    ("order_cancels", EventKind::OrderCancel),
    ("item_returns", EventKind::ItemReturn),
    ("promo_uses", EventKind::PromoUsage),
];
