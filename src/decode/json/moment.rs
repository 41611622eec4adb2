//! Dates and times in JSON topics. An integer is what it is in Avro's encoding. Java's own classes, which Avro's logical types
//! stand for, are something else to Jackson: an `Instant` is a number of seconds with nine digits behind the point, a
//! `LocalDate` is `[2026,11,24]`, a `LocalTime` `[12,30,15,123000000]`, a `LocalDateTime` both in one array; seconds and
//! nanoseconds are left out at the end when they are zero. Told to (`WRITE_DATES_AS_TIMESTAMPS` off), it writes ISO 8601, as
//! other languages do.

use crate::decode::json::cursor::Cursor;
use crate::decode::json::number::{integer, number};
use crate::decode::types::Kind;
use crate::value::time::day_of_date;
use crate::value::{Reason, Value};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Reads a date, a time or a timestamp.
pub(crate) fn read<'a>(cursor: &mut Cursor<'_>, kind: &Kind) -> Result<Value<'a>, Reason> {
    if cursor.peek()? == b'[' {
        let mut parts = Vec::new();
        cursor.array(|cursor| {
            if parts.len() == 7 {
                return Err(Reason::WrongType);
            }
            parts.push(integer(number(cursor)?)?);
            Ok(())
        })?;
        return from_parts(&parts, kind);
    }
    if cursor.peek()? == b'"' {
        return from_iso(&cursor.string()?, kind).ok_or(Reason::WrongType);
    }
    let number = number(cursor)?;
    if let (Kind::TimestampMillis | Kind::TimestampMicros | Kind::TimestampNanos, Some(parts)) =
        (kind, number.split_once('.'))
    {
        return instant(parts);
    }
    let value = integer(number)?;
    let int = || i32::try_from(value).map(i64::from).map_err(|_| Reason::OutOfRange);
    match kind {
        Kind::Date => int().map(Value::Date),
        Kind::TimeMillis => int().map(Value::TimeMillis),
        Kind::TimeMicros => Ok(Value::TimeMicros(value)),
        Kind::TimestampMillis => Ok(Value::TimestampMillis(value)),
        Kind::TimestampMicros => Ok(Value::TimestampMicros(value)),
        Kind::TimestampNanos => Ok(Value::timestamp_nanos(value)),
        _ => Err(Reason::WrongType),
    }
}

/// A date, a time, or both with a `T` or a blank between; a timestamp may end with its offset from UTC, and is in UTC without.
fn from_iso<'a>(text: &str, kind: &Kind) -> Option<Value<'a>> {
    match kind {
        Kind::Date => iso_date(text).map(Value::Date),
        Kind::TimeMillis | Kind::TimeMicros => iso_time(text).map(Value::TimeNanos),
        Kind::TimestampMillis | Kind::TimestampMicros | Kind::TimestampNanos => {
            let (date, time) = text.split_once(['T', ' '])?;
            let (time, offset) = match time.find(['Z', '+', '-']) {
                Some(at) => (&time[..at], iso_offset(&time[at..])?),
                None => (time, 0),
            };
            let nanos = iso_time(time)? - offset * NANOS_PER_SECOND;
            let day = SECONDS_PER_DAY * NANOS_PER_SECOND;
            Some(Value::TimestampNanos { days: iso_date(date)? + nanos.div_euclid(day), nanos: nanos.rem_euclid(day) })
        }
        _ => None,
    }
}

/// Days since 1970 of `2026-11-24`.
fn iso_date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let mut part = |digits: usize| digits_of(parts.next()?, digits);
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() { None } else { day_of_date(year, month, day) }
}

/// Nanoseconds since midnight of `12:30`, `12:30:15` or `12:30:15.123`.
fn iso_time(text: &str) -> Option<i64> {
    let (text, fraction) = match text.split_once('.') {
        Some((text, fraction)) if text.len() == "12:30:15".len() => (text, fraction),
        Some(_) => return None,
        None => (text, "0"),
    };
    let mut parts: Vec<i64> = text.split(':').map(|part| digits_of(part, 2)).collect::<Option<_>>()?;
    if !matches!(parts.len(), 2 | 3) || !matches!(fraction.len(), 1..=9) {
        return None;
    }
    parts.resize(3, 0);
    parts.push(digits_of(&format!("{fraction:0<9}"), 9)?);
    time(&parts).ok()
}

