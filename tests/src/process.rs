//! What the kernel says of a process.

use anyhow::{Context, Result};

/// Bytes of memory that a process has, by the name of the line in `/proc/PID/status`: `VmRSS` now, `VmHWM` at most so far.
pub fn memory(pid: u32, line: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).context(path)?;
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kilobytes = found.and_then(|text| text.split_whitespace().next()).with_context(|| format!("no {line}"))?;
    Ok(kilobytes.parse::<u64>()? << 10)
}
