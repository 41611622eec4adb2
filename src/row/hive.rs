//! `dialect: hive`: text that Hive's LazySimpleSerDe reads back as it was sent.

use serde::{Deserialize, Serialize};

use crate::row::SerDe;
use crate::value::plain_text;
use crate::value::{Reason, Value};

/// What stands for NULL. Text never looks like it: its backslash would be escaped.
const NULL: &[u8] = b"\\N";

/// The dialect's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hive {
    /// Between fields. It must not occur in the text of numbers, dates and base64, which Hive does not unescape.
    pub delimiter: u8,
}

impl Hive {
    /// LazySimpleSerDe, told of every character that stands for something.
    pub(crate) fn ser_de(self) -> SerDe {
        let delimiter = char::from(self.delimiter).to_string();
        let properties = vec![
            ("field.delim", delimiter.clone()),
            ("serialization.format", delimiter),
            ("escape.delim", "\\".to_owned()),
            ("serialization.null.format", "\\N".to_owned()),
            ("serialization.escape.crlf", "true".to_owned()),
        ];
        SerDe { class: "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", properties }
    }

    /// Appends a field's text, without a delimiter.
    #[inline(always)]
    pub(crate) fn append(self, out: &mut Vec<u8>, value: &Value<'_>) -> Result<(), Reason> {
        match value {
            Value::Null => out.extend_from_slice(NULL),
            Value::Text(text) => self.append_escaped(out, text.as_bytes()),
            other => plain_text::append(out, other)?,
        }
        Ok(())
    }

    /// Hive splits rows at LF and at CR before it unescapes, so both become letters; the delimiter stays itself behind a backslash.
    fn append_escaped(self, out: &mut Vec<u8>, mut text: &[u8]) {
        let special = |byte: &u8| matches!(*byte, b'\\' | b'\n' | b'\r') || *byte == self.delimiter;
        // Without an early end the compiler tests many bytes at once.
        if !text.iter().fold(false, |found, byte| found | special(byte)) {
            out.extend_from_slice(text);
            return;
        }
        while let Some(at) = text.iter().position(special) {
            out.extend_from_slice(&text[..at]);
            out.push(b'\\');
            out.push(match text[at] {
                b'\n' => b'n',
                b'\r' => b'r',
                other => other,
            });
            text = &text[at + 1..];
        }
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(delimiter: u8, value: Value<'_>) -> String {
        let mut out = Vec::new();
        Hive { delimiter }.append(&mut out, &value).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Reads a line as LazySimpleSerDe does, from its documentation and the measurements, not from the code above.
    pub(crate) fn read_line(line: &str, delimiter: char) -> Vec<Option<String>> {
        assert!(!line.contains(['\n', '\r']));
        let mut fields = vec![];
        let (mut raw, mut value, mut chars) = (String::new(), String::new(), line.chars());
        loop {
            match chars.next() {
                Some('\\') => {
                    let next = chars.next().unwrap();
                    raw.extend(['\\', next]);
                    value.push(match next {
                        'n' => '\n',
                        'r' => '\r',
                        other => other,
                    });
                }
                Some(c) if c != delimiter => {
                    raw.push(c);
                    value.push(c);
                }
                end => {
                    fields.push((raw != "\\N").then(|| value.clone()));
                    raw.clear();
                    value.clear();
                    if end.is_none() {
                        return fields;
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn texts_and_nulls_come_back_from_a_line(
            fields in prop::collection::vec(prop::option::of("[\\\\\n\r,\tNnr\"' a-c\u{0}é😀]{0,8}"), 1..6),
            tab: bool,
        ) {
            let delimiter = if tab { b'\t' } else { b',' };
            let line = fields.iter().map(|field| text(delimiter, field.as_deref().map_or(Value::Null, |text| Value::Text(text.into()))))
                .collect::<Vec<_>>().join(if tab { "\t" } else { "," });
            prop_assert_eq!(read_line(&line, delimiter as char), fields);
        }

        #[test]
        fn doubles_come_back_bit_for_bit(bits: u64) {
            let value = f64::from_bits(bits);
            let written = text(b',', Value::Double(value)).replace("Infinity", "inf");
            let read: f64 = written.parse().unwrap();
            prop_assert!(read.to_bits() == bits || (value.is_nan() && read.is_nan()), "{} {}", written, value);
        }

        #[test]
        fn floats_come_back_bit_for_bit(bits: u32) {
            let value = f32::from_bits(bits);
            let read: f32 = text(b',', Value::Float(value)).replace("Infinity", "inf").parse().unwrap();
            prop_assert!(read.to_bits() == bits || (value.is_nan() && read.is_nan()));
        }
    }

    #[test]
    fn each_type_has_the_text_that_the_design_gives() {
        assert_eq!(text(b',', Value::Boolean(true)), "true");
        assert_eq!(text(b',', Value::Long(i64::MIN)), "-9223372036854775808");
        assert_eq!(text(b',', Value::Double(f64::NAN)), "NaN");
        assert_eq!(text(b',', Value::Double(f64::NEG_INFINITY)), "-Infinity");
        assert_eq!(text(b',', Value::Float(0.1)), "0.1");
        assert_eq!(text(b',', Value::Double(-0.0)), "-0.0");
        assert_eq!(text(b',', Value::Bytes([0xff, 0][..].into())), "/wA=");
        assert_eq!(text(b',', Value::Text("\\N".into())), "\\\\N");
        assert_eq!(text(b',', Value::Null), "\\N");
        assert_eq!(text(b',', Value::Date(0)), "1970-01-01");
    }
}
