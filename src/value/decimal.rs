//! Decimals: an integer, in two's complement and big-endian in Avro, and a scale.

use crate::value::{Reason, Value};

/// The most digits that Hive's decimal holds.
pub(crate) const MOST_DIGITS: usize = 38;

/// A decimal: an integer and the place of its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The most digits of a value, at most [`MOST_DIGITS`].
    pub(crate) precision: u8,
    /// How many of them are behind the point.
    pub(crate) scale: u8,
    /// The size of the fixed that holds it; none for bytes.
    pub(crate) size: Option<usize>,
}

/// The decimal that these bytes hold; out of range when it has more digits than its type.
pub(crate) fn from_bytes<'a>(bytes: &[u8], decimal: Decimal) -> Result<Value<'a>, Reason> {
    fitting(unscaled(bytes)?, decimal)
}

/// The decimal of this integer; out of range when it has more digits than its type.
fn fitting<'a>(unscaled: i128, decimal: Decimal) -> Result<Value<'a>, Reason> {
    let bound = 10u128.checked_pow(u32::from(decimal.precision)).ok_or(Reason::OutOfRange)?;
    if unscaled.unsigned_abs() >= bound {
        return Err(Reason::OutOfRange);
    }
    Ok(Value::Decimal { unscaled, scale: decimal.scale })
}

/// A big-endian integer in two's complement. Its first bytes may repeat the sign.
pub(crate) fn unscaled(bytes: &[u8]) -> Result<i128, Reason> {
    let first = *bytes.first().ok_or(Reason::Malformed)?;
    let sign = if first < 0x80 { 0x00 } else { 0xff };
    let surplus = bytes.len().saturating_sub(16);
    let (repeated, rest) = bytes.split_at(surplus);
    let fits = repeated.iter().all(|byte| *byte == sign) && rest.first().is_some_and(|byte| (byte ^ sign) < 0x80);
    if !fits {
        return Err(Reason::OutOfRange);
    }
    let mut wide = [sign; 16];
    wide[16 - rest.len()..].copy_from_slice(rest);
    Ok(i128::from_be_bytes(wide))
}

/// The decimal that a JSON number is; out of range when it has more digits than its type, before or behind the point.
pub(crate) fn from_number<'a>(number: &str, decimal: Decimal) -> Result<Value<'a>, Reason> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| Reason::OutOfRange)?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (negative, whole) = whole.strip_prefix('-').map_or((false, whole), |whole| (true, whole));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return fitting(0, decimal);
    }
    // The value is the significant digits times ten to the power of what is left of the scale.
    let trailing = (digits.len() - digits.trim_end_matches('0').len()) as i64;
    let power = exponent.checked_add(trailing - fraction.len() as i64 + i64::from(decimal.scale));
    let power = power.and_then(|power| u32::try_from(power).ok()).ok_or(Reason::OutOfRange)?;
    if significant.len() > MOST_DIGITS {
        return Err(Reason::OutOfRange);
    }
    let magnitude: i128 = significant.parse().map_err(|_| Reason::OutOfRange)?;
    let magnitude =
        10i128.checked_pow(power).and_then(|factor| magnitude.checked_mul(factor)).ok_or(Reason::OutOfRange)?;
    fitting(if negative { -magnitude } else { magnitude }, decimal)
}

/// Appends a decimal without exponent, with as many digits behind the point as its scale says.
pub(crate) fn append(out: &mut Vec<u8>, unscaled: i128, scale: u8) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(unscaled.unsigned_abs());
    if unscaled < 0 {
        out.push(b'-');
    }
    let scale = usize::from(scale);
    if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.extend_from_slice(whole.as_bytes());
        if scale > 0 {
            out.push(b'.');
            out.extend_from_slice(fraction.as_bytes());
        }
    } else {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + scale - digits.len(), b'0');
        out.extend_from_slice(digits.as_bytes());
    }
}

