//! Rows of any values in both dialects: what independent readers of these dialects find is what was written, and as many rows are
//! counted.

#![no_main]

use hdfs_csv_fuzz::avro::{date, time, timestamp};
use hdfs_csv_fuzz::choices::Choices;
use hdfs_csv_fuzz::hive_text::read_row;
use hdfs_csv_fuzz::quoted::read_file;
use hdfs_csv_fuzz::tree::Tree;
use libfuzzer_sys::fuzz_target;
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::row::rfc4180::Rfc4180;
use pulsar_io_hdfs_csv::value::Value;

/// What the configuration lets be a delimiter in each dialect.
const OF_HIVE: [u8; 8] = *b",\t;|\x01~!\x1f";
const OF_RFC_4180: [u8; 8] = *b",\t;|- :.";

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data);
    let choice = choices.byte();
    let at = usize::from(choice >> 2) % OF_HIVE.len();
    let dialect = if choice & 1 == 0 {
        Dialect::Hive(Hive { delimiter: OF_HIVE[at] })
    } else {
        Dialect::Rfc4180(Rfc4180 { delimiter: OF_RFC_4180[at], header: choice & 2 != 0 })
    };
    let columns = 1 + choices.below(6);
    let names: Vec<String> = (0..columns).map(|_| choices.text()).collect();
    let mut file = dialect.header(names.iter().map(String::as_str));
    let mut expected = Vec::new();
    while !choices.is_empty() {
        let start = file.len();
        let mut row = Vec::new();
        for _ in 0..columns {
            let (value, tree) = value(&mut choices);
            let before = file.len();
            let written = dialect.append(&mut file, &value);
            assert_eq!(written.is_ok(), tree.is_some(), "{value:?}");
            // Each sign of a text may be escaped, and the longest of the others is a decimal.
            let length = match &tree {
                Some(Tree::Text(text)) => text.len(),
                _ => 0,
            };
            assert!(file.len() - before <= 2 * length + 64, "{} bytes of {value:?}", file.len() - before);
            file.push(dialect.delimiter());
            row.extend(tree);
        }
        if row.len() == columns {
            dialect.end_row(&mut file, start);
            expected.push(row);
        } else {
            file.truncate(start);
        }
    }
    let text = std::str::from_utf8(&file).expect("a file is UTF-8");
    let delimiter = char::from(dialect.delimiter());
    let rows = match dialect {
        Dialect::Hive(_) => {
            text.split_inclusive('\n').map(|row| read_row(row, delimiter).expect("a row is one line")).collect()
        }
        Dialect::Rfc4180(Rfc4180 { header, .. }) => {
            let mut rows = read_file(text, delimiter).expect("the file is quoted CSV");
            if header {
                let header: Vec<String> = rows.remove(0).into_iter().map(Option::unwrap_or_default).collect();
                assert_eq!(header, names);
            }
            if columns == 1 {
                // A row of a NULL only is no empty line, so it looks like an empty text.
                rows.iter_mut().flatten().for_each(|field| *field = field.take().filter(|text| !text.is_empty()));
                for tree in expected.iter_mut().flatten() {
                    if matches!(tree, Tree::Text(text) if text.is_empty()) {
                        *tree = Tree::Null;
                    }
                }
            }
            rows
        }
    };
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row.len(), columns);
        for (field, tree) in row.iter().zip(expected) {
            assert!(tree.is_in_column(field.as_deref()), "{field:?} instead of {tree:?}");
        }
    }
    let counted = FileFormat { dialect, compression: Compression::None }.count_rows(&file).expect("bytes can be read");
    assert_eq!(counted, expected.len() as u64);
});

/// A value, and what a reader should find; none for one that Hive does not have.
fn value(choices: &mut Choices<'_>) -> (Value<'static>, Option<Tree>) {
    let long = |choices: &mut Choices<'_>| match choices.byte() {
        shift @ 0..64 => i64::from_le_bytes(choices.array()) >> shift,
        _ => i64::from_le_bytes(choices.array()),
    };
    match choices.below(18) {
        0 => (Value::Null, Some(Tree::Null)),
        1 => {
            let value = choices.byte() & 1 == 1;
            (Value::Boolean(value), Some(Tree::Boolean(value)))
        }
        2 => {
            let value = long(choices);
            (Value::Long(value), Some(Tree::Long(value)))
        }
        3 => {
            let value = f32::from_bits(u32::from_le_bytes(choices.array()));
            (Value::Float(value), Some(Tree::Float(value)))
        }
        4 => {
            let value = f64::from_bits(u64::from_le_bytes(choices.array()));
            (Value::Double(value), Some(Tree::Double(value)))
        }
        5 => {
            let bytes = choices.some();
            let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
            (Value::Bytes(bytes.to_vec().into()), Some(Tree::Text(text)))
        }
        6 => {
            let shift = choices.byte() % 128;
            let (unscaled, scale) = (i128::from_le_bytes(choices.array()) >> shift, choices.byte() % 39);
            let sign = if unscaled < 0 { "-" } else { "" };
            let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = usize::from(scale) + 1);
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
            let point = if scale == 0 { "" } else { "." };
            (Value::Decimal { unscaled, scale }, Some(Tree::Text(format!("{sign}{whole}{point}{fraction}"))))
        }
        7 => {
            let days = long(choices);
            (Value::Date(days), i32::try_from(days).ok().and_then(date))
        }
        8 => {
            let value = long(choices);
            (Value::TimeMillis(value), time(value, 3))
        }
        9 => {
            let value = long(choices);
            (Value::TimeMicros(value), time(value, 6))
        }
        10 => {
            let value = long(choices);
            (Value::TimeNanos(value), time(value, 9))
        }
        11 => {
            let value = long(choices);
            (Value::TimestampMillis(value), timestamp(value, 3))
        }
        12 => {
            let value = long(choices);
            (Value::TimestampMicros(value), timestamp(value, 6))
        }
        13 => {
            let (days, nanos) = (long(choices), long(choices));
            let day = i32::try_from(days).ok().and_then(date);
            let text = day.zip(time(nanos, 9)).map(|parts| match parts {
                (Tree::Text(day), Tree::Text(time)) => Tree::Text(format!("{day} {time}")),
                other => panic!("{other:?} are no texts"),
            });
            (Value::TimestampNanos { days, nanos }, text)
        }
        14 => {
            let bytes: [u8; 16] = choices.array();
            let text = apache_avro::Uuid::from_bytes(bytes).hyphenated().to_string();
            (Value::Uuid(bytes), Some(Tree::Text(text)))
        }
        15 => {
            let [months, days, millis] = std::array::from_fn(|_| u32::from_le_bytes(choices.array()));
            let text = format!("P{months}M{days}DT{}.{:03}S", millis / 1_000, millis % 1_000);
            (Value::Duration([months, days, millis]), Some(Tree::Text(text)))
        }
        _ => {
            let text = choices.text();
            (Value::Text(text.clone().into()), Some(Tree::Text(text)))
        }
    }
}
