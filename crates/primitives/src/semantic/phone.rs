//! Telephone numbers in their careless forms, to E.164.
//!
//! Numbers without a country are read as mainland China's. *Upon reading* a text:
//!
//! 1. `+`, `00`, `+00` or `(86)` announces a country; `86` is followed by a national
//!    number with or without its trunk `0`; any other country's number is kept if
//!    E.164 allows its length (8 to 15 digits in all).
//! 2. Without one, the text must be a national number, or `86` and a national number.
//! 3. A national number is a mobile number (11 digits, `1[3-9]…`), a landline with its
//!    area code (`010`, `02x` and 8 digits; `0[3-9]xx` and 7 or 8), a `400` or `800`
//!    number of 10 digits, or a service number (`110`, `10086`, `95588`).
//!
//! *Not here*: which ranges an operator has been given, extensions (refused), and
//! landlines without an area code (refused: they mean another subscriber in each city).

use super::{Reason, unquote};

const MAX_TEXT_BYTES: usize = 64;

pub(super) fn normalise(text: &str) -> Result<String, Reason> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(Reason::TooLong);
    }
    let text = unquote(text);
    let text = text
        .get(..4)
        .filter(|scheme| scheme.eq_ignore_ascii_case("tel:"))
        .map_or(text, |_| text[4..].trim_start());
    if text.contains(['e', 'E']) && text.contains('.') {
        return Err(Reason::Rounded);
    }
    let mut digits = String::with_capacity(text.len());
    let mut plus = false;
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() && !plus => plus = true,
            ' ' | '\t' | '-' | '(' | ')' | '.' => {}
            _ => return Err(Reason::Character),
        }
    }
    if digits.len() < 3 {
        return Err(Reason::TooShort);
    }
    if digits.len() > 20 {
        return Err(Reason::TooLong);
    }
    let country = digits.strip_prefix("00").or(plus.then_some(&digits));
    match country {
        Some(number) => international(number),
        None => match national(&digits, false) {
            Ok(number) => Ok(number),
            Err(reason) => digits
                .strip_prefix("86")
                .and_then(|rest| national(rest, true).ok())
                .ok_or(reason),
        },
    }
}

fn international(number: &str) -> Result<String, Reason> {
    if let Some(rest) = number.strip_prefix("86") {
        return national(rest, true);
    }
    match number.len() {
        _ if number.starts_with('0') => Err(Reason::Form),
        0..=7 => Err(Reason::TooShort),
        8..=15 => Ok(format!("+{number}")),
        _ => Err(Reason::TooLong),
    }
}

/// A mainland number. Without its trunk `0` a landline is recognised only behind a
/// country code: bare, its digits could be anything.
fn national(digits: &str, behind_country: bool) -> Result<String, Reason> {
    let rest = digits.strip_prefix('0').unwrap_or(digits);
    let trunk = rest.len() != digits.len();
    let area_allowed = trunk || behind_country;
    let bytes = rest.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or_default();
    let accepted = match bytes.len() {
        3 | 5 if !trunk && at(0) == b'1' => true,
        5..=8 if !trunk => at(0) == b'9' && matches!(at(1), b'5' | b'6'),
        10 if !trunk && (rest.starts_with("400") || rest.starts_with("800")) => true,
        10 if area_allowed => rest.starts_with("10") || matches!(at(0), b'2'..=b'9'),
        11 if at(0) == b'1' => matches!(at(1), b'3'..=b'9'),
        11 if area_allowed => matches!(at(0), b'3'..=b'9'),
        _ => false,
    };
    if accepted {
        Ok(format!("+86{rest}"))
    } else {
        Err(Reason::Form)
    }
}
