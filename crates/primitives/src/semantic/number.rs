//! Accounts, amounts and plain numbers.

use super::{REAL_SCALE, Reason, unquote};

const ACCOUNT_DIGITS: std::ops::RangeInclusive<usize> = 8..=32;

/// The largest magnitude of a real number: its millionths keep an `f64`'s rounding
/// error below a quarter, so that writing and reading again changes nothing.
const MAX_REAL: f64 = 1.0e9;

/// An account: digits, with blanks and dashes dropped. No Luhn check: accounts
/// that are not card numbers carry none.
pub(super) fn account(text: &str) -> Result<String, Reason> {
    let text = unquote(text);
    if text.contains('.') && text.contains(['e', 'E']) {
        return Err(Reason::Rounded);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' => out.push(c),
            ' ' | '\t' | '-' => {}
            _ => return Err(Reason::Character),
        }
    }
    match out.len() {
        n if n < *ACCOUNT_DIGITS.start() => Err(Reason::TooShort),
        n if n > *ACCOUNT_DIGITS.end() => Err(Reason::TooLong),
        _ => Ok(out),
    }
}

/// An amount in yuan, to fen: sign, currency, groups of thousands, two decimals.
pub(super) fn money(text: &str) -> Result<i64, Reason> {
    let mut text = unquote(text);
    let mut negative = false;
    if let Some(rest) = text.strip_prefix('-') {
        negative = true;
        text = rest.trim_start();
    } else if let Some(rest) = text.strip_prefix('+') {
        text = rest.trim_start();
    }
    for mark in ["\u{00A5}", "CNY", "RMB", "cny", "rmb"] {
        text = text.strip_prefix(mark).unwrap_or(text).trim_start();
        text = text.strip_suffix(mark).unwrap_or(text).trim_end();
    }
    text = text.strip_suffix('元').unwrap_or(text).trim_end();
    if !negative && let Some(rest) = text.strip_prefix('-') {
        negative = true;
        text = rest;
    }
    if text.contains(['e', 'E']) {
        return Err(Reason::Rounded);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = ungroup(whole)?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::Character);
    }
    if whole.is_empty() && fraction.is_empty() {
        return Err(Reason::Form);
    }
    let (fen, finer) = fraction.split_at(fraction.len().min(2));
    if finer.bytes().any(|b| b != b'0') {
        return Err(Reason::Precision);
    }
    let mut value: i64 = 0;
    for digit in whole
        .bytes()
        .chain(fen.bytes())
        .chain(std::iter::repeat_n(b'0', 2 - fen.len()))
    {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i64::from(digit - b'0')))
            .ok_or(Reason::Range)?;
    }
    Ok(if negative { -value } else { value })
}

/// `1,234,567` without its commas; a comma elsewhere is refused, because
/// `1,23` is somebody's decimal point.
fn ungroup(whole: &str) -> Result<String, Reason> {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let mut out = String::from(first);
    for group in groups {
        if group.len() != 3 || first.is_empty() || first.len() > 3 {
            return Err(Reason::Form);
        }
        out.push_str(group);
    }
    if out.bytes().all(|b| b.is_ascii_digit()) {
        Ok(out)
    } else {
        Err(Reason::Character)
    }
}

pub(super) fn money_text(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let magnitude = fen.unsigned_abs();
    format!("{sign}{}.{:02}", magnitude / 100, magnitude % 100)
}

pub(super) fn integer(text: &str) -> Result<i64, Reason> {
    let text = unquote(text);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() {
        return Err(Reason::Form);
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Reason::Character);
    }
    text.parse().map_err(|_| Reason::Range)
}

pub(super) fn real(text: &str) -> Result<i64, Reason> {
    let number: f64 = unquote(text).parse().map_err(|_| Reason::Form)?;
    real_from_f64(number)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the magnitude is checked to be below 2^53 first"
)]
pub(super) fn real_from_f64(number: f64) -> Result<i64, Reason> {
    if !number.is_finite() || number.abs() > MAX_REAL {
        return Err(Reason::Range);
    }
    Ok((number * REAL_SCALE as f64).round() as i64)
}

pub(super) fn real_text(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let (magnitude, scale) = (millionths.unsigned_abs(), REAL_SCALE.unsigned_abs());
    let fraction = format!("{:06}", magnitude % scale);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", magnitude / scale)
}
