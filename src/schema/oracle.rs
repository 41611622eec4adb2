//! What the decoders are tested against: types and values of the tests' own, Avro schemas of them, and a reading of a row's
//! text that shares no code with what wrote it.

use std::collections::BTreeMap;

use apache_avro::types::Value as Avro;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::position::Position;
use crate::record::Record;
use crate::row::Dialect;
use crate::row::compression::Compression;
use crate::row::file_format::FileFormat;
use crate::row::hive::Hive;
use crate::row::hive::tests::read_line;
use crate::row::metadata::Metadata;
use crate::row::settings::RowSettings;
use crate::schema::plan::Plan;
use crate::schema::table::TableColumns;
use crate::schema::writer::{SchemaInfo, WriterSchema};
use crate::value::BadRecord;

/// A type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ty {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum(usize),
    Decimal {
        precision: u32,
        scale: u32,
        size: Option<usize>,
    },
    Date,
    TimeMillis,
    TimeMicros,
    /// Digits behind the second: 3, 6 or 9; local or not.
    Timestamp(u32, bool),
    UuidText,
    UuidFixed,
    Duration,
    Nullable(Box<Ty>, bool),
    Union(Vec<Ty>),
    Array(Box<Ty>),
    Map(Box<Ty>),
    Record(Vec<Ty>),
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Val {
    Null,
    Boolean(bool),
    /// Integers and all that are encoded as one.
    Integer(i64),
    Float(f32),
    Double(f64),
    Bytes(Vec<u8>),
    Text(String),
    Symbol(usize),
    Decimal(i128),
    Duration([u32; 3]),
    Branch(usize, Box<Val>),
    List(Vec<Val>),
    Map(BTreeMap<String, Val>),
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Val::Float(a), Val::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Val::Double(a), Val::Double(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            // The other types' parts are compared as they are, by the derived comparison of their own types.
            (Val::Branch(a, x), Val::Branch(b, y)) => a == b && x == y,
            (Val::List(a), Val::List(b)) => a == b,
            (Val::Map(a), Val::Map(b)) => a == b,
            (Val::Null, Val::Null) => true,
            (Val::Boolean(a), Val::Boolean(b)) => a == b,
            (Val::Integer(a), Val::Integer(b)) => a == b,
            (Val::Bytes(a), Val::Bytes(b)) => a == b,
            (Val::Text(a), Val::Text(b)) => a == b,
            (Val::Symbol(a), Val::Symbol(b)) => a == b,
            (Val::Decimal(a), Val::Decimal(b)) => a == b,
            (Val::Duration(a), Val::Duration(b)) => a == b,
            _ => false,
        }
    }
}

const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;
const DAY: i64 = 86_400_000_000;

fn symbol(number: usize) -> String {
    format!("S{number}")
}

/// Any text, with what rows and JSON escape in it more often than chance would have it.
pub(crate) fn any_text() -> BoxedStrategy<String> {
    prop_oneof![
        "[\\\\\n\r,\t\"'Nnr {}\\[\\]:\u{0}\u{1f}\u{7f}\u{2028}é😀]{0,6}",
        "\\PC{0,6}",
        Just("\\N".to_owned()),
        any::<String>()
    ]
    .boxed()
}

fn any_double() -> BoxedStrategy<f64> {
    let special = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        2f64.powi(53) + 2.0,
    ];
    prop_oneof![prop::sample::select(special.to_vec()), any::<u64>().prop_map(f64::from_bits)].boxed()
}

fn any_long() -> BoxedStrategy<i64> {
    prop_oneof![prop::sample::select(vec![0, -1, i64::MIN, i64::MAX, (1 << 53) + 1]), any::<i64>(), -300..300i64]
        .boxed()
}

