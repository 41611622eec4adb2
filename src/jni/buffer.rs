//! A direct buffer of Java's, as bytes.

use std::marker::PhantomData;
use std::slice;

use crate::error::{Error, Result};

/// Memory that lies outside of Java's heap.
#[derive(Debug)]
pub(super) struct DirectBuffer<'b> {
    address: *mut u8,
    capacity: usize,
    memory: PhantomData<&'b mut [u8]>,
}

impl<'b> DirectBuffer<'b> {
    /// The buffer that begins here and has so many bytes.
    ///
    /// # Safety
    /// There are that many bytes for `'b`, all of them written before, and nobody else touches them until then.
    pub(super) unsafe fn new(address: *mut u8, capacity: usize) -> Self {
        DirectBuffer { address, capacity, memory: PhantomData }
    }

    /// Its first bytes.
    ///
    /// # Errors
    /// When the length is none of the buffer's.
    pub(super) fn read(self, length: i32) -> Result<&'b [u8]> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.capacity);
        let length = length.ok_or_else(|| Error::bug("the hand-over is longer than its buffer"))?;
        // SAFETY: `new` was promised that `capacity` bytes are there for `'b`, and `length` is no more.
        Ok(unsafe { slice::from_raw_parts(self.address, length) })
    }

    /// All of it, to be written to.
    pub(super) fn write(self) -> &'b mut [u8] {
        // SAFETY: `new` was promised that `capacity` bytes are there for `'b`, and that nobody else touches them.
        unsafe { slice::from_raw_parts_mut(self.address, self.capacity) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hand_over::answers::Answers;

    /// Memory as the JVM has it: known by where it is.
    fn in_buffer<T>(bytes: &mut [u8], work: impl FnOnce(DirectBuffer<'_>) -> T) -> T {
        // SAFETY: they are there, and borrowed, until the work is done.
        work(unsafe { DirectBuffer::new(bytes.as_mut_ptr(), bytes.len()) })
    }

    #[test]
    fn as_many_bytes_are_read_as_were_handed_over_and_no_more_than_there_are() {
        let mut bytes = [1, 2, 3];
        for (length, expected) in [(0, Some(&[][..])), (2, Some(&[1, 2])), (3, Some(&[1, 2, 3])), (4, None), (-1, None)]
        {
            let read = in_buffer(&mut bytes, |buffer| buffer.read(length).ok().map(<[u8]>::to_vec));
            assert_eq!(read.as_deref(), expected, "{length}");
        }
        assert!(in_buffer(&mut [], |buffer| buffer.read(0).is_ok_and(<[u8]>::is_empty)));
    }

    #[test]
    fn what_is_written_is_in_the_buffer_and_nothing_behind_it() {
        let answers = Answers::default();
        answers.pause(7, true);
        let mut bytes = [0xaa; 17];
        assert_eq!(in_buffer(&mut bytes, |buffer| answers.take(buffer.write())), Ok(16));
        assert_eq!((bytes[..4].to_vec(), bytes[16]), (vec![16, 0, 0, 0], 0xaa));
    }
}
