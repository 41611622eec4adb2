//! What the newest manifest says, as this owner knows it.

use crate::protocol::newest::Newest;

/// The newest manifest, its renames done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Loaded {
    pub(super) newest: Newest,
    /// Whether this owner put it: since then nobody else was faster.
    pub(super) own: bool,
}
