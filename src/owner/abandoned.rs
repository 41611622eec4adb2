//! Records that are left to another owner.

use tokio::time::Instant;

use crate::position::Position;

/// Records that were accepted and are neither committed nor in memory: a race was lost when their rows were streamed, or they were forgotten
/// because memory was short. The
/// owner that won commits them, if the broker sends to that one now. Otherwise it sends to this one, which must end then.
pub(super) struct Abandoned {
    pub(super) first: Position,
    pub(super) last: Position,
    pub(super) hand_over: u64,
    /// How often it was checked whether they are committed.
    pub(super) checks: u32,
    pub(super) next_check: Instant,
    pub(super) until: Instant,
}
