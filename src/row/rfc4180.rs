//! `dialect: rfc4180`: quoted CSV for tools that are not Hive.
//!
//! A NULL is an empty field, an empty text is `""`, and so are bytes of which there are none. Rows end with LF. A row
//! whose only column is NULL is `""` too: readers leave out empty lines.

use csv_core::{WriteResult, Writer, WriterBuilder};

use serde::{Deserialize, Serialize};

use crate::row::SerDe;
use crate::value::plain_text;
use crate::value::{Reason, Value};

/// The dialect's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rfc4180 {
    /// Between fields.
    pub delimiter: u8,
    /// Whether a file begins with the columns' names.
    pub header: bool,
}

impl Rfc4180 {
    /// OpenCSVSerde, which reads every column as a string.
    pub(crate) fn ser_de(self) -> SerDe {
        let properties = vec![
            ("separatorChar", char::from(self.delimiter).to_string()),
            ("quoteChar", "\"".to_owned()),
            // There is none in such files. By default it is the backslash, which would be missing in texts.
            ("escapeChar", "\u{1}".to_owned()),
        ];
        SerDe { class: "org.apache.hadoop.hive.serde2.OpenCSVSerde", properties }
    }

    /// Appends a field's text, without a delimiter.
    pub(crate) fn append(self, out: &mut Vec<u8>, value: &Value<'_>) -> Result<(), Reason> {
        match value {
            Value::Null => {}
            Value::Text(text) if text.as_bytes().is_empty() => out.extend_from_slice(b"\"\""),
            Value::Text(text) => self.append_quoted(out, text.as_bytes()),
            other => {
                // The delimiter may be a sign that numbers and dates have. Bytes may be none, which is not NULL.
                let start = out.len();
                plain_text::append(out, other)?;
                if out.len() == start {
                    out.extend_from_slice(b"\"\"");
                } else if out[start..].contains(&self.delimiter) {
                    let text = out.split_off(start);
                    self.append_quoted(out, &text);
                }
            }
        }
        Ok(())
    }

    /// Appends a text, in quotes where it needs them.
    pub(crate) fn append_quoted(self, out: &mut Vec<u8>, text: &[u8]) {
        let mut writer: Writer = WriterBuilder::new().delimiter(self.delimiter).build();
        let start = out.len();
        // Each byte may be a quote, and there is one before and one behind.
        out.resize(start + 2 * text.len() + 2, 0);
        let (_, _, written) = writer.field(text, &mut out[start..]);
        let (result, end) = writer.finish(&mut out[start + written..]);
        debug_assert_eq!(result, WriteResult::InputEmpty);
        out.truncate(start + written + end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Dialect;
    use proptest::prelude::*;

    fn line(delimiter: u8, fields: &[Value<'_>]) -> Vec<u8> {
        let dialect = Dialect::Rfc4180(Rfc4180 { delimiter, header: false });
        let mut out = b"before".to_vec();
        let start = out.len();
        for field in fields {
            dialect.append(&mut out, field).unwrap();
            out.push(delimiter);
        }
        dialect.end_row(&mut out, start);
        out.split_off(start)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn texts_come_back_from_the_csv_crates_reader(
            fields in prop::collection::vec("[\\\\\n\r,\t;\"' a-c\u{0}é😀]{0,8}", 1..6),
            delimiter in prop::sample::select(b",\t;| a".to_vec()),
        ) {
            let values: Vec<_> = fields.iter().map(|field| Value::Text(field.as_str().into())).collect();
            let written = line(delimiter, &values);
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(&written[..]);
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(rows.len(), 1);
            prop_assert_eq!(rows[0].iter().collect::<Vec<_>>(), fields);
        }
    }

    #[test]
    fn fields_are_quoted_where_they_need_it_and_null_is_not_the_empty_text() {
        let text = |text: &'static str| Value::Text(text.into());
        let written = line(b',', &[Value::Null, text(""), text("a"), text("a,\"b\""), text("\r"), Value::Long(-1)]);
        assert_eq!(written, b",\"\",a,\"a,\"\"b\"\"\",\"\r\",-1\n");
        assert_eq!(line(b'-', &[Value::Long(-1), Value::Date(0), Value::Long(7)]), b"\"-1\"-\"1970-01-01\"-7\n");
        assert_eq!(line(b',', &[Value::Null, Value::Bytes([][..].into())]), b",\"\"\n");
        assert_eq!(line(b',', &[Value::Null]), b"\"\"\n", "no empty line");
        assert_eq!(line(b',', &[Value::Null, Value::Null]), b",\n");
    }
}
