//! JSON text, read once from its start. Numbers are given as they are written: 64-bit integers and decimals lose nothing.

use std::borrow::Cow;

use memchr::memchr2;

use crate::decode::fields::MOST_LEVELS;
use crate::decode::json_text;
use crate::value::Reason;

/// A place in a text.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The start of a payload. A byte order mark, which .NET writes, is no part of the text.
    pub(crate) fn new(payload: &'a [u8]) -> Result<Self, Reason> {
        let text = std::str::from_utf8(payload).map_err(|_| Reason::InvalidUtf8)?;
        Ok(Cursor { text: text.strip_prefix('\u{feff}').unwrap_or(text), at: 0 })
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The next byte that is not blank, not consumed.
    pub(crate) fn peek(&mut self) -> Result<u8, Reason> {
        let blanks = self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += blanks;
        self.rest().first().copied().ok_or(Reason::Truncated)
    }

    /// Consumes the next byte that is not blank if it is this one.
    fn take(&mut self, byte: u8) -> Result<bool, Reason> {
        let found = self.peek()? == byte;
        self.at += usize::from(found);
        Ok(found)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Reason> {
        if self.take(byte)? { Ok(()) } else { Err(Reason::Malformed) }
    }

    /// Consumes `true`, `false` or `null`.
    pub(crate) fn literal(&mut self, literal: &str) -> Result<(), Reason> {
        let rest = self.rest();
        if rest.starts_with(literal.as_bytes()) {
            self.at += literal.len();
            return Ok(());
        }
        Err(if literal.as_bytes().starts_with(rest) { Reason::Truncated } else { Reason::Malformed })
    }

    /// `NaN`, `Infinity` or `-Infinity`, if one comes: Python writes them so, though JSON has none.
    pub(crate) fn not_finite(&mut self) -> Option<&'static str> {
        let found =
            ["NaN", "Infinity", "-Infinity"].into_iter().find(|name| self.rest().starts_with(name.as_bytes()))?;
        self.at += found.len();
        Some(found)
    }

    /// A number, as it is written.
    pub(crate) fn number(&mut self) -> Result<&'a str, Reason> {
        let start = self.at;
        self.at += usize::from(self.rest().first() == Some(&b'-'));
        let whole = self.digits()?;
        if whole > 1 && self.text.as_bytes()[self.at - whole] == b'0' {
            return Err(Reason::Malformed);
        }
        if self.rest().first() == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.rest().first(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.rest().first(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    /// Consumes digits, at least one, and counts them.
    fn digits(&mut self) -> Result<usize, Reason> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        match count {
            0 if self.rest().is_empty() => Err(Reason::Truncated),
            0 => Err(Reason::Malformed),
            count => Ok(count),
        }
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Reason> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.rest();
            let step = memchr2(b'"', b'\\', rest).ok_or(Reason::Truncated)?;
            if rest[..step].iter().any(|byte| *byte < 0x20) {
                return Err(Reason::Malformed);
            }
            self.at += step + 1;
            if rest[step] == b'"' {
                break;
            }
            escaped = true;
            self.at += 1;
            if self.at >= self.text.len() {
                return Err(Reason::Truncated);
            }
            if !self.text.is_char_boundary(self.at) {
                return Err(Reason::Malformed);
            }
        }
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let unescaped: Result<String, _> = serde_json::from_str(&self.text[start - 1..self.at]);
        unescaped.map(Cow::Owned).map_err(|_| Reason::Malformed)
    }

    /// Calls this for each element of an array.
    pub(crate) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<(), Reason>) -> Result<(), Reason> {
        self.expect(b'[')?;
        if self.take(b']')? {
            return Ok(());
        }
        loop {
            element(self)?;
            if self.take(b']')? {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Calls this for each member of an object, with its name; the value is to be consumed.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        self.expect(b'{')?;
        if self.take(b'}')? {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            member(self, name)?;
            if self.take(b'}')? {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Consumes any value.
    pub(crate) fn skip(&mut self) -> Result<(), Reason> {
        self.any(&mut None, MOST_LEVELS)
    }

    /// Appends any value without its blanks.
    pub(crate) fn compact(&mut self, out: &mut Vec<u8>, levels: usize) -> Result<(), Reason> {
        self.any(&mut Some(out), levels)
    }

    fn any(&mut self, out: &mut Option<&mut Vec<u8>>, levels: usize) -> Result<(), Reason> {
        fn put(out: &mut Option<&mut Vec<u8>>, bytes: &[u8]) {
            if let Some(out) = out {
                out.extend_from_slice(bytes);
            }
        }
        let literal = match self.peek()? {
            open @ (b'[' | b'{') => {
                let levels = levels.checked_sub(1).ok_or(Reason::TooLarge)?;
                let mut mark = open;
                if open == b'[' {
                    self.array(|cursor| {
                        put(out, &[std::mem::replace(&mut mark, b',')]);
                        cursor.any(out, levels)
                    })?;
                } else {
                    self.object(|cursor, name| {
                        put(out, &[std::mem::replace(&mut mark, b',')]);
                        if let Some(out) = out {
                            json_text::append_text(out, &name);
                        }
                        put(out, b":");
                        cursor.any(out, levels)
                    })?;
                }
                if mark == open {
                    put(out, &[open]);
                }
                put(out, if open == b'[' { b"]" } else { b"}" });
                return Ok(());
            }
            b'"' => {
                let text = self.string()?;
                if let Some(out) = out {
                    json_text::append_text(out, &text);
                }
                return Ok(());
            }
            b't' => "true",
            b'f' => "false",
            b'n' => "null",
            _ => {
                if let Some(name) = self.not_finite() {
                    // What is written is JSON.
                    put(out, &[b"\"", name.as_bytes(), b"\""].concat());
                } else {
                    put(out, self.number()?.as_bytes());
                }
                return Ok(());
            }
        };
        self.literal(literal)?;
        put(out, literal.as_bytes());
        Ok(())
    }

    /// Only blanks may be left.
    pub(crate) fn end(mut self) -> Result<(), Reason> {
        match self.peek() {
            Err(_) => Ok(()),
            Ok(_) => Err(Reason::TrailingBytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn compact(text: &[u8]) -> Result<String, Reason> {
        let mut cursor = Cursor::new(text)?;
        let mut out = Vec::new();
        cursor.compact(&mut out, MOST_LEVELS)?;
        cursor.end()?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn a_value_is_the_same_without_its_blanks(value in any_json()) {
            let pretty = serde_json::to_vec_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty).unwrap(), value.to_string());
        }

        #[test]
        fn what_serde_json_refuses_is_refused_and_nothing_else(
            value in any_json(),
            at in any::<prop::sample::Index>(),
            byte in prop::sample::select(b"\"\\{}[],:-+.eE019tfnu \n\x01x\xff".to_vec()),
        ) {
            let mut text = value.to_string().into_bytes();
            let at = at.index(text.len());
            text[at] = byte;
            let expected = serde_json::from_slice::<Value>(&text);
            // The numbers' range is not a matter of syntax.
            if !expected.as_ref().is_err_and(|error| error.to_string().contains("out of range")) {
                prop_assert_eq!(compact(&text).is_ok(), expected.is_ok(), "{:?}", expected);
            }
        }
    }

    #[test]
    fn levels_are_bounded() {
        let nested = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
        assert!(compact(&nested(MOST_LEVELS)).is_ok());
        assert_eq!(compact(&nested(MOST_LEVELS + 1)), Err(Reason::TooLarge));
        assert_eq!(Cursor::new(&vec![b'['; 1_000_000]).unwrap().skip(), Err(Reason::TooLarge));
    }
}
