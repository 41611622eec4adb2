//! The rows of a table's files, read back after the rules of their dialects (docs/understand/formats.md) and not with the
//! connector's code.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use pulsar_io_hdfs_csv::position::Position;
use pulsar_io_hdfs_csv::row::Dialect;
use pulsar_io_hdfs_csv::row::compression::Compression;
use pulsar_io_hdfs_csv::row::file_format::FileFormat;
use pulsar_io_hdfs_csv::row::hive::Hive;
use pulsar_io_hdfs_csv::row::metadata::Metadata;
use pulsar_io_hdfs_csv::row::rfc4180::Rfc4180;
use pulsar_io_hdfs_csv::schema::table::TableColumns;
use pulsar_io_hdfs_csv::value::column::ColumnType;

/// The rows of a file's bytes, one after another; only one is unpacked at a time.
pub struct Rows<'b> {
    input: BufReader<Box<dyn Read + 'b>>,
    dialect: Dialect,
    row: Vec<u8>,
}

impl<'b> Rows<'b> {
    /// Begins at the first row, behind the header if there is one.
    pub fn open(bytes: &'b [u8], format: FileFormat) -> io::Result<Rows<'b>> {
        let input: Box<dyn Read> = match format.compression {
            Compression::None => Box::new(bytes),
            Compression::Gzip => Box::new(MultiGzDecoder::new(bytes)),
        };
        let mut rows = Rows { input: BufReader::new(input), dialect: format.dialect, row: Vec::new() };
        if matches!(format.dialect, Dialect::Rfc4180(Rfc4180 { header: true, .. })) {
            rows.next_row()?;
        }
        Ok(rows)
    }

    /// The next row, without its LF; none at the end.
    pub fn next_row(&mut self) -> io::Result<Option<&[u8]>> {
        self.row.clear();
        loop {
            let length = self.input.read_until(b'\n', &mut self.row)?;
            let quotes = || self.row.iter().filter(|byte| **byte == b'"').count();
            let inside_quotes = matches!(self.dialect, Dialect::Rfc4180(_)) && quotes() % 2 == 1;
            if length == 0 || !inside_quotes {
                break;
            }
        }
        if self.row.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.row.strip_suffix(b"\n").unwrap_or(&self.row)))
    }
}

/// A row, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Where its record stands; none when the row does not say so.
    pub position: Option<Position>,
    /// The hash of its values without the metadata columns.
    pub hash: u64,
}

/// The columns of a table, for reading rows that were written under any version of them.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Columns of `_ledger_id`, `_entry_id` and `_batch_index`.
    position: Option<[usize; 3]>,
    /// Metadata columns.
    ignored: Vec<bool>,
    /// Columns that are or once were of type float: the same value has other digits since it became a double.
    float: Vec<bool>,
}

impl Columns {
    /// From every version of the columns, of which the newest counts.
    pub fn new(versions: &BTreeMap<u64, TableColumns>) -> Columns {
        let newest = versions.values().next_back().map(|table| table.columns.as_slice()).unwrap_or_default();
        let place = |metadata: Metadata| {
            newest
                .iter()
                .position(|own| own.name == metadata.name() && own.column_type == metadata.column().column_type)
        };
        let position = [Metadata::LedgerId, Metadata::EntryId, Metadata::BatchIndex].map(place);
        let ever_float = |at: usize| {
            let is_float =
                |table: &TableColumns| table.columns.get(at).is_some_and(|own| own.column_type == ColumnType::Float);
            versions.values().any(is_float)
        };
        Columns {
            position: match position {
                [Some(ledger), Some(entry), Some(batch_index)] => Some([ledger, entry, batch_index]),
                _ => None,
            },
            ignored: Metadata::ALL.iter().map(|own| place(*own)).fold(vec![false; newest.len()], |mut all, at| {
                at.into_iter().for_each(|at| all[at] = true);
                all
            }),
            float: (0..newest.len()).map(ever_float).collect(),
        }
    }

    /// Whether rows can say where their records stand.
    pub fn have_positions(&self) -> bool {
        self.position.is_some()
    }

