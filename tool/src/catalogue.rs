//! The schemas of all events, parsed once.

use anyhow::{Context, Result, bail};
use apache_avro::Schema;
use apache_avro::schema::RecordField;

use crate::event::EventKind;

/// The parsed schemas of all events.
pub struct Catalogue {
    schemas: Vec<Schema>,
}

impl Catalogue {
    /// Parses the schemas that this program was built with.
    pub fn load() -> Result<Catalogue> {
        let parse = |kind: &EventKind| {
            Schema::parse_str(kind.schema_text())
                .with_context(|| format!("schemas/{}.avsc is no Avro schema", kind.name()))
        };
        Ok(Catalogue { schemas: EventKind::ALL.iter().map(parse).collect::<Result<_>>()? })
    }

    /// An event's schema.
    pub fn schema(&self, kind: EventKind) -> &Schema {
        &self.schemas[kind.index()]
    }

    /// An event's fields, in order.
    pub fn fields(&self, kind: EventKind) -> Result<&[RecordField]> {
        match self.schema(kind) {
            Schema::Record(record) => Ok(&record.fields),
            other => bail!("schemas/{}.avsc must be a record, not {other:?}", kind.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_folder_holds_exactly_these_schemas() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas");
        let files: BTreeSet<String> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        let kinds: BTreeSet<String> = EventKind::ALL.iter().map(|kind| format!("{}.avsc", kind.name())).collect();
        assert_eq!(files, kinds);
        assert_eq!(kinds.len(), 21);
    }

    #[test]
    fn every_record_and_field_is_described() {
        let catalogue = Catalogue::load().unwrap();
        for &kind in EventKind::ALL {
            let Schema::Record(record) = catalogue.schema(kind) else { panic!("{} is no record", kind.name()) };
            let camel_case: String = kind.name().split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
            assert_eq!(record.name.to_string(), format!("marketplace.events.{camel_case}"));
            assert!(record.doc.is_some(), "{} has no doc", kind.name());
            for field in &record.fields {
                assert!(field.doc.is_some(), "{}.{} has no doc", kind.name(), field.name);
            }
            assert_eq!(record.fields[0].name, "timestamp");
            assert_eq!(record.fields[0].schema, Schema::TimestampMillis);
            assert_eq!(record.fields[1].name, "user_id");
            assert_eq!(record.fields[1].schema, Schema::Long);
        }
    }

    #[test]
    fn every_code_is_named_in_the_doc_and_in_codes() {
        let catalogue = Catalogue::load().unwrap();
        let mut coded = 0;
        for &kind in EventKind::ALL {
            for field in catalogue.fields(kind).unwrap() {
                assert_eq!(field.name.ends_with("_type"), field.schema == Schema::Int);
                let Some(codes) = field.custom_attributes.get("codes") else {
                    assert_ne!(field.schema, Schema::Int, "{}.{} has no codes", kind.name(), field.name);
                    continue;
                };
                coded += 1;
                for (code, meaning) in codes.as_object().unwrap() {
                    let text = format!("{code} {}", meaning.as_str().unwrap());
                    assert!(field.doc.as_ref().unwrap().contains(&text), "{}: {text}", kind.name());
                }
            }
        }
        assert_eq!(coded, 5);
    }

    #[test]
    fn nullable_fields_default_to_null() {
        let catalogue = Catalogue::load().unwrap();
        let mut nullable = Vec::new();
        for &kind in EventKind::ALL {
            for field in catalogue.fields(kind).unwrap() {
                if let Schema::Union(union) = &field.schema {
                    assert_eq!(union.variants()[0], Schema::Null);
                    assert_eq!(field.default, Some(serde_json::Value::Null));
                    nullable.push(field.name.as_str());
                }
            }
        }
        let expected =
            ["price_min", "price_max", "rating_min", "rating_max", "reason_user_message", "parent_category_id"];
        assert_eq!(nullable, expected);
    }
}
