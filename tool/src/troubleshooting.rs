//! docs/operate/troubleshooting.md quotes errors; a quotation that no code says any more would lead nobody anywhere.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file of this kind below a folder.
fn sources(folder: &Path, extension: &str, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, extension, into);
        } else if path.extension().is_some_and(|own| own == extension) {
            into.push(path);
        }
    }
}

/// The code as one text, in which a message is in one piece: continued literals joined, backticks left out.
fn said(root: &Path) -> String {
    let mut files = Vec::new();
    sources(&root.join("src"), "rs", &mut files);
    sources(&root.join("tool/src"), "rs", &mut files);
    sources(&root.join("java-shim/src/main"), "java", &mut files);
    let mut all = String::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        // Rust continues a literal behind a backslash, Java joins two with a plus.
        for (at, part) in text.split("\\\n").enumerate() {
            all.push_str(if at == 0 { part } else { part.trim_start() });
        }
    }
    let mut joined = String::new();
    for (at, part) in all.split('"').enumerate() {
        if at > 0 && part.trim() == "+" {
            continue;
        }
        joined.push_str(part);
    }
    joined.replace('`', "")
}

#[test]
fn every_quoted_error_is_what_the_code_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let said = said(&root);
    let page = fs::read_to_string(root.join("docs/operate/troubleshooting.md")).unwrap();
    let mut quotations = 0;
    for line in page.lines().filter(|line| line.starts_with("| `") && !line.contains("Pulsar's own text")) {
        let cell = line.split(" | ").next().unwrap();
        for quotation in cell.split('`').skip(1).step_by(2) {
            quotations += 1;
            for piece in quotation.split('…').map(|piece| piece.trim_matches([' ', ':', ';', '.', '?'])) {
                assert!(said.contains(piece), "docs/operate/troubleshooting.md quotes `{piece}`, which no code says");
            }
        }
    }
    assert!(quotations > 50, "only {quotations} quotations were found: the page has another form");
}
