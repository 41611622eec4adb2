//! How files are compressed: each batch is one gzip member, so that what is added to a file later leaves its bytes as they are.

use std::io::Write;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

/// What an encoder takes for itself: its window, hashes and output.
const GZIP_MEMORY: usize = 320 << 10;

/// How files are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Compression {
    /// Not at all.
    None,
    /// With gzip.
    Gzip,
}

impl Compression {
    /// The extension of the files' names: readers go by it.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Compression::None => "csv",
            Compression::Gzip => "csv.gz",
        }
    }

    /// Begins a batch's part of a file.
    pub fn begin(self) -> Compressor {
        match self {
            Compression::None => Compressor::None,
            Compression::Gzip => Compressor::Gzip(Box::new(GzEncoder::new(Vec::new(), Level::fast()))),
        }
    }
}

/// Compresses a batch's rows for one file, piece by piece.
#[derive(Debug)]
pub enum Compressor {
    /// Leaves them as they are.
    None,
    /// With gzip.
    Gzip(Box<GzEncoder<Vec<u8>>>),
}

impl Compressor {
    /// Bytes of memory that it takes for itself.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Compressor::None => 0,
            Compressor::Gzip(encoder) => GZIP_MEMORY + encoder.get_ref().capacity(),
        }
    }

    /// Takes rows, and gives what is ready to be written; it may be nothing.
    pub fn piece(&mut self, rows: Vec<u8>) -> Vec<u8> {
        match self {
            Compressor::None => rows,
            Compressor::Gzip(encoder) => {
                // Writing to a vector cannot fail.
                let _ = encoder.write_all(&rows);
                std::mem::take(encoder.get_mut())
            }
        }
    }

    /// Takes the last rows, and gives all that is left to be written.
    pub fn end(self, rows: Vec<u8>) -> Vec<u8> {
        match self {
            Compressor::None => rows,
            Compressor::Gzip(mut encoder) => {
                let _ = encoder.write_all(&rows);
                encoder.finish().unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;
    use std::io::Read;

    #[test]
    fn pieces_come_back_from_their_members_one_after_another() {
        let mut file = Vec::new();
        for batch in 0..3 {
            let mut compressor = Compression::Gzip.begin();
            for piece in 0..batch {
                file.extend(compressor.piece(vec![b'0' + piece; 100_000]));
            }
            file.extend(compressor.end(vec![b'\n'; 2]));
        }
        let mut read = String::new();
        MultiGzDecoder::new(&file[..]).read_to_string(&mut read).unwrap();
        let (zeros, ones) = ("0".repeat(100_000), "1".repeat(100_000));
        assert_eq!(read, format!("\n\n{zeros}\n\n{zeros}{ones}\n\n"));
        assert!(file.len() < 3_000, "{}", file.len());
    }
}
