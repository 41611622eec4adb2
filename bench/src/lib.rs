//! What the benchmarks of the hot path share: payloads of every event, and the ways to make rows of them.

pub mod decoders;
pub mod micro;
pub mod payloads;
