//! Schemas: the writer's schema of a record, the table's columns, and the plan that takes a record from one to the other.

mod avro;
pub mod column;
pub(crate) mod names;
pub mod plan;
pub mod table;
pub mod types;
pub mod writer;
pub mod writers;
