//! How a file's rows are written: what all rows of one file have in common.

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};

use crate::protocol::manifest::RowFormat;
use crate::row::Dialect;
use crate::row::compression::Compression;
use crate::row::rfc4180::Rfc4180;

/// How a file's rows are written. Columns are not in it: new ones stand at the end, and a row that lacks them reads as NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileFormat {
    /// How rows are written.
    pub dialect: Dialect,
    /// How the file is compressed.
    pub compression: Compression,
}

impl From<FileFormat> for RowFormat {
    fn from(format: FileFormat) -> Self {
        // Plain names and numbers: they are always JSON.
        RowFormat(serde_json::to_value(format).unwrap_or_default())
    }
}

/// A file format that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("this version does not know how the file's rows are written ({0}); a newer one wrote them")]
pub struct UnknownFormat(serde_json::Error);

impl TryFrom<&RowFormat> for FileFormat {
    type Error = UnknownFormat;

    fn try_from(RowFormat(format): &RowFormat) -> Result<Self, UnknownFormat> {
        FileFormat::deserialize(format).map_err(UnknownFormat)
    }
}

impl From<UnknownFormat> for io::Error {
    fn from(error: UnknownFormat) -> Self {
        io::Error::new(io::ErrorKind::Unsupported, error)
    }
}

impl FileFormat {
    /// The rows in a file's bytes, without its header.
    ///
    /// # Errors
    /// When the bytes are not what the compression makes.
    pub fn count_rows(&self, bytes: &[u8]) -> io::Result<u64> {
        match self.compression {
            Compression::None => self.dialect.count_rows(bytes),
            Compression::Gzip => self.dialect.count_rows(MultiGzDecoder::new(bytes)),
        }
    }
}

impl Dialect {
    fn count_rows(self, text: impl Read) -> io::Result<u64> {
        let Dialect::Rfc4180(Rfc4180 { delimiter, header }) = self else { return count_line_feeds(text) };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).has_headers(header).flexible(true).from_reader(text);
        let mut record = csv::ByteRecord::new();
        let mut rows = 0;
        while reader.read_byte_record(&mut record)? {
            rows += 1;
        }
        Ok(rows)
    }
}

fn count_line_feeds(mut text: impl Read) -> io::Result<u64> {
    let mut piece = vec![0; 1 << 16];
    let mut rows = 0;
    loop {
        match text.read(&mut piece)? {
            0 => return Ok(rows),
            length => rows += memchr::memchr_iter(b'\n', &piece[..length]).count() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::hive::Hive;
    use crate::value::Value;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_many_rows_are_counted_as_were_written(
            texts in prop::collection::vec("[\\\\\n\r,\"a]{0,6}", 0..9),
            dialect in prop::sample::select(vec![
                Dialect::Hive(Hive { delimiter: b',' }),
                Dialect::Rfc4180(Rfc4180 { delimiter: b',', header: false }),
                Dialect::Rfc4180(Rfc4180 { delimiter: b',', header: true }),
            ]),
            compression in prop::sample::select(vec![Compression::None, Compression::Gzip]),
        ) {
            let mut rows = dialect.header(["a", "b\n"].into_iter());
            for text in &texts {
                let start = rows.len();
                dialect.append(&mut rows, &Value::Text(text.as_str().into())).unwrap();
                rows.push(b',');
                dialect.end_row(&mut rows, start);
            }
            let mut compressor = compression.begin();
            let mut file = compressor.piece(rows);
            file.extend(compressor.end(Vec::new()));
            let format = FileFormat { dialect, compression };
            prop_assert_eq!(format.count_rows(&file).unwrap(), texts.len() as u64);
            let json = serde_json::to_string(&format).unwrap();
            prop_assert_eq!(serde_json::from_str::<FileFormat>(&json).unwrap(), format);
            prop_assert_eq!(FileFormat::try_from(&RowFormat::from(format)).unwrap(), format);
        }
    }

    #[test]
    fn a_format_of_a_newer_version_is_named_as_unknown() {
        let newer = serde_json::json!({ "dialect": { "parquet": {} }, "compression": "none" });
        let error = FileFormat::try_from(&RowFormat(newer)).unwrap_err();
        assert!(error.to_string().contains("parquet") && error.to_string().contains("a newer one"), "{error}");
    }

    #[test]
    fn bytes_that_are_not_gzip_are_an_error() {
        let dialect = Dialect::Hive(Hive { delimiter: b',' });
        assert!(FileFormat { dialect, compression: Compression::Gzip }.count_rows(b"1,2\n").is_err());
    }
}
