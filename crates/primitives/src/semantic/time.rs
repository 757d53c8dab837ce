//! Instants and dates, without a clock and without a table of zones.
//!
//! Accepted instants: `2018-11-11T08:00:00.123+08:00` and its careless forms (blank for
//! `T`, slashes, no seconds, `Z`, `+0800`, `+08`, no zone), `20181111080000`, and seconds
//! or milliseconds since 1970 as ten or thirteen digits. Parts finer than a millisecond
//! are cut off. Accepted dates: `2018-11-11`, `2018/11/11`, `20181111`, `2018年11月11日`.

use super::{DAY_MS, Reason, unquote};

const YEARS: std::ops::RangeInclusive<i64> = 1900..=2199;

pub(super) fn timestamp(text: &str, utc_offset_min: i16) -> Result<i64, Reason> {
    let text = unquote(text);
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return match text.len() {
            10 => bounded(number(text)?.saturating_mul(1000)),
            13 => bounded(number(text)?),
            14 => {
                let day = day_of(&text[..4], &text[4..6], &text[6..8])?;
                let time = clock(&text[8..10], &text[10..12], &text[12..])?;
                bounded(day * DAY_MS + time - i64::from(utc_offset_min) * 60_000)
            }
            _ => Err(Reason::Form),
        };
    }
    let split = text.find(['T', 't', ' ']).ok_or(Reason::Form)?;
    let day = date(&text[..split])?;
    let (time, offset_min) = zone(text[split + 1..].trim_start(), utc_offset_min)?;
    let (time, fraction) = time.split_once(['.', ',']).unwrap_or((time, ""));
    let mut parts = time.split(':');
    let hour = parts.next().unwrap_or_default();
    let minute = parts.next().ok_or(Reason::Form)?;
    let second = parts.next().unwrap_or("0");
    if parts.next().is_some() {
        return Err(Reason::Form);
    }
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::Form);
    }
    let millis = number(&format!("{fraction:0<3}")[..3])?;
    bounded(day * DAY_MS + clock(hour, minute, second)? + millis - offset_min * 60_000)
}

/// Splits the zone from the time of day; offsets in minutes east of UTC.
fn zone(time: &str, default_min: i16) -> Result<(&str, i64), Reason> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Ok((time.trim_end(), 0));
    }
    if let Some(time) = time.strip_suffix("UTC") {
        return Ok((time.trim_end(), 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Ok((time, i64::from(default_min)));
    };
    let digits = time[at + 1..].replace(':', "");
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::Form);
    }
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "0"),
        4 => digits.split_at(2),
        _ => return Err(Reason::Form),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 14 || minutes > 59 {
        return Err(Reason::Calendar);
    }
    let sign = if time[at..].starts_with('-') { -1 } else { 1 };
    Ok((time[..at].trim_end(), sign * (hours * 60 + minutes)))
}

fn clock(hour: &str, minute: &str, second: &str) -> Result<i64, Reason> {
    if [hour, minute, second].iter().any(|part| part.len() > 2) {
        return Err(Reason::Form);
    }
    let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
    if hour > 23 || minute > 59 || second > 59 {
        return Err(Reason::Calendar);
    }
    Ok(((hour * 60 + minute) * 60 + second) * 1000)
}

/// Days since 1970 of a date's text.
pub(super) fn date(text: &str) -> Result<i64, Reason> {
    let text = unquote(text);
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return day_of(&text[..4], &text[4..6], &text[6..8]);
    }
    let text = text.strip_suffix('日').unwrap_or(text);
    let mut parts = text.split(['-', '/', '年', '月']);
    let (Some(year), Some(month), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Reason::Form);
    };
    if year.len() != 4 || month.len() > 2 || day.len() > 2 {
        return Err(Reason::Form);
    }
    day_of(year, month, day)
}

pub(super) fn is_day(year: &str, month: &str, day: &str) -> bool {
    day_of(year, month, day).is_ok()
}

fn day_of(year: &str, month: &str, day: &str) -> Result<i64, Reason> {
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    if !YEARS.contains(&year) || !(1..=12).contains(&month) || day < 1 || day > length(year, month)
    {
        return Err(Reason::Calendar);
    }
    Ok(days_from_civil(year, month, day))
}

fn length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn number(digits: &str) -> Result<i64, Reason> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::Form);
    }
    digits.parse().map_err(|_| Reason::Range)
}

/// An instant within the years that this module can write again.
pub(super) fn bounded(ms: i64) -> Result<i64, Reason> {
    let (year, _, _) = civil_from_days(ms.div_euclid(DAY_MS));
    if YEARS.contains(&year) {
        Ok(ms)
    } else {
        Err(Reason::Calendar)
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

pub(super) fn date_text(day: i64) -> String {
    let (year, month, day) = civil_from_days(day);
    format!("{year:04}-{month:02}-{day:02}")
}

pub(super) fn timestamp_text(ms: i64) -> String {
    let (day, rest) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, millis) = (rest / 1000 % 60, rest % 1000);
    format!(
        "{}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z",
        date_text(day)
    )
}
