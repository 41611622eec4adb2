//! The table of docs/understand/formats.md, made of what the decoders do with an example of each type.

use apache_avro::Schema;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;

use crate::row::Dialect;
use crate::row::hive::Hive;
use crate::row::rfc4180::Rfc4180;
use crate::schema::names::allow_names_of_java;
use crate::schema::oracle::{encode, info, plan_in};
use crate::schema::page::check_table;
use crate::schema::writer::{SchemaInfo, WriterSchema};

const DIALECTS: [Dialect; 2] =
    [Dialect::Hive(Hive { delimiter: b',' }), Dialect::Rfc4180(Rfc4180 { delimiter: b',', header: false })];

/// A row of the table: the schema's name, the value in words, the column, and its text in both dialects.
///
/// What follows the column in the row is given, since it is no part of its text.
fn line(name: &str, value: &str, schema: &SchemaInfo, payload: &[u8], follows: &str) -> String {
    let columns = WriterSchema::compile(schema).unwrap().columns();
    let texts = DIALECTS.map(|dialect| {
        let row = encode(&plan_in(dialect, schema, false), None, payload).unwrap();
        let row = String::from_utf8(row).unwrap();
        match row.strip_suffix(follows).unwrap() {
            "" => "(nothing)".to_owned(),
            text => format!("`{}`", text.replace('\n', "⏎")),
        }
    });
    format!("| {name} | {value} | {} | {} | {} |\n", columns[0].column_type, texts[0], texts[1])
}

fn avro(name: &str, value: &str, field: &str, avro: Avro) -> String {
    let schema = format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"v","type":{field}}},{{"name":"w","type":"int"}}]}}"#
    );
    let parsed = Schema::parse_str(&schema).unwrap();
    let record = Avro::Record(vec![("v".to_owned(), avro), ("w".to_owned(), Avro::Int(0))]);
    let payload = GenericDatumWriter::builder(&parsed).build().unwrap().write_value_to_vec(record).unwrap();
    line(name, value, &info("AVRO", &schema), &payload, ",0\n")
}

