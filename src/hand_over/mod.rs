//! What crosses from Java and back, as docs/understand/hand-over.md lays it out.

pub(crate) mod answers;
pub mod frame;
pub(crate) mod letters;
pub(crate) mod part;
pub(crate) mod split;
