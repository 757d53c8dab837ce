//! How clerks type: the forms that one value takes in different tables, and values that are no value.
//!
//! The forms and their proportions are those of the sample city that the project's acceptance uses:
//! half of the phones as eleven digits and an eighth in each of four other forms; two id numbers of
//! three plain, a sixth each with a blank before or after, and some of those that end in `X` with a
//! small `x`.

use crate::noise::{Noise, Tag, index};

/// A phone of eleven digits as somebody typed it.
pub(crate) fn phone(noise: &mut Noise, phone: &str) -> String {
    let (a, b, c) = (&phone[..3], &phone[3..7], &phone[7..]);
    match noise.below(8) {
        0 => format!("+86{phone}"),
        1 => format!("0086{phone}"),
        2 => format!("+86 {a}-{b}-{c}"),
        3 => format!("{a} {b} {c}"),
        _ => phone.to_owned(),
    }
}

/// An id number as somebody typed it.
pub(crate) fn id_number(noise: &mut Noise, id_number: &str) -> String {
    match noise.below(6) {
        0 => format!(" {id_number}"),
        1 => format!("{id_number} "),
        2 => id_number.to_lowercase(),
        _ => id_number.to_owned(),
    }
}

/// A phone that is none.
pub(crate) fn no_phone(noise: &mut Noise, phone: &str) -> String {
    match noise.below(4) {
        0 => phone[..9].to_owned(),
        1 => phone.replacen('1', "l", 1),
        2 => "unknown".to_owned(),
        _ => "00000000000".to_owned(),
    }
}

/// An id number that is none.
pub(crate) fn no_id_number(noise: &mut Noise, id_number: &str) -> String {
    let check = id_number.as_bytes()[17];
    match noise.below(4) {
        // The check digit of another number.
        0 => format!(
            "{}{}",
            &id_number[..17],
            if check == b'7' { '3' } else { '7' }
        ),
        // A month that no year has, and one digit lost.
        1 => format!("{}13{}", &id_number[..10], &id_number[12..17]),
        2 => id_number[..15].to_owned(),
        _ => "N/A".to_owned(),
    }
}

/// The rows of a table that hold a plainly invalid value: one in five hundred and at least
/// sixteen (an eighth of a tiny table), sorted, none of them among those that `keep` protects.
pub(crate) fn invalid_rows(
    seed: u64,
    table: u64,
    rows: u64,
    mut keep: impl FnMut(u64) -> bool,
) -> Vec<u64> {
    const MIN_INVALID_ROWS: u64 = 16;
    let want = index((rows / 500).max(MIN_INVALID_ROWS).min(rows / 8));
    let mut noise = Noise::new(seed, Tag::Invalid, table);
    let mut chosen = std::collections::BTreeSet::new();
    // Each draw may hit a kept or a chosen row; eight times the need is enough and bounded.
    for _ in 0..want * 8 {
        if chosen.len() == want {
            break;
        }
        let row = noise.below(rows);
        if !keep(row) {
            chosen.insert(row);
        }
    }
    chosen.into_iter().collect()
}
