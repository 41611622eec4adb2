//! KeyValue payloads: the key's fields, then the value's.

use crate::decode::fields::{Fields, Put};
use crate::decode::part::Part;
use crate::value::{BadRecord, Reason};

/// The fields of a key and a value.
#[derive(Clone, Debug)]
pub(crate) struct KeyValue<'a> {
    key: Part<'a>,
    keys_left: usize,
    value: Part<'a>,
}

impl<'a> KeyValue<'a> {
    /// The fields of a key, which are so many, and of a value.
    pub(crate) fn new(key: Part<'a>, key_fields: usize, value: Part<'a>) -> Self {
        KeyValue { key, keys_left: key_fields, value }
    }
}

impl<'a> Fields<'a> for KeyValue<'a> {
    fn next<P: Put<'a>>(&mut self, put: P) -> Result<P::Done, Reason> {
        match self.keys_left.checked_sub(1) {
            Some(left) => {
                self.keys_left = left;
                self.key.next(put)
            }
            None => self.value.next(put),
        }
    }

    fn end(self) -> Result<(), Reason> {
        self.key.end()?;
        self.value.end()
    }
}

/// A key and a value.
type Parts<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// Takes an INLINE payload apart: the key's length and bytes, the value's length and bytes; a length of -1 is a null.
pub(crate) fn split(payload: &[u8]) -> Result<Parts<'_>, BadRecord> {
    let mut rest = payload;
    let mut part = |name: &str| {
        take(&mut rest).map_err(|reason| BadRecord { reason, detail: format!("the {name} of an inline KeyValue") })
    };
    let parts = (part("key")?, part("value")?);
    if rest.is_empty() {
        return Ok(parts);
    }
    let detail = format!("{} bytes are left over after the value of an inline KeyValue", rest.len());
    Err(BadRecord { reason: Reason::TrailingBytes, detail })
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Reason> {
    let (length, tail) = rest.split_first_chunk().ok_or(Reason::Truncated)?;
    let length = i32::from_be_bytes(*length);
    if length == -1 {
        *rest = tail;
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| Reason::Malformed)?;
    let (part, tail) = tail.split_at_checked(length).ok_or(Reason::Truncated)?;
    *rest = tail;
    Ok(Some(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inline_payload_is_a_key_and_a_value_either_of_which_may_be_null() {
        let whole = [0, 0, 0, 2, b'k', b'e', 0, 0, 0, 1, b'v'];
        assert_eq!(split(&whole), Ok((Some(&b"ke"[..]), Some(&b"v"[..]))));
        assert_eq!(split(&[255, 255, 255, 255, 0, 0, 0, 0]), Ok((None, Some(&b""[..]))));
        assert_eq!(split(&[0, 0, 0, 0, 255, 255, 255, 255]), Ok((Some(&b""[..]), None)));
        for cut in 0..whole.len() {
            assert_eq!(split(&whole[..cut]).unwrap_err().reason, Reason::Truncated);
        }
        assert_eq!(split(&[255, 255, 255, 254]).unwrap_err().reason, Reason::Malformed);
        assert_eq!(split(&[&whole[..], &[0]].concat()).unwrap_err().reason, Reason::TrailingBytes);
    }
}
