//! What a subcommand comes to.

pub(super) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;
