//! Puts messages together that were sent in chunks, which the client hands on one by one.

use std::collections::HashMap;

use pulsar::proto::MessageMetadata;

/// Messages of which some chunks have come.
#[derive(Debug, Default)]
pub struct Chunks {
    begun: HashMap<String, Begun>,
}

#[derive(Debug)]
struct Begun {
    next: i32,
    payload: Vec<u8>,
}

/// What a message of the client is.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// A whole message with this payload.
    Whole(Vec<u8>),
    /// A chunk; others follow.
    Open,
    /// A chunk of a message whose earlier ones have not come.
    Headless,
}

impl Chunks {
    /// Takes the next message, as Pulsar's Java client does: a first chunk begins its message anew.
    pub fn take(&mut self, metadata: &MessageMetadata, payload: Vec<u8>) -> Part {
        let Some(chunks) = metadata.num_chunks_from_msg.filter(|chunks| *chunks > 1) else {
            return Part::Whole(payload);
        };
        let (id, chunk) = (metadata.uuid(), metadata.chunk_id());
        if chunk == 0 {
            self.begun.insert(id.to_owned(), Begun { next: 1, payload });
            return Part::Open;
        }
        match self.begun.get_mut(id) {
            Some(begun) if begun.next == chunk => {
                begun.payload.extend(payload);
                begun.next += 1;
            }
            // It came before.
            Some(begun) if begun.next > chunk => return Part::Open,
            _ => {
                self.begun.remove(id);
                return Part::Headless;
            }
        }
        match self.begun.remove(id) {
            Some(whole) if whole.next == chunks => Part::Whole(whole.payload),
            Some(begun) => {
                self.begun.insert(id.to_owned(), begun);
                Part::Open
            }
            None => Part::Headless,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(id: &str, chunk: i32, chunks: i32) -> MessageMetadata {
        MessageMetadata {
            uuid: Some(id.to_owned()),
            chunk_id: Some(chunk),
            num_chunks_from_msg: Some(chunks),
            ..MessageMetadata::default()
        }
    }

    fn take(chunks: &mut Chunks, (id, number, of): (&str, i32, i32)) -> Part {
        chunks.take(&chunk(id, number, of), format!("{id}{number}").into_bytes())
    }

    #[test]
    fn messages_whose_chunks_stand_between_each_others_come_whole_with_their_last_ones() {
        let mut chunks = Chunks::default();
        let whole = |text: &str| Part::Whole(text.as_bytes().to_vec());
        assert_eq!(chunks.take(&MessageMetadata::default(), b"alone".to_vec()), whole("alone"));
        assert_eq!(take(&mut chunks, ("a", 0, 3)), Part::Open);
        assert_eq!(take(&mut chunks, ("b", 0, 2)), Part::Open);
        assert_eq!(take(&mut chunks, ("a", 1, 3)), Part::Open);
        assert_eq!(take(&mut chunks, ("b", 1, 2)), whole("b0b1"));
        assert_eq!(take(&mut chunks, ("a", 2, 3)), whole("a0a1a2"));
        assert!(chunks.begun.is_empty());
    }

    #[test]
    fn chunks_that_come_again_are_no_part_of_the_message_twice() {
        let mut chunks = Chunks::default();
        for number in [0, 1, 0, 1, 1] {
            assert_eq!(take(&mut chunks, ("a", number, 3)), Part::Open);
        }
        assert_eq!(take(&mut chunks, ("a", 2, 3)), Part::Whole(b"a0a1a2".to_vec()));
    }

    #[test]
    fn a_message_that_lacks_a_chunk_is_none() {
        let mut chunks = Chunks::default();
        assert_eq!(take(&mut chunks, ("a", 1, 3)), Part::Headless);
        assert_eq!(take(&mut chunks, ("a", 2, 3)), Part::Headless);
        assert_eq!(take(&mut chunks, ("b", 0, 3)), Part::Open);
        assert_eq!(take(&mut chunks, ("b", 2, 3)), Part::Headless);
        assert!(chunks.begun.is_empty());
    }
}
