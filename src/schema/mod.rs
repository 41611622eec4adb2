//! Schemas: the writer's schema of a record, the table's columns, and the plan that takes a record from one to the other.

mod avro;
pub(crate) mod names;
pub mod plan;
pub mod table;
pub mod writer;
pub(crate) mod writers;

#[cfg(test)]
mod changes;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod documented;
#[cfg(test)]
mod fastavro;
#[cfg(test)]
mod java;
#[cfg(test)]
pub(crate) mod oracle;
#[cfg(test)]
mod page;
#[cfg(test)]
mod python_client;
