//! What a run is told by its environment.

use std::str::FromStr;

use anyhow::{Result, anyhow};

/// The number in this variable, or another one where it is not set.
pub fn setting<T: FromStr>(name: &str, default: T) -> Result<T> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_| anyhow!("{name}={text} is no number")),
        Err(_) => Ok(default),
    }
}
