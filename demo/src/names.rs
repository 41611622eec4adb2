//! What the demo calls its topics, tables and sink.

pub(crate) const TENANT: &str = "marketplace";
pub(crate) const NAMESPACE: &str = "events";
/// The database of the tables in ClickHouse and Hive.
pub(crate) const DATABASE: &str = "marketplace";
pub(crate) const SINK: &str = "cold";
pub(crate) const SUBSCRIPTION: &str = "hdfs-csv-cold";
/// The directory of the tables on HDFS.
pub(crate) const DIRECTORY: &str = "/events";
pub(crate) const COMMIT_INTERVAL: &str = "5s";
