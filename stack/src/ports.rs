//! Free ports on the loopback interface.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use crate::error::{Error, Result};

/// Below the ports that the system gives to outgoing connections, so that a service finds its port free again when it
/// is restarted.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
const TRIES: usize = 200;

/// How often a service is given new ports when someone else takes one between the choice and its start.
const STARTS: usize = 3;

/// A port that nobody listens on now.
pub(crate) fn free() -> Result<u16> {
    (0..TRIES)
        .map(|_| random())
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or(Error::NoPort)
}

/// Starts something that chooses its ports anew each time, again if it loses one.
pub(crate) fn retried<T>(mut start: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..STARTS {
        match start() {
            Err(error) if error.is_lost_port() => {}
            result => return result,
        }
    }
    start()
}

fn random() -> u16 {
    let width = u64::from(RANGE.end - RANGE.start);
    let offset = RandomState::new().hash_one(0) % width;
    RANGE.start + u16::try_from(offset).unwrap_or_default()
}
