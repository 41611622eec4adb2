//! What a table of the sink is in Hive's metastore, and how a table that is there differs from it.

use std::collections::BTreeMap;

use crate::hive::client::NO_STATISTICS;
use crate::hive::thrift::{Struct, Value};
use crate::row::rfc4180::Rfc4180;
use crate::row::{Dialect, SerDe};
use crate::value::column::{Column, ColumnType};

const TEXT_INPUT: &str = "org.apache.hadoop.mapred.TextInputFormat";
const TEXT_OUTPUT: &str = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat";
const EXTERNAL: &str = "EXTERNAL_TABLE";
const SKIP_HEADER: &str = "skip.header.line.count";
/// SerDe properties that a table made by hand may lack: its rows are read, texts with backslashes or quotes perhaps not well.
const OPTIONAL: [&str; 3] = ["serialization.format", "quoteChar", "escapeChar"];
/// Where a NameNode listens when an address does not say it.
const NAME_NODE_PORT: &str = "8020";

/// Fields of the metastore's structs, by their numbers.
mod field {
    pub(crate) mod table {
        pub(crate) const NAME: i16 = 1;
        pub(crate) const DATABASE: i16 = 2;
        pub(crate) const OWNER: i16 = 3;
        pub(crate) const STORAGE: i16 = 7;
        pub(crate) const PARTITION_KEYS: i16 = 8;
        pub(crate) const PARAMETERS: i16 = 9;
        pub(crate) const TYPE: i16 = 12;
    }
    pub(crate) mod storage {
        pub(crate) const COLUMNS: i16 = 1;
        pub(crate) const LOCATION: i16 = 2;
        pub(crate) const INPUT_FORMAT: i16 = 3;
        pub(crate) const OUTPUT_FORMAT: i16 = 4;
        pub(crate) const COMPRESSED: i16 = 5;
        pub(crate) const BUCKETS: i16 = 6;
        pub(crate) const SERDE: i16 = 7;
        pub(crate) const BUCKET_COLUMNS: i16 = 8;
        pub(crate) const SORT_COLUMNS: i16 = 9;
        pub(crate) const PARAMETERS: i16 = 10;
    }
    pub(crate) mod serde {
        pub(crate) const NAME: i16 = 1;
        pub(crate) const LIBRARY: i16 = 2;
        pub(crate) const PARAMETERS: i16 = 3;
    }
    pub(crate) mod column {
        pub(crate) const NAME: i16 = 1;
        pub(crate) const TYPE: i16 = 2;
    }
    pub(crate) mod partition {
        pub(crate) const VALUES: i16 = 1;
        pub(crate) const DATABASE: i16 = 2;
        pub(crate) const TABLE: i16 = 3;
        pub(crate) const STORAGE: i16 = 6;
        pub(crate) const PARAMETERS: i16 = 7;
    }
}
use field::{column, partition, serde, storage, table};

/// A table as the sink wants it.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) database: String,
    pub(crate) name: String,
    /// Who creates it.
    pub(crate) owner: String,
    /// Its directory's URL.
    pub(crate) location: String,
    /// How its files are written.
    pub(crate) dialect: Dialect,
    /// Its columns, in order, without that of the partitions.
    pub(crate) columns: Vec<Column>,
    /// The partitions' column, if it has partitions.
    pub(crate) partition_column: Option<String>,
}

/// What a table in the metastore is to the one that is wanted.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// It is as wanted.
    Same,
    /// It lacks columns, or has narrower ones: here it is as wanted.
    Behind(Struct),
    /// It is another table: what differs.
    Other(String),
}

impl Description {
    /// The table to create.
    pub(crate) fn table(&self) -> Struct {
        let mut parameters = vec![("EXTERNAL", "TRUE"), ("external.table.purge", "false"), NO_STATISTICS];
        if self.has_header() {
            parameters.push((SKIP_HEADER, "1"));
        }
        let partition_keys = self.partition_column.iter().map(|name| column_of(name, "string".to_owned()));
        Struct::default()
            .with(table::NAME, self.name.as_str())
            .with(table::DATABASE, self.database.as_str())
            .with(table::OWNER, self.owner.as_str())
            .with(table::STORAGE, self.storage())
            .with(table::PARTITION_KEYS, Value::structs(partition_keys))
            .with(table::PARAMETERS, Value::text_map(parameters))
            .with(table::TYPE, EXTERNAL)
    }

