//! What is searched, and what may go wrong in it.

use crate::owner::Streaming;

/// How a process runs, apart from what it is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Files below this many bytes grow; a row has four.
    pub fold_below: u64,
    /// Rows of a batch that is committed without waiting for its time.
    pub full_at: u64,
    /// Manifests that stay.
    pub keep_manifests: u64,
    /// The day of each record, from record 1 on; the table has partitions when they differ.
    pub days: &'static [u8],
    /// Owners that complete earlier commits in the background when they start, as a sink does: none, the first, or both.
    pub recovers: u8,
    /// The second owner is another sink.
    pub two_sinks: bool,
    /// Owners ask what stands in gaps.
    pub asks_about_gaps: bool,
    /// When rows are streamed.
    pub streaming: Streaming,
    /// An owner whose records are lost to memory waits for the other one to commit them, and does not end at once.
    pub waits_for_other: bool,
}

/// Rows are streamed as soon as they come, as those of a large backlog are.
pub const AT_ONCE: Streaming = Streaming { from: 1, piece: 1 };
/// Rows are streamed when memory is short.
pub const WHEN_SHORT: Streaming = Streaming { from: usize::MAX, piece: 1 };
/// Files are too small to be streamed: when memory is short, the records that they are of are forgotten first.
pub const NEVER: Streaming = Streaming { from: usize::MAX, piece: usize::MAX };

/// What goes wrong with a storage call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Refused: nothing is done.
    Refused,
    /// The effect is done, the answer lost.
    AnswerLost,
    /// The request is lost.
    RequestLost,
    /// No answer, and the effect comes later.
    UnderWay,
    /// A write that is answered and lost: HDFS only queues it, and can close a file that is not whole.
    Silent,
}

/// Every fault but silent ones.
pub const ALL: &[Fault] = &[Fault::Refused, Fault::AnswerLost, Fault::RequestLost, Fault::UnderWay];

/// How many of each fault there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Storage calls that go wrong.
    pub calls: u8,
    /// Owners that crash.
    pub crashes: u8,
    /// Times that the other owner becomes the active consumer.
    pub flips: u8,
    /// Times that the active consumer loses its connection, and with it the acknowledgements under way.
    pub reconnects: u8,
    /// Times that the subscription's cursor is set back.
    pub seeks: u8,
    /// Times that the broker leaves records out.
    pub skips: u8,
    /// Times that all machines lose power.
    pub power: u8,
    /// Times that the broker goes back, but not to the first record that is not acknowledged.
    pub strays: u8,
    /// Times that something else edits a file of the table.
    pub edits: u8,
    /// Times that memory is short.
    pub shortages: u8,
}

/// What is searched.
#[derive(Clone, Debug)]
pub struct Config {
    pub settings: Settings,
    /// Records of the topic.
    pub records: u8,
    /// One of them that never comes, and is acknowledged for itself; 0 for none. Only with a queue.
    pub never: u8,
    /// Records of a hand-over, at most.
    pub chunk: u8,
    /// Records that a client receives before it hands them over; 0: the broker hands over itself.
    pub queue: u8,
    /// What can go wrong with calls.
    pub faults: &'static [Fault],
    pub budget: Budget,
    /// The table is nobody's yet, and has no columns.
    pub fresh: bool,
    /// At rest every file must be named by a manifest or by a list of what pruned manifests named.
    pub lists: bool,
    /// Steps that commute with all others are not interleaved, see [`crate::owner::systematic::world::World::local`].
    pub coarse: bool,
}

impl Config {
    pub fn new() -> Self {
        Config {
            settings: Settings {
                fold_below: 0,
                full_at: 100,
                keep_manifests: 100,
                days: &[],
                recovers: 0,
                two_sinks: false,
                asks_about_gaps: false,
                streaming: NEVER,
                waits_for_other: false,
            },
            records: 3,
            never: 0,
            chunk: 1,
            queue: 0,
            faults: ALL,
            budget: Budget::default(),
            fresh: false,
            lists: false,
            coarse: true,
        }
    }
}
