//! What the fuzz targets share: bytes as choices, bounds on memory, and readers that share no code with the connector.

pub mod avro;
pub mod bounds;
pub mod choices;
pub mod connector;
pub mod hive_text;
pub mod json;
pub mod quoted;
pub mod schemas;
pub mod tree;
