//! Bytes as choices: what is wanted next is made of the bytes that come next, and of zeros when there are none left.

/// The bytes that are left.
#[derive(Debug)]
pub struct Choices<'a>(pub &'a [u8]);

impl<'a> Choices<'a> {
    /// Whether none are left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// A number below this one, of one byte.
    pub fn below(&mut self, most: usize) -> usize {
        usize::from(self.byte()) % most
    }

    /// So many bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let bytes = self.bytes(N);
        array[..bytes.len()].copy_from_slice(bytes);
        array
    }

    /// At most so many bytes.
    pub fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// Bytes with their length, of one byte, before them.
    pub fn some(&mut self) -> &'a [u8] {
        let most = usize::from(self.byte());
        self.bytes(most)
    }

    /// Text with its length, of one byte, before it.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.some()).into_owned()
    }

    /// A number, mostly a small one.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            byte if byte < 0xf0 => u64::from(byte),
            _ => u64::from_le_bytes(self.array()),
        }
    }
}
