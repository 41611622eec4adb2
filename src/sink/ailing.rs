//! What is wrong with source partitions of a sink.

use std::collections::BTreeMap;

use crate::owner::health::HeldBack;

/// Source partitions that do not get on, and have not for a while.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ailing {
    /// Those that are held back, by their topics, with their reasons.
    pub(super) held_back: BTreeMap<String, HeldBack>,
    /// Topics that have no table, with what to do.
    pub(super) stopped: BTreeMap<String, String>,
}
