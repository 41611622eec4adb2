//! The events' tables: columns, types, descriptions and codes, as the schemas have them.

use anyhow::{Context, Result, anyhow, bail, ensure};
use apache_avro::Schema;
use apache_avro::schema::RecordField;
use pulsar_io_hdfs_csv::decode::types::{Kind, Type};
use pulsar_io_hdfs_csv::schema::writer::{Format, Input, SchemaInfo, WriterSchema};
use pulsar_io_hdfs_csv::value::column::{Column, ColumnType};

use super::script::{literal, quoted};
use crate::catalogue::Catalogue;
use crate::event::EventKind;

/// The field that every event begins with: when it happened.
pub const TIME: &str = "timestamp";
/// The field that every event has second: who did it.
pub const USER: &str = "user_id";

/// An event's table.
#[derive(Clone, Debug)]
pub struct EventTable {
    /// The event.
    pub kind: EventKind,
    /// What the event is.
    pub comment: String,
    /// In the schema's order.
    pub columns: Vec<EventColumn>,
}

/// A column of an event's table.
#[derive(Clone, Debug)]
pub struct EventColumn {
    /// The field's name.
    pub name: String,
    /// Its type in the files and in Hive, by the connector's own mapping.
    pub column_type: ColumnType,
    /// Its type in the schema.
    pub kind: Kind,
    /// It may be null.
    pub nullable: bool,
    /// What it is.
    pub comment: String,
    /// What its values mean, if they are codes, in ascending order.
    pub codes: Vec<(i32, String)>,
}

/// The tables of all events.
pub fn event_tables(catalogue: &Catalogue) -> Result<Vec<EventTable>> {
    let table = |&kind: &EventKind| {
        event_table(catalogue, kind).with_context(|| format!("schemas/{}.avsc gives no table", kind.name()))
    };
    EventKind::ALL.iter().map(table).collect()
}

fn event_table(catalogue: &Catalogue, kind: EventKind) -> Result<EventTable> {
    let info =
        SchemaInfo { schema_type: "AVRO".to_owned(), schema: kind.schema_text().to_owned(), ..SchemaInfo::default() };
    let writer = WriterSchema::compile(&info)?;
    let Input::Payload(Format::Avro { fields: types, .. }) = writer.input.as_ref() else {
        bail!("it is no Avro record");
    };
    let (fields, own) = (catalogue.fields(kind)?, writer.columns());
    ensure!(fields.len() == types.len() && fields.len() == own.len(), "its fields are not its columns");
    let column = |((field, one), own): ((&RecordField, &Type), &Column)| {
        Ok(EventColumn {
            name: own.name.clone(),
            column_type: own.column_type,
            kind: one.kind.clone(),
            nullable: one.null_branch.is_some(),
            comment: field.doc.clone().unwrap_or_default(),
            codes: codes(field)?,
        })
    };
    let columns = fields.iter().zip(types).zip(&own).map(column).collect::<Result<Vec<_>>>()?;
    let coded: Vec<&EventColumn> = columns.iter().filter(|column| !column.codes.is_empty()).collect();
    ensure!(coded.len() <= 1, "it has {} fields with `codes`; what is counted has room for one", coded.len());
    let countable = coded.iter().all(|column| column.kind == Kind::Int && !column.nullable);
    ensure!(countable, "a field with `codes` must be an int and not nullable");
    let comment = match catalogue.schema(kind) {
        Schema::Record(record) => record.doc.clone().unwrap_or_default(),
        _ => String::new(),
    };
    Ok(EventTable { kind, comment, columns })
}

/// What a field's `codes` say: Avro keeps properties that it does not know.
fn codes(field: &RecordField) -> Result<Vec<(i32, String)>> {
    let Some(codes) = field.custom_attributes.get("codes") else { return Ok(Vec::new()) };
    let wrong = || anyhow!("`codes` of {} is no object of names by number, such as {{\"0\": \"mail\"}}", field.name);
    let mut names = Vec::new();
    for (code, name) in codes.as_object().ok_or_else(wrong)? {
        names.push((code.parse().map_err(|_| wrong())?, name.as_str().ok_or_else(wrong)?.to_owned()));
    }
    names.sort();
    Ok(names)
}

impl EventTable {
    /// Its name: the event's.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    /// The column of codes, if it has one.
    pub fn coded(&self) -> Option<&EventColumn> {
        self.columns.iter().find(|column| !column.codes.is_empty())
    }
}

impl EventColumn {
    /// The names of its codes as the branches of a `CASE`; other codes become their number.
    pub fn code_name(&self, to_text: impl Fn(&str) -> String) -> String {
        let column = quoted(&self.name);
        let branch = |(code, name): &(i32, String)| format!("WHEN {code} THEN {}", literal(name));
        let branches: Vec<String> = self.codes.iter().map(branch).collect();
        format!("CASE {column} {} ELSE {} END", branches.join(" "), to_text(&column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_nullability_and_codes_are_the_schemas() {
        let tables = event_tables(&Catalogue::load().unwrap()).unwrap();
        assert_eq!(tables.len(), 21);
        for table in &tables {
            assert_eq!([&*table.columns[0].name, &*table.columns[1].name], [TIME, USER]);
        }
        let item_return = tables.iter().find(|table| table.name() == "item_return").unwrap();
        let described: Vec<String> = item_return
            .columns
            .iter()
            .map(|column| format!("{} {} {}", column.name, column.column_type, column.nullable))
            .collect();
        let expected = [
            "timestamp timestamp false",
            "user_id bigint false",
            "item_id bigint false",
            "order_id bigint false",
            "reason_type int false",
            "reason_user_message string true",
        ];
        assert_eq!(described, expected);
        let codes = &item_return.coded().unwrap().codes;
        assert_eq!(codes.len(), 5);
        assert_eq!(codes[1], (1, "defect".to_owned()));
        assert_eq!(tables.iter().filter(|table| table.coded().is_some()).count(), 5);
    }
}
