//! Values that readers of text tables get wrong: a row each, of which one column has the value and the others are NULL.

use serde_json::{Value as Json, json};

use crate::namespace::hex;
use crate::typed::{Field, Fields, long};

/// What a reader must give back, whatever its own way to write it.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// This text.
    Text(String),
    /// These bytes.
    Bytes(Vec<u8>),
    /// This number, bit for bit; NaN is any NaN.
    Double(f64),
    /// The same of a float.
    Float(f32),
    /// This decimal, date or time, zeros at the end of its fraction aside.
    Plain(String),
}

/// A value in its column.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// The column.
    pub column: &'static str,
    /// What is sent.
    pub field: Field,
    /// What must come back.
    pub want: Want,
}

/// The columns, beside `id`: name, Avro type.
const COLUMNS: [(&str, &str); 17] = [
    ("flag", r#""boolean""#),
    ("whole", r#""int""#),
    ("large", r#""long""#),
    ("small", r#""float""#),
    ("real", r#""double""#),
    ("text", r#""string""#),
    ("raw", r#""bytes""#),
    ("money", r#"{"type":"bytes","logicalType":"decimal","precision":38,"scale":10}"#),
    ("day", r#"{"type":"int","logicalType":"date"}"#),
    ("at_millis", r#"{"type":"long","logicalType":"timestamp-millis"}"#),
    ("at_micros", r#"{"type":"long","logicalType":"timestamp-micros"}"#),
    ("at_nanos", r#"{"type":"long","logicalType":"timestamp-nanos"}"#),
    ("clock", r#"{"type":"long","logicalType":"time-micros"}"#),
    ("mark", r#"{"type":"string","logicalType":"uuid"}"#),
    ("colour", r#"{"type":"enum","name":"Colour","symbols":["RED","GREEN"]}"#),
    ("list", r#"{"type":"array","items":"string"}"#),
    ("pairs", r#"{"type":"map","values":"double"}"#),
];

/// Texts that delimiters, escapes, quotes, line ends, NULLs and numbers can be taken for.
pub const TEXTS: [(&str, &str); 36] = [
    ("an empty text", ""),
    ("a blank", " "),
    ("blanks around", " a "),
    ("Hive's NULL", "\\N"),
    ("that, escaped", "\\\\N"),
    ("the word NULL", "NULL"),
    ("the word null", "null"),
    ("a comma", ","),
    ("a tab", "\t"),
    ("a semicolon", ";"),
    ("a line feed", "\n"),
    ("a carriage return", "\r"),
    ("both", "\r\n"),
    ("lines that look like rows", "one,a\ntwo,b\n"),
    ("a backslash", "\\"),
    ("two backslashes", "\\\\"),
    ("a backslash at the end", "a\\"),
    ("a backslash and n", "\\n"),
    ("a backslash and a comma", "\\,"),
    ("a backslash and a tab", "\\\t"),
    ("a backslash and a line feed", "\\\n"),
    ("a quote", "\""),
    ("two quotes", "\"\""),
    ("a quoted text", "\"a\""),
    ("a quote, a comma, a quote", "\",\""),
    ("an apostrophe", "it's"),
    ("a NUL", "a\0b"),
    ("control characters", "\u{1}\u{2}\u{7f}"),
    ("line separators of Unicode", "\u{85}\u{2028}\u{2029}"),
    ("a byte order mark", "\u{feff}a"),
    ("Cyrillic", "зимние ботинки"),
    ("a combining accent", "e\u{301}"),
    ("an emoji", "👢"),
    ("right to left", "حقيبة"),
    ("NaN", "NaN"),
    ("a number", "007"),
];

/// The schema that they are sent with.
pub fn schema() -> Json {
    let mut fields = vec![json!({ "name": "id", "type": "long" })];
    for (name, avro) in COLUMNS {
        let avro: Json = serde_json::from_str(avro).unwrap_or_default();
        fields.push(json!({ "name": name, "type": ["null", avro], "default": null }));
    }
    json!({ "type": "record", "name": "Hostile", "fields": fields })
}

/// The columns' names, beside `id`.
pub fn columns() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().map(|(name, _)| name)
}

/// The record of a row: its number, and the value in its column.
pub fn record(id: usize, hostile: &Hostile) -> Fields {
    let value = |name| if name == hostile.column { Field::some(hostile.field.clone()) } else { Field::Null };
    let others = columns().map(|name| (name.to_owned(), value(name)));
    std::iter::once(("id".to_owned(), Field::Long(id as i64))).chain(others).collect()
}

/// All values.
pub fn hostile() -> Vec<Hostile> {
    let plain = |column, field, want: &str| Hostile { column, field, want: Want::Plain(want.to_owned()) };
    let text = |column, field, want: &str| Hostile { column, field, want: Want::Text(want.to_owned()) };
    let mut all: Vec<Hostile> = TEXTS.iter().map(|(_, value)| text("text", Field::text(value), value)).collect();
    let lengthy = "длинный, \\ текст\n".repeat(4_000);
    all.push(text("text", Field::text(&lengthy), &lengthy));
    for (value, want) in [(vec![1], "true"), (vec![0], "false")] {
        all.push(text("flag", Field::Nested(value, Json::Null), want));
    }
    for value in [0, -1, i32::MAX, i32::MIN] {
        all.push(plain("whole", Field::Int(value), &value.to_string()));
    }
    for value in [0, i64::MAX, i64::MIN, (1 << 53) + 1] {
        all.push(plain("large", Field::Long(value), &value.to_string()));
    }
    for value in [0.0, -0.0, 0.1, 1e10, f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1), f32::NAN, f32::INFINITY] {
        all.push(Hostile { column: "small", field: Field::Float(value), want: Want::Float(value) });
    }
    let doubles = [
        0.0,
        -0.0,
        0.1,
        1.0 / 3.0,
        1e100,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    for value in doubles {
        all.push(Hostile { column: "real", field: Field::Double(value), want: Want::Double(value) });
    }
    for value in [vec![], vec![0], (0..=255).collect(), b"\\N".to_vec(), b"a,b\n".to_vec()] {
        all.push(Hostile { column: "raw", field: Field::Bytes(value.clone()), want: Want::Bytes(value) });
    }
    // Decimals of scale 10: the number without its point, and the number.
    let decimals: [(i128, &str); 5] = [
        (0, "0"),
        (-1, "-0.0000000001"),
        (123_000_000_000, "12.3"),
        (99_999_999_999_999_999_999_999_999_999_999_999_999, "9999999999999999999999999999.9999999999"),
        (-99_999_999_999_999_999_999_999_999_999_999_999_999, "-9999999999999999999999999999.9999999999"),
    ];
    for (unscaled, want) in decimals {
        all.push(plain("money", Field::Bytes(unscaled.to_be_bytes().to_vec()), want));
    }
    let days = [
        (0, "1970-01-01"),
        (-1, "1969-12-31"),
        (20_781, "2026-11-24"),
        (-719_162, "0001-01-01"),
        (2_932_896, "9999-12-31"),
    ];
    for (value, want) in days {
        all.push(plain("day", Field::Int(value), want));
    }
    let moments: [(&'static str, i64, &str); 12] = [
        ("at_millis", 0, "1970-01-01 00:00:00"),
        ("at_millis", -1, "1969-12-31 23:59:59.999"),
        ("at_millis", 1_793_491_199_999, "2026-10-31 23:59:59.999"),
        ("at_millis", 1_793_491_200_000, "2026-11-01 00:00:00"),
        // Where clocks are put back or forward in Berlin, and one that the zone jumps over.
        ("at_millis", 1_792_890_000_000, "2026-10-25 01:00:00"),
        ("at_millis", 1_774_747_800_000, "2026-03-29 01:30:00"),
        ("at_millis", 1_774_751_400_000, "2026-03-29 02:30:00"),
        ("at_millis", -62_135_596_800_000, "0001-01-01 00:00:00"),
        ("at_millis", 253_402_300_799_999, "9999-12-31 23:59:59.999"),
        ("at_micros", 1_793_491_200_000_001, "2026-11-01 00:00:00.000001"),
        ("at_nanos", 1_793_491_200_000_000_001, "2026-11-01 00:00:00.000000001"),
        ("at_nanos", -1, "1969-12-31 23:59:59.999999999"),
    ];
    for (column, value, want) in moments {
        all.push(plain(column, Field::Long(value), want));
    }
    all.push(plain("clock", Field::Long(86_399_999_999), "23:59:59.999999"));
    let uuid = "123e4567-e89b-12d3-a456-426614174000";
    all.push(text("mark", Field::text(uuid), uuid));
    all.push(text("colour", Field::Int(1), "GREEN"));
    all.push(text("list", Field::Nested(array(&["a,b", "\"\\\n"]), Json::Null), r#"["a,b","\"\\\n"]"#));
    all.push(text("list", Field::Nested(vec![0], Json::Null), "[]"));
    all.push(text("pairs", Field::Nested(pairs(&[("a,\t\\", 1.5)]), Json::Null), r#"{"a,\t\\":1.5}"#));
    all
}

fn array(items: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    long(&mut out, items.len() as i64);
    for item in items {
        Field::text(item).encode(&mut out);
    }
    out.push(0);
    out
}

fn pairs(items: &[(&str, f64)]) -> Vec<u8> {
    let mut out = Vec::new();
    long(&mut out, items.len() as i64);
    for (key, value) in items {
        Field::text(key).encode(&mut out);
        Field::Double(*value).encode(&mut out);
    }
    out.push(0);
    out
}

impl Want {
    /// Whether a reader's text says this. Bytes are in hexadecimal digits.
    pub fn is(&self, read: &str) -> bool {
        match self {
            Want::Text(text) => read == text,
            Want::Bytes(bytes) => read.eq_ignore_ascii_case(&hex(bytes)),
            Want::Double(value) => number(read).is_some_and(|read| same(read, *value)),
            #[allow(clippy::cast_possible_truncation, reason = "a float's own digits give the float")]
            Want::Float(value) => number(read).is_some_and(|read| same(f64::from(read as f32), f64::from(*value))),
            Want::Plain(text) => without_zeros(read) == without_zeros(text),
        }
    }
}

fn same(left: f64, right: f64) -> bool {
    left.to_bits() == right.to_bits() || (left.is_nan() && right.is_nan())
}

/// As Rust, Java and ClickHouse write numbers.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_many_and_each_of_its_own_column() {
        let all = hostile();
        assert!(all.len() >= 90, "{}", all.len());
        for column in columns() {
            assert!(all.iter().any(|hostile| hostile.column == column), "{column} has no value");
        }
    }

    #[test]
    fn another_value_is_told_from_the_wanted_one() {
        assert!(Want::Double(-0.0).is("-0.0") && !Want::Double(-0.0).is("0.0"));
        assert!(Want::Float(0.1).is("0.1") && !Want::Float(0.1).is("0.2"));
        assert!(Want::Plain("12.3".to_owned()).is("12.3000000000") && !Want::Plain("10".to_owned()).is("1"));
        assert!(Want::Bytes(vec![0, 255]).is("00FF") && !Want::Text("a ".to_owned()).is("a"));
    }
}
