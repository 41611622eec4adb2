//! What makes a batch part of a table: staged, committed, published, and found again after a crash. It knows nothing of Pulsar,
//! JNI, Hive or configuration; docs/understand/protocol.md has its rules.

pub mod adopt;
pub(crate) mod batch_file;
pub(crate) mod cleaning;
pub(crate) mod commit;
pub mod failure;
pub(crate) mod folding;
pub mod identity;
pub mod layout;
pub mod load;
pub mod manifest;
pub mod manifests;
pub(crate) mod newest;
pub(crate) mod nonce;
pub(crate) mod open_files;
pub mod pruning;
pub(crate) mod publish;
pub(crate) mod put_if_absent;
pub mod reset;
mod settle;
pub mod stage;
