//! From an Avro schema to types. Pulsar describes its JSON topics by Avro schemas too.

use std::collections::{HashMap, HashSet};

use apache_avro::Schema;
use serde_json::Value as Json;

use apache_avro::schema::{DecimalSchema, InnerDecimalSchema, Name, RecordSchema, UnionSchema, UuidSchema};

use crate::decode::left_out::LeftOut;
use crate::decode::types::{Branch, Kind, RecordType, Type, Types};
use crate::schema::names::{allow_names_of_java, full_name, resolve_as_java};
use crate::value::decimal::{Decimal, MOST_DIGITS};

/// The longest name of a type or a field, and the longest namespace, in bytes. The parser gives each type its whole name: many types in
/// a long namespace would take many times the memory of the schema's text.
const LONGEST_NAME: usize = 1_000;

/// The types of this schema; what is wrong with it, in words.
pub(crate) fn compile(schema: &str) -> Result<Types, String> {
    allow_names_of_java();
    let unreadable =
        |error: &dyn std::error::Error| format!("the Avro schema cannot be parsed: {}", with_causes(error));
    let mut schema = serde_json::from_str(schema).map_err(|error| unreadable(&error))?;
    adapt(&mut schema);
    let longest = longest_name(&schema);
    if longest > LONGEST_NAME {
        return Err(format!("a name in the Avro schema has {longest} bytes, and may have {LONGEST_NAME}"));
    }
    let mut compiler = Compiler::default();
    find_characters(&schema, &mut 0, &mut compiler.characters);
    let schema = Schema::parse(&schema).or_else(|error| {
        resolve_as_java(&mut schema);
        Schema::parse(&schema).map_err(|_| unreadable(&error))
    })?;
    let root = compiler.compile(&schema)?;
    Ok(Types { root, records: compiler.records, left_out: LeftOut::default() })
}

