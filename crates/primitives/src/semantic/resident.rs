//! Resident identity numbers of GB 11643-1999.
//!
//! Eighteen characters: six digits of place, eight of birth date, three of order, and
//! a check character by ISO 7064 MOD 11-2. Numbers of fifteen digits, as issued before
//! 1999, become their eighteen-character form by the standard's own rule.

use super::{Reason, time, unquote};

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: [u8; 11] = *b"10X98765432";

pub(super) fn normalise(text: &str) -> Result<String, Reason> {
    let mut id = Vec::with_capacity(18);
    for c in unquote(text).chars() {
        match c {
            '0'..='9' | 'X' => id.push(c),
            'x' => id.push('X'),
            ' ' | '\t' | '-' => {}
            '.' | '+' | 'E' | 'e' if text.contains('.') => return Err(Reason::Rounded),
            _ => return Err(Reason::Character),
        }
        if id.len() > 18 {
            return Err(Reason::TooLong);
        }
    }
    if id.iter().rev().skip(1).any(|c| *c == 'X') {
        return Err(Reason::Character);
    }
    if id.len() == 15 {
        id.splice(6..6, "19".chars());
        let check = check_of(&id).ok_or(Reason::Character)?;
        id.push(check);
    }
    if id.len() != 18 {
        return Err(if id.len() < 18 {
            Reason::TooShort
        } else {
            Reason::TooLong
        });
    }
    let id: String = id.into_iter().collect();
    if id.starts_with('0') {
        return Err(Reason::Form);
    }
    if !time::is_day(&id[6..10], &id[10..12], &id[12..14]) || id[6..10] > *"2099" {
        return Err(Reason::Calendar);
    }
    if check_of(&id.chars().collect::<Vec<_>>()) != id.chars().last() {
        return Err(Reason::CheckDigit);
    }
    Ok(id)
}

/// The check character of the first seventeen digits.
fn check_of(id: &[char]) -> Option<char> {
    let mut sum = 0;
    for (i, weight) in WEIGHTS.iter().enumerate() {
        sum += id.get(i)?.to_digit(10)? * weight;
    }
    CHECKS
        .get(usize::try_from(sum % 11).ok()?)
        .map(|c| char::from(*c))
}
