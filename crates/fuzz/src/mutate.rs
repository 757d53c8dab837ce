//! Changes of valid inputs, from a seeded generator: what the smoke run feeds.
//!
//! *Not here*: coverage. The long run has libFuzzer's own changes, led by counters.

use std::ops::Range;

use rand::{RngExt, rngs::StdRng};

/// The most bytes that a changed input may have.
pub const INPUT_BYTES_MAX: usize = 256 * 1024;

/// Numbers near which lengths, counts and versions break.
const INTERESTING: [u64; 18] = [
    0,
    1,
    2,
    0x17,
    0x18,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// Bytes that begin deep or long things in CBOR, JSON, TOML, CSV and Parquet.
const OPENINGS: [&[u8]; 12] = [
    &[0x81],
    &[0xa1, 0x61, 0x61],
    &[0x9f],
    &[0xbf],
    &[0xc1],
    &[0x9b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
    &[0x5b, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff],
    b"[",
    b"{\"a\":",
    b"\"",
    b"\n",
    "\u{feff}".as_bytes(),
];

/// An input made of `seeds` by one to four changes.
#[must_use]
pub fn changed(seeds: &[Vec<u8>], rng: &mut StdRng) -> Vec<u8> {
    let Some(mut input) = pick(seeds, rng).cloned() else {
        return Vec::new();
    };
    for _ in 0..rng.random_range(1..=4) {
        change(&mut input, seeds, rng);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn pick<'a, T>(of: &'a [T], rng: &mut StdRng) -> Option<&'a T> {
    (!of.is_empty()).then(|| &of[rng.random_range(0..of.len())])
}

/// A place in `0..=length`, more often near the ends, where heads and tails are.
fn place(length: usize, rng: &mut StdRng) -> usize {
    match rng.random_range(0..4) {
        0 => rng.random_range(0..=length.min(16)),
        1 => length - rng.random_range(0..=length.min(16)),
        _ => rng.random_range(0..=length),
    }
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut StdRng) {
    let length = input.len();
    let at = place(length, rng);
    match rng.random_range(0..10) {
        0 if at < length => input[at] ^= 1 << rng.random_range(0..8),
        1 if at < length => input[at] = rng.random(),
        2 => input.truncate(at),
        3 => {
            let end = (at + rng.random_range(0..=32)).min(length);
            input.drain(at..end);
        }
        4 => number(input, at, rng),
        5 => splice(input, at, seeds, rng),
        6 => {
            let end = (at + rng.random_range(1..=64)).min(length);
            let piece = input[at..end].to_vec();
            let times = if rng.random_range(0..8) == 0 { 64 } else { 1 };
            let many = piece.repeat(times);
            replace(input, at..at, &many);
        }
        7 => {
            let opening = OPENINGS[rng.random_range(0..OPENINGS.len())];
            // What is very deep or long is seldom: it takes as long as a thousand others.
            let times = match rng.random_range(0..50) {
                0 => 20_000,
                n => [1, 2, 30, 300][n % 4],
            };
            replace(input, at..at, &opening.repeat(times));
        }
        8 => {
            let more = rng.random_range(1..=16);
            let bytes: Vec<u8> = (0..more).map(|_| rng.random()).collect();
            replace(input, at..at, &bytes);
        }
        _ if length > 1 => {
            let other = rng.random_range(0..length);
            input.swap(at.min(length - 1), other);
        }
        _ => input.push(rng.random()),
    }
}

/// Puts bytes in the place of a range, by copies and not one by one.
fn replace(input: &mut Vec<u8>, range: Range<usize>, bytes: &[u8]) {
    let rest = input.split_off(range.end);
    input.truncate(range.start);
    input.extend_from_slice(bytes);
    input.extend_from_slice(&rest);
}

/// Overwrites or adds a number of one, two, four or eight bytes, in either order.
fn number(input: &mut Vec<u8>, at: usize, rng: &mut StdRng) {
    let number = INTERESTING[rng.random_range(0..INTERESTING.len())];
    let width = 1 << rng.random_range(0..4);
    let mut bytes = number.to_be_bytes()[8 - width..].to_vec();
    if rng.random() {
        bytes.reverse();
    }
    let end = if rng.random() {
        (at + width).min(input.len())
    } else {
        at
    };
    replace(input, at..end, &bytes);
}

/// A piece of another seed in place of one of this.
fn splice(input: &mut Vec<u8>, at: usize, seeds: &[Vec<u8>], rng: &mut StdRng) {
    let Some(other) = pick(seeds, rng) else {
        return;
    };
    let start = place(other.len(), rng);
    let end = place(other.len(), rng).max(start);
    let until = place(input.len(), rng).max(at);
    replace(input, at..until, &other[start..end]);
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn changes_follow_the_seed_and_stay_within_bounds() {
        let seeds = vec![vec![7; 100], b"{\"a\":[1,2,3]}".to_vec(), Vec::new()];
        let run = |seed| {
            let mut rng = StdRng::seed_from_u64(seed);
            (0..2_000)
                .map(|_| changed(&seeds, &mut rng))
                .collect::<Vec<_>>()
        };
        let one = run(1);
        assert_eq!(one, run(1));
        assert_ne!(one, run(2));
        assert!(one.iter().all(|input| input.len() <= INPUT_BYTES_MAX));
        let same = one.iter().filter(|input| seeds.contains(input)).count();
        assert!(same < 200, "{same} of 2000 were not changed");
        assert!(changed(&[], &mut StdRng::seed_from_u64(1)).is_empty());
    }
}
