//! Nested values as the JSON text that the same values have in an Avro topic ([`crate::decode::json_text`]).

use std::ops::Range;

use crate::decode::fields::{MOST_LEVELS, MOST_TEXT};
use crate::decode::json::cursor::Cursor;
use crate::decode::json::scalar::{character, scalar};
use crate::decode::json_text;
use crate::decode::types::{Kind, RecordType, Type, Types};
use crate::value::{Reason, Value};

/// Reads a nested value that is not null. Its text may take what is left for the payload's.
pub(crate) fn read<'a>(
    cursor: &mut Cursor<'_>,
    kind: &Kind,
    types: &Types,
    text_left: &mut usize,
) -> Result<Value<'a>, Reason> {
    let mut nested = Nested { types, text: Vec::new(), most_text: MOST_TEXT.min(*text_left) };
    nested.kind(cursor, kind, MOST_LEVELS)?;
    *text_left = text_left.checked_sub(nested.text.len()).ok_or(Reason::TooLarge)?;
    String::from_utf8(nested.text).map(|text| Value::Text(text.into())).map_err(|_| Reason::InvalidUtf8)
}

struct Nested<'t> {
    types: &'t Types,
    text: Vec<u8>,
    most_text: usize,
}

impl<'t> Nested<'t> {
    fn value(&mut self, cursor: &mut Cursor<'_>, value: &Type, levels: usize) -> Result<(), Reason> {
        if cursor.peek()? == b'n' {
            self.text.extend_from_slice(b"null");
            return cursor.literal("null");
        }
        self.kind(cursor, &value.kind, levels)
    }

    /// Appends a value's text; it may have so many levels.
    fn kind(&mut self, cursor: &mut Cursor<'_>, kind: &Kind, levels: usize) -> Result<(), Reason> {
        if self.text.len() > self.most_text {
            return Err(Reason::TooLarge);
        }
        let below = || levels.checked_sub(1).ok_or(Reason::TooLarge);
        match (kind, cursor.peek()?) {
            (Kind::Union(_), _) => cursor.compact(&mut self.text, levels),
            // Reflection finds no fields in Java's own classes, such as `java.util.Date`: Jackson knows them.
            (Kind::Record(number), _) if self.record_type(*number)?.fields.is_empty() => {
                cursor.compact(&mut self.text, levels)
            }
            // A class can have a value of its own in the place of its members (`@JsonValue`).
            (Kind::Record(_), b'"' | b'-' | b'0'..=b'9' | b't' | b'f') => cursor.compact(&mut self.text, levels),
            (Kind::Record(number), b'{') => self.record(cursor, *number, below()?),
            (Kind::Array(items), b'[') => self.array(cursor, items, below()?),
            (Kind::Array(items), b'{') => self.pairs(cursor, items, below()?),
            (Kind::Array(items), b'"') if matches!(items.kind, Kind::Character) => self.characters(cursor),
            (Kind::Map(values), b'{') => self.map(cursor, values, below()?),
            (Kind::Record(_) | Kind::Array(_) | Kind::Map(_), _) => Err(Reason::WrongType),
            (kind, _) => json_text::append(&mut self.text, &scalar(cursor, kind)?),
        }
    }

    fn array(&mut self, cursor: &mut Cursor<'_>, items: &Type, levels: usize) -> Result<(), Reason> {
        self.text.push(b'[');
        let mut first = true;
        cursor.array(|cursor| {
            self.separate(&mut first);
            self.value(cursor, items, levels)
        })?;
        self.text.push(b']');
        Ok(())
    }

    /// Jackson writes an array of characters as a string.
    fn characters(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Reason> {
        let text = cursor.string()?;
        self.text.push(b'[');
        let mut first = true;
        for unit in text.encode_utf16() {
            self.separate(&mut first);
            json_text::append(&mut self.text, &Value::Long(i64::from(unit)))?;
        }
        self.text.push(b']');
        Ok(())
    }

    fn map(&mut self, cursor: &mut Cursor<'_>, values: &Type, levels: usize) -> Result<(), Reason> {
        self.text.push(b'{');
        let mut first = true;
        cursor.object(|cursor, name| {
            self.separate(&mut first);
            self.key(&name);
            self.value(cursor, values, levels)
        })?;
        self.text.push(b'}');
        Ok(())
    }

    /// A map whose keys are no strings: its schema is an array of records with a key and a value, and Jackson makes an object
    /// of it.
    fn pairs(&mut self, cursor: &mut Cursor<'_>, items: &Type, levels: usize) -> Result<(), Reason> {
        let Kind::Record(number) = items.kind else { return Err(Reason::WrongType) };
        let [(key_name, key), (value_name, value)] = &self.record_type(number)?.fields[..] else {
            return Err(Reason::WrongType);
        };
        let levels = levels.checked_sub(1).ok_or(Reason::TooLarge)?;
        self.text.push(b'[');
        let mut first = true;
        cursor.object(|cursor, name| {
            self.separate(&mut first);
            self.text.push(b'{');
            self.key(key_name);
            match key.kind {
                Kind::String | Kind::Enum(_) => json_text::append_text(&mut self.text, &name),
                Kind::Character => json_text::append(&mut self.text, &character(&name)?)?,
                _ => {
                    let mut key_text = Cursor::new(name.as_bytes())?;
                    json_text::append(&mut self.text, &scalar(&mut key_text, &key.kind)?)?;
                    key_text.end()?;
                }
            }
            self.text.push(b',');
            self.key(value_name);
            self.value(cursor, value, levels)?;
            self.text.push(b'}');
            Ok(())
        })?;
        self.text.push(b']');
        Ok(())
    }

    fn record_type(&self, number: usize) -> Result<&'t RecordType, Reason> {
        let types: &'t Types = self.types;
        types.records.get(number).ok_or(Reason::Malformed)
    }

    /// The members come in any order, twice or not at all: their texts are written as they come, and then put in order.
    fn record(&mut self, cursor: &mut Cursor<'_>, number: usize, levels: usize) -> Result<(), Reason> {
        let record = self.record_type(number)?;
        let mut places: Vec<Option<Range<usize>>> = vec![None; record.fields.len()];
        let start = self.text.len();
        cursor.object(|cursor, name| {
            let Some(&field) = record.by_name.get(&*name) else {
                self.types.left_out.count(&name);
                return cursor.skip();
            };
            let from = self.text.len() - start;
            self.value(cursor, &record.fields[field].1, levels)?;
            places[field] = Some(from..self.text.len() - start);
            Ok(())
        })?;
        let written = self.text.split_off(start);
        self.text.push(b'{');
        let mut first = true;
        for ((name, _), place) in record.fields.iter().zip(places) {
            self.separate(&mut first);
            self.key(name);
            self.text.extend_from_slice(place.map_or(b"null", |place| &written[place]));
        }
        self.text.push(b'}');
        Ok(())
    }

    fn separate(&mut self, first: &mut bool) {
        if !std::mem::take(first) {
            self.text.push(b',');
        }
    }

    fn key(&mut self, key: &str) {
        json_text::append_text(&mut self.text, key);
        self.text.push(b':');
    }
}
