//! Text as rows need it.

use std::borrow::Cow;

use crate::value::reason::Reason;

/// UTF-8, as bytes. Rows are bytes too; and text that is ASCII is known to be UTF-8 in a fraction of the time that it takes to make a
/// `str` of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Text<'a>(Cow<'a, [u8]>);

impl<'a> Text<'a> {
    /// These bytes, if they are UTF-8.
    #[inline]
    pub(crate) fn checked(bytes: &'a [u8]) -> Result<Self, Reason> {
        if bytes.is_ascii() || std::str::from_utf8(bytes).is_ok() {
            Ok(Text(Cow::Borrowed(bytes)))
        } else {
            Err(Reason::InvalidUtf8)
        }
    }

    /// The text's bytes.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Text(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Text(Cow::Owned(text.into_bytes()))
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}
