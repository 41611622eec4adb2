//! A value as it should stand in a column, and whether a column's text says it.

use serde_json::Value as Json;

/// A value.
#[derive(Clone, Debug)]
pub enum Tree {
    /// NULL.
    Null,
    /// A truth value.
    Boolean(bool),
    /// An integer.
    Long(i64),
    /// A float, bit for bit; NaN is any NaN.
    Float(f32),
    /// A double, the same.
    Double(f64),
    /// This text.
    Text(String),
    /// This text, if the record is not refused because of it.
    Perhaps(String),
    /// A JSON array.
    List(Vec<Tree>),
    /// A JSON object. Of members of one name the last counts.
    Object(Vec<(String, Tree)>),
    /// Whatever is there: there is no opinion.
    Any,
}

impl Tree {
    /// Whether a column's text, or its NULL, says this.
    pub fn is_in_column(&self, column: Option<&str>) -> bool {
        let Some(text) = column else { return matches!(self, Tree::Null | Tree::Any) };
        match self {
            Tree::Null => false,
            Tree::Any => true,
            Tree::Boolean(value) => text == if *value { "true" } else { "false" },
            Tree::Long(value) => text.parse() == Ok(*value) && !text.starts_with('+'),
            Tree::Float(value) => same_float(text, *value),
            Tree::Double(value) => same_double(text, *value),
            Tree::Text(value) | Tree::Perhaps(value) => text == value,
            Tree::List(_) | Tree::Object(_) => {
                let json: Json = serde_json::from_str(text).expect("a nested value is JSON text");
                self.is_in_json(&json)
            }
        }
    }

    /// The same within JSON text.
    fn is_in_json(&self, json: &Json) -> bool {
        match (self, json) {
            (Tree::Any, _) | (Tree::Null, Json::Null) => true,
            (Tree::Boolean(value), Json::Bool(found)) => value == found,
            (Tree::Long(value), found) => found.as_i64() == Some(*value),
            (Tree::Float(value), Json::Number(found)) => same_float(&found.to_string(), *value),
            (Tree::Double(value), Json::Number(found)) => same_double(&found.to_string(), *value),
            (Tree::Float(value), Json::String(found)) => !value.is_finite() && same_float(found, *value),
            (Tree::Double(value), Json::String(found)) => !value.is_finite() && same_double(found, *value),
            (Tree::Text(value) | Tree::Perhaps(value), Json::String(found)) => value == found,
            (Tree::List(values), Json::Array(found)) => {
                values.len() == found.len() && values.iter().zip(found).all(|(value, found)| value.is_in_json(found))
            }
            (Tree::Object(members), Json::Object(found)) => {
                let last = |name: &str| members.iter().rev().find(|(own, _)| own == name);
                found.iter().all(|(name, found)| last(name).is_some_and(|(_, value)| value.is_in_json(found)))
                    && members.iter().all(|(name, _)| found.contains_key(name))
            }
            _ => false,
        }
    }

    /// Whether a record with this may be refused for it.
    pub fn may_be_refused(&self) -> bool {
        match self {
            Tree::Any | Tree::Perhaps(_) => true,
            Tree::List(values) => values.iter().any(Tree::may_be_refused),
            Tree::Object(members) => members.iter().any(|(_, value)| value.may_be_refused()),
            _ => false,
        }
    }

    /// Its text as JSON has so many bytes at least.
    pub fn least_length(&self) -> usize {
        match self {
            Tree::Text(text) | Tree::Perhaps(text) => text.len() + 2,
            Tree::List(values) => 2 + values.iter().map(|value| value.least_length() + 1).sum::<usize>(),
            Tree::Object(members) => {
                2 + members.iter().map(|(name, value)| name.len() + 4 + value.least_length()).sum::<usize>()
            }
            _ => 1,
        }
    }

    /// The names of all members in it.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Tree::List(values) => values.iter().flat_map(Tree::names).collect(),
            Tree::Object(members) => {
                members.iter().flat_map(|(name, value)| [vec![name.as_str()], value.names()].concat()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// How many lists and objects are in one another.
    pub fn levels(&self) -> usize {
        match self {
            Tree::List(values) => 1 + values.iter().map(Tree::levels).max().unwrap_or(0),
            Tree::Object(members) => 1 + members.iter().map(|(_, value)| value.levels()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// Java's names of what is not finite, as Rust reads them.
fn number(text: &str) -> Option<&str> {
    match text {
        "NaN" => Some("NaN"),
        "Infinity" => Some("inf"),
        "-Infinity" => Some("-inf"),
        finite => finite.ends_with(|last: char| last.is_ascii_digit()).then_some(finite),
    }
}

fn same_float(text: &str, value: f32) -> bool {
    let read: Option<f32> = number(text).and_then(|text| text.parse().ok());
    read.is_some_and(|read| read.to_bits() == value.to_bits() || (read.is_nan() && value.is_nan()))
}

fn same_double(text: &str, value: f64) -> bool {
    let read: Option<f64> = number(text).and_then(|text| text.parse().ok());
    read.is_some_and(|read| read.to_bits() == value.to_bits() || (read.is_nan() && value.is_nan()))
}
