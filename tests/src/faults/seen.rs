//! What a reader has seen of a table, and whether what it sees next goes with that.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

const DELIMITER: u8 = b',';

/// What a reader of a table must never see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A row that is not whole.
    Torn(String),
    /// Rows that were there and are not any more.
    Shrunk(String),
}

/// The visible files of a table as they were last read.
#[derive(Debug, Default)]
pub struct Seen {
    fewest_fields: usize,
    files: BTreeMap<String, Bytes>,
}

impl Seen {
    /// Nothing yet, of a table whose rows have at least so many fields.
    pub fn new(fewest_fields: usize) -> Seen {
        Seen { fewest_fields, files: BTreeMap::new() }
    }

    /// The length that a file had when it was last read.
    pub fn length(&self, path: &str) -> Option<usize> {
        self.files.get(path).map(Bytes::len)
    }

    /// The files of one listing. Every file that was read before it must be among them.
    pub fn listed(&self, paths: &BTreeSet<String>) -> Vec<Wrong> {
        let gone = self.files.keys().filter(|path| !paths.contains(*path));
        gone.map(|path| Wrong::Shrunk(format!("{path} was visible and is gone"))).collect()
    }

    /// A file's bytes. They must begin with those that were there before, and what is new must be whole rows.
    pub fn read(&mut self, path: &str, bytes: Bytes) -> Vec<Wrong> {
        let before = self.files.get(path).cloned().unwrap_or_default();
        let mut wrong = Vec::new();
        let new = match bytes.strip_prefix(before.as_ref()) {
            Some(new) => new,
            None => {
                let same = bytes.iter().zip(before.iter()).take_while(|(now, then)| now == then).count();
                let (had, has) = (before.len(), bytes.len());
                let what = format!("{path} had {had} bytes and has {has}, of which the first {same} are as before");
                wrong.push(Wrong::Shrunk(what));
                &bytes[..]
            }
        };
        if let Some(what) = torn(new, self.fewest_fields) {
            wrong.push(Wrong::Torn(format!("{path}, after {} bytes: {what}", bytes.len() - new.len())));
        }
        self.files.insert(path.to_owned(), bytes);
        wrong
    }
}

/// What is wrong with bytes that are not whole rows.
fn torn(bytes: &[u8], fewest_fields: usize) -> Option<String> {
    if bytes.is_empty() {
        return None;
    }
    let Some(rows) = bytes.strip_suffix(b"\n") else {
        return Some(format!("no line feed at the end of {:?}", text(&bytes[bytes.len().saturating_sub(80)..])));
    };
    let short = rows.split(|byte| *byte == b'\n').find(|row| fields(row) < fewest_fields || row.contains(&b'\r'));
    short.map(|row| format!("{} fields, not {fewest_fields} or more: {:?}", fields(row), text(row)))
}

/// Delimiters that no backslash takes the meaning from, and one more.
fn fields(row: &[u8]) -> usize {
    let mut fields = 1;
    let mut bytes = row.iter();
    while let Some(byte) = bytes.next() {
        match *byte {
            b'\\' => drop(bytes.next()),
            DELIMITER => fields += 1,
            _ => {}
        }
    }
    fields
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(seen: &mut Seen, bytes: &'static str) -> Vec<Wrong> {
        seen.read("dt=1/a.csv", Bytes::from_static(bytes.as_bytes()))
    }

    fn listed(seen: &Seen, paths: &[&str]) -> Vec<Wrong> {
        seen.listed(&paths.iter().map(|path| (*path).to_owned()).collect())
    }

    #[test]
    fn a_file_that_grows_by_whole_rows_is_as_it_should_be() {
        let mut seen = Seen::new(2);
        for bytes in ["", "1,a\n", "1,a\n", "1,a\n2,b\n3,c,more\n"] {
            assert_eq!(read(&mut seen, bytes), []);
        }
        assert_eq!(seen.length("dt=1/a.csv"), Some(17));
        assert_eq!(listed(&seen, &["dt=1/a.csv", "dt=1/b.csv"]), []);
    }

    #[test]
    fn a_file_that_loses_rows_has_shrunk() {
        let mut seen = Seen::new(2);
        assert_eq!(read(&mut seen, "1,a\n2,b\n"), []);
        assert!(matches!(&read(&mut seen, "1,a\n")[..], [Wrong::Shrunk(_)]));
    }

    #[test]
    fn a_file_of_the_same_length_with_another_row_has_shrunk() {
        let mut seen = Seen::new(2);
        assert_eq!(read(&mut seen, "1,a\n2,b\n"), []);
        assert!(matches!(&read(&mut seen, "1,a\n2,c\n")[..], [Wrong::Shrunk(_)]));
    }

    #[test]
    fn a_file_that_is_gone_has_shrunk() {
        let mut seen = Seen::new(2);
        assert_eq!(read(&mut seen, "1,a\n"), []);
        assert!(matches!(&listed(&seen, &["dt=1/b.csv"])[..], [Wrong::Shrunk(_)]));
    }

    #[test]
    fn a_row_that_is_cut_off_or_has_too_few_fields_is_torn() {
        for bytes in ["1,a\n2,b", "1,a\n2\n", "1,a\n2,\\", "1\\,a\n", "1,a\r\n", "\n"] {
            assert!(matches!(&read(&mut Seen::new(2), bytes)[..], [Wrong::Torn(_)]), "{bytes:?}");
        }
    }

    #[test]
    fn a_row_that_was_torn_and_grows_whole_was_still_torn() {
        let mut seen = Seen::new(2);
        assert!(matches!(&read(&mut seen, "1,a\n2,")[..], [Wrong::Torn(_)]));
        assert!(matches!(&read(&mut seen, "1,a\n2,b\n")[..], [Wrong::Torn(_)]));
    }

    #[test]
    fn escaped_delimiters_and_backslashes_are_text() {
        assert_eq!(read(&mut Seen::new(2), "1,a\\,b\\\\\n2,\\n\n"), []);
    }
}
