//! Nested values as JSON text (docs and [`crate::decode::json_text`] say how each type is written).

use crate::decode::avro::reader::Reader;
use crate::decode::avro::scalar::scalar;
use crate::decode::fields::MOST_LEVELS;
use crate::decode::json_text;
use crate::decode::types::{Kind, RecordType, Type};
use crate::value::{Reason, Value};

/// Reads a nested value. Its text may take what is left for the record's.
pub(crate) fn read<'a>(
    kind: &Kind,
    records: &[RecordType],
    reader: &mut Reader<'_>,
    text_left: &mut usize,
) -> Result<Value<'a>, Reason> {
    let mut nested = Nested { records, reader, text: Vec::new(), most_text: *text_left };
    // A union that is null is a NULL and not the text `null`.
    if let Kind::Union(_) = kind
        && nested.null_branch(kind)?
    {
        return Ok(Value::Null);
    }
    nested.kind(kind, MOST_LEVELS)?;
    *text_left = text_left.checked_sub(nested.text.len()).ok_or(Reason::TooLarge)?;
    String::from_utf8(nested.text).map(|text| Value::Text(text.into())).map_err(|_| Reason::InvalidUtf8)
}

struct Nested<'n, 'p> {
    records: &'n [RecordType],
    reader: &'n mut Reader<'p>,
    text: Vec<u8>,
    most_text: usize,
}

impl Nested<'_, '_> {
    /// Consumes a union's branch number if that branch is null.
    fn null_branch(&mut self, kind: &Kind) -> Result<bool, Reason> {
        let Kind::Union(branches) = kind else { return Ok(false) };
        let mut ahead = self.reader.clone();
        let number = usize::try_from(ahead.long()?).map_err(|_| Reason::UnknownBranch)?;
        let null = branches.get(number).is_some_and(|branch| branch.kind == Kind::Null);
        if null {
            *self.reader = ahead;
        }
        Ok(null)
    }

    fn value(&mut self, value: &Type, levels: usize) -> Result<(), Reason> {
        if let Some(null_branch) = value.null_branch {
            match self.reader.long()? {
                branch if branch == i64::from(null_branch) => {
                    self.text.extend_from_slice(b"null");
                    return Ok(());
                }
                0 | 1 => {}
                _ => return Err(Reason::UnknownBranch),
            }
        }
        self.kind(&value.kind, levels)
    }

    /// Appends a value's text; it may have so many levels. Each value has a text, so the bound on the text bounds the time.
    fn kind(&mut self, kind: &Kind, levels: usize) -> Result<(), Reason> {
        if self.text.len() > self.most_text {
            return Err(Reason::TooLarge);
        }
        let below = || levels.checked_sub(1).ok_or(Reason::TooLarge);
        match kind {
            Kind::Record(number) => self.record(*number, below()?),
            Kind::Array(items) => {
                let levels = below()?;
                self.blocks(b"[]", |nested| nested.value(items, levels))
            }
            Kind::Map(values) => {
                let levels = below()?;
                self.blocks(b"{}", |nested| {
                    let key = nested.reader.text()?;
                    nested.key(key);
                    nested.value(values, levels)
                })
            }
            Kind::Union(branches) => {
                let number = usize::try_from(self.reader.long()?).map_err(|_| Reason::UnknownBranch)?;
                let branch = branches.get(number).ok_or(Reason::UnknownBranch)?;
                if branch.kind == Kind::Null {
                    self.text.extend_from_slice(b"null");
                    return Ok(());
                }
                self.text.push(b'{');
                self.key(&branch.name);
                self.kind(&branch.kind, below()?)?;
                self.text.push(b'}');
                Ok(())
            }
            kind => scalar(kind, self.reader, |value| json_text::append(&mut self.text, &value)),
        }
    }

    fn record(&mut self, number: usize, levels: usize) -> Result<(), Reason> {
        let records = self.records;
        self.text.push(b'{');
        for (at, (name, field)) in records.get(number).iter().flat_map(|record| &record.fields).enumerate() {
            if at > 0 {
                self.text.push(b',');
            }
            self.key(name);
            self.value(field, levels)?;
        }
        self.text.push(b'}');
        Ok(())
    }

    fn key(&mut self, key: &str) {
        json_text::append_text(&mut self.text, key);
        self.text.push(b':');
    }

    /// The items of an array or a map, between these brackets.
    fn blocks(
        &mut self,
        brackets: &[u8; 2],
        mut item: impl FnMut(&mut Self) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        self.text.push(brackets[0]);
        let mut first = true;
        loop {
            let count = self.reader.block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if !std::mem::take(&mut first) {
                    self.text.push(b',');
                }
                item(self)?;
            }
        }
        self.text.push(brackets[1]);
        Ok(())
    }
}
