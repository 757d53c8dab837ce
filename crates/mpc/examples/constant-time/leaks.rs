//! Leaks that are there on purpose, and their cures: a check that can't fail shows
//! nothing.

use std::hint::black_box;

use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use crate::mark::{hidden, shown};

/// Does something else where a bit is set.
#[inline(never)]
fn chosen_by_branch(bit: u8, a: &[u64; 2]) -> u64 {
    if bit == 1 {
        black_box(a)[0].wrapping_mul(3)
    } else {
        black_box(a)[1]
    }
}

pub(crate) fn branch() {
    let sum = chosen_by_branch(hidden(black_box(1)), &[5, 7]);
    assert_eq!(shown(sum), 15);
}

/// Looks a value up at a secret place.
#[inline(never)]
fn chosen_by_index(place: usize, table: &[u8; 256]) -> u8 {
    table[place % 256]
}

pub(crate) fn index() {
    let mut table = [0; 256];
    table[77] = 9;
    let found = chosen_by_index(hidden(black_box(77)), black_box(&table));
    assert_eq!(shown(found), 9);
}

/// Stops at the first byte that differs.
#[inline(never)]
fn equal_by_early_end(a: &[u8; 16], b: &[u8; 16]) -> bool {
    a.iter().zip(b).all(|(a, b)| black_box(a) == black_box(b))
}

pub(crate) fn early_end() {
    let (a, b) = (hidden([1; 16]), hidden([1; 16]));
    assert!(shown(equal_by_early_end(&a, &b)));
}

/// The three again, as the crate does it.
pub(crate) fn masks() {
    let bit = subtle::Choice::from(hidden(black_box(1)));
    assert_eq!(shown(u64::conditional_select(&7, &15, bit)), 15);
    let place = hidden(black_box(77u64));
    let found = (0..256u64).fold(0u8, |found, at| {
        found | u8::conditional_select(&0, &9, at.ct_eq(&place))
    });
    assert_eq!(shown(found), 9);
    let (a, b) = (hidden([1u8; 16]), hidden([1u8; 16]));
    assert_eq!(shown(a.ct_eq(&b).unwrap_u8()), 1);
}