/// The same for a scale that is the value's own: within what Hive's decimal could hold.
pub(crate) fn plain_text(unscaled: i128, scale: i64) -> Result<String, Reason> {
    let most = MOST_DIGITS as i64;
    let widened = if scale < 0 && scale >= -most {
        10i128
            .checked_pow(scale.unsigned_abs() as u32)
            .and_then(|factor| unscaled.checked_mul(factor))
            .map(|value| (value, 0))
    } else {
        Some((unscaled, scale))
    };
    let (unscaled, scale) = widened.filter(|(_, scale)| (0..=most).contains(scale)).ok_or(Reason::OutOfRange)?;
    let mut text = Vec::new();
    append(&mut text, unscaled, scale as u8);
    String::from_utf8(text).map_err(|_| Reason::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: Result<Value<'_>, Reason>) -> Result<String, Reason> {
        let Value::Decimal { unscaled, scale } = value? else { panic!("no decimal") };
        plain_text(unscaled, i64::from(scale))
    }

    fn decimal(precision: u8, scale: u8) -> Decimal {
        Decimal { precision, scale, size: None }
    }

    proptest! {
        #[test]
        fn an_integer_comes_back_from_its_bytes_however_often_its_sign_is_repeated(value: i128, surplus in 0..40usize) {
            let mut bytes = vec![if value < 0 { 0xff } else { 0 }; surplus];
            bytes.extend_from_slice(&value.to_be_bytes());
            prop_assert_eq!(unscaled(&bytes), Ok(value));
        }

        #[test]
        fn a_number_is_the_decimal_that_its_digits_say(value in -999_999_999_999i64..=999_999_999_999, scale in 0u8..12, shift in -30i64..30) {
            // The same value, its point moved by an exponent.
            let mut plain = Vec::new();
            append(&mut plain, i128::from(value), scale);
            let plain = String::from_utf8(plain).unwrap();
            let moved = format!("{value}e{}", shift - i64::from(scale) - shift);
            for number in [&plain, &moved] {
                prop_assert_eq!(text(from_number(number, decimal(38, scale))), Ok(plain.clone()));
            }
        }
    }

    #[test]
    fn decimals_are_plain_text_and_what_does_not_fit_is_out_of_range() {
        assert_eq!(text(from_bytes(&[0xff], decimal(5, 2))), Ok("-0.01".to_owned()));
        assert_eq!(text(from_bytes(&[0x30, 0x39], decimal(5, 2))), Ok("123.45".to_owned()));
        assert_eq!(text(from_bytes(&[0x00], decimal(5, 5))), Ok("0.00000".to_owned()));
        assert_eq!(text(from_bytes(&[0x07], decimal(5, 0))), Ok("7".to_owned()));
        assert_eq!(from_bytes(&[], decimal(5, 2)), Err(Reason::Malformed));
        assert_eq!(from_bytes(&[0x03, 0xe8], decimal(3, 0)), Err(Reason::OutOfRange));
        let most = 10i128.pow(38) - 1;
        assert_eq!(text(from_bytes(&most.to_be_bytes(), decimal(38, 38))), Ok(format!("0.{}", "9".repeat(38))));
        assert_eq!(from_bytes(&(most + 1).to_be_bytes(), decimal(38, 0)), Err(Reason::OutOfRange));
        assert_eq!(from_bytes(&[0x7f; 40], decimal(38, 0)), Err(Reason::OutOfRange));
    }

    #[test]
    fn a_number_with_digits_behind_the_scale_or_beyond_the_precision_is_out_of_range() {
        for number in [
            "0.001",
            "1000",
            "1e3",
            "1e-3",
            "1e99999999999999999999",
            "1e400",
            "1234567890123456789012345678901234567890",
        ] {
            assert_eq!(from_number(number, decimal(5, 2)), Err(Reason::OutOfRange), "{number}");
        }
        for (number, plain) in [("0.010", "0.01"), ("-1.5E+2", "-150.00"), ("0e999999", "0.00"), ("-0", "0.00")] {
            assert_eq!(text(from_number(number, decimal(5, 2))).as_deref(), Ok(plain), "{number}");
        }
    }

    #[test]
    fn a_scale_of_the_values_own_is_bounded() {
        assert_eq!(plain_text(15, 1).as_deref(), Ok("1.5"));
        assert_eq!(plain_text(15, -3).as_deref(), Ok("15000"));
        assert_eq!(plain_text(1, 39), Err(Reason::OutOfRange));
        assert_eq!(plain_text(1, i64::MIN), Err(Reason::OutOfRange));
        assert_eq!(plain_text(i128::MAX, -1), Err(Reason::OutOfRange));
    }
}
