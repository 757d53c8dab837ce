//! Rings large enough to check in: GF(2^64) for bits, GR(2^64, 48) for numbers.
//!
//! Why it exists: a check over Z_2^64 or over bits would miss half of all
//! errors (`2^63·r` is zero for every even `r`). Both rings are extended by the
//! roots of a polynomial that is irreducible modulo 2; the elements whose
//! coefficients are 0 or 1 are then an *exceptional set*: the difference of any
//! two is a unit, so a non-zero polynomial of degree `d` has at most `d` roots
//! among them (Abspoel, Cramer, Damgård, Escudero, Yuan, TCC 2019, section 2).
//!
//! *Invariants*: challenges are drawn from the exceptional set only, 2^64 and
//! 2^48 elements.

use super::{check::Vectors, party::Stream};
use crate::simd::rings;

/// Coefficients of an element of the Galois ring.
pub(crate) const DEGREE: usize = 48;

/// Room for a check's vectors, which a party keeps: memory costs more to be had than to
/// be filled. Between two checks it holds zeros.
#[derive(Default)]
pub(crate) struct Room {
    binary: Vectors<u64>,
    galois: Vectors<[u64; DEGREE]>,
}

/// A ring with a large exceptional set; elements are shared like the base
/// ring's.
pub(crate) trait Extension {
    /// An element.
    type Element: Clone;
    /// Words of an element in a frame.
    const WORDS: usize;
    /// Elements that are worked on while they are in the nearest cache.
    const BLOCK: usize;

    /// The party's room for vectors.
    fn room(room: &mut Room) -> &mut Vectors<Self::Element>;
    fn zero() -> Self::Element;
    fn one() -> Self::Element;
    fn add(a: &mut Self::Element, b: &Self::Element);
    fn sub(a: &mut Self::Element, b: &Self::Element);
    fn mul(a: &Self::Element, b: &Self::Element) -> Self::Element;
    /// `Σ a_j·b_j`.
    fn dot(a: &[Self::Element], b: &[Self::Element]) -> Self::Element;
    /// `low_j += at·(high_j − low_j)`, `at` of the exceptional set.
    fn move_by(low: &mut [Self::Element], high: &[Self::Element], at: &Self::Element);
    /// An element of the exceptional set.
    fn challenge(bits: u64) -> Self::Element;
    fn write(element: &Self::Element, words: &mut Vec<u64>);
    fn read(words: &[u64]) -> Self::Element;

    /// A uniform element that two parties share.
    fn random(stream: &mut Stream) -> Self::Element {
        Self::read(&stream.words(Self::WORDS))
    }
}

/// GF(2^64), modulo X^64 + X^4 + X^3 + X + 1.
pub(crate) enum Binary {}

impl Extension for Binary {
    type Element = u64;
    const WORDS: usize = 1;
    const BLOCK: usize = 1024;

    fn room(room: &mut Room) -> &mut Vectors<u64> {
        &mut room.binary
    }

    fn zero() -> u64 {
        0
    }

    fn one() -> u64 {
        1
    }

    fn add(a: &mut u64, b: &u64) {
        *a ^= b;
    }

    fn sub(a: &mut u64, b: &u64) {
        *a ^= b;
    }

    fn mul(a: &u64, b: &u64) -> u64 {
        reduce(multiply(*a, *b))
    }

    fn dot(a: &[u64], b: &[u64]) -> u64 {
        rings::dot(a, b)
    }

    fn move_by(low: &mut [u64], high: &[u64], at: &u64) {
        let mut difference = [0; Self::BLOCK];
        let blocks = high.chunks(Self::BLOCK);
        for (low, high) in low.chunks_mut(Self::BLOCK).zip(blocks) {
            for (to, (low, high)) in difference.iter_mut().zip(low.iter().zip(high)) {
                *to = low ^ high;
            }
            rings::add_scaled(low, &difference, *at);
        }
    }

    fn challenge(bits: u64) -> u64 {
        bits
    }

    fn write(element: &u64, words: &mut Vec<u64>) {
        words.push(*element);
    }

    fn read(words: &[u64]) -> u64 {
        words[0]
    }
}

