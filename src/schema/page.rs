//! Tables of the documentation that tests make, so that they are true.

use std::path::Path;

const END: &str = "<!-- end of what a test generates -->\n";

/// Holds the table in a page of docs/understand against what it should be; writes it when `UPDATE_DOCS` is set. `test` is a word
/// of the test's name.
pub(crate) fn check_table(page: &str, test: &str, table: &str) {
    let command = format!("UPDATE_DOCS=1 cargo test --release --lib {test}");
    let begin = format!("<!-- begin of what a test generates: {command} -->\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/understand").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{page} has no line {begin}"));
    let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("{page} has no line {END}"));
    let current = format!("{before}{begin}{table}{END}{after}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(&path, &current).unwrap();
    }
    assert!(text == current, "docs/understand/{page} is stale: run {command}");
}