/// Any type that is not nested.
fn any_scalar() -> BoxedStrategy<Ty> {
    let decimal = (1..=38u32, prop::bool::ANY).prop_flat_map(|(precision, fixed)| {
        (0..=precision).prop_map(move |scale| Ty::Decimal { precision, scale, size: fixed.then_some(17) })
    });
    prop_oneof![
        4 => prop::sample::select(vec![
            Ty::Null, Ty::Boolean, Ty::Int, Ty::Long, Ty::Float, Ty::Double, Ty::Bytes, Ty::String, Ty::Date,
            Ty::TimeMillis, Ty::TimeMicros, Ty::UuidText, Ty::UuidFixed, Ty::Duration,
        ]),
        1 => (0..20usize).prop_map(Ty::Fixed),
        1 => (1..5usize).prop_map(Ty::Enum),
        1 => decimal,
        1 => (prop::sample::select(vec![3, 6, 9]), any::<bool>()).prop_map(|(digits, local)| Ty::Timestamp(digits, local)),
    ]
    .boxed()
}

/// Any type, with or without unions of several types.
pub(crate) fn any_type(unions: bool) -> BoxedStrategy<Ty> {
    let nested = any_scalar().prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| Ty::Array(Box::new(items))),
            inner.clone().prop_map(|values| Ty::Map(Box::new(values))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Ty::Record),
            prop::collection::vec(inner.clone(), 1..4).prop_map(move |types| if unions {
                union_of(types)
            } else {
                Ty::Record(types)
            }),
            (inner, any::<bool>()).prop_map(|(inner, null_first)| nullable(inner, null_first)),
        ]
    });
    nested.boxed()
}

fn nullable(inner: Ty, null_first: bool) -> Ty {
    match inner {
        Ty::Null | Ty::Nullable(..) | Ty::Union(_) => inner,
        inner => Ty::Nullable(Box::new(inner), null_first),
    }
}

/// A union has a type that has no name once only, and no union in it.
fn union_of(branches: Vec<Ty>) -> Ty {
    let mut union: Vec<Ty> = Vec::new();
    for branch in branches {
        let taken = |other: &Ty| !is_named(&branch) && base(other) == base(&branch);
        if !matches!(branch, Ty::Union(_) | Ty::Nullable(..)) && !union.iter().any(taken) {
            union.push(branch);
        }
    }
    match union.len() {
        0 => Ty::Long,
        // A union of null and one type is the nullable type.
        2 if union[0] == Ty::Null => Ty::Nullable(Box::new(union.remove(1)), true),
        2 if union[1] == Ty::Null => Ty::Nullable(Box::new(union.remove(0)), false),
        _ => Ty::Union(union),
    }
}

fn is_named(ty: &Ty) -> bool {
    matches!(base(ty), "fixed" | "enum" | "record")
}

fn base(ty: &Ty) -> &'static str {
    match ty {
        Ty::Null => "null",
        Ty::Boolean => "boolean",
        Ty::Int | Ty::Date | Ty::TimeMillis => "int",
        Ty::Long | Ty::TimeMicros | Ty::Timestamp(..) => "long",
        Ty::Float => "float",
        Ty::Double => "double",
        Ty::Bytes | Ty::Decimal { size: None, .. } => "bytes",
        Ty::String | Ty::UuidText => "string",
        Ty::Fixed(_) | Ty::UuidFixed | Ty::Duration | Ty::Decimal { .. } => "fixed",
        Ty::Enum(_) => "enum",
        Ty::Array(_) => "array",
        Ty::Map(_) => "map",
        Ty::Record(_) => "record",
        Ty::Nullable(..) | Ty::Union(_) => "union",
    }
}

