//! A fault that has begun.

use std::time::Duration;

use anyhow::Result;

/// A fault that lasts: how long, and how it ends.
pub struct Begun<'a> {
    /// How long it lasts.
    pub lasts: Duration,
    /// Ends it.
    pub end: Box<dyn FnOnce() -> Result<()> + 'a>,
}

impl Begun<'_> {
    /// It is over already.
    pub(super) fn over() -> Self {
        Begun { lasts: Duration::ZERO, end: Box::new(|| Ok(())) }
    }
}