    /// A partition, of this value and in this directory, of the table that is there: its files are read as the table says.
    pub(crate) fn partition(&self, found: &Struct, value: &str, directory: &str) -> Struct {
        let own_storage = found.fields(table::STORAGE);
        let location = format!("{}/{directory}", own_storage.text(storage::LOCATION).trim_end_matches('/'));
        Struct::default()
            .with(partition::VALUES, Value::texts([value]))
            .with(partition::DATABASE, self.database.as_str())
            .with(partition::TABLE, self.name.as_str())
            .with(partition::STORAGE, own_storage.with(storage::LOCATION, location))
            .with(partition::PARAMETERS, Value::text_map([NO_STATISTICS]))
    }

    fn storage(&self) -> Struct {
        let SerDe { class: library, properties: parameters } = self.dialect.ser_de();
        let serde = Struct::default()
            .with(serde::NAME, self.name.as_str())
            .with(serde::LIBRARY, library)
            .with(serde::PARAMETERS, Value::text_map(parameters));
        Struct::default()
            .with(storage::COLUMNS, Value::structs(self.wanted_columns()))
            .with(storage::LOCATION, self.location.as_str())
            .with(storage::INPUT_FORMAT, TEXT_INPUT)
            .with(storage::OUTPUT_FORMAT, TEXT_OUTPUT)
            .with(storage::COMPRESSED, Value::Bool(false))
            .with(storage::BUCKETS, Value::I32(-1))
            .with(storage::SERDE, serde)
            .with(storage::BUCKET_COLUMNS, Value::texts([""; 0]))
            .with(storage::SORT_COLUMNS, Value::structs([]))
            .with(storage::PARAMETERS, Value::text_map([("", ""); 0]))
    }

    fn has_header(&self) -> bool {
        matches!(self.dialect, Dialect::Rfc4180(Rfc4180 { header: true, .. }))
    }

    /// The type that a column has in Hive: OpenCSVSerde reads strings only.
    fn type_of(&self, column: &Column) -> ColumnType {
        match self.dialect {
            Dialect::Hive(_) => column.column_type,
            Dialect::Rfc4180(_) => ColumnType::String,
        }
    }

    fn wanted_columns(&self) -> Vec<Struct> {
        self.columns.iter().map(|own| column_of(&own.name, self.type_of(own).to_string())).collect()
    }

    /// Compares a table of the metastore with this one. What is not the sink's own doing is left as it is: owner, comments,
    /// properties.
    pub(crate) fn compare(&self, found: &Struct) -> Found {
        let own_storage = found.fields(table::STORAGE);
        if let Some(difference) = self.difference(found, &own_storage) {
            return Found::Other(difference);
        }
        let mut columns: Vec<Struct> = own_storage.structs(storage::COLUMNS).cloned().collect();
        if columns.len() > self.columns.len() {
            let extra = columns[self.columns.len()].text(column::NAME);
            return Found::Other(format!("it has a column `{extra}`, which the sink's table has not"));
        }
        let mut behind = columns.len() < self.columns.len();
        for (at, (own, wanted)) in columns.iter_mut().zip(&self.columns).enumerate() {
            let (name, own_type) = (own.text(column::NAME), own.text(column::TYPE));
            let wanted_type = self.type_of(wanted);
            let widened = own_type.parse().ok().and_then(|own_type: ColumnType| own_type.widened(wanted_type));
            if !name.eq_ignore_ascii_case(&wanted.name) || widened != Some(wanted_type) {
                return Found::Other(format!(
                    "its column {} is `{name}` {own_type}, and the sink's `{}` {wanted_type}",
                    at + 1,
                    wanted.name
                ));
            }
            if own_type != wanted_type.to_string() {
                own.set(column::TYPE, wanted_type.to_string());
                behind = true;
            }
        }
        if !behind {
            return Found::Same;
        }
        columns.extend(self.wanted_columns().into_iter().skip(columns.len()));
        let altered = own_storage.with(storage::COLUMNS, Value::structs(columns));
        Found::Behind(found.clone().with(table::STORAGE, altered))
    }

