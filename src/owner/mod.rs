//! The owner of a source partition: accepts its records in order, fills batches, commits them. The files hold the rules of
//! docs/understand/protocol.md: `accept` drops duplicates, `rewind` and `lost_race` are what they are called, `commits`
//! begins and ends commits.

mod abandoned;
mod accept;
mod batch;
mod commit_task;
mod commits;
pub(crate) mod health;
mod housekeeping;
mod left_out;
mod loaded;
mod lost_race;
mod plans;
pub(crate) mod retry;
mod rewind;
pub(crate) mod row_memory;
pub(crate) mod schedule;
mod send_again;
pub(crate) mod shared;
mod state;
mod streaming;

pub(crate) use batch::Streaming;
pub(crate) use state::Owner;

#[cfg(test)]
mod earlier_versions;
#[cfg(test)]
mod growth;
#[cfg(test)]
mod systematic;
#[cfg(test)]
pub(crate) mod tests;