/// Any value of a type that Hive can hold.
pub(crate) fn any_value(ty: &Ty) -> BoxedStrategy<Val> {
    match ty {
        Ty::Null => Just(Val::Null).boxed(),
        Ty::Boolean => any::<bool>().prop_map(Val::Boolean).boxed(),
        Ty::Int => any::<i32>().prop_map(|value| Val::Integer(value.into())).boxed(),
        Ty::Long => any_long().prop_map(Val::Integer).boxed(),
        Ty::Float => any::<u32>().prop_map(|bits| Val::Float(f32::from_bits(bits))).boxed(),
        Ty::Double => any_double().prop_map(Val::Double).boxed(),
        Ty::Bytes => prop::collection::vec(any::<u8>(), 0..9).prop_map(Val::Bytes).boxed(),
        Ty::Fixed(size) => prop::collection::vec(any::<u8>(), *size).prop_map(Val::Bytes).boxed(),
        Ty::UuidFixed | Ty::UuidText => prop::collection::vec(any::<u8>(), 16).prop_map(Val::Bytes).boxed(),
        Ty::String => any_text().prop_map(Val::Text).boxed(),
        Ty::Enum(symbols) => (0..*symbols).prop_map(Val::Symbol).boxed(),
        Ty::Decimal { precision, .. } => {
            let most = 10i128.pow(*precision) - 1;
            prop_oneof![-most..=most, Just(most), Just(-most), Just(0), (-99).max(-most)..=99.min(most)]
                .prop_map(Val::Decimal)
                .boxed()
        }
        Ty::Date => DAYS.prop_map(Val::Integer).boxed(),
        Ty::TimeMillis => (0..DAY / 1_000).prop_map(Val::Integer).boxed(),
        Ty::TimeMicros => (0..DAY).prop_map(Val::Integer).boxed(),
        Ty::Timestamp(9, _) => any::<i64>().prop_map(Val::Integer).boxed(),
        Ty::Timestamp(digits, _) => {
            let day = DAY / 10i64.pow(6 - digits);
            (DAYS.start() * day..(DAYS.end() + 1) * day).prop_map(Val::Integer).boxed()
        }
        Ty::Duration => any::<[u32; 3]>().prop_map(Val::Duration).boxed(),
        Ty::Nullable(inner, _) => prop_oneof![1 => Just(Val::Null), 3 => any_value(inner)].boxed(),
        Ty::Union(branches) => {
            let values: Vec<_> = branches
                .iter()
                .enumerate()
                .map(|(at, branch)| {
                    any_value(branch).prop_map(move |value| match value {
                        Val::Null => Val::Null,
                        value => Val::Branch(at, Box::new(value)),
                    })
                })
                .collect();
            proptest::strategy::Union::new(values).boxed()
        }
        Ty::Array(items) => prop::collection::vec(any_value(items), 0..4).prop_map(Val::List).boxed(),
        Ty::Map(values) => prop::collection::btree_map(any_text(), any_value(values), 0..4).prop_map(Val::Map).boxed(),
        Ty::Record(fields) => fields.iter().map(any_value).collect::<Vec<_>>().prop_map(Val::List).boxed(),
    }
}

/// Any record type, and a value of it.
pub(crate) fn any_record(unions: bool) -> impl Strategy<Value = (Vec<Ty>, Vec<Val>)> {
    prop::collection::vec(any_type(unions), 1..6).prop_flat_map(|fields| {
        let values: Vec<_> = fields.iter().map(any_value).collect();
        (Just(fields), values)
    })
}

/// The name of the field of this number. Names do not sort as they are numbered.
pub(crate) fn field_name(number: usize) -> String {
    format!("f{}_{number}", 9 - number % 10)
}

/// The Avro schema of a record with these fields.
pub(crate) fn record_schema(fields: &[Ty]) -> Json {
    Names::default().schema(&Ty::Record(fields.to_vec()))
}

/// Gives each type that has a name another one.
#[derive(Default)]
struct Names {
    given: usize,
    /// The number of the union's branch that is named next.
    branch: Option<usize>,
}

impl Names {
    fn next(&mut self) -> String {
        self.given += 1;
        match self.branch.take() {
            Some(branch) => format!("n.B{branch}T{}", self.given),
            None => format!("n.T{}", self.given),
        }
    }

