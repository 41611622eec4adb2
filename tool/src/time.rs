//! Points in time as the command line takes them and as reports have them: RFC 3339, UTC.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde::Serializer;

/// The time in RFC 3339, with milliseconds.
pub fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Writes a time into a report.
pub fn serialize<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*time))
}

/// Writes a time that may not be known into a report.
pub fn serialize_known<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}

/// Reads a point in time: RFC 3339, or a date, which is its first moment in UTC.
pub fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|date| date.and_time(NaiveTime::MIN).and_utc());
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .or_else(|_| date())
        .map_err(|_| "not a time such as 2026-11-01T12:30:00Z, nor a date such as 2026-11-01".to_owned())
}

/// Reads a duration: a whole number of seconds, minutes, hours or days.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let seconds = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds)
    });
    // A year is more than any scheduler waits, and the clock can count it.
    let seconds = seconds.filter(|seconds| *seconds <= 366 * 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| "not a duration such as 90s, 30m, 6h or 2d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_a_date_is_read_and_anything_else_refused() {
        assert_eq!(text(parse("2026-11-01").unwrap()), "2026-11-01T00:00:00.000Z");
        assert_eq!(text(parse("2026-11-01T01:30:00.5+02:00").unwrap()), "2026-10-31T23:30:00.500Z");
        for wrong in ["", "yesterday", "2026-13-01", "2026-11-01T01:30:00"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("2d"), Ok(Duration::from_secs(172_800)));
        for wrong in ["", "s", "5", "5w", "-1s", "1000d", "99999999999999999999h"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