/// The bytes of the longest name or namespace.
fn longest_name(schema: &Json) -> usize {
    match schema {
        Json::Array(items) => items.iter().map(longest_name).max().unwrap_or(0),
        Json::Object(members) => {
            let length = |(name, member): (&String, &Json)| match (name.as_str(), member) {
                ("name" | "namespace", Json::String(text)) => text.len(),
                (_, member) => longest_name(member),
            };
            members.iter().map(length).max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// Makes of a schema that Avro for Java reads one that the parser reads. Defaults and aliases are left out: no writer uses them, and
/// Java lets defaults be of any type (Pulsar turns its check off) and aliases be any text. An error is a record. A logical type
/// that is no text is none.
fn adapt(schema: &mut Json) {
    match schema {
        Json::Array(branches) => branches.iter_mut().for_each(adapt),
        Json::Object(members) => {
            members.remove("default");
            members.remove("aliases");
            if members.get("logicalType").is_some_and(|meaning| !meaning.is_string()) {
                members.remove("logicalType");
            }
            // A field without fields may be of a type of that name.
            if members.contains_key("fields") && members.get("type").is_some_and(|kind| kind == "error") {
                members.insert("type".to_owned(), "record".into());
            }
            for name in ["type", "items", "values", "fields"] {
                members.get_mut(name).into_iter().for_each(adapt);
            }
        }
        _ => {}
    }
}

/// Finds the fields that reflection made of Java's characters, or of arrays and maps of them: the parser does not give the attributes of an int. Fields are
/// known by the number of their record, counted as [`Compiler::record`] does, and by their place in it.
fn find_characters(schema: &Json, records: &mut usize, found: &mut HashSet<(usize, usize)>) {
    match schema {
        Json::Array(branches) => branches.iter().for_each(|branch| find_characters(branch, records, found)),
        Json::Object(members) => match members.get("type").and_then(Json::as_str) {
            Some("record") => {
                let number = *records;
                *records += 1;
                let fields = members.get("fields").and_then(Json::as_array);
                for (at, field) in fields.into_iter().flatten().enumerate() {
                    let Some(field) = field.get("type") else { continue };
                    if has_characters(field) {
                        found.insert((number, at));
                    }
                    find_characters(field, records, found);
                }
            }
            _ => {
                for name in ["type", "items", "values"] {
                    members.get(name).into_iter().for_each(|inner| find_characters(inner, records, found));
                }
            }
        },
        _ => {}
    }
}

/// Whether a type is that of characters, or of an array or a map of them.
fn has_characters(schema: &Json) -> bool {
    match schema {
        Json::Array(branches) => branches.iter().any(has_characters),
        schema if schema["type"] == "array" => has_characters(&schema["items"]),
        schema if schema["type"] == "map" => has_characters(&schema["values"]),
        schema => schema["type"] == "int" && schema["java-class"] == "java.lang.Character",
    }
}

/// Makes the ints of such a type characters.
fn make_characters(kind: &mut Kind) {
    match kind {
        Kind::Int => *kind = Kind::Character,
        Kind::Array(inner) | Kind::Map(inner) => make_characters(&mut inner.kind),
        _ => {}
    }
}

/// An error's text and that of what caused it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string);
    std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ")
}

#[derive(Default)]
struct Compiler {
    records: Vec<RecordType>,
    named: HashMap<String, Kind>,
    characters: HashSet<(usize, usize)>,
}

impl Compiler {
    fn compile(&mut self, schema: &Schema) -> Result<Type, String> {
        let Schema::Union(union) = schema else {
            return Ok(Type { kind: self.kind(schema)?, null_branch: None });
        };
        Ok(match union.variants() {
            [Schema::Null, other] => Type { kind: self.kind(other)?, null_branch: Some(0) },
            [other, Schema::Null] => Type { kind: self.kind(other)?, null_branch: Some(1) },
            _ => Type { kind: self.union(union)?, null_branch: None },
        })
    }

    fn kind(&mut self, schema: &Schema) -> Result<Kind, String> {
        Ok(match schema {
            Schema::Null => Kind::Null,
            Schema::Boolean => Kind::Boolean,
            Schema::Int => Kind::Int,
            Schema::Long => Kind::Long,
            Schema::Float => Kind::Float,
            Schema::Double => Kind::Double,
            Schema::Bytes | Schema::Uuid(UuidSchema::Bytes) => Kind::Bytes,
            Schema::String | Schema::Uuid(UuidSchema::String) => Kind::String,
            Schema::Fixed(fixed) => self.name(&fixed.name, Kind::Fixed(fixed.size)),
            Schema::Enum(symbols) => {
                let kind = Kind::Enum(symbols.symbols.iter().map(|symbol| symbol.as_str().into()).collect());
                self.name(&symbols.name, kind)
            }
            Schema::Decimal(DecimalSchema { precision, inner: InnerDecimalSchema::Fixed(fixed), .. })
                if *precision > most_digits(fixed.size) =>
            {
                self.name(&fixed.name, Kind::Fixed(fixed.size))
            }
            Schema::Decimal(schema) => {
                let kind = Kind::Decimal(decimal(schema)?);
                match &schema.inner {
                    InnerDecimalSchema::Bytes => kind,
                    InnerDecimalSchema::Fixed(fixed) => self.name(&fixed.name, kind),
                }
            }
            Schema::BigDecimal => Kind::BigDecimal,
            Schema::Date => Kind::Date,
            Schema::TimeMillis => Kind::TimeMillis,
            Schema::TimeMicros => Kind::TimeMicros,
            Schema::TimestampMillis | Schema::LocalTimestampMillis => Kind::TimestampMillis,
            Schema::TimestampMicros | Schema::LocalTimestampMicros => Kind::TimestampMicros,
            Schema::TimestampNanos | Schema::LocalTimestampNanos => Kind::TimestampNanos,
            Schema::Uuid(UuidSchema::Fixed(fixed)) => self.name(&fixed.name, Kind::Uuid),
            Schema::Duration(fixed) => self.name(&fixed.name, Kind::Duration),
            Schema::Record(record) => self.record(record)?,
            Schema::Array(array) => Kind::Array(Box::new(self.compile(&array.items)?)),
            Schema::Map(map) => Kind::Map(Box::new(self.compile(&map.types)?)),
            Schema::Union(union) => self.union(union)?,
            Schema::Ref { name } => {
                let name = full_name(name);
                self.named.get(&name).cloned().ok_or_else(|| format!("type `{name}` is used but not defined"))?
            }
        })
    }

    fn name(&mut self, name: &Name, kind: Kind) -> Kind {
        self.named.insert(full_name(name), kind.clone());
        kind
    }

    fn record(&mut self, record: &RecordSchema) -> Result<Kind, String> {
        // Its number is known before its fields, which may refer to it.
        let number = self.records.len();
        self.records.push(RecordType::default());
        let kind = self.name(&record.name, Kind::Record(number));
        let mut fields = Vec::with_capacity(record.fields.len());
        for (at, field) in record.fields.iter().enumerate() {
            let mut compiled = self.compile(&field.schema).map_err(|what| format!("field `{}`: {what}", field.name))?;
            if self.characters.contains(&(number, at)) {
                make_characters(&mut compiled.kind);
            }
            fields.push((field.name.as_str().into(), compiled));
        }
        let by_name = record.fields.iter().enumerate().map(|(at, field)| (field.name.as_str().into(), at)).collect();
        self.records[number] = RecordType { fields, by_name };
        Ok(kind)
    }

    fn union(&mut self, union: &UnionSchema) -> Result<Kind, String> {
        let branches: Result<_, String> = union
            .variants()
            .iter()
            .map(|schema| Ok(Branch { name: branch_name(schema).into(), kind: self.kind(schema)? }))
            .collect();
        Ok(Kind::Union(branches?))
    }
}

/// How many digits a decimal in so many bytes can have: Java takes a fixed that is too small for its precision as bytes.
fn most_digits(size: usize) -> usize {
    let bits = size.saturating_mul(8).saturating_sub(1);
    (bits as f64 * std::f64::consts::LOG10_2).floor() as usize
}

fn decimal(schema: &DecimalSchema) -> Result<Decimal, String> {
    // A larger precision is taken: only values with more digits are bad.
    let precision = schema.precision.min(MOST_DIGITS);
    if schema.scale > precision {
        return Err(format!(
            "a decimal of scale {} cannot be held: Hive's decimal has {MOST_DIGITS} digits",
            schema.scale
        ));
    }
    let size = match &schema.inner {
        InnerDecimalSchema::Bytes => None,
        InnerDecimalSchema::Fixed(fixed) => Some(fixed.size),
    };
    Ok(Decimal { precision: precision as u8, scale: schema.scale as u8, size })
}

/// The name of a union's branch in Avro's JSON encoding.
fn branch_name(schema: &Schema) -> String {
    let name = match schema {
        Schema::Null => "null",
        Schema::Boolean => "boolean",
        Schema::Int | Schema::Date | Schema::TimeMillis => "int",
        Schema::Float => "float",
        Schema::Double => "double",
        Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => "bytes",
        Schema::String | Schema::Uuid(UuidSchema::String) => "string",
        Schema::Array(_) => "array",
        Schema::Map(_) => "map",
        Schema::Union(_) => "union",
        Schema::Long
        | Schema::TimeMicros
        | Schema::TimestampMillis
        | Schema::TimestampMicros
        | Schema::TimestampNanos
        | Schema::LocalTimestampMillis
        | Schema::LocalTimestampMicros
        | Schema::LocalTimestampNanos => "long",
        Schema::Decimal(DecimalSchema { inner: InnerDecimalSchema::Bytes, .. }) => "bytes",
        Schema::Decimal(DecimalSchema { inner: InnerDecimalSchema::Fixed(fixed), .. })
        | Schema::Fixed(fixed)
        | Schema::Uuid(UuidSchema::Fixed(fixed))
        | Schema::Duration(fixed) => return full_name(&fixed.name),
        Schema::Enum(schema) => return full_name(&schema.name),
        Schema::Record(schema) => return full_name(&schema.name),
        Schema::Ref { name } => return full_name(name),
    };
    name.to_owned()
}