/// The carry-less product of two words, without tables or branches: integer
/// products of every fifth bit leave room for the carries of 13 terms.
pub(crate) fn multiply(a: u64, b: u64) -> u128 {
    const HOLES: u128 = 0x2108_4210_8421_0842_1084_2108_4210_8421;
    let class = |x: u64, i: usize| u128::from(x) & (HOLES << i);
    let mut out = 0u128;
    for k in 0..5 {
        let mut sum = 0u128;
        for i in 0..5 {
            sum ^= class(a, i) * class(b, (k + 5 - i) % 5);
        }
        out ^= sum & (HOLES << k);
    }
    out
}

/// A product of degree up to 126 modulo X^64 + X^4 + X^3 + X + 1.
#[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
pub(crate) fn reduce(product: u128) -> u64 {
    let (low, high) = (product as u64, (product >> 64) as u64);
    let spill = (high >> 63) ^ (high >> 61) ^ (high >> 60);
    let high = high ^ spill;
    low ^ high ^ (high << 1) ^ (high << 3) ^ (high << 4)
}

/// The Galois ring of characteristic 2^64 and degree 48, modulo
/// X^48 + X^5 + X^3 + X^2 + 1.
pub(crate) enum Galois {}

impl Extension for Galois {
    type Element = [u64; DEGREE];
    const WORDS: usize = DEGREE;
    const BLOCK: usize = 128;

    fn room(room: &mut Room) -> &mut Vectors<Self::Element> {
        &mut room.galois
    }

    fn zero() -> Self::Element {
        [0; DEGREE]
    }

    fn one() -> Self::Element {
        let mut one = [0; DEGREE];
        one[0] = 1;
        one
    }

    fn add(a: &mut Self::Element, b: &Self::Element) {
        for (a, b) in a.iter_mut().zip(b) {
            *a = a.wrapping_add(*b);
        }
    }

    fn sub(a: &mut Self::Element, b: &Self::Element) {
        for (a, b) in a.iter_mut().zip(b) {
            *a = a.wrapping_sub(*b);
        }
    }

    fn mul(a: &Self::Element, b: &Self::Element) -> Self::Element {
        let mut wide = [0; 2 * DEGREE];
        rings::accumulate(&mut wide, a, b);
        fold(&wide)
    }

    fn dot(a: &[Self::Element], b: &[Self::Element]) -> Self::Element {
        // Every pair of coefficients has a sum of its own, so that no load waits
        // for an overlapping store; the diagonals are added up once.
        let mut square = vec![[0; DEGREE]; DEGREE];
        rings::outer(&mut square, a, b);
        let mut wide = [0u64; 2 * DEGREE];
        for (i, row) in square.iter().enumerate() {
            for (to, sum) in wide[i..].iter_mut().zip(row) {
                *to = to.wrapping_add(*sum);
            }
        }
        fold(&wide)
    }

    fn move_by(low: &mut [Self::Element], high: &[Self::Element], at: &Self::Element) {
        let bit = |(place, coefficient): (usize, &u64)| coefficient << place;
        let bits = at.iter().enumerate().map(bit).sum();
        for (low, high) in low.iter_mut().zip(high) {
            let mut difference = *high;
            Self::sub(&mut difference, low);
            Self::add(low, &weigh(&difference, bits));
        }
    }

    fn challenge(bits: u64) -> Self::Element {
        let mut element = [0; DEGREE];
        for (j, coefficient) in element.iter_mut().enumerate() {
            *coefficient = bits >> j & 1;
        }
        element
    }

    fn write(element: &Self::Element, words: &mut Vec<u64>) {
        words.extend_from_slice(element);
    }

    fn read(words: &[u64]) -> Self::Element {
        let mut element = [0; DEGREE];
        element.copy_from_slice(&words[..DEGREE]);
        element
    }
}

/// An element times one of the exceptional set, without products.
pub(crate) fn weigh(value: &[u64; DEGREE], bits: u64) -> [u64; DEGREE] {
    fold(&rings::times(value, bits))
}

/// A product of degree up to 94 modulo X^48 + X^5 + X^3 + X^2 + 1.
fn fold(wide: &[u64; 2 * DEGREE]) -> [u64; DEGREE] {
    const TAPS: [usize; 4] = [0, 2, 3, 5];
    const OVER: usize = 5;
    // The upper half comes down at four places; what that puts above the top again
    // are five coefficients, which come down once more.
    let (low, high) = wide.split_at(DEGREE);
    let mut out = [0; DEGREE + OVER];
    out[..DEGREE].copy_from_slice(low);
    for tap in TAPS {
        for (to, high) in out[tap..tap + DEGREE].iter_mut().zip(high) {
            *to = to.wrapping_sub(*high);
        }
    }
    let (low, over) = out.split_at_mut(DEGREE);
    for tap in TAPS {
        for (to, over) in low[tap..tap + OVER].iter_mut().zip(over.iter()) {
            *to = to.wrapping_sub(*over);
        }
    }
    let mut folded = [0; DEGREE];
    folded.copy_from_slice(low);
    folded
}

