//! Values in columns that have another type than their field, because the field's type has changed. All of it is exact.

use std::borrow::Cow;

use crate::value::column::{Column, ColumnType};
use crate::value::text::Text;
use crate::value::{NANOS_PER_DAY, Reason, Value};

/// A column that records of a schema want in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The column, if it is to be made.
    pub(crate) column: Column,
    /// The column of another type that takes the values, too, if it is there already.
    pub(crate) otherwise: Option<Otherwise>,
}

/// Another type of column for a field's values, and how they are written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Otherwise {
    /// The column's type.
    pub(crate) column_type: ColumnType,
    /// What becomes of the values.
    pub(crate) conversion: Conversion,
}

/// How a value is written in a column of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// A float as the double of the same value.
    Double,
    /// Bytes as the text that they are.
    Text,
    /// Text as its bytes.
    Bytes,
    /// A date or a time as the number that it is without its logical type.
    Number {
        /// What the number counts, in nanoseconds; of no use for a date.
        unit: i64,
    },
}

impl Wanted {
    /// The type of a column of this type that takes the values, too, and how it takes them; none if there is no such type.
    pub(crate) fn fit(&self, own: ColumnType) -> Option<(ColumnType, Option<Conversion>)> {
        let field = self.column.column_type;
        if let Some(widened) = own.widened(field) {
            let to_double = (field, widened) == (ColumnType::Float, ColumnType::Double);
            return Some((widened, to_double.then_some(Conversion::Double)));
        }
        let Otherwise { column_type, conversion } = self.otherwise?;
        let fitting = match own {
            ColumnType::Int | ColumnType::BigInt => own.widened(column_type),
            _ => (own == column_type).then_some(own),
        };
        Some((fitting?, Some(conversion)))
    }
}

impl Conversion {
    /// The value as the column has it. Bytes that are no text are an error, and a time that is no whole number of units.
    #[cold]
    pub(crate) fn of<'v>(self, value: &'v Value<'_>) -> Result<Cow<'v, Value<'v>>, Reason> {
        let converted = match (self, value) {
            (Conversion::Double, Value::Float(value)) => Value::Double(f64::from(*value)),
            (Conversion::Text, Value::Bytes(bytes)) => Value::Text(Text::checked(bytes)?),
            (Conversion::Bytes, Value::Text(text)) => Value::Bytes(Cow::Borrowed(text.as_bytes())),
            (
                Conversion::Number { .. },
                Value::Date(number)
                | Value::TimeMillis(number)
                | Value::TimeMicros(number)
                | Value::TimestampMillis(number)
                | Value::TimestampMicros(number),
            ) => Value::Long(*number),
            (Conversion::Number { unit }, Value::TimeNanos(nanos)) => whole(i128::from(*nanos), unit)?,
            (Conversion::Number { unit }, Value::TimestampNanos { days, nanos }) => {
                whole(i128::from(*days) * i128::from(NANOS_PER_DAY) + i128::from(*nanos), unit)?
            }
            (_, other) => return Ok(Cow::Borrowed(other)),
        };
        Ok(Cow::Owned(converted))
    }
}

/// So many nanoseconds as a whole number of units.
fn whole<'a>(nanos: i128, unit: i64) -> Result<Value<'a>, Reason> {
    let unit = i128::from(unit);
    let number = (nanos % unit == 0).then(|| i64::try_from(nanos / unit).ok()).flatten();
    number.map(Value::Long).ok_or(Reason::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::types::Kind;
    use proptest::prelude::*;

    fn number(kind: &Kind, value: &Value<'_>) -> Result<Option<i64>, Reason> {
        let conversion = kind.otherwise().unwrap().conversion;
        conversion.of(value).map(|value| if let Value::Long(number) = *value { Some(number) } else { None })
    }

    proptest! {
        /// JSON has moments with nine digits behind the second, whatever the schema's unit is.
        #[test]
        fn a_moment_is_the_number_of_its_schemas_units_or_does_not_fit(nanos in -1i64 << 60..1 << 60, whole: bool) {
            for (kind, unit) in [
                (Kind::TimestampMillis, 1_000_000),
                (Kind::TimestampMicros, 1_000),
                (Kind::TimestampNanos, 1),
            ] {
                let nanos = if whole { nanos / unit * unit } else { nanos };
                let expected = if nanos % unit == 0 { Ok(Some(nanos / unit)) } else { Err(Reason::OutOfRange) };
                prop_assert_eq!(number(&kind, &Value::timestamp_nanos(nanos)), expected);
            }
        }
    }

    #[test]
    fn times_of_day_and_days_are_numbers_of_their_units() {
        assert_eq!(number(&Kind::TimeMillis, &Value::TimeNanos(1_500_000_000)), Ok(Some(1_500)));
        assert_eq!(number(&Kind::TimeMillis, &Value::TimeNanos(1_500_000_001)), Err(Reason::OutOfRange));
        assert_eq!(number(&Kind::TimeMicros, &Value::TimeMicros(7)), Ok(Some(7)));
        assert_eq!(number(&Kind::Date, &Value::Date(-1)), Ok(Some(-1)));
        assert_eq!(number(&Kind::TimestampMillis, &Value::Null), Ok(None));
        let beyond = Value::TimestampNanos { days: 1 << 50, nanos: 0 };
        assert_eq!(number(&Kind::TimestampNanos, &beyond), Err(Reason::OutOfRange));
    }

    #[test]
    fn a_column_becomes_wider_only_where_every_value_stays_what_it_is() {
        use ColumnType::{BigInt, Double, Float, Int};
        let decimal = |precision, scale| ColumnType::Decimal { precision, scale };
        for (own, other, widened) in [
            (Int, BigInt, Some(BigInt)),
            (Int, Float, Some(Double)),
            (Float, Int, Some(Double)),
            (Double, Int, Some(Double)),
            (BigInt, Double, None),
            (BigInt, Float, None),
            (Double, BigInt, None),
            (decimal(9, 2), decimal(4, 4), Some(decimal(11, 4))),
            (decimal(4, 4), decimal(9, 2), Some(decimal(11, 4))),
            (decimal(38, 0), decimal(1, 1), None),
            (decimal(9, 2), Int, None),
        ] {
            assert_eq!(own.widened(other), widened, "{own} {other}");
        }
    }
}
