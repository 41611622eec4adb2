//! A table's columns and their types, named as Hive names them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::value::decimal::MOST_DIGITS;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
}

/// The type of a column: a Hive type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ColumnType {
    /// `true` or `false`.
    Boolean,
    /// 32 bits.
    Int,
    /// 64 bits.
    BigInt,
    /// IEEE 754, 32 bits.
    Float,
    /// IEEE 754, 64 bits.
    Double,
    /// Text.
    String,
    /// A point in time in UTC, or a local date and time.
    Timestamp,
    /// A day.
    Date,
    /// Bytes, in base64.
    Binary,
    /// An exact decimal number.
    Decimal {
        /// The most digits, 1 to 38.
        precision: u8,
        /// How many of them are behind the point.
        scale: u8,
    },
}

const NAMES: [(ColumnType, &str); 9] = [
    (ColumnType::Boolean, "boolean"),
    (ColumnType::Int, "int"),
    (ColumnType::BigInt, "bigint"),
    (ColumnType::Float, "float"),
    (ColumnType::Double, "double"),
    (ColumnType::String, "string"),
    (ColumnType::Timestamp, "timestamp"),
    (ColumnType::Date, "date"),
    (ColumnType::Binary, "binary"),
];

impl ColumnType {
    /// The type that holds the values of both exactly, if there is one. A double has 53 bits for a number, so it holds each int
    /// and not each bigint.
    pub(crate) fn widened(self, other: ColumnType) -> Option<ColumnType> {
        use ColumnType::{BigInt, Decimal, Double, Float, Int};
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Int, BigInt) | (BigInt, Int) => Some(BigInt),
            (Float | Int | Double, Double) | (Double, Float | Int) | (Float, Int) | (Int, Float) => Some(Double),
            (Decimal { precision, scale }, Decimal { precision: other_precision, scale: other_scale }) => {
                let widest = scale.max(other_scale);
                let whole = precision.saturating_sub(scale).max(other_precision.saturating_sub(other_scale));
                let precision = whole + widest;
                (usize::from(precision) <= MOST_DIGITS).then_some(Decimal { precision, scale: widest })
            }
            _ => None,
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ColumnType::Decimal { precision, scale } = self {
            return write!(f, "decimal({precision},{scale})");
        }
        let name = NAMES.iter().find(|(column_type, _)| column_type == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// A name that is not a column type's.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a column type that this connector knows; a newer one wrote it")]
pub struct UnknownType(String);

impl FromStr for ColumnType {
    type Err = UnknownType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(column_type, _)| *column_type)
            .or_else(|| decimal(name))
            .ok_or_else(|| UnknownType(name.to_owned()))
    }
}

fn decimal(name: &str) -> Option<ColumnType> {
    let (precision, scale) = name.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    let (precision, scale) = (precision.parse().ok()?, scale.parse().ok()?);
    ((1..=38).contains(&precision) && scale <= precision).then_some(ColumnType::Decimal { precision, scale })
}

impl From<ColumnType> for String {
    fn from(column_type: ColumnType) -> Self {
        column_type.to_string()
    }
}

impl TryFrom<String> for ColumnType {
    type Error = UnknownType;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_comes_back_from_its_name_and_other_names_are_refused() {
        let decimals = [(1, 0), (38, 38)].map(|(precision, scale)| ColumnType::Decimal { precision, scale });
        for column_type in NAMES.iter().map(|(column_type, _)| *column_type).chain(decimals) {
            assert_eq!(column_type.to_string().parse::<ColumnType>().unwrap(), column_type);
        }
        for name in ["decimal(39,0)", "decimal(0,0)", "decimal(2,3)", "decimal", "varchar(3)", ""] {
            assert!(name.parse::<ColumnType>().is_err(), "{name}");
        }
    }
}