    /// Reads a row. Columns at its end that it lacks are NULL.
    pub fn read(&self, dialect: Dialect, row: &[u8]) -> Row {
        let mut hasher = DefaultHasher::new();
        let mut position = [None; 3];
        let mut value = Vec::new();
        let (mut rest, mut at) = (Some(row), 0);
        let (mut values, mut bytes) = (0, 0);
        while let Some(text) = rest {
            value.clear();
            let (is_null, behind) = match dialect {
                Dialect::Hive(hive) => hive_field(hive, text, &mut value),
                Dialect::Rfc4180(rfc4180) => quoted_field(rfc4180, text, &mut value),
            };
            if !is_null {
                if let Some(part) = self.position.and_then(|columns| columns.iter().position(|column| *column == at)) {
                    position[part] = std::str::from_utf8(&value).ok().and_then(|text| text.parse::<u64>().ok());
                }
                if !self.ignored.get(at).copied().unwrap_or(false) {
                    self.hash(at, &value, &mut hasher);
                    (values, bytes) = (values + 1, bytes + value.len());
                }
            }
            (rest, at) = (behind, at + 1);
        }
        if values == 1 && bytes == 0 {
            // Quoted CSV has one line for a row that is an empty text only and for one of NULLs only.
            hasher = DefaultHasher::new();
        }
        let [ledger, entry, batch_index] = position;
        let position = (|| {
            let batch_index = u32::try_from(batch_index?).ok()?;
            Some(Position { ledger: ledger?, entry: entry?, batch_index })
        })();
        Row { position, hash: hasher.finish() }
    }

    fn hash(&self, at: usize, value: &[u8], hasher: &mut DefaultHasher) {
        hasher.write_usize(at);
        let float = self.float.get(at).copied().unwrap_or(false);
        match std::str::from_utf8(value).ok().filter(|_| float).and_then(|text| text.parse::<f32>().ok()) {
            Some(number) if number.is_nan() => hasher.write(b"NaN"),
            Some(number) => hasher.write_u32(number.to_bits()),
            None => {
                hasher.write_usize(value.len());
                hasher.write(value);
            }
        }
    }
}

/// A field's value, whether it is NULL, and the row behind its delimiter.
fn hive_field<'r>(Hive { delimiter }: Hive, row: &'r [u8], value: &mut Vec<u8>) -> (bool, Option<&'r [u8]>) {
    let mut at = 0;
    while let Some(byte) = row.get(at).filter(|byte| **byte != delimiter) {
        if *byte == b'\\' {
            at += 1;
            value.extend(row.get(at).map(|escaped| match escaped {
                b'n' => b'\n',
                b'r' => b'\r',
                other => *other,
            }));
        } else {
            value.push(*byte);
        }
        at += 1;
    }
    let end = at.min(row.len());
    (&row[..end] == b"\\N", row.get(end + 1..))
}

