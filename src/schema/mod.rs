//! Schemas: the writer's schema of a record, the table's columns, and the plan that takes a record from one to the other.

pub mod column;
pub mod plan;
pub mod table;
pub mod writer;
