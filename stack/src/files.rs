//! Writing configuration files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::error::{Error, Result};

/// A configuration's keys and values.
pub(crate) type Settings = BTreeMap<String, String>;

/// Settings from pairs.
pub(crate) fn settings<const N: usize>(pairs: [(&str, String); N]) -> Settings {
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

/// Makes a folder and those above it.
pub(crate) fn folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io(path.display()))
}

/// Writes a file whole.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(Error::io(path.display()))
}

/// Hadoop's XML form.
pub(crate) fn hadoop_xml(settings: &Settings) -> String {
    format!("<?xml version=\"1.0\"?>\n<configuration>\n{}</configuration>\n", hadoop_properties(settings))
}

/// Properties in Hadoop's XML form.
pub(crate) fn hadoop_properties(settings: &Settings) -> String {
    let mut text = String::new();
    for (key, value) in settings {
        let (key, value) = (escaped(key), escaped(value));
        let _ = writeln!(text, "  <property><name>{key}</name><value>{value}</value></property>");
    }
    text
}

/// A Java properties file with some of its values replaced, and what it lacks put at its end. A key must not be there
/// twice: some readers make a list of it.
pub(crate) fn properties(base: &str, changes: &Settings) -> String {
    let mut rest = changes.clone();
    let mut text = String::new();
    for line in base.lines() {
        let key = line.split('=').next().unwrap_or_default().trim();
        let _ = match rest.remove(key) {
            Some(value) => writeln!(text, "{key}={value}"),
            None => writeln!(text, "{line}"),
        };
    }
    for (key, value) in rest {
        let _ = writeln!(text, "{key}={value}");
    }
    text
}

/// A text inside of XML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_replaced_in_place_and_added_at_the_end() {
        let changes = settings([("a", "1".to_owned()), ("c", "3".to_owned())]);
        assert_eq!(properties("# a=0\na=0\nb=2", &changes), "# a=0\na=1\nb=2\nc=3\n");
    }

    #[test]
    fn xml_is_escaped() {
        assert!(hadoop_xml(&settings([("k", "a<b&c".to_owned())])).contains("<value>a&lt;b&amp;c</value>"));
    }
}