fn quoted_field<'r>(
    Rfc4180 { delimiter, .. }: Rfc4180,
    row: &'r [u8],
    value: &mut Vec<u8>,
) -> (bool, Option<&'r [u8]>) {
    let mut at = 0;
    let mut inside = false;
    while let Some(byte) = row.get(at).filter(|byte| inside || **byte != delimiter) {
        match byte {
            b'"' if inside && row.get(at + 1) == Some(&b'"') => {
                value.push(b'"');
                at += 1;
            }
            b'"' => inside = !inside,
            other => value.push(*other),
        }
        at += 1;
    }
    (at == 0, row.get(at + 1..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulsar_io_hdfs_csv::value::Value;
    use pulsar_io_hdfs_csv::value::column::Column;

    const HIVE: Dialect = Dialect::Hive(Hive { delimiter: b',' });
    const DIALECTS: [Dialect; 5] = [
        HIVE,
        Dialect::Hive(Hive { delimiter: b'\t' }),
        Dialect::Rfc4180(Rfc4180 { delimiter: b',', header: false }),
        Dialect::Rfc4180(Rfc4180 { delimiter: b',', header: true }),
        Dialect::Rfc4180(Rfc4180 { delimiter: b';', header: true }),
    ];

    fn versions(all: &[&[(&str, ColumnType)]]) -> BTreeMap<u64, TableColumns> {
        let table = |(at, columns): (usize, &&[(&str, ColumnType)])| {
            let column = |(name, column_type): &(&str, ColumnType)| Column {
                name: (*name).to_owned(),
                column_type: *column_type,
            };
            let version = at as u64 + 1;
            (version, TableColumns { version, columns: columns.iter().map(column).collect() })
        };
        all.iter().enumerate().map(table).collect()
    }

    fn texts(count: usize) -> Columns {
        let names: Vec<_> = (0..count).map(|at| format!("c{at}")).collect();
        let columns: Vec<_> = names.iter().map(|name| (name.as_str(), ColumnType::String)).collect();
        Columns::new(&versions(&[&columns]))
    }

    /// The rows of a file that the connector has written in this dialect.
    fn written(dialect: Dialect, compression: Compression, rows: &[Vec<Option<&str>>]) -> Vec<u8> {
        let mut out = dialect.header(["a", "b\n"].into_iter());
        for row in rows {
            let start = out.len();
            for field in row {
                let value = field.map_or(Value::Null, |text| Value::Text(text.into()));
                dialect.append(&mut out, &value).unwrap();
                out.push(dialect.delimiter());
            }
            dialect.end_row(&mut out, start);
        }
        let mut compressor = compression.begin();
        let mut file = compressor.piece(out);
        file.extend(compressor.end(Vec::new()));
        file
    }

    fn read(columns: &Columns, dialect: Dialect, compression: Compression, bytes: &[u8]) -> Vec<Row> {
        let mut rows = Rows::open(bytes, FileFormat { dialect, compression }).unwrap();
        let mut all = Vec::new();
        while let Some(row) = rows.next_row().unwrap() {
            all.push(columns.read(dialect, row));
        }
        all
    }

    #[test]
    fn a_row_is_the_same_in_every_dialect_and_another_when_a_value_is() {
        let parts = ["", "\\", "\n", "\r", ",", "\t", ";", "\"", "\"\"", "\\N", "a", " é "];
        let mut fields: Vec<Option<String>> = vec![None];
        fields.extend(parts.iter().flat_map(|one| parts.iter().map(move |other| Some(format!("{one}{other}")))));
        fields.sort();
        fields.dedup();
        let rows: Vec<Vec<Option<&str>>> =
            fields.iter().map(|field| vec![Some("x"), field.as_deref(), Some("y")]).collect();
        let columns = texts(3);
        let mut seen = Vec::new();
        for dialect in DIALECTS {
            for compression in [Compression::None, Compression::Gzip] {
                seen.push(read(&columns, dialect, compression, &written(dialect, compression, &rows)));
            }
        }
        assert!(seen.iter().all(|all| *all == seen[0] && all.len() == rows.len()), "{seen:?}");
        let mut hashes: Vec<_> = seen[0].iter().map(|row| row.hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), rows.len(), "no two rows are one");
    }

    #[test]
    fn a_row_of_nulls_is_the_same_in_every_dialect_and_a_row_that_lacks_columns_has_nulls_there() {
        for dialect in DIALECTS {
            let lines =
                [vec![None], vec![None, None], vec![Some("a"), None, None], vec![Some("a")], vec![None, Some("a")]];
            let rows = read(&texts(3), dialect, Compression::None, &written(dialect, Compression::None, &lines));
            assert_eq!((rows[0], rows[2]), (rows[1], rows[3]), "{dialect:?}");
            assert!(rows[2] != rows[4] && rows[0] != rows[2], "a value's column counts");
        }
    }

    #[test]
    fn an_empty_text_is_not_null_beside_other_values() {
        let columns = texts(3);
        let row = |text: &str| columns.read(HIVE, text.as_bytes()).hash;
        assert_ne!(row("a,"), row("a"));
        assert_ne!(row("a,,"), row("a,,\\N"));
        assert_ne!(row(",a"), row("\\N,a"));
        assert_ne!(row(",,a"), row("\\N,,a"));
        assert_ne!(row(","), row(""));
    }

    #[test]
    fn positions_are_read_and_metadata_is_not_compared() {
        use ColumnType::{BigInt, Int, String, Timestamp};
        let old: &[(&str, ColumnType)] = &[("a", String)];
        let new: &[(&str, ColumnType)] = &[
            ("a", String),
            ("_ledger_id", BigInt),
            ("_entry_id", BigInt),
            ("_batch_index", Int),
            ("_publish_time", Timestamp),
        ];
        let columns = Columns::new(&versions(&[old, new]));
        let row = columns.read(HIVE, b"x,11,80,3,2026-11-01 00:00:00.000");
        assert_eq!(row.position, Some(Position { ledger: 11, entry: 80, batch_index: 3 }));
        let older = columns.read(HIVE, b"x");
        assert_eq!((older.position, older.hash), (None, row.hash));
        assert_eq!(columns.read(HIVE, b"x,11,80,\\N").position, None);
        assert!(columns.have_positions() && !Columns::new(&versions(&[old])).have_positions());
    }

    #[test]
    fn a_float_is_the_same_after_its_column_became_a_double() {
        use ColumnType::{Double, Float};
        let columns = Columns::new(&versions(&[&[("a", Float)], &[("a", Double)]]));
        let row = |text: &str| columns.read(HIVE, text.as_bytes()).hash;
        assert_eq!(row("0.1"), row("0.10000000149011612"));
        assert_ne!(row("0.1"), row("0.1000001"));
        assert_eq!(row("NaN"), row("NaN"));
        let doubles = Columns::new(&versions(&[&[("a", Double)]]));
        assert_ne!(doubles.read(HIVE, b"0.1").hash, doubles.read(HIVE, b"0.10000000149011612").hash);
    }

    #[test]
    fn bytes_that_are_not_gzip_are_an_error_and_no_bytes_are_ended_by_a_panic() {
        let format = FileFormat { dialect: HIVE, compression: Compression::Gzip };
        assert!(Rows::open(b"1,2\n", format).unwrap().next_row().is_err());
        for dialect in DIALECTS {
            for text in [&b"\\"[..], b"a,\\", b"\"", b"\"a", b"a\"b\"\"", b",", b"\xff,\"\xff"] {
                read(&texts(2), dialect, Compression::None, text);
            }
        }
    }
}
