//! Nonces: parts of names that no other owner has.

/// A name part that no one else has.
pub(crate) fn nonce() -> String {
    #[cfg(test)]
    if let Some(nonce) = repeatable::next() {
        return nonce;
    }
    format!("{:016x}", rand::random::<u64>())
}

/// Nonces that are the same in each run, for tests that repeat a history.
#[cfg(test)]
pub(crate) mod repeatable {
    use std::cell::RefCell;

    /// A row of nonces.
    #[derive(Clone)]
    pub(crate) struct Nonces {
        /// What all of them begin with.
        pub(crate) prefix: String,
        /// The number of the last one.
        pub(crate) last: u32,
    }

    thread_local! {
        static NONCES: RefCell<Option<Nonces>> = const { RefCell::new(None) };
    }

    /// Puts this row in the place of the present one in this thread, which it returns; none is random ones.
    pub(crate) fn replace(nonces: Option<Nonces>) -> Option<Nonces> {
        NONCES.replace(nonces)
    }

    /// The number of the last one.
    pub(crate) fn last() -> Option<u32> {
        NONCES.with_borrow(|nonces| nonces.as_ref().map(|nonces| nonces.last))
    }

    pub(super) fn next() -> Option<String> {
        NONCES.with_borrow_mut(|nonces| {
            let nonces = nonces.as_mut()?;
            nonces.last += 1;
            Some(format!("{}{}", nonces.prefix, nonces.last))
        })
    }
}
