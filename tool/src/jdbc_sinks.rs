//! The configurations of Pulsar's own JDBC sinks, which take the events to ClickHouse: one for each event, because such a
//! sink writes to one table.

use serde_json::{Map, Value as Json, json};

use crate::ddl::table::EventTable;

/// The folder of the files, in that of all sinks.
pub const FOLDER: &str = "clickhouse";

/// The subscription of each sink.
pub const SUBSCRIPTION: &str = "jdbc-clickhouse-hot";
const ARCHIVE: &str = "builtin://jdbc-clickhouse";
const GUARANTEES: &str = "ATLEAST_ONCE";

/// What can be chosen.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The tenant of the topics and the sinks.
    pub tenant: String,
    /// Their namespace.
    pub namespace: String,
    /// ClickHouse's address, with the database.
    pub jdbc_url: String,
    /// The user in ClickHouse.
    pub user: String,
}

impl Settings {
    /// The name of an event's file, in the folder of all sinks, and what it says.
    pub fn file(&self, table: &EventTable) -> (String, String) {
        (format!("{FOLDER}/{}.yaml", table.name()), self.yaml(table))
    }

    /// An event's sink and its configuration, as Pulsar's REST interface takes it.
    pub fn sink(&self, table: &EventTable) -> (String, Json) {
        let config = json!({
            "archive": ARCHIVE,
            "inputs": [self.topic(table)],
            "processingGuarantees": GUARANTEES,
            "sourceSubscriptionName": SUBSCRIPTION,
            "sourceSubscriptionPosition": "Earliest",
            "cleanupSubscription": false,
            "parallelism": 1,
            "configs": self.configs(table).into_iter().collect::<Map<String, Json>>(),
        });
        (name(table), config)
    }

    fn topic(&self, table: &EventTable) -> String {
        format!("persistent://{}/{}/{}", self.tenant, self.namespace, table.name())
    }

    fn configs(&self, table: &EventTable) -> [(String, Json); 9] {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let configs = [
            ("jdbcUrl", json!(self.jdbc_url)),
            ("userName", json!(self.user)),
            ("tableName", json!(table.name())),
            // Without blanks: the sink takes them for part of the names. It writes these columns and no others.
            ("nonKey", json!(columns.join(","))),
            ("excludeNonDeclaredFields", json!(true)),
            // ClickHouse has none; with batches, a batch is one insert.
            ("useTransactions", json!(false)),
            ("useJdbcBatch", json!(true)),
            // Well below the 50,000 unacknowledged messages at which the broker stops sending.
            ("batchSize", json!(5000)),
            // All sinks' inserts meet in two tables of counts; ClickHouse wants few inserts a second.
            ("timeoutMs", json!(2000)),
        ];
        configs.map(|(key, value)| (key.to_owned(), value))
    }

    fn yaml(&self, table: &EventTable) -> String {
        let event = table.name();
        let configs: String = self.configs(table).iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
        format!(
            "# The sink that takes {event} to ClickHouse: Pulsar's own, jdbc-clickhouse. Generated from schemas/{event}.avsc by
# `hdfs-csv sinks --out conf/sinks`: change it there.
# pulsar-admin sinks create --sink-config-file \"$PWD/conf/sinks/{FOLDER}/{event}.yaml\"
tenant: {}
namespace: {}
name: {}
archive: {ARCHIVE}
inputs: [{}]
# A batch that fails is sent again: a row can be there twice.
processingGuarantees: {GUARANTEES}
sourceSubscriptionName: {SUBSCRIPTION}
# Pulsar's defaults, Latest and true, lose what was sent before the sink began and while it is replaced.
sourceSubscriptionPosition: Earliest
cleanupSubscription: false
parallelism: 1
configs:
{configs}",
            json!(self.tenant),
            json!(self.namespace),
            json!(name(table)),
            json!(self.topic(table)),
        )
    }
}

/// A sink's name.
fn name(table: &EventTable) -> String {
    format!("hot-{}", table.name().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::ddl::table::event_tables;

    #[test]
    fn a_sink_takes_one_topic_to_its_table_with_the_columns_that_it_has() {
        let settings = Settings {
            tenant: "t".to_owned(),
            namespace: "n".to_owned(),
            jdbc_url: "jdbc:clickhouse://host:1/d?compress=0".to_owned(),
            user: "me".to_owned(),
        };
        let tables = event_tables(&Catalogue::load().unwrap()).unwrap();
        let promo_usage = tables.iter().find(|table| table.name() == "promo_usage").unwrap();
        let (path, yaml) = settings.file(promo_usage);
        assert_eq!(path, "clickhouse/promo_usage.yaml");
        for line in [
            "tenant: \"t\"\n",
            "name: \"hot-promo-usage\"\n",
            "inputs: [\"persistent://t/n/promo_usage\"]\n",
            "  jdbcUrl: \"jdbc:clickhouse://host:1/d?compress=0\"\n",
            "  userName: \"me\"\n",
            "  tableName: \"promo_usage\"\n",
            "  nonKey: \"timestamp,user_id,coupon_id,order_id\"\n",
            "  useTransactions: false\n",
        ] {
            assert!(yaml.contains(line), "{line}\n{yaml}");
        }
    }
}
