//! What the services' logs say of a test that failed: the machine that ran it may be gone before anyone can look.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How many complaints of a log are shown, the last ones, and how many characters of each.
const COMPLAINTS: usize = 12;
const CHARACTERS: usize = 400;

/// The last complaints in each log below this folder that was written to since then.
pub(crate) fn complaints(folder: &Path, since: SystemTime) -> String {
    let mut logs = files_below(folder);
    logs.sort_unstable();
    let mut text = String::new();
    for log in logs.iter().filter(|log| is_newer(log, since)) {
        let Ok(bytes) = std::fs::read(log) else { continue };
        let lines = String::from_utf8_lossy(&bytes);
        let complaints: Vec<&str> = lines.lines().filter(|line| complains(line)).collect();
        let last = &complaints[complaints.len().saturating_sub(COMPLAINTS)..];
        if last.is_empty() {
            continue;
        }
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{}, the last {} of {} complaints:", log.display(), last.len(), complaints.len());
        for line in last {
            let _ = writeln!(text, "  {}", line.chars().take(CHARACTERS).collect::<String>());
        }
    }
    text
}

fn complains(line: &str) -> bool {
    ["WARN", "ERROR", "Exception", "is dead"].iter().any(|word| line.contains(word))
}

/// All files below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn is_newer(log: &Path, since: SystemTime) -> bool {
    log.metadata().and_then(|data| data.modified()).is_ok_and(|modified| modified >= since)
}
