//! What apache-avro decodes, as it should stand in columns.

use std::collections::HashMap;
use std::io::{self, Read};

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::{InnerDecimalSchema, Name};
use apache_avro::types::Value;
use apache_avro::{Decimal, Schema};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use num_bigint::{BigInt, Sign};

use crate::tree::Tree;

/// What apache-avro may allocate for an array or a map.
const MOST_BYTES: usize = 1 << 18;

/// What apache-avro made of a payload.
#[derive(Debug)]
pub enum Decoded {
    /// The columns; none for a value that no column of Hive holds.
    Columns(Option<Vec<Tree>>),
    /// It is not a payload of the schema.
    Refused,
    /// It would take more memory than apache-avro was allowed.
    TooLarge,
}

/// Reads payloads of one schema by apache-avro.
pub struct Oracle {
    schema: &'static Schema,
    reader: GenericDatumReader<'static>,
    named: HashMap<Name, Schema>,
}

/// A payload, and whether more of it was wanted than there is: apache-avro takes the end for a NULL, a false or an empty text.
struct Source<'a> {
    rest: &'a [u8],
    ended: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.ended |= self.rest.len() < room.len();
        self.rest.read(room)
    }
}

impl Oracle {
    /// Reads payloads of this schema, which is a right one.
    pub fn new(schema: &str) -> Oracle {
        apache_avro::util::max_allocation_bytes(MOST_BYTES);
        // There are few of them, and each stays as long as the process.
        let schema: &'static Schema = Box::leak(Box::new(Schema::parse_str(schema).expect("the schema is right")));
        let reader = GenericDatumReader::builder(schema).build().expect("the schema is right");
        let mut named = HashMap::new();
        collect(schema, &mut named);
        Oracle { schema, reader, named }
    }

    /// Reads a payload.
    pub fn read(&self, payload: &[u8]) -> Decoded {
        let mut source = Source { rest: payload, ended: false };
        match self.reader.read_value(&mut source) {
            Ok(_) if source.ended || !source.rest.is_empty() => Decoded::Refused,
            Ok(value) => Decoded::Columns(self.columns(&value)),
            Err(error) if error.to_string().contains("allocate") => Decoded::TooLarge,
            Err(_) => Decoded::Refused,
        }
    }

    fn columns(&self, value: &Value) -> Option<Vec<Tree>> {
        match (self.schema, value) {
            (Schema::Record(record), Value::Record(fields)) => {
                let columns =
                    record.fields.iter().zip(fields).map(|(field, (_, value))| self.tree(&field.schema, value));
                columns.collect()
            }
            (schema, value) => Some(vec![self.tree(schema, value)?]),
        }
    }

