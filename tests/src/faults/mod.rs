//! Faults at random under steady traffic: what is done to the services, who looks on meanwhile, and what came of it.
//!
//! `tests/faults.rs` puts these together: [`Producers`] send, a [`Reader`] reads the tables all the while, [`Deck`] says
//! which [`Fault`] is next, [`Scene`] is what it is done to, and [`Report`] is what is written down at the end.

mod begun;
mod broker;
mod deck;
mod fault;
mod hdfs;
mod instances;
mod left_out;
mod producers;
mod reader;
mod report;
mod scene;
mod seen;

pub use begun::Begun;
pub use deck::Deck;
pub use fault::{Fault, Place};
pub use left_out::LeftOut;
pub use producers::{Producers, schema};
pub use reader::{Observations, Reader};
pub use report::{Guarantee, Report};
pub use scene::Scene;
