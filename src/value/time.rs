//! Dates and times as text, UTC.

use crate::value::Reason;

const MILLIS_PER_DAY: i64 = 86_400_000;
/// 0001-01-01 and 9999-12-31, in days since 1970: what Hive can hold.
const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// The day of a point in time, in days since 1970.
#[inline]
pub(crate) fn day_of(millis: i64) -> i64 {
    millis.div_euclid(MILLIS_PER_DAY)
}

/// The day, in days since 1970, of a date of the years 0001 to 9999; none when there is no such date.
pub(crate) fn day_of_date(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=last).contains(&day) {
        return None;
    }
    // Howard Hinnant's days-from-civil: years that begin on 1 March.
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

/// Appends a text of as many bytes as this one, into which `write` writes: in place, because bytes that have just been written one
/// by one cannot be copied as fast.
#[inline(always)]
fn append_written<const N: usize>(out: &mut Vec<u8>, text: &[u8; N], write: impl FnOnce(&mut [u8; N])) {
    out.extend_from_slice(text);
    if let Some(text) = out.last_chunk_mut() {
        write(text);
    }
}

/// Appends `yyyy-MM-dd`.
pub(crate) fn append_date(out: &mut Vec<u8>, days: i64) -> Result<(), Reason> {
    let date = Date::of(days)?;
    append_written(out, b"yyyy-MM-dd", |[y0, y1, y2, y3, _, m0, m1, _, d0, d1]| {
        date.write([y0, y1, y2, y3, m0, m1, d0, d1]);
    });
    Ok(())
}

/// Appends `yyyy-MM-dd HH:mm:ss.SSS`.
#[inline]
pub(crate) fn append_timestamp_millis(out: &mut Vec<u8>, millis: i64) -> Result<(), Reason> {
    // Counted from the first day, nothing is negative, which makes the divisions shorter.
    let since_first = millis.wrapping_sub(*DAYS.start() * MILLIS_PER_DAY) as u64;
    let day = since_first / MILLIS_PER_DAY as u64;
    let millis_of_day = (since_first % MILLIS_PER_DAY as u64) as u32;
    let date = Date::of_day_since_first(day)?;
    append_written(out, b"yyyy-MM-dd HH:mm:ss.SSS", |[y0, y1, y2, y3, _, m0, m1, _, d0, d1, _, clock @ ..]| {
        date.write([y0, y1, y2, y3, m0, m1, d0, d1]);
        write_clock(clock, millis_of_day);
    });
    Ok(())
}

/// Appends `yyyy-MM-dd HH:mm:ss.SSSSSS`.
pub(crate) fn append_timestamp_micros(out: &mut Vec<u8>, micros: i64) -> Result<(), Reason> {
    append_timestamp_millis(out, micros.div_euclid(1_000))?;
    append_thousandths(out, micros);
    Ok(())
}

/// Appends `yyyy-MM-dd HH:mm:ss.SSSSSSSSS`.
pub(crate) fn append_timestamp_nanos(out: &mut Vec<u8>, days: i64, nanos_of_day: i64) -> Result<(), Reason> {
    append_date(out, days)?;
    out.push(b' ');
    append_time_nanos(out, nanos_of_day)
}

/// Appends `HH:mm:ss.SSS`.
pub(crate) fn append_time_millis(out: &mut Vec<u8>, millis_of_day: i64) -> Result<(), Reason> {
    if !(0..MILLIS_PER_DAY).contains(&millis_of_day) {
        return Err(Reason::OutOfRange);
    }
    append_written(out, b"HH:mm:ss.SSS", |text| write_clock(text, millis_of_day as u32));
    Ok(())
}

/// Appends `HH:mm:ss.SSSSSS`.
pub(crate) fn append_time_micros(out: &mut Vec<u8>, micros_of_day: i64) -> Result<(), Reason> {
    append_time_millis(out, micros_of_day.div_euclid(1_000))?;
    append_thousandths(out, micros_of_day);
    Ok(())
}

/// Appends `HH:mm:ss.SSSSSSSSS`.
pub(crate) fn append_time_nanos(out: &mut Vec<u8>, nanos_of_day: i64) -> Result<(), Reason> {
    append_time_micros(out, nanos_of_day.div_euclid(1_000))?;
    append_thousandths(out, nanos_of_day);
    Ok(())
}

struct Date {
    year: u32,
    month: u32,
    day: u32,
}

impl Date {
    fn of(days: i64) -> Result<Date, Reason> {
        Date::of_day_since_first(days.wrapping_sub(*DAYS.start()) as u64)
    }

    #[inline]
    fn of_day_since_first(day: u64) -> Result<Date, Reason> {
        if day > (*DAYS.end() - *DAYS.start()) as u64 {
            return Err(Reason::OutOfRange);
        }
        // Neri's and Schneider's civil-from-days: centuries, and years that begin on 1 March, by multiplications of 32 bits.
        // (Euclidean affine functions and their application to calendar algorithms, 2022.)
        // They count from 1 March of the year 0, which is 306 days earlier.
        let quarters = 4 * (day as u32 + 306) + 3;
        let century = quarters / 146_097;
        let scaled = 2_939_745 * u64::from((quarters % 146_097) | 3);
        let year = 100 * century + (scaled >> 32) as u32;
        let day_of_year = scaled as u32 / 2_939_745 / 4;
        let scaled = 2_141 * day_of_year + 197_913;
        let (month, day) = (scaled >> 16, (scaled & 0xffff) / 2_141 + 1);
        let is_next_year = day_of_year >= 306;
        Ok(if is_next_year { Date { year: year + 1, month: month - 12, day } } else { Date { year, month, day } })
    }

