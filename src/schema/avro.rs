//! From an Avro schema to types. Pulsar describes its JSON topics by Avro schemas too.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{DecimalSchema, InnerDecimalSchema, Name, RecordSchema, UnionSchema, UuidSchema};

use super::names::allow_names_of_java;
use super::types::{Branch, Decimal, Kind, MOST_DIGITS, RecordType, Type, Types};

/// The types of this schema; what is wrong with it, in words.
pub fn compile(schema: &str) -> Result<Types, String> {
    allow_names_of_java();
    let schema = Schema::parse_str(schema)
        .map_err(|error| format!("the Avro schema cannot be parsed: {}", with_causes(&error)))?;
    let mut compiler = Compiler::default();
    let root = compiler.compile(&schema)?;
    Ok(Types { root, records: compiler.records })
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
                let name = name.fullname(None);
                self.named.get(&name).cloned().ok_or_else(|| format!("type `{name}` is used but not defined"))?
            }
        })
    }

    fn name(&mut self, name: &Name, kind: Kind) -> Kind {
        self.named.insert(name.fullname(None), kind.clone());
        kind
    }

    fn record(&mut self, record: &RecordSchema) -> Result<Kind, String> {
        // Its number is known before its fields, which may refer to it.
        let number = self.records.len();
        self.records.push(RecordType::default());
        let kind = self.name(&record.name, Kind::Record(number));
        let mut fields = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let compiled = self.compile(&field.schema).map_err(|what| format!("field `{}`: {what}", field.name))?;
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
        | Schema::Duration(fixed) => return fixed.name.fullname(None),
        Schema::Enum(schema) => return schema.name.fullname(None),
        Schema::Record(schema) => return schema.name.fullname(None),
        Schema::Ref { name } => return name.fullname(None),
    };
    name.to_owned()
}
