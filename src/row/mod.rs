//! A row: the CSV line of a record, and the partition directory that it belongs in.

pub mod compression;
pub mod file_format;
pub mod hive;
pub mod metadata;
pub(crate) mod partition;
pub mod rfc4180;
pub mod settings;

use crate::value::{Reason, Value};
use hive::Hive;
use rfc4180::Rfc4180;
use serde::{Deserialize, Serialize};

/// How a row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Dialect {
    /// For Hive's text format.
    Hive(Hive),
    /// Quoted CSV.
    Rfc4180(Rfc4180),
}

/// What Hive reads a table's rows by.
#[derive(Debug)]
pub struct SerDe {
    /// The Java class.
    pub class: &'static str,
    /// Its properties.
    pub properties: Vec<(&'static str, String)>,
}

impl Dialect {
    /// What Hive reads rows of this dialect by.
    pub fn ser_de(self) -> SerDe {
        match self {
            Dialect::Hive(hive) => hive.ser_de(),
            Dialect::Rfc4180(rfc4180) => rfc4180.ser_de(),
        }
    }

    /// What stands between fields.
    pub fn delimiter(self) -> u8 {
        match self {
            Dialect::Hive(Hive { delimiter }) | Dialect::Rfc4180(Rfc4180 { delimiter, .. }) => delimiter,
        }
    }

    /// Appends a field's text, without a delimiter.
    #[inline(always)]
    pub fn append(self, out: &mut Vec<u8>, value: &Value<'_>) -> Result<(), Reason> {
        match self {
            Dialect::Hive(hive) => hive.append(out, value),
            Dialect::Rfc4180(rfc4180) => rfc4180.append(out, value),
        }
    }

    /// Ends the row that begins at `start`, and each of whose fields has left its delimiter.
    #[inline]
    pub fn end_row(self, out: &mut Vec<u8>, start: usize) {
        if out.len() == start + 1 && matches!(self, Dialect::Rfc4180(_)) {
            out.splice(start.., *b"\"\"\n");
        } else if let Some(delimiter) = out.last_mut() {
            *delimiter = b'\n';
        }
    }

    /// What a file begins with: the line of the columns' names, or nothing.
    pub fn header<'n>(self, names: impl Iterator<Item = &'n str>) -> Vec<u8> {
        let mut out = Vec::new();
        if let Dialect::Rfc4180(rfc4180) = self
            && rfc4180.header
        {
            for name in names {
                rfc4180.append_quoted(&mut out, name.as_bytes());
                out.push(rfc4180.delimiter);
            }
            self.end_row(&mut out, 0);
        }
        out
    }
}
