//! The JSON text of values that are nested in a field.
//!
//! Every value comes back, whatever its type in the schema:
//!
//! | in the schema | in the text |
//! |---|---|
//! | null | `null` |
//! | boolean | `true`, `false` |
//! | int, long | a number with all its digits |
//! | float, double | the shortest number that reads back as the same; `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | string, enum | a string |
//! | bytes, fixed | a string: base64 |
//! | decimal | a string: the plain number, because a reader may take a number for a double |
//! | date, time, timestamp, uuid, duration | a string: the text that a column has |
//! | record | an object with every field, in the schema's order |
//! | array, map | an array, an object |
//! | union of null and one type | `null`, or the value |
//! | union of several types | `null`, or an object of one member, named by the type: Avro's JSON encoding |

use crate::value::plain_text;
use crate::value::{Reason, Value};

/// Appends a value's text.
pub(crate) fn append(out: &mut Vec<u8>, value: &Value<'_>) -> Result<(), Reason> {
    let bare = match value {
        Value::Null => {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        Value::Text(text) => {
            // It is UTF-8. To know it of a `str`, it is looked through again: texts in nested values are few.
            append_text(out, std::str::from_utf8(text.as_bytes()).map_err(|_| Reason::InvalidUtf8)?);
            return Ok(());
        }
        Value::Boolean(_) | Value::Long(_) => true,
        Value::Float(value) => value.is_finite(),
        Value::Double(value) => value.is_finite(),
        _ => false,
    };
    // None of the texts in quotes has a character that JSON escapes.
    if bare {
        return plain_text::append(out, value);
    }
    out.push(b'"');
    plain_text::append(out, value)?;
    out.push(b'"');
    Ok(())
}

/// Appends a string, in quotes.
pub(crate) fn append_text(out: &mut Vec<u8>, text: &str) {
    // Writing text to a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}
