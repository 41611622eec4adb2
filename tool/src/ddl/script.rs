//! SQL statements as a file.

use anyhow::{Result, ensure};

/// Statements in the order in which they must run. Running them again changes nothing, but for views, which become
/// what the statements say.
#[derive(Clone, Debug)]
pub struct Script {
    /// What the file says at its beginning; each line becomes a comment.
    pub title: String,
    /// Each without its semicolon.
    pub statements: Vec<String>,
}

impl Script {
    /// The file's text. A semicolon at a line's end ends a statement, and no other does.
    pub fn text(&self) -> String {
        let title: String = self.title.lines().map(|line| format!("-- {line}\n")).collect();
        let statements: String = self.statements.iter().map(|statement| format!("\n{statement};\n")).collect();
        title + &statements
    }
}

/// A text as a literal; Hive and ClickHouse read the same escapes.
pub fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r");
    format!("'{escaped}'")
}

/// A name in back-ticks: `timestamp` is a reserved word in Hive.
pub fn quoted(name: &str) -> String {
    format!("`{name}`")
}

/// An error when this is no name that may stand between back-ticks in either engine.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let valid = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    ensure!(valid, "{what} '{name}' is no name: give letters, digits and underscores, such as marketplace");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_holds_quotes_backslashes_and_line_ends() {
        assert_eq!(literal("a product's \\ page;\nnew"), r"'a product\'s \\ page;\nnew'");
    }

    #[test]
    fn a_name_that_would_leave_its_back_ticks_is_refused() {
        for name in ["", "a`b", "a.b", "a b", "a;b"] {
            assert!(check_name("the database", name).is_err(), "{name}");
        }
        check_name("the database", "market_place2").unwrap();
    }
}
