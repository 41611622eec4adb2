//! Why a step of the protocol did not end.

use crate::error::Error;
use crate::storage::StorageError;

/// Why a step of the protocol did not end, and what follows.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Call the same again after a pause: nothing is lost.
    #[error("{0}")]
    Again(#[from] StorageError),
    /// The instance must end, so that the broker sends again what is not acknowledged.
    #[error("{0}")]
    Fatal(#[from] Error),
}
