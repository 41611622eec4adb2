//! Avro's binary primitives, by a reader that never leaves the payload.

use crate::value::Reason;

/// Reads a payload from its start.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of this payload.
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Reader { rest: payload }
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// A variable-length, zig-zag encoded integer.
    #[inline]
    pub(crate) fn long(&mut self) -> Result<i64, Reason> {
        let value = match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                u64::from(*byte)
            }
            _ => self.varint()?,
        };
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Seven bits a byte, the lowest first; the last byte is below 0x80.
    #[inline]
    fn varint(&mut self) -> Result<u64, Reason> {
        const LAST: u64 = 0x8080_8080_8080_8080;
        // Mostly it ends within eight bytes, which are read at once: how many they are is hard for a processor to guess.
        if let Some((bytes, _)) = self.rest.split_first_chunk() {
            let word = u64::from_le_bytes(*bytes);
            let last = !word & LAST;
            if last != 0 {
                let bits = word & (last ^ (last - 1)) & !LAST;
                let bits = (bits & 0x007f_007f_007f_007f) | (bits & 0x7f00_7f00_7f00_7f00) >> 1;
                let bits = (bits & 0x0000_3fff_0000_3fff) | (bits & 0x3fff_0000_3fff_0000) >> 2;
                let bits = (bits & 0x0fff_ffff) | (bits & 0x0fff_ffff_0000_0000) >> 4;
                self.rest = &self.rest[last.trailing_zeros() as usize / 8 + 1..];
                return Ok(bits);
            }
        }
        self.long_varint()
    }

    /// The same, byte by byte.
    fn long_varint(&mut self) -> Result<u64, Reason> {
        let mut value: u64 = 0;
        for (at, &byte) in self.rest.iter().enumerate().take(10) {
            // The tenth byte has room for one bit only.
            if at == 9 && byte > 1 {
                return Err(Reason::Malformed);
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 { Reason::Truncated } else { Reason::Malformed })
    }

    /// The same, of at most 32 bits.
    #[inline]
    pub(crate) fn int(&mut self) -> Result<i32, Reason> {
        i32::try_from(self.long()?).map_err(|_| Reason::Malformed)
    }

    /// A byte of 0 or 1.
    #[inline]
    pub(crate) fn boolean(&mut self) -> Result<bool, Reason> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Reason::Malformed),
        }
    }

    /// So many bytes.
    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Reason::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    /// So many bytes.
    #[inline]
    pub(crate) fn fixed(&mut self, length: usize) -> Result<&'a [u8], Reason> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Reason::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Bytes with their length before them.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Reason> {
        let length = usize::try_from(self.long()?).map_err(|_| Reason::Malformed)?;
        self.fixed(length)
    }

    /// UTF-8 with its length before it.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a str, Reason> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Reason::InvalidUtf8)
    }

    /// The number of items in an array's or a map's next block; 0 after the last. A negative number is followed by the
    /// block's size, which only readers that skip need: Java's reader looks at it as little (`BinaryDecoder.doReadItemCount`).
    pub(crate) fn block(&mut self) -> Result<u64, Reason> {
        let count = self.long()?;
        if count < 0 {
            self.long()?;
        }
        Ok(count.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apache_avro::Schema;
    use apache_avro::types::Value as Avro;
    use apache_avro::writer::datum::GenericDatumWriter;
    use proptest::prelude::*;

    fn long(bytes: &[u8]) -> Result<i64, Reason> {
        Reader::new(bytes).long()
    }

    proptest! {
        #[test]
        fn longs_are_read_as_apache_avro_writes_them(
            value: i64,
            shorter_by in 0..64u32,
            behind in prop::collection::vec(any::<u8>(), 0..10),
        ) {
            let value = value >> shorter_by;
            let writer = GenericDatumWriter::builder(&Schema::Long).build().unwrap();
            let mut bytes = writer.write_value_to_vec(Avro::Long(value)).unwrap();
            bytes.extend_from_slice(&behind);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.long(), Ok(value));
            prop_assert_eq!(reader.rest, behind);
        }
    }

    #[test]
    fn a_varint_that_is_cut_off_is_truncated_and_one_that_does_not_end_is_malformed() {
        assert_eq!(long(&[]), Err(Reason::Truncated));
        assert_eq!(long(&[0x80, 0x80]), Err(Reason::Truncated));
        assert_eq!(long(&[0x80; 10]), Err(Reason::Malformed));
        assert_eq!(long(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), Err(Reason::Malformed));
        assert_eq!(long(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]), Ok(i64::MIN));
    }

    #[test]
    fn lengths_that_are_negative_or_past_the_end_are_refused() {
        let text = |bytes| Reader::new(bytes).text();
        assert_eq!(text(&[0x01]), Err(Reason::Malformed));
        assert_eq!(text(&[0x06, b'a', b'b']), Err(Reason::Truncated));
        assert_eq!(text(&[0x02, 0xff]), Err(Reason::InvalidUtf8));
        assert_eq!(text(&[0x04, b'a', b'b']), Ok("ab"));
    }

    #[test]
    fn a_block_says_its_items_and_may_say_its_bytes_which_are_not_looked_at() {
        let block = |bytes| Reader::new(bytes).block();
        assert_eq!(block(&[0x04]), Ok(2));
        assert_eq!(block(&[0x03, 0x04, 0, 0]), Ok(2));
        assert_eq!(block(&[0x03, 0x04, 0]), Ok(2), "more bytes than there are");
        assert_eq!(block(&[0x03, 0x03]), Ok(2), "a negative number of bytes");
        assert_eq!(block(&[0x03]), Err(Reason::Truncated));
    }
}