    /// A value; none for one that no column of Hive holds, and for what apache-avro takes though Avro does not allow it.
    fn tree(&self, schema: &Schema, value: &Value) -> Option<Tree> {
        Some(match (schema, value) {
            (Schema::Ref { name }, value) => self.tree(&self.named[name], value)?,
            (Schema::Union(union), Value::Union(branch, value)) => {
                let schema = &union.variants()[*branch as usize];
                match (union.variants(), &**value) {
                    (_, Value::Null) => Tree::Null,
                    ([Schema::Null, _] | [_, Schema::Null], value) => self.tree(schema, value)?,
                    (_, value) => Tree::Object(vec![(branch_name(schema), self.tree(schema, value)?)]),
                }
            }
            (_, Value::Null) => Tree::Null,
            (_, Value::Boolean(value)) => Tree::Boolean(*value),
            (_, Value::Int(value)) => Tree::Long(i64::from(*value)),
            (_, Value::Long(value)) => Tree::Long(*value),
            (_, Value::Float(value)) => Tree::Float(*value),
            (_, Value::Double(value)) => Tree::Double(*value),
            (_, Value::String(text) | Value::Enum(_, text)) => Tree::Text(text.clone()),
            (_, Value::Bytes(bytes) | Value::Fixed(_, bytes)) => Tree::Text(STANDARD.encode(bytes)),
            (Schema::Decimal(schema), Value::Decimal(value)) => {
                // No bytes are no number, which apache-avro takes for 0.
                let size = match &schema.inner {
                    InnerDecimalSchema::Bytes => None,
                    InnerDecimalSchema::Fixed(fixed) => Some(fixed.size),
                };
                Tree::Text(decimal(value, schema.precision, schema.scale, size)?)
            }
            // apache-avro takes no bytes for 0, and leaves out what stands behind the scale. Of digits there is a bound.
            (_, Value::BigDecimal(value)) => match value.as_bigint_and_exponent() {
                // Java writes one digit, the crate bigdecimal as many as the scale says.
                (number, -38..=0) if number.sign() == Sign::NoSign => Tree::Perhaps("0".to_owned()),
                (_, -38..=38) => Tree::Perhaps(value.to_plain_string()),
                _ => return None,
            },
            (_, Value::Date(days)) => date(*days)?,
            (_, Value::TimeMillis(millis)) => time(i64::from(*millis), 3)?,
            (_, Value::TimeMicros(micros)) => time(*micros, 6)?,
            (_, Value::TimestampMillis(value) | Value::LocalTimestampMillis(value)) => timestamp(*value, 3)?,
            (_, Value::TimestampMicros(value) | Value::LocalTimestampMicros(value)) => timestamp(*value, 6)?,
            (_, Value::TimestampNanos(value) | Value::LocalTimestampNanos(value)) => timestamp(*value, 9)?,
            (_, Value::Uuid(uuid)) => Tree::Text(uuid.hyphenated().to_string()),
            (_, Value::Duration(duration)) => {
                let [months, days, millis]: [u32; 3] =
                    [duration.months().into(), duration.days().into(), duration.millis().into()];
                Tree::Text(format!("P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000))
            }
            (Schema::Array(array), Value::Array(items)) => {
                Tree::List(items.iter().map(|item| self.tree(&array.items, item)).collect::<Option<_>>()?)
            }
            (Schema::Map(map), Value::Map(members)) => {
                let members = members.iter().map(|(name, value)| Some((name.clone(), self.tree(&map.types, value)?)));
                Tree::Object(members.collect::<Option<_>>()?)
            }
            (Schema::Record(record), Value::Record(fields)) => {
                let members = record.fields.iter().zip(fields);
                let members =
                    members.map(|(field, (name, value))| Some((name.clone(), self.tree(&field.schema, value)?)));
                Tree::Object(members.collect::<Option<_>>()?)
            }
            (schema, value) => panic!("{value:?} of {schema:?}"),
        })
    }
}

/// The types of a schema that have names.
pub(crate) fn collect(schema: &Schema, named: &mut HashMap<Name, Schema>) {
    if let Some(name) = schema.name() {
        if matches!(schema, Schema::Ref { .. }) {
            return;
        }
        named.insert(name.clone(), schema.clone());
    }
    match schema {
        Schema::Record(record) => record.fields.iter().for_each(|field| collect(&field.schema, named)),
        Schema::Array(array) => collect(&array.items, named),
        Schema::Map(map) => collect(&map.types, named),
        Schema::Union(union) => union.variants().iter().for_each(|branch| collect(branch, named)),
        _ => {}
    }
}

/// The name of a union's branch in Avro's JSON encoding, of the types that the schemas here have in such unions.
fn branch_name(schema: &Schema) -> String {
    match schema {
        Schema::Boolean => "boolean",
        Schema::Int => "int",
        Schema::Long => "long",
        Schema::String => "string",
        Schema::Array(_) => "array",
        Schema::Map(_) => "map",
        schema => return schema.name().expect("the type has a name").fullname(None),
    }
    .to_owned()
}

fn decimal(value: &Decimal, precision: usize, scale: usize, size: Option<usize>) -> Option<String> {
    let unscaled = BigInt::from(value.clone());
    let bytes: Vec<u8> = value.try_into().ok()?;
    if size.is_none() && bytes.is_empty() {
        return None;
    }
    let digits = unscaled.magnitude().to_string();
    if digits != "0" && digits.len() > precision {
        return None;
    }
    let sign = if unscaled < BigInt::ZERO { "-" } else { "" };
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    Some(if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// A day, if Hive has it.
pub fn date(days: i32) -> Option<Tree> {
    let day = NaiveDate::default().checked_add_signed(TimeDelta::try_days(i64::from(days))?)?;
    (1..=9999).contains(&day.year()).then(|| Tree::Text(day_text(day)))
}

/// So many parts of a second, of this many digits, behind a moment's second.
fn moment(value: i64, digits: u32) -> Option<NaiveDateTime> {
    let per_second = 10i64.pow(digits);
    let nanos = value.rem_euclid(per_second) * 10i64.pow(9 - digits);
    Some(DateTime::from_timestamp(value.div_euclid(per_second), nanos as u32)?.naive_utc())
}

fn day_text(day: NaiveDate) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}

fn time_text(time: NaiveTime, digits: u32) -> String {
    let fraction = time.nanosecond() / 10u32.pow(9 - digits);
    let width = digits as usize;
    format!("{:02}:{:02}:{:02}.{fraction:0width$}", time.hour(), time.minute(), time.second())
}

/// A moment, if Hive has it.
pub fn timestamp(value: i64, digits: u32) -> Option<Tree> {
    let moment = moment(value, digits)?;
    (1..=9999)
        .contains(&moment.year())
        .then(|| Tree::Text(format!("{} {}", day_text(moment.date()), time_text(moment.time(), digits))))
}

/// A time of day, if it is one.
pub fn time(value: i64, digits: u32) -> Option<Tree> {
    let day = 86_400 * 10i64.pow(digits);
    (0..day)
        .contains(&value)
        .then(|| moment(value, digits).map(|moment| Tree::Text(time_text(moment.time(), digits))))?
}
