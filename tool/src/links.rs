//! A link, a page or a test that is named and not there leads nobody anywhere: in Markdown files, and in the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const MARKDOWN: [&str; 4] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs"];
const SOURCES: [&str; 16] = [
    "Makefile",
    "bench",
    "conf",
    "dashboards",
    "demo",
    "deploy",
    "docker",
    "docs",
    "java-shim/src",
    "release",
    "schemas",
    "src",
    "stack/src",
    "tests",
    "tool/src",
    "README.md",
];

/// Every file at or below a path.
fn files(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| files(&entry.unwrap().path(), into));
    } else {
        into.push(path.to_owned());
    }
}

fn files_of(paths: &[&str]) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    paths.iter().for_each(|path| files(&root.join(path), &mut found));
    found
}

/// A page without its code: neither a link nor a heading is in there.
fn prose(page: &str) -> Vec<String> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// The anchors that GitHub and GitLab make of a page's headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page).into_iter().filter(|line| line.starts_with('#'));
    let slug = |heading: String| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
    };
    headings.map(slug).collect()
}

/// What the links of a line lead to.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading_that_are_there() {
    let mut links = 0;
    let mut broken = Vec::new();
    for page in files_of(&MARKDOWN).into_iter().filter(|file| file.extension().is_some_and(|own| own == "md")) {
        for line in prose(&fs::read_to_string(&page).unwrap()) {
            for target in targets(&line).filter(|target| !target.contains("://")) {
                links += 1;
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let leads_to = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
                let is_there = leads_to.exists()
                    && (anchor.is_empty() || anchors(&fs::read_to_string(&leads_to).unwrap()).contains(anchor));
                if !is_there {
                    broken.push(format!("{}: {target}", page.display()));
                }
            }
        }
    }
    assert!(links > 100, "only {links} links were found: the pages have another form");
    assert!(broken.is_empty(), "these lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_page_that_the_sources_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut named = 0;
    let mut missing = Vec::new();
    for file in files_of(&SOURCES) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for rest in text.split("docs/").skip(1) {
            let is_of_a_path = |c: char| c.is_alphanumeric() || "-_/.".contains(c);
            let path = rest.split(|c| !is_of_a_path(c)).next().unwrap();
            let Some((page, _)) = path.split_once(".md") else { continue };
            named += 1;
            if !root.join(format!("docs/{page}.md")).exists() {
                missing.push(format!("{}: docs/{page}.md", file.display()));
            }
        }
    }
    assert!(named > 20, "only {named} pages are named: the sources have another form");
    assert!(missing.is_empty(), "these are not there:\n{}", missing.join("\n"));
}

#[test]
fn every_test_that_the_protocol_names_is_there() {
    let mut code = String::new();
    files_of(&["src", "tests", "java-shim/src/test"])
        .into_iter()
        .filter(|file| file.extension().is_some_and(|own| own == "rs" || own == "java"))
        .for_each(|file| code.push_str(&fs::read_to_string(file).unwrap()));
    let page = files_of(&["docs/understand/protocol.md"]).remove(0);
    let mut named = 0;
    let mut missing = Vec::new();
    for line in prose(&fs::read_to_string(page).unwrap()).iter().filter(|line| line.starts_with("*Tests:*")) {
        for name in line.split('`').skip(1).step_by(2).filter(|name| !name.contains('/')) {
            named += 1;
            // A function of Rust, or a method or a class of Java's tests.
            if !["fn ", "void ", "class "].iter().any(|kind| code.contains(&format!("{kind}{name}"))) {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(named > 50, "only {named} tests are named: the page has another form");
    assert!(missing.is_empty(), "there are no such tests:\n{}", missing.join("\n"));
}