    /// What makes the table another one, its columns left aside.
    fn difference(&self, found: &Struct, own_storage: &Struct) -> Option<String> {
        let SerDe { class: library, properties: parameters } = self.dialect.ser_de();
        let own_serde = own_storage.fields(storage::SERDE);
        let own_parameters = own_serde.text_map(serde::PARAMETERS);
        let own_properties = found.text_map(table::PARAMETERS);
        let differs =
            |what: &str, own: &str, wanted: &str| Some(format!("its {what} is `{own}`, and the sink's `{wanted}`"));
        let own_type = found.text(table::TYPE);
        if own_type != EXTERNAL {
            return differs("type", &own_type, EXTERNAL);
        }
        let location = own_storage.text(storage::LOCATION);
        if normal(&location) != normal(&self.location) {
            return differs("location", &location, &self.location);
        }
        let keys: Vec<String> = found.structs(table::PARTITION_KEYS).map(describe).collect();
        let wanted_keys: Vec<String> =
            self.partition_column.iter().map(|name| describe(&column_of(name, "string".to_owned()))).collect();
        if keys != wanted_keys {
            return differs("partition columns", &keys.join(", "), &wanted_keys.join(", "));
        }
        let own_library = own_serde.text(serde::LIBRARY);
        if own_library != library {
            return differs("SerDe", &own_library, library);
        }
        let own_input = own_storage.text(storage::INPUT_FORMAT);
        if own_input != TEXT_INPUT {
            return differs("input format", &own_input, TEXT_INPUT);
        }
        for (name, wanted) in parameters.iter().filter(|(name, _)| !OPTIONAL.contains(name)) {
            let own = value_of(&own_parameters, name);
            if own != wanted {
                return differs(&format!("SerDe property {name}"), own, wanted);
            }
        }
        let (header, wanted) = (value_of(&own_properties, SKIP_HEADER), if self.has_header() { "1" } else { "0" });
        let header = if header.is_empty() { "0" } else { header };
        if header != wanted {
            return differs(&format!("property {SKIP_HEADER}"), header, wanted);
        }
        None
    }
}

/// Whether two descriptions of a table have the same columns.
pub(crate) fn same_columns(one: &Struct, other: &Struct) -> bool {
    let columns = |of: &Struct| of.fields(table::STORAGE).items(storage::COLUMNS).to_vec();
    columns(one) == columns(other)
}

fn value_of<'m>(map: &'m BTreeMap<String, String>, name: &str) -> &'m str {
    map.get(name).map_or("", String::as_str)
}

/// A column: Hive knows names in lower case only.
fn column_of(name: &str, type_name: String) -> Struct {
    Struct::default().with(column::NAME, name.to_ascii_lowercase()).with(column::TYPE, type_name)
}

fn describe(column: &Struct) -> String {
    format!("{} {}", column.text(column::NAME), column.text(column::TYPE))
}

