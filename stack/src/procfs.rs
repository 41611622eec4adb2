//! What `/proc` tells about processes.

use std::fs;

/// A process, as far as the stack cares.
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) group: u32,
}

/// Every process that is alive (one that has ended and waits for its parent is not).
pub(crate) fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?))
        .collect()
}

/// A process's command line, word by word.
pub(crate) fn arguments(pid: u32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Reads `pid (name) state parent group …`, where the name may hold blanks and brackets.
fn parse(pid: u32, stat: &str) -> Option<Process> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let group = fields.nth(1)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Process { pid, group })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_is_skipped() {
        assert_eq!(parse(7, "7 (a) b (c)) S 1 42 3").map(|process| process.group), Some(42));
    }

    #[test]
    fn a_zombie_is_not_alive() {
        assert!(parse(7, "7 (java) Z 1 42 3").is_none());
    }
}
