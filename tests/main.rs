//! All tests on real services, as one executable: they share services, and one decides whose turn it is (`src/turns.rs`).

mod audit;
mod bad_records;
mod chunked;
mod clients;
mod closing;
mod crashes;
mod dialects;
mod every_event;
mod evolution;
mod faults;
mod freshness;
mod hive;
mod isolation;
mod kinds_of_topics;
mod layers;
mod memory;
mod odd_names;
mod open_errors;
mod outages;
mod partitions;
mod queries;
mod readers;
mod replication;
mod runtimes;
mod scale;
mod stack;
