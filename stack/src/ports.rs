//! Ports on the loopback interface.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::cache::cache_folder;
use crate::error::{Error, Result};

/// Below the ports that the system gives to outgoing connections.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
const TRIES: usize = 200;

/// How often a service is given new ports when someone else takes one between the choice and its start.
const STARTS: usize = 3;

/// The file in the cache of which each reserved port's byte is locked.
const LEDGER: &str = "ports";

/// A port that none of the user's other stacks is given as long as this lives: a service finds it free again when it is
/// restarted, and nobody takes another's service for it meanwhile.
pub(crate) struct Port {
    pub(crate) number: u16,
    _ledger: File,
}

impl Port {
    /// Reserves a port that nobody listens on now.
    pub(crate) fn reserve() -> Result<Self> {
        (0..TRIES).find_map(|_| Self::of(random()).transpose()).unwrap_or(Err(Error::NoPort))
    }

    /// This port, unless it is reserved or in use.
    fn of(number: u16) -> Result<Option<Self>> {
        let path = cache_folder()?.join(LEDGER);
        let ledger = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let ledger = ledger.map_err(Error::io(path.display()))?;
        // Of the open file, not of the process: stacks of one process are told apart, and it goes with the last of its copies.
        let range = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: number.into(),
            l_len: 1,
            l_pid: 0,
        };
        match fcntl(&ledger, FcntlArg::F_OFD_SETLK(&range)) {
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EACCES) => return Ok(None),
            Err(errno) => return Err(Error::io(format_args!("lock {}", path.display()))(errno.into())),
        }
        let is_free = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok();
        Ok(is_free.then_some(Self { number, _ledger: ledger }))
    }
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_port_is_nobody_elses_while_its_service_is_restarted_and_anybodys_afterwards() {
        let port = Port::reserve().unwrap();
        let number = port.number;
        assert!(Port::of(number).unwrap().is_none(), "its service may be between two starts");
        drop(port);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        assert!(Port::of(number).unwrap().is_none(), "somebody listens");
        drop(listener);
        // What another test starts holds the locks of this process until it has become a program of its own.
        let deadline = Instant::now() + Duration::from_secs(30);
        while Port::of(number).unwrap().is_none() {
            assert!(Instant::now() < deadline, "nobody has it and nobody can have it");
            std::thread::yield_now();
        }
    }
}
