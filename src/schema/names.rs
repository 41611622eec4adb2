//! What Avro names may be and which type they mean: as in Avro for Java, which wrote most schemas and is more liberal than the
//! specification. It looks at no namespace.

use std::collections::HashSet;
use std::sync::Once;

use apache_avro::AvroResult;
use apache_avro::error::Details;
use apache_avro::schema::Name;
use apache_avro::validator::{
    EnumSymbolNameValidator, RecordFieldNameValidator, SchemaNameValidator, SchemaNamespaceValidator,
    set_enum_symbol_name_validator, set_record_field_name_validator, set_schema_name_validator,
    set_schema_namespace_validator,
};
use serde_json::Value as Json;

/// Stands for the lack of a namespace where the parser would take the enclosing one.
const NO_NAMESPACE: &str = "\0";

struct AsInJava;

/// A class nested in a class gets a namespace with a `$`.
impl SchemaNameValidator for AsInJava {
    fn validate(&self, name: &str) -> AvroResult<usize> {
        let start = name.rfind('.').map_or(0, |dot| dot + 1);
        if is_name(&name[start..]) {
            Ok(start)
        } else {
            Err(Details::InvalidSchemaName(name.to_owned(), "letters, digits, _ and $").into())
        }
    }
}

impl SchemaNamespaceValidator for AsInJava {
    fn validate(&self, _: &str) -> AvroResult<()> {
        Ok(())
    }
}

impl EnumSymbolNameValidator for AsInJava {
    fn validate(&self, symbol: &str) -> AvroResult<()> {
        if is_name(symbol) { Ok(()) } else { Err(Details::EnumSymbolName(symbol.to_owned()).into()) }
    }
}

impl RecordFieldNameValidator for AsInJava {
    fn validate(&self, name: &str) -> AvroResult<()> {
        if is_name(name) { Ok(()) } else { Err(Details::FieldName(name.to_owned()).into()) }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '$')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$')
}

/// Lets the parser take names that Java takes. It can be told once in a process, before it parses anything.
pub(crate) fn allow_names_of_java() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A second validator is refused; then the process has parsed schemas already, under the specification's rules.
        let _ = set_schema_name_validator(Box::new(AsInJava));
        let _ = set_schema_namespace_validator(Box::new(AsInJava));
        let _ = set_record_field_name_validator(Box::new(AsInJava));
        let _ = set_enum_symbol_name_validator(Box::new(AsInJava));
    });
}

/// Lets a bare name within a namespace mean the type without one, where the namespace has no type of that name: so Java
/// finds it, but not the parser. [`full_name`] gives the types their names back.
pub(crate) fn resolve_as_java(schema: &mut Json) {
    resolve(schema, "", &mut HashSet::new());
}

/// The full name as the schema has it.
pub(crate) fn full_name(name: &Name) -> String {
    let full = name.fullname(None);
    full.strip_prefix(NO_NAMESPACE).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned).unwrap_or(full)
}

fn resolve(schema: &mut Json, enclosing: &str, defined: &mut HashSet<String>) {
    match schema {
        Json::String(name) if !name.contains('.') && !defined.contains(&join(enclosing, name)) => {
            let without = join(NO_NAMESPACE, name);
            if defined.contains(&without) {
                *name = without;
            }
        }
        Json::Array(branches) => branches.iter_mut().for_each(|branch| resolve(branch, enclosing, defined)),
        Json::Object(members) => {
            let text = |name| members.get(name).and_then(Json::as_str);
            if !matches!(text("type"), Some("record" | "enum" | "fixed")) {
                // There `type` is a built-in name, also where a type has that name.
                let is_container = matches!(text("type"), Some("array" | "map"));
                let inner: &[&str] = if is_container { &["items", "values"] } else { &["type"] };
                for name in inner {
                    members.get_mut(*name).into_iter().for_each(|inner| resolve(inner, enclosing, defined));
                }
                return;
            }
            let Some(name) = text("name") else { return };
            let space = match name.rsplit_once('.') {
                Some((space, _)) => space,
                None => text("namespace").unwrap_or(enclosing),
            };
            let bare = name.rsplit('.').next().unwrap_or(name).to_owned();
            let space = if space.is_empty() { NO_NAMESPACE } else { space }.to_owned();
            defined.insert(join(&space, &bare));
            members.insert("name".to_owned(), bare.into());
            members.insert("namespace".to_owned(), space.as_str().into());
            for field in members.get_mut("fields").and_then(Json::as_array_mut).into_iter().flatten() {
                field.get_mut("type").into_iter().for_each(|kind| resolve(kind, &space, defined));
            }
        }
        _ => {}
    }
}

fn join(space: &str, name: &str) -> String {
    format!("{space}.{name}")
}

#[cfg(test)]
mod tests {
    use crate::schema::oracle::{info, plan, row};

    #[test]
    fn a_bare_name_is_the_type_of_its_namespace_or_else_the_one_without() {
        let schema = r#"{"type": "record", "name": "R", "fields": [
            {"name": "a", "type": {"type": "enum", "name": "E", "symbols": ["X", "Y"]}},
            {"name": "b", "type": {"type": "record", "name": "I", "namespace": "of.others", "fields": [
                {"name": "e", "type": "E"},
                {"name": "next", "type": ["null", "I", "R"]},
                {"name": "u", "type": {"type": "array", "items": ["null", "E", "string"]}},
                {"name": "f", "type": {"type": "enum", "name": "F", "symbols": ["V", "W"]}},
                {"name": "again", "type": "F"}]}},
            {"name": "c", "type": {"type": "fixed", "name": ".F", "size": 1}},
            {"name": "d", "type": "F"}]}"#;
        let payload = [2, 0, 0, 2, 2, 2, 0, 0, 2, 1, 2];
        let texts = row(&plan(&info("AVRO", schema), false), None, &payload).unwrap();
        let texts: Vec<_> = texts.iter().map(|text| text.as_deref().unwrap()).collect();
        assert_eq!(texts, ["Y", r#"{"e":"X","next":null,"u":[{"E":"Y"}],"f":"V","again":"W"}"#, "AQ==", "Ag=="]);
    }

    #[test]
    fn a_type_called_as_a_built_in_one_is_not_taken_for_it() {
        let schema = r#"{"type": "record", "name": "R", "fields": [
            {"name": "a", "type": {"type": "enum", "name": "array", "symbols": ["X", "Y"]}},
            {"name": "b", "type": {"type": "record", "name": "I", "namespace": "of.others", "fields": [
                {"name": "e", "type": {"type": "array", "items": "array"}}]}}]}"#;
        let texts = row(&plan(&info("AVRO", schema), false), None, &[2, 2, 2, 0]).unwrap();
        assert_eq!(texts, [Some("Y".to_owned()), Some(r#"{"e":["Y"]}"#.to_owned())]);
    }
}