/// Seconds east of UTC of `Z`, `+03:00`, `+0300` or `+03`.
fn iso_offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'Z' => return (text.len() == 1).then_some(0),
        b'-' => -1,
        _ => 1,
    };
    let digits = text.get(1..)?;
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        _ => digits.split_once(':')?,
    };
    let (hours, minutes) = (digits_of(hours, 2)?, digits_of(minutes, 2)?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

fn digits_of(text: &str, count: usize) -> Option<i64> {
    let all = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

/// Before 1970 too the digits behind the point are nanoseconds after the second: Jackson writes 1 ms before 1970 as -1.999000000.
fn instant<'a>((seconds, nanos): (&str, &str)) -> Result<Value<'a>, Reason> {
    if nanos.len() != 9 {
        return Err(Reason::WrongType);
    }
    let (seconds, nanos) = (integer(seconds)?, integer(nanos)?);
    let nanos = seconds.rem_euclid(SECONDS_PER_DAY) * NANOS_PER_SECOND + nanos;
    Ok(Value::TimestampNanos { days: seconds.div_euclid(SECONDS_PER_DAY), nanos })
}

fn from_parts<'a>(parts: &[i64], kind: &Kind) -> Result<Value<'a>, Reason> {
    match (kind, parts) {
        (Kind::Date, &[year, month, day]) => day_of_date(year, month, day).map(Value::Date).ok_or(Reason::OutOfRange),
        (Kind::TimeMillis | Kind::TimeMicros, parts) => time(parts).map(Value::TimeNanos),
        (Kind::TimestampMillis | Kind::TimestampMicros | Kind::TimestampNanos, &[year, month, day, ref rest @ ..]) => {
            let days = day_of_date(year, month, day).ok_or(Reason::OutOfRange)?;
            Ok(Value::TimestampNanos { days, nanos: time(rest)? })
        }
        _ => Err(Reason::WrongType),
    }
}

/// Nanoseconds since midnight.
fn time(parts: &[i64]) -> Result<i64, Reason> {
    if !(2..=4).contains(&parts.len()) {
        return Err(Reason::WrongType);
    }
    let limits = [24, 60, 60, NANOS_PER_SECOND];
    let mut total = 0;
    for (at, limit) in limits.into_iter().enumerate() {
        let part = parts.get(at).copied().unwrap_or(0);
        if !(0..limit).contains(&part) {
            return Err(Reason::OutOfRange);
        }
        total = total * limit + part;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::plain_text;

    fn moment(json: &str, kind: &Kind) -> Result<String, Reason> {
        let mut out = Vec::new();
        plain_text::append(&mut out, &read(&mut Cursor::new(json.as_bytes())?, kind)?)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn javas_classes_are_read_as_jackson_writes_them() {
        for (json, kind, text) in [
            ("0.000000001", Kind::TimestampMillis, "1970-01-01 00:00:00.000000001"),
            ("-1.999000000", Kind::TimestampMillis, "1969-12-31 23:59:59.999000000"),
            ("-86401.000000000", Kind::TimestampMicros, "1969-12-30 23:59:59.000000000"),
            ("[2026,11,24]", Kind::Date, "2026-11-24"),
            ("[12,30]", Kind::TimeMillis, "12:30:00.000000000"),
            ("[12,30,15,123000000]", Kind::TimeMicros, "12:30:15.123000000"),
            ("[9999,12,31,23,59,59,999999999]", Kind::TimestampMicros, "9999-12-31 23:59:59.999999999"),
            ("[1,1,1,0,0]", Kind::TimestampNanos, "0001-01-01 00:00:00.000000000"),
            ("1e3", Kind::TimestampMillis, "1970-01-01 00:00:01.000"),
            ("\"2026-11-24\"", Kind::Date, "2026-11-24"),
            ("\"12:30\"", Kind::TimeMillis, "12:30:00.000000000"),
            ("\"12:30:15.123\"", Kind::TimeMicros, "12:30:15.123000000"),
            ("\"2026-11-24T12:30:15.123Z\"", Kind::TimestampMillis, "2026-11-24 12:30:15.123000000"),
            ("\"2026-11-24T00:30:15+03:00\"", Kind::TimestampMicros, "2026-11-23 21:30:15.000000000"),
            ("\"2026-11-24T23:30:15.5-0100\"", Kind::TimestampNanos, "2026-11-25 00:30:15.500000000"),
            ("\"2026-11-24 23:30:15.000000001\"", Kind::TimestampNanos, "2026-11-24 23:30:15.000000001"),
        ] {
            assert_eq!(moment(json, &kind).as_deref(), Ok(text), "{json}");
        }
        for (json, kind, reason) in [
            ("1.5", Kind::TimestampMillis, Reason::WrongType),
            ("1.5", Kind::Date, Reason::WrongType),
            ("1.5e0", Kind::TimestampMillis, Reason::WrongType),
            ("\"2026-11-24T00:00\"", Kind::Date, Reason::WrongType),
            ("\"2026-02-29\"", Kind::Date, Reason::WrongType),
            ("\"26-11-24\"", Kind::Date, Reason::WrongType),
            ("\"2026-11-24\"", Kind::TimestampMillis, Reason::WrongType),
            ("\"2026-11-24T24:00:00Z\"", Kind::TimestampMillis, Reason::WrongType),
            ("\"2026-11-24T12:30:15.1234567890Z\"", Kind::TimestampMillis, Reason::WrongType),
            ("\"2026-11-24T12:30:15Zé\"", Kind::TimestampMillis, Reason::WrongType),
            ("\"2026-11-24T12:30:15+3é0\"", Kind::TimestampMillis, Reason::WrongType),
            ("\"12:30.5\"", Kind::TimeMillis, Reason::WrongType),
            ("[2026,11]", Kind::Date, Reason::WrongType),
            ("[2026,2,29]", Kind::Date, Reason::OutOfRange),
            ("[24,0]", Kind::TimeMillis, Reason::OutOfRange),
            ("[12]", Kind::TimeMillis, Reason::WrongType),
            ("[2026,11,24,0,0,0,1000000000]", Kind::TimestampNanos, Reason::OutOfRange),
            ("[1,1,1,1,1,1,1,1]", Kind::TimestampNanos, Reason::WrongType),
            ("2147483648", Kind::Date, Reason::OutOfRange),
        ] {
            assert_eq!(moment(json, &kind), Err(reason), "{json}");
        }
    }
}