    #[inline]
    fn write(self, [y0, y1, y2, y3, m0, m1, d0, d1]: [&mut u8; 8]) {
        [*y0, *y1] = digits(self.year / 100);
        [*y2, *y3] = digits(self.year % 100);
        [*m0, *m1] = digits(self.month);
        [*d0, *d1] = digits(self.day);
    }
}

/// `HH:mm:ss.SSS`.
#[inline]
fn write_clock([h0, h1, _, m0, m1, _, s0, s1, _, f0, f1, f2]: &mut [u8; 12], millis_of_day: u32) {
    let seconds = millis_of_day / 1_000;
    [*h0, *h1] = digits(seconds / 3_600);
    [*m0, *m1] = digits(seconds / 60 % 60);
    [*s0, *s1] = digits(seconds % 60);
    [*f0, *f1, *f2] = thousandths(millis_of_day % 1_000);
}

fn append_thousandths(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(&thousandths(value.rem_euclid(1_000) as u32));
}

/// The digits of a number below 1,000.
#[inline]
fn thousandths(value: u32) -> [u8; 3] {
    let [tens, ones] = digits(value % 100);
    [b'0' + (value / 100) as u8, tens, ones]
}

/// The digits of a number below 100.
#[inline]
fn digits(value: u32) -> [u8; 2] {
    // Up to 127, so that no number that is masked is outside.
    static DIGITS: [[u8; 2]; 128] = {
        let mut all = [[0; 2]; 128];
        let mut number = 0;
        while number < 100 {
            all[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
            number += 1;
        }
        all
    };
    DIGITS[(value & 127) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Datelike};
    use proptest::prelude::*;

    fn text(append: impl FnOnce(&mut Vec<u8>) -> Result<(), Reason>) -> Result<String, Reason> {
        let mut out = Vec::new();
        append(&mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn timestamps_are_as_chrono_writes_them(micros in -62_200_000_000_000_000i64..253_500_000_000_000_000) {
            let moment = DateTime::from_timestamp_micros(micros).unwrap();
            let written = text(|out| append_timestamp_micros(out, micros));
            if (1..=9999).contains(&moment.year()) {
                prop_assert_eq!(written.unwrap(), moment.format("%Y-%m-%d %H:%M:%S%.6f").to_string());
                let millis = text(|out| append_timestamp_millis(out, micros.div_euclid(1000))).unwrap();
                prop_assert_eq!(millis, moment.format("%Y-%m-%d %H:%M:%S%.3f").to_string());
            } else {
                prop_assert_eq!(written, Err(Reason::OutOfRange));
            }
        }

        #[test]
        fn any_time_ends_without_a_panic(value: i64) {
            let _ = text(|out| append_timestamp_millis(out, value));
            let _ = text(|out| append_timestamp_micros(out, value));
            let _ = text(|out| append_date(out, value));
            let _ = text(|out| append_timestamp_nanos(out, value, value));
        }
    }

    #[test]
    fn the_first_and_the_last_day_that_hive_holds_are_written_and_their_neighbours_are_not() {
        assert_eq!(text(|out| append_date(out, -719_162)).unwrap(), "0001-01-01");
        assert_eq!(text(|out| append_date(out, 2_932_896)).unwrap(), "9999-12-31");
        assert!(text(|out| append_date(out, -719_163)).is_err());
        assert!(text(|out| append_date(out, 2_932_897)).is_err());
        assert_eq!(text(|out| append_timestamp_millis(out, -1)).unwrap(), "1969-12-31 23:59:59.999");
    }

    #[test]
    fn every_date_is_the_day_that_has_its_text_and_other_dates_are_none() {
        for day in DAYS {
            let text = text(|out| append_date(out, day)).unwrap();
            let parts: Vec<i64> = text.split('-').map(|part| part.parse().unwrap()).collect();
            assert_eq!(day_of_date(parts[0], parts[1], parts[2]), Some(day), "{text}");
        }
        for (year, month, day) in [
            (2026, 2, 29),
            (1900, 2, 29),
            (2026, 4, 31),
            (2026, 13, 1),
            (0, 1, 1),
            (10_000, 1, 1),
            (1, 0, 1),
            (1, 1, 0),
        ] {
            assert_eq!(day_of_date(year, month, day), None);
        }
    }

    #[test]
    fn a_time_of_day_is_within_its_day() {
        let day = 86_400_000;
        assert_eq!(text(|out| append_time_millis(out, day - 1)).unwrap(), "23:59:59.999");
        assert_eq!(text(|out| append_time_micros(out, 1)).unwrap(), "00:00:00.000001");
        assert_eq!(text(|out| append_time_nanos(out, day * 1_000_000 - 1)).unwrap(), "23:59:59.999999999");
        assert_eq!(text(|out| append_timestamp_nanos(out, -1, 7)).unwrap(), "1969-12-31 00:00:00.000000007");
        assert!(text(|out| append_time_millis(out, day)).is_err());
        assert!(text(|out| append_time_nanos(out, -1)).is_err());
    }
}
