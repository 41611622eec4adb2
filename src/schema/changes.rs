//! The table of docs/understand/schema-evolution.md: what comes of a field that gets another type, made by doing it.

use apache_avro::Schema;
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::row::Dialect;
use crate::row::compression::Compression;
use crate::row::file_format::FileFormat;
use crate::row::hive::Hive;
use crate::row::settings::RowSettings;
use crate::schema::oracle::{info, row};
use crate::schema::page::check_table;
use crate::schema::plan::Plan;
use crate::schema::table::TableColumns;
use crate::schema::writer::WriterSchema;
use crate::value::column::Column;

fn record(field: &Json) -> Json {
    json!({ "type": "record", "name": "R", "fields": [{ "name": "v", "type": field }] })
}

/// Whether Pulsar lets a consumer of one schema read what producers of the other write: it goes by Avro's rules, which know no
/// logical types, and looks at no symbols (tests/evolution.rs asks a broker).
fn reads(reader: &Json, writer: &Json) -> bool {
    fn bare(schema: &Json) -> Json {
        match schema {
            Json::Array(branches) => branches.iter().map(bare).collect(),
            Json::Object(members) => {
                let bare = members.iter().filter_map(|(name, member)| match name.as_str() {
                    "logicalType" | "precision" | "scale" => None,
                    "symbols" => Some((name.clone(), json!(["ANY"]))),
                    _ => Some((name.clone(), bare(member))),
                });
                bare.collect()
            }
            other => other.clone(),
        }
    }
    let [reader, writer] = [reader, writer].map(|schema| Schema::parse(&bare(&record(schema))).unwrap());
    matches!(SchemaCompatibility::can_read(&writer, &reader), Ok(Compatibility::Full))
}

/// A change of a field's type, as tests/oracle/type-changes.json has it: the payloads, which are no work of the connector's, hold
/// this one field.
#[derive(Deserialize)]
struct Change {
    was: Json,
    old: String,
    is: Json,
    /// In words.
    value: String,
    new: String,
}

/// The column after the change, and the text of the new value there; or why the new record is bad.
fn outcome(change: &Change) -> Result<(String, String), String> {
    let compiled = |field: &Json| WriterSchema::compile(&info("AVRO", &record(field).to_string())).unwrap();
    let format = FileFormat { dialect: Dialect::Hive(Hive { delimiter: b',' }), compression: Compression::None };
    let settings = RowSettings { format, metadata: vec![], partitioning: None };
    let text = |schema: &WriterSchema, columns: &[Column], payload: &str| {
        let plan = Plan::new(&settings, schema, &TableColumns { version: 1, columns: columns.to_vec() });
        let fields = row(&plan, None, &bytes(payload)).map_err(|bad| bad.to_string())?;
        Ok::<_, String>(fields.into_iter().next().flatten().expect("a value became NULL"))
    };
    let (old, new) = (compiled(&change.was), compiled(&change.is));
    let table = TableColumns { version: 1, columns: old.columns() };
    let before = text(&old, &table.columns, &change.old).unwrap();
    let columns = table.with_columns_of(&new).map_err(|error| error.to_string())?.unwrap_or(table.columns);
    let after = text(&old, &columns, &change.old).unwrap();
    assert!(before == after || change.was == "float", "an old record has become another: {before}, {after}");
    Ok((columns[0].column_type.to_string(), text(&new, &columns, &change.new)?))
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}

/// A type as people call it.
fn name(schema: &Json) -> String {
    let names = |all: &Json| all.as_array().unwrap().iter().map(name).collect::<Vec<_>>();
    match schema {
        Json::String(name) => name.clone(),
        Json::Array(_) => names(schema).join(" or "),
        _ => match (schema["logicalType"].as_str(), schema["type"].as_str().unwrap()) {
            (Some("decimal"), _) => format!("decimal({},{})", schema["precision"], schema["scale"]),
            (Some(logical), base) => format!("{base} {logical}"),
            (None, "enum") => format!("enum {}", names(&schema["symbols"]).join(", ")),
            (None, "array") => format!("array of {}", name(&schema["items"])),
            (None, _) => {
                let field = |field: &Json| format!("{} {}", field["name"].as_str().unwrap(), name(&field["type"]));
                let fields: Vec<_> = schema["fields"].as_array().unwrap().iter().map(field).collect();
                format!("record of {}", fields.join(", "))
            }
        },
    }
}

fn table() -> String {
    let mut lines = "| was | is now | FULL | BACKWARD | FORWARD | the column | a new value | its text |\n|---|---|---|---|---|---|---|---|\n".to_owned();
    let changes: Vec<Change> = serde_json::from_str(include_str!("../../tests/oracle/type-changes.json")).unwrap();
    for change in &changes {
        let Change { was, is, value, .. } = change;
        let (backward, forward) = (reads(is, was), reads(was, is));
        let [full, backward, forward] =
            [backward && forward, backward, forward].map(|yes| if yes { "yes" } else { "–" });
        let what = match outcome(change) {
            Ok((column, text)) => format!("{column} | {value} | `{text}`"),
            Err(why) => format!("as it was | {value} | bad: {}", why),
        };
        let (was, is) = (name(was), name(is));
        lines += &format!("| {was} | {is} | {full} | {backward} | {forward} | {what} |\n");
    }
    lines
}

#[test]
fn the_table_of_changes_on_the_page_of_schema_evolution_is_what_becomes_of_them() {
    check_table("schema-evolution.md", "table_of_changes", &table());
}
