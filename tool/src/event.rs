//! The kinds of events that the marketplace has, and one event as typed values.

use serde::{Serialize, Serializer};

macro_rules! kinds {
    ($($kind:ident $name:literal,)*) => {
        /// A kind of event: one schema, one topic, one table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $(#[doc = concat!("`", $name, "`")] $kind,)*
        }

        impl EventKind {
            /// Every kind, in the order of the catalogue.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$kind,)*];

            /// The name that the topic and the tables have.
            pub fn name(self) -> &'static str {
                match self { $(EventKind::$kind => $name,)* }
            }

            /// The Avro schema's text, as it lies in `schemas/`.
            pub fn schema_text(self) -> &'static str {
                match self {
                    $(EventKind::$kind => include_str!(concat!("../../schemas/", $name, ".avsc")),)*
                }
            }
        }
    };
}

kinds! {
    PageVisit "page_visit",
    Searching "searching",
    Filtering "filtering",
    CartAdd "cart_add",
    CartDelete "cart_delete",
    Ordering "ordering",
    OrderCancel "order_cancel",
    ReviewReview "review_review",
    ReviewCreating "review_creating",
    Registering "registering",
    LoggingIn "logging_in",
    ProfileEdit "profile_edit",
    MailingSubscription "mailing_subscription",
    SupportContact "support_contact",
    RecommendationView "recommendation_view",
    SaleParticipation "sale_participation",
    ItemComparison "item_comparison",
    OrderHistoryViewing "order_history_viewing",
    ItemReturn "item_return",
    PromoUsage "promo_usage",
    CategoryView "category_view",
}

impl EventKind {
    /// The kind of this name.
    pub fn of_name(name: &str) -> Option<EventKind> {
        EventKind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Its place in [`EventKind::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// One field's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, in a nullable field.
    Null,
    /// An Avro `int`.
    Int(i32),
    /// An Avro `long`.
    Long(i64),
    /// An Avro `double`.
    Double(f64),
    /// An Avro `string`.
    Text(String),
    /// An Avro `timestamp-millis`: milliseconds since 1970, UTC.
    Timestamp(i64),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Int(value) => serializer.serialize_i32(*value),
            Value::Long(value) | Value::Timestamp(value) => serializer.serialize_i64(*value),
            Value::Double(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
        }
    }
}

/// One event: its kind and a value for each field, in the schema's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The fields; the first is always the timestamp, the second the user.
    pub values: Vec<Value>,
}

impl Event {
    /// When it happened: milliseconds since 1970, UTC.
    pub fn timestamp(&self) -> i64 {
        match self.values.first() {
            Some(Value::Timestamp(at)) => *at,
            _ => 0,
        }
    }
}