/// A URL in one spelling.
fn normal(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let authority = authority.to_ascii_lowercase();
    let authority = authority.strip_suffix(&format!(":{NAME_NODE_PORT}")).unwrap_or(&authority);
    format!("{scheme}://{authority}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::hive::Hive as HiveText;

    type Change = fn(&mut Description);

    fn description(dialect: Dialect) -> Description {
        Description {
            database: "default".to_owned(),
            name: "offers".to_owned(),
            owner: "me".to_owned(),
            location: "hdfs://nn:8020/events/offers".to_owned(),
            dialect,
            columns: vec![
                Column { name: "Id".to_owned(), column_type: ColumnType::BigInt },
                Column { name: "price".to_owned(), column_type: ColumnType::Double },
            ],
            partition_column: Some("dt".to_owned()),
        }
    }

    fn hive_text() -> Description {
        description(Dialect::Hive(HiveText { delimiter: b',' }))
    }

    fn columns(found: &Struct) -> Vec<String> {
        found.fields(table::STORAGE).structs(storage::COLUMNS).map(describe).collect()
    }

    #[test]
    fn a_table_that_was_created_is_the_same_and_its_names_are_in_lower_case() {
        for dialect in
            [Dialect::Hive(HiveText { delimiter: b'\t' }), Dialect::Rfc4180(Rfc4180 { delimiter: b';', header: true })]
        {
            let description = description(dialect);
            assert_eq!(description.compare(&description.table()), Found::Same);
        }
        assert_eq!(columns(&hive_text().table()), ["id bigint", "price double"]);
        let csv = description(Dialect::Rfc4180(Rfc4180 { delimiter: b',', header: false }));
        assert_eq!(columns(&csv.table()), ["id string", "price string"]);
    }

    #[test]
    fn new_and_wider_columns_are_added_and_all_else_stays() {
        let mut older = hive_text();
        older.columns.pop();
        older.columns[0].column_type = ColumnType::Int;
        let mut found = older.table().with(18, Value::I32(2));
        let mut own_storage = found.fields(table::STORAGE);
        let commented = column_of("id", "int".to_owned()).with(3, "the offer");
        own_storage.set(storage::COLUMNS, Value::structs([commented.clone()]));
        found.set(table::STORAGE, own_storage.clone());
        let Found::Behind(altered) = hive_text().compare(&found) else { panic!("not behind") };
        assert_eq!(columns(&altered), ["id bigint", "price double"]);
        let id = commented.with(column::TYPE, "bigint");
        assert_eq!(altered.fields(table::STORAGE).structs(storage::COLUMNS).next(), Some(&id));
        assert_eq!(altered.get(18), Some(&Value::I32(2)), "a field that the connector does not know");
        assert_eq!(hive_text().compare(&altered), Found::Same);
    }

    #[test]
    fn a_table_of_someone_elses_is_told_apart_by_what_differs() {
        let changed = |change: Change| {
            let mut description = hive_text();
            change(&mut description);
            match hive_text().compare(&description.table()) {
                Found::Other(difference) => difference,
                found => panic!("{found:?}"),
            }
        };
        let managed = hive_text().table().with(table::TYPE, "MANAGED_TABLE");
        assert_eq!(
            hive_text().compare(&managed),
            Found::Other("its type is `MANAGED_TABLE`, and the sink's `EXTERNAL_TABLE`".to_owned())
        );
        let cases: [(Change, &str); 8] = [
            (|other| other.location = "hdfs://nn:8020/else".to_owned(), "its location is `hdfs://nn:8020/else`"),
            (|other| other.location = "hdfs://other/events/offers".to_owned(), "its location"),
            (|other| other.partition_column = None, "its partition columns is ``, and the sink's `dt string`"),
            (|other| other.dialect = Dialect::Hive(HiveText { delimiter: b'\t' }), "its SerDe property field.delim"),
            (|other| other.dialect = Dialect::Rfc4180(Rfc4180 { delimiter: b',', header: false }), "its SerDe is"),
            (
                |other| other.columns[1].name = "cost".to_owned(),
                "its column 2 is `cost` double, and the sink's `price`",
            ),
            (|other| other.columns[0].column_type = ColumnType::String, "its column 1 is `id` string"),
            (|other| other.columns.push(other.columns[0].clone()), "it has a column `id`"),
        ];
        for (change, expected) in cases {
            let difference = changed(change);
            assert!(difference.contains(expected), "{difference}");
        }
    }

    #[test]
    fn the_name_nodes_own_port_may_be_left_out() {
        assert_eq!(normal("hdfs://NN:8020/a/"), normal("hdfs://nn/a"));
        assert_ne!(normal("hdfs://nn:9000/a"), normal("hdfs://nn/a"));
        assert_ne!(normal("hdfs://nn/a"), normal("hdfs://nn/b"));
    }
}
