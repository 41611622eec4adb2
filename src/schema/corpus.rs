//! What other programs' clients wrote: each line of a corpus is a schema as the client registers it, a payload, and the row
//! that it is to become, or the reason why it becomes none.

use serde::Deserialize;

use crate::schema::oracle::{encode, plan};
use crate::schema::writer::{SchemaInfo, WriterSchema};
use crate::value::Reason;

/// A line.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    /// Who wrote it: a class, its schema's type, a number.
    pub(crate) name: String,
    schema: SchemaInfo,
    payload: String,
    #[serde(default)]
    key: Option<String>,
    /// The row, without its LF.
    #[serde(default)]
    row: Option<String>,
    /// The reason's name.
    #[serde(default)]
    reason: Option<String>,
}

/// The lines of a corpus.
pub(crate) fn lines(corpus: &str) -> Vec<Line> {
    corpus.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// What differs, line by line.
pub(crate) fn differences(lines: &[Line]) -> Vec<String> {
    let differs = |line: &Line| {
        let expected = match (&line.row, &line.reason) {
            (Some(row), None) => Ok(row.as_str()),
            (None, Some(reason)) => Err(reason.as_str()),
            _ => panic!("{}: neither a row nor a reason, or both", line.name),
        };
        let found = found(line);
        let same = match &found {
            Ok(row) => expected == Ok(row),
            Err(bad) => expected.is_err_and(|reason| bad.split(':').next() == Some(reason)),
        };
        let said = format!("{}: {found:?} instead of {expected:?}", line.name);
        (!same).then(|| said.chars().take(1_000).collect())
    };
    lines.iter().filter_map(differs).collect()
}

/// The row, or the reason with what is said besides.
fn found(line: &Line) -> Result<String, String> {
    WriterSchema::compile(&line.schema).map_err(|why| format!("{}: {why}", Reason::IncompatibleSchema.name()))?;
    let plan = plan(&line.schema, false);
    let key = line.key.as_deref().map(bytes);
    let row = encode(&plan, key.as_deref(), &bytes(&line.payload)).map_err(|bad| bad.to_string())?;
    let row = String::from_utf8(row).unwrap();
    Ok(row.strip_suffix('\n').unwrap().to_owned())
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}