    fn schema(&mut self, ty: &Ty) -> Json {
        let logical = |base: &str, logical: &str| json!({ "type": base, "logicalType": logical });
        match ty {
            Ty::Date => logical("int", "date"),
            Ty::TimeMillis => logical("int", "time-millis"),
            Ty::TimeMicros => logical("long", "time-micros"),
            Ty::Timestamp(digits, local) => {
                let unit = match digits {
                    3 => "millis",
                    6 => "micros",
                    _ => "nanos",
                };
                logical("long", &format!("{}timestamp-{unit}", if *local { "local-" } else { "" }))
            }
            Ty::UuidText => logical("string", "uuid"),
            Ty::Fixed(size) => json!({ "type": "fixed", "name": self.next(), "size": size }),
            Ty::UuidFixed => json!({ "type": "fixed", "name": self.next(), "size": 16, "logicalType": "uuid" }),
            Ty::Duration => json!({ "type": "fixed", "name": self.next(), "size": 12, "logicalType": "duration" }),
            Ty::Enum(symbols) => {
                let symbols: Vec<_> = (0..*symbols).map(symbol).collect();
                json!({ "type": "enum", "name": self.next(), "symbols": symbols })
            }
            Ty::Decimal { precision, scale, size } => {
                let mut schema =
                    json!({ "type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale });
                if let Some(size) = size {
                    schema["type"] = "fixed".into();
                    schema["name"] = self.next().into();
                    schema["size"] = (*size).into();
                }
                schema
            }
            Ty::Nullable(inner, true) => json!(["null", self.schema(inner)]),
            Ty::Nullable(inner, false) => json!([self.schema(inner), "null"]),
            Ty::Union(branches) => {
                let mut schemas = Vec::new();
                for (at, branch) in branches.iter().enumerate() {
                    self.branch = is_named(branch).then_some(at);
                    schemas.push(self.schema(branch));
                }
                schemas.into()
            }
            Ty::Array(items) => json!({ "type": "array", "items": self.schema(items) }),
            Ty::Map(values) => json!({ "type": "map", "values": self.schema(values) }),
            Ty::Record(fields) => {
                let name = self.next();
                let fields: Vec<_> = fields
                    .iter()
                    .enumerate()
                    .map(|(at, field)| json!({ "name": field_name(at), "type": self.schema(field) }))
                    .collect();
                json!({ "type": "record", "name": name, "fields": fields })
            }
            other => base(other).into(),
        }
    }
}

/// The value as apache-avro has it.
pub(crate) fn to_avro(ty: &Ty, value: &Val) -> Avro {
    let bytes = |value: &Val| match value {
        Val::Bytes(bytes) => bytes.clone(),
        other => panic!("{other:?}"),
    };
    match (ty, value) {
        (Ty::Nullable(_, null_first), Val::Null) => Avro::Union(u32::from(!null_first), Box::new(Avro::Null)),
        (Ty::Nullable(inner, null_first), value) => {
            Avro::Union(u32::from(*null_first), Box::new(to_avro(inner, value)))
        }
        (Ty::Union(branches), Val::Null) => {
            let at = branches.iter().position(|branch| *branch == Ty::Null).unwrap();
            Avro::Union(at as u32, Box::new(Avro::Null))
        }
        (Ty::Union(branches), Val::Branch(at, value)) => {
            Avro::Union(*at as u32, Box::new(to_avro(&branches[*at], value)))
        }
        (_, Val::Null) => Avro::Null,
        (_, Val::Boolean(value)) => Avro::Boolean(*value),
        (Ty::Int, Val::Integer(value)) => Avro::Int(*value as i32),
        (Ty::Date, Val::Integer(value)) => Avro::Date(*value as i32),
        (Ty::TimeMillis, Val::Integer(value)) => Avro::TimeMillis(*value as i32),
        (Ty::TimeMicros, Val::Integer(value)) => Avro::TimeMicros(*value),
        (Ty::Timestamp(3, false), Val::Integer(value)) => Avro::TimestampMillis(*value),
        (Ty::Timestamp(6, false), Val::Integer(value)) => Avro::TimestampMicros(*value),
        (Ty::Timestamp(_, false), Val::Integer(value)) => Avro::TimestampNanos(*value),
        (Ty::Timestamp(3, true), Val::Integer(value)) => Avro::LocalTimestampMillis(*value),
        (Ty::Timestamp(6, true), Val::Integer(value)) => Avro::LocalTimestampMicros(*value),
        (Ty::Timestamp(_, true), Val::Integer(value)) => Avro::LocalTimestampNanos(*value),
        (_, Val::Integer(value)) => Avro::Long(*value),
        (_, Val::Float(value)) => Avro::Float(*value),
        (_, Val::Double(value)) => Avro::Double(*value),
        (_, Val::Text(text)) => Avro::String(text.clone()),
        (_, Val::Symbol(number)) => Avro::Enum(*number as u32, symbol(*number)),
        (Ty::Decimal { size, .. }, Val::Decimal(unscaled)) => {
            let mut bytes = vec![if *unscaled < 0 { 0xff } else { 0 }; size.map_or(0, |size| size - 16)];
            bytes.extend_from_slice(&unscaled.to_be_bytes());
            Avro::Decimal(bytes.into())
        }
        (_, Val::Duration([months, days, millis])) => Avro::Duration(apache_avro::Duration::new(
            apache_avro::Months::new(*months),
            apache_avro::Days::new(*days),
            apache_avro::Millis::new(*millis),
        )),
        (Ty::Fixed(size), value) => Avro::Fixed(*size, bytes(value)),
        (Ty::UuidFixed | Ty::UuidText, value) => Avro::Uuid(apache_avro::Uuid::from_slice(&bytes(value)).unwrap()),
        (_, Val::Bytes(bytes)) => Avro::Bytes(bytes.clone()),
        (Ty::Array(items), Val::List(values)) => {
            Avro::Array(values.iter().map(|value| to_avro(items, value)).collect())
        }
        (Ty::Map(inner), Val::Map(values)) => {
            Avro::Map(values.iter().map(|(key, value)| (key.clone(), to_avro(inner, value))).collect())
        }
        (Ty::Record(fields), Val::List(values)) => {
            let fields = fields.iter().zip(values).enumerate();
            Avro::Record(fields.map(|(at, (field, value))| (field_name(at), to_avro(field, value))).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// The text of a column, read as its type.
pub(crate) fn read_column(ty: &Ty, text: Option<&str>) -> Val {
    let Some(text) = text else { return Val::Null };
    match ty {
        Ty::Nullable(inner, _) => read_column(inner, Some(text)),
        Ty::Boolean | Ty::Int | Ty::Long => read_json(ty, &serde_json::from_str(text).unwrap()),
        Ty::Float => Val::Float(text.replace("Infinity", "inf").parse().unwrap()),
        Ty::Double => Val::Double(text.replace("Infinity", "inf").parse().unwrap()),
        Ty::Union(_) | Ty::Array(_) | Ty::Map(_) | Ty::Record(_) => read_json(ty, &serde_json::from_str(text).unwrap()),
        _ => read_json(ty, &Json::String(text.to_owned())),
    }
}

/// A value in JSON text, read as its type.
fn read_json(ty: &Ty, json: &Json) -> Val {
    let text = || json.as_str().unwrap();
    let special = || match json.as_str()? {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        other => panic!("{other}"),
    };
    let micros = |time: NaiveTime| (time - NaiveTime::MIN).num_microseconds().unwrap();
    match ty {
        _ if json.is_null() => Val::Null,
        Ty::Boolean => Val::Boolean(json.as_bool().unwrap()),
        Ty::Int | Ty::Long => Val::Integer(json.as_i64().unwrap()),
        Ty::Float => Val::Float(special().map_or_else(|| json.to_string().parse().unwrap(), |value| value as f32)),
        Ty::Double => Val::Double(special().unwrap_or_else(|| json.as_f64().unwrap())),
        Ty::Bytes | Ty::Fixed(_) => Val::Bytes(STANDARD.decode(text()).unwrap()),
        Ty::String => Val::Text(text().to_owned()),
        Ty::Enum(symbols) => Val::Symbol((0..*symbols).find(|number| symbol(*number) == text()).unwrap()),
        Ty::Decimal { scale, .. } => {
            let (whole, fraction) = text().split_once('.').unwrap_or((text(), ""));
            assert_eq!(fraction.len(), *scale as usize, "{}", text());
            Val::Decimal(format!("{whole}{fraction}").parse().unwrap())
        }
        Ty::Date => {
            let days = NaiveDate::parse_from_str(text(), "%Y-%m-%d").unwrap() - NaiveDate::default();
            Val::Integer(days.num_days())
        }
        Ty::TimeMillis => Val::Integer(micros(text().parse().unwrap()) / 1_000),
        Ty::TimeMicros => Val::Integer(micros(text().parse().unwrap())),
        Ty::Timestamp(digits, _) => {
            assert_eq!(text().rsplit_once('.').unwrap().1.len(), *digits as usize);
            let moment = NaiveDateTime::parse_from_str(text(), "%Y-%m-%d %H:%M:%S%.f").unwrap().and_utc();
            Val::Integer(match digits {
                3 => moment.timestamp_millis(),
                6 => moment.timestamp_micros(),
                _ => moment.timestamp_nanos_opt().unwrap(),
            })
        }
        Ty::UuidText | Ty::UuidFixed => Val::Bytes(apache_avro::Uuid::parse_str(text()).unwrap().as_bytes().to_vec()),
        Ty::Duration => {
            let parts: Vec<u32> = text()
                .split(['P', 'M', 'D', 'T', '.', 'S'])
                .filter(|part| !part.is_empty())
                .map(|part| part.parse().unwrap())
                .collect();
            let [months, days, seconds, millis] = parts[..] else { panic!("{}", text()) };
            Val::Duration([months, days, (u64::from(seconds) * 1_000 + u64::from(millis)).try_into().unwrap()])
        }
        Ty::Nullable(inner, _) => read_json(inner, json),
        Ty::Union(branches) => {
            let members = json.as_object().unwrap();
            assert_eq!(members.len(), 1);
            let (name, value) = members.iter().next().unwrap();
            // A type that has a name has its branch's number in it.
            let at = match name.strip_prefix("n.B") {
                Some(rest) => rest.split_once('T').unwrap().0.parse().unwrap(),
                None => branches.iter().position(|branch| base(branch) == name).unwrap(),
            };
            Val::Branch(at, Box::new(read_json(&branches[at], value)))
        }
        Ty::Array(items) => Val::List(json.as_array().unwrap().iter().map(|item| read_json(items, item)).collect()),
        Ty::Map(values) => Val::Map(
            json.as_object().unwrap().iter().map(|(key, value)| (key.clone(), read_json(values, value))).collect(),
        ),
        Ty::Record(fields) => {
            let members = json.as_object().unwrap();
            // One without fields is whatever came.
            assert!(members.len() == fields.len() || fields.is_empty());
            let member = |at: usize| &members[&field_name(at)];
            Val::List(fields.iter().enumerate().map(|(at, field)| read_json(field, member(at))).collect())
        }
        Ty::Null => panic!("{json}"),
    }
}

/// The plan of a schema for a table that has its columns, in this order.
pub(crate) fn plan(info: &SchemaInfo, reversed: bool) -> Plan {
    plan_in(Dialect::Hive(Hive { delimiter: b',' }), info, reversed)
}

/// The same, in this dialect.
pub(crate) fn plan_in(dialect: Dialect, info: &SchemaInfo, reversed: bool) -> Plan {
    let schema = WriterSchema::compile(info).unwrap();
    let mut columns = schema.columns();
    if reversed {
        columns.reverse();
    }
    let settings = RowSettings {
        format: FileFormat { dialect, compression: Compression::None },
        metadata: Vec::<Metadata>::new(),
        partitioning: None,
    };
    Plan::new(&settings, &schema, &TableColumns { version: 1, columns })
}

/// The row that a payload becomes.
pub(crate) fn encode(plan: &Plan, key: Option<&[u8]>, payload: &[u8]) -> Result<Vec<u8>, BadRecord> {
    let record = Record { key, ..Record::plain(Position { ledger: 0, entry: 0, batch_index: 0 }, payload) };
    let mut out = Vec::new();
    plan.encode(&record, "t", &mut out)?;
    Ok(out)
}

/// The fields of that row, as Hive's SerDe reads them.
pub(crate) fn row(plan: &Plan, key: Option<&[u8]>, payload: &[u8]) -> Result<Vec<Option<String>>, BadRecord> {
    let line = String::from_utf8(encode(plan, key, payload)?).unwrap();
    Ok(read_line(line.strip_suffix('\n').unwrap(), ','))
}

/// The schema info of a type name and a schema.
pub(crate) fn info(schema_type: &str, schema: &str) -> SchemaInfo {
    SchemaInfo { schema_type: schema_type.to_owned(), schema: schema.to_owned(), ..SchemaInfo::default() }
}

/// The value as Jackson writes it. Unions of several types are left out: Jackson does not tell which of them it is.
pub(crate) fn to_jackson(ty: &Ty, value: &Val) -> String {
    let join = |texts: Vec<String>| texts.join(", ");
    let text = |text: &str| Json::from(text).to_string();
    let special =
        |finite: bool, text: String| if finite { text } else { format!("\"{}\"", text.replace("inf", "Infinity")) };
    match (ty, value) {
        (_, Val::Null) => "null".to_owned(),
        (Ty::Nullable(inner, _), value) => to_jackson(inner, value),
        (_, Val::Boolean(value)) => value.to_string(),
        (_, Val::Integer(value)) => value.to_string(),
        (_, Val::Float(value)) => special(value.is_finite(), format!("{value:?}")),
        (_, Val::Double(value)) => special(value.is_finite(), format!("{value:?}")),
        (Ty::UuidFixed | Ty::UuidText, Val::Bytes(bytes)) => {
            text(&apache_avro::Uuid::from_slice(bytes).unwrap().to_string())
        }
        (_, Val::Bytes(bytes)) => text(&STANDARD.encode(bytes)),
        (_, Val::Text(value)) => text(value),
        (_, Val::Symbol(number)) => text(&symbol(*number)),
        (Ty::Decimal { scale, .. }, Val::Decimal(unscaled)) => format!("{unscaled}E-{scale}"),
        (_, Val::Duration(parts)) => text(&STANDARD.encode(parts.map(u32::to_le_bytes).concat())),
        (Ty::Array(items), Val::List(values)) => {
            format!("[{}]", join(values.iter().map(|value| to_jackson(items, value)).collect()))
        }
        (Ty::Map(inner), Val::Map(values)) => {
            format!(
                "{{{}}}",
                join(
                    values.iter().map(|(key, value)| format!("{}: {}", text(key), to_jackson(inner, value))).collect()
                )
            )
        }
        // In reverse order, the nulls left out, with a member that is no field.
        (Ty::Record(fields), Val::List(values)) => {
            let members = fields.iter().zip(values).enumerate().rev().filter(|(_, (_, value))| **value != Val::Null);
            let members =
                members.map(|(at, (field, value))| format!("\"{}\":{}", field_name(at), to_jackson(field, value)));
            format!("{{{}}}", join(members.chain(["\"other\":{\"a\":[1,{}]}".to_owned()]).collect()))
        }
        other => panic!("{other:?}"),
    }
}
