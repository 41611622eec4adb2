//! Numbers in JSON text.

use crate::decode::json::cursor::Cursor;
use crate::value::Reason;

/// A whole number of 64 bits has no more digits.
const MOST_DIGITS: usize = 19;

/// The text of a number.
pub(super) fn number<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Reason> {
    match cursor.peek()? {
        b'-' | b'0'..=b'9' => cursor.number(),
        b'"' | b'[' | b'{' | b't' | b'f' => Err(Reason::WrongType),
        _ => Err(Reason::Malformed),
    }
}

/// The integer that a number's text is: `5.0` and `5e3`, too, which JavaScript and others write. A fraction is none.
pub(super) fn integer(number: &str) -> Result<i64, Reason> {
    if !number.contains(['.', 'e', 'E']) {
        return number.parse().map_err(|_| Reason::OutOfRange);
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| Reason::OutOfRange)?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    // How many digits stand before the point, with as many zeros behind the significant ones.
    let before = i64::from(exponent) + whole.len() as i64;
    let Some(zeros) = usize::try_from(before - significant.len() as i64).ok().filter(|_| before > 0) else {
        return Err(Reason::WrongType);
    };
    if significant.trim_start_matches('0').len() + zeros > MOST_DIGITS {
        return Err(Reason::OutOfRange);
    }
    format!("{sign}{significant}{}", "0".repeat(zeros)).parse().map_err(|_| Reason::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_without_a_fraction_is_an_integer_however_it_is_written() {
        for (text, value) in [
            ("5.0", Ok(5)),
            ("-5.000", Ok(-5)),
            ("0.0", Ok(0)),
            ("-0.0", Ok(0)),
            ("0e999999", Ok(0)),
            ("5e3", Ok(5_000)),
            ("1.5E+1", Ok(15)),
            ("1500e-2", Ok(15)),
            ("0.005e3", Ok(5)),
            ("9223372036854775807.0", Ok(i64::MAX)),
            ("-9223372036854775808.0", Ok(i64::MIN)),
            ("5.5", Err(Reason::WrongType)),
            ("15e-1", Err(Reason::WrongType)),
            ("0.5", Err(Reason::WrongType)),
            ("1e-999999", Err(Reason::WrongType)),
            ("9223372036854775808.0", Err(Reason::OutOfRange)),
            ("1e19", Err(Reason::OutOfRange)),
            ("1e999999999999", Err(Reason::OutOfRange)),
        ] {
            assert_eq!(integer(text), value, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_point_and_the_exponent_the_value_is_the_same(value: i64, places in 0..25_usize) {
            let (sign, digits) = if value < 0 { ("-", value.unsigned_abs()) } else { ("", value as u64) };
            let digits = format!("{digits:0>width$}", width = places + 1);
            let (whole, fraction) = digits.split_at(digits.len() - places);
            let point = if places > 0 { "." } else { "" };
            prop_assert_eq!(integer(&format!("{sign}{whole}{point}{fraction}e{places}")), Ok(value));
        }
    }
}
