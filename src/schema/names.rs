//! What Avro names may be: as in Avro for Java, which wrote most schemas and is more liberal than the specification. It looks at
//! no namespace.

use std::sync::Once;

use apache_avro::AvroResult;
use apache_avro::error::Details;
use apache_avro::validator::{
    EnumSymbolNameValidator, RecordFieldNameValidator, SchemaNameValidator, SchemaNamespaceValidator,
    set_enum_symbol_name_validator, set_record_field_name_validator, set_schema_name_validator,
    set_schema_namespace_validator,
};

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