#[cfg(test)]
mod tests {
    use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

    use super::*;

    /// Bit by bit, as one would on paper.
    fn slow(a: u64, b: u64) -> u64 {
        let mut acc = 0u64;
        for i in (0..64).rev() {
            let carry = acc >> 63;
            acc = (acc << 1) ^ (carry * 0b1_1011);
            acc ^= (b >> i & 1) * a;
        }
        acc
    }

    #[test]
    fn binary_products_are_those_of_the_field() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..2000 {
            let (a, b): (u64, u64) = (rng.random(), rng.random());
            assert_eq!(Binary::mul(&a, &b), slow(a, b));
        }
        for (a, b) in [(0, 5), (1, u64::MAX), (u64::MAX, u64::MAX), (2, 1 << 63)] {
            assert_eq!(Binary::mul(&a, &b), slow(a, b));
        }
        let a: Vec<u64> = (0..100).map(|_| rng.random()).collect();
        let b: Vec<u64> = (0..100).map(|_| rng.random()).collect();
        let due = a.iter().zip(&b).fold(0, |sum, (a, b)| sum ^ slow(*a, *b));
        assert_eq!(Binary::dot(&a, &b), due);
    }

    /// `X^(2^DEGREE) = X` modulo 2 and no smaller subfield holds X: Rabin's test.
    #[test]
    fn the_galois_ring_has_a_field_of_2_to_the_48_residues() {
        let modulus: u128 = (1 << DEGREE) | 0b10_1101;
        let mul = |a: u128, b: u128| {
            let mut product = 0u128;
            for i in 0..DEGREE {
                product ^= (b >> i & 1) * (a << i);
            }
            for i in (DEGREE..2 * DEGREE).rev() {
                product ^= (product >> i & 1) * (modulus << (i - DEGREE));
            }
            product
        };
        let power = |times: usize| (0..times).fold(2u128, |x, _| mul(x, x));
        assert_eq!(power(DEGREE), 2);
        for prime in [2, 3] {
            let mut a = modulus;
            let mut b = power(DEGREE / prime) ^ 2;
            while b != 0 {
                while a != 0 && 128 - a.leading_zeros() >= 128 - b.leading_zeros() {
                    a ^= b << (b.leading_zeros() - a.leading_zeros());
                }
                std::mem::swap(&mut a, &mut b);
            }
            assert_eq!(a, 1, "a common factor with X^(2^({DEGREE}/{prime})) - X");
        }
    }

    #[test]
    fn galois_products_are_those_of_the_ring() {
        let mut rng = StdRng::seed_from_u64(2);
        for _ in 0..50 {
            let mut element = || {
                let mut e = [0u64; DEGREE];
                e.fill_with(|| rng.random());
                e
            };
            let (a, b, c) = (element(), element(), element());
            // Shift-and-add by X, on paper.
            let mut due = [0u64; DEGREE];
            for i in (0..DEGREE).rev() {
                let top = due[DEGREE - 1];
                due.copy_within(0..DEGREE - 1, 1);
                due[0] = 0;
                for tap in [0, 2, 3, 5] {
                    due[tap] = due[tap].wrapping_sub(top);
                }
                for j in 0..DEGREE {
                    due[j] = due[j].wrapping_add(b[i].wrapping_mul(a[j]));
                }
            }
            assert_eq!(Galois::mul(&a, &b), due);
            let mut sum = Galois::mul(&a, &b);
            Galois::add(&mut sum, &Galois::mul(&a, &c));
            assert_eq!(Galois::dot(&[a, a], &[b, c]), sum);
            let bits: u64 = rng.random();
            let at = Galois::challenge(bits);
            let mut moved = [a, b];
            Galois::move_by(&mut moved, &[b, c], &at);
            let mut difference = b;
            Galois::sub(&mut difference, &a);
            let mut due = Galois::mul(&difference, &at);
            Galois::add(&mut due, &a);
            assert_eq!(moved[0], due);
            let weighed = weigh(&a, bits);
            assert_eq!(weighed, Galois::mul(&a, &Galois::challenge(bits)));
        }
    }
}