fn table() -> String {
    let text = |text: &str| Avro::String(text.to_owned());
    let some = |value: Avro| Avro::Union(1, Box::new(value));
    let decimal = |unscaled: i64| Avro::Decimal(unscaled.to_be_bytes().to_vec().into());
    let moment = 1_795_509_000_123;
    let named = |name: &str, rest: &str| format!(r#"{{"type":"{name}",{rest}}}"#);
    let logical = |base: &str, name: &str| format!(r#"{{"type":"{base}","logicalType":"{name}"}}"#);
    let inner =
        named("record", r#""name":"P","fields":[{"name":"x","type":"int"},{"name":"y","type":["null","string"]}]"#);
    let point = |y: Avro| Avro::Record(vec![("x".to_owned(), Avro::Int(1)), ("y".to_owned(), y)]);
    let mut lines = vec![
        avro("boolean", "true", r#""boolean""#, Avro::Boolean(true)),
        avro("int", "−7", r#""int""#, Avro::Int(-7)),
        avro("long", "2⁵³ + 1", r#""long""#, Avro::Long((1 << 53) + 1)),
        avro("float", "0.1", r#""float""#, Avro::Float(0.1)),
        avro("double", "10¹⁰⁰", r#""double""#, Avro::Double(1e100)),
        avro("double", "−0", r#""double""#, Avro::Double(-0.0)),
        avro("double", "not a number", r#""double""#, Avro::Double(f64::NAN)),
        avro("double", "−∞", r#""double""#, Avro::Double(f64::NEG_INFINITY)),
        avro("string", "Zürich", r#""string""#, text("Zürich")),
        avro("string", "a text of a comma, a backslash and a quote", r#""string""#, text(",\\\"")),
        avro("string", "two lines", r#""string""#, text("one\ntwo")),
        avro("string", "an empty text", r#""string""#, text("")),
        avro("string", "the text `\\N`", r#""string""#, text("\\N")),
        avro(
            "enum",
            "the symbol RED",
            &named("enum", r#""name":"E","symbols":["RED"]"#),
            Avro::Enum(0, "RED".to_owned()),
        ),
        avro("bytes", "the bytes 00 ff", r#""bytes""#, Avro::Bytes(vec![0, 255])),
        avro("fixed", "the bytes 00 ff", &named("fixed", r#""name":"F","size":2"#), Avro::Fixed(2, vec![0, 255])),
        avro(
            "decimal (bytes or fixed)",
            "−12.30",
            &named("bytes", r#""logicalType":"decimal","precision":9,"scale":2"#),
            decimal(-1230),
        ),
        avro(
            "uuid (string or fixed)",
            "a UUID",
            &logical("string", "uuid"),
            Avro::Uuid(apache_avro::Uuid::from_u128(0x1234)),
        ),
        avro("date", "24 November 2026", &logical("int", "date"), Avro::Date(20_781)),
        avro(
            "timestamp-millis, local-timestamp-millis",
            "a moment",
            &logical("long", "timestamp-millis"),
            Avro::TimestampMillis(moment),
        ),
        avro(
            "timestamp-micros, local-timestamp-micros",
            "the same",
            &logical("long", "timestamp-micros"),
            Avro::TimestampMicros(moment * 1_000),
        ),
        avro(
            "timestamp-nanos, local-timestamp-nanos",
            "the same",
            &logical("long", "timestamp-nanos"),
            Avro::TimestampNanos(moment * 1_000_000),
        ),
        avro("time-millis", "half past eight", &logical("int", "time-millis"), Avro::TimeMillis(30_600_000)),
        avro("time-micros", "the same", &logical("long", "time-micros"), Avro::TimeMicros(30_600_000_000)),
        avro(
            "duration",
            "a month, two days and 3.004 s",
            &named("fixed", r#""name":"D","size":12,"logicalType":"duration""#),
            Avro::Duration(apache_avro::Duration::new(
                apache_avro::Months::new(1),
                apache_avro::Days::new(2),
                apache_avro::Millis::new(3_004),
            )),
        ),
        avro("null or one type", "null", r#"["null","int"]"#, Avro::Union(0, Box::new(Avro::Null))),
        avro("null or one type", "5", r#"["null","int"]"#, some(Avro::Int(5))),
        avro("several types", "the text a", r#"["int","string"]"#, some(text("a"))),
        avro("array", "1, 2", &named("array", r#""items":"int""#), Avro::Array(vec![Avro::Int(1), Avro::Int(2)])),
        avro(
            "map",
            "a is 1.5",
            &named("map", r#""values":"double""#),
            Avro::Map([("a".to_owned(), Avro::Double(1.5))].into()),
        ),
        avro("record", "x is 1, y is null", &inner, point(Avro::Union(0, Box::new(Avro::Null)))),
    ];
    let primitive = |name: &str, value: &str, payload: &[u8]| {
        line(&format!("`{name}` schema"), value, &info(name, ""), payload, "\n")
    };
    lines.extend([
        primitive("STRING", "a", b"a"),
        primitive("BYTES", "the bytes 00 ff", &[0, 255]),
        primitive("BOOLEAN", "false", &[0]),
        primitive("INT8", "−1", &[255]),
        primitive("INT16", "−1", &[255, 255]),
        primitive("INT32", "7", &7i32.to_be_bytes()),
        primitive("INT64", "7", &7i64.to_be_bytes()),
        primitive("FLOAT", "0.1", &0.1f32.to_be_bytes()),
        primitive("DOUBLE", "0.1", &0.1f64.to_be_bytes()),
        primitive("DATE", "a moment", &moment.to_be_bytes()),
        primitive("TIME", "a moment", &moment.to_be_bytes()),
        primitive("TIMESTAMP", "a moment", &moment.to_be_bytes()),
        primitive(
            "INSTANT",
            "a moment",
            &[(moment / 1_000).to_be_bytes().as_slice(), &123_000_000i32.to_be_bytes()].concat(),
        ),
        primitive("LOCAL_DATE", "24 November 2026", &20_781i64.to_be_bytes()),
        primitive("LOCAL_TIME", "half past eight", &30_600_000_000_000i64.to_be_bytes()),
        primitive("LOCAL_DATE_TIME", "both", &[20_781i64.to_be_bytes(), 30_600_000_000_000i64.to_be_bytes()].concat()),
    ]);
    format!(
        "| in the schema | a value | column | `dialect: hive` | `dialect: rfc4180` |\n|---|---|---|---|---|\n{}",
        lines.concat()
    )
}

#[test]
fn the_table_of_the_formats_page_is_what_the_decoders_do() {
    allow_names_of_java();
    check_table("formats.md", "documented", &table());
}
