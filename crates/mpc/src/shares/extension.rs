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
use crate::simd::rings::{self, Element};

/// Coefficients of an element of the Galois ring.
pub(crate) const DEGREE: usize = 48;

/// Room for a check's vectors, which a party keeps: memory costs more to be had than to
/// be filled. Between two checks it holds zeros.
#[derive(Default)]
pub(crate) struct Room {
    binary: Vectors<u64>,
    galois: Vectors<Element>,
}

/// A ring with a large exceptional set; elements are shared like the base
/// ring's.
pub(crate) trait Extension {
    /// An element.
    type Element: Clone;
    /// Words of an element in a frame.
    const WORDS: usize;

    /// The party's room for vectors.
    fn room(room: &mut Room) -> &mut Vectors<Self::Element>;
    fn zero() -> Self::Element;
    fn one() -> Self::Element;
    fn add(a: &mut Self::Element, b: &Self::Element);
    fn sub(a: &mut Self::Element, b: &Self::Element);
    fn mul(a: &Self::Element, b: &Self::Element) -> Self::Element;
    /// `Σ x·(y + y') + x'·y` over the first halves of x, x', y and y', and over the
    /// differences of both halves.
    fn halves(all: [&[Self::Element]; 4]) -> [Self::Element; 2];
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

    fn halves(all: [&[u64]; 4]) -> [u64; 2] {
        let half = all[0].len() / 2;
        let mut lead = [[0; BLOCK]; 4];
        let [mut at_zero, mut at_most] = [0; 2];
        for start in (0..half).step_by(BLOCK) {
            let len = BLOCK.min(half - start);
            let low = all.map(|vector| &vector[start..start + len]);
            let high = all.map(|vector| &vector[half + start..][..len]);
            at_zero ^= cross(low);
            for (lead, (low, high)) in lead.iter_mut().zip(low.iter().zip(high)) {
                sums(lead, low, high);
            }
            at_most ^= cross(lead.each_ref().map(|lead| &lead[..len]));
        }
        [at_zero, at_most]
    }

    fn move_by(low: &mut [u64], high: &[u64], at: &u64) {
        let mut difference = [0; BLOCK];
        for (low, high) in low.chunks_mut(BLOCK).zip(high.chunks(BLOCK)) {
            sums(&mut difference, low, high);
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

/// Words that are worked on while they are in the nearest cache.
const BLOCK: usize = 1024;

/// `Σ x·(y + y') + x'·y` over at most a block.
fn cross([x, x_next, y, y_next]: [&[u64]; 4]) -> u64 {
    let mut both = [0; BLOCK];
    sums(&mut both, y, y_next);
    rings::dot(x, &both) ^ rings::dot(x_next, y)
}

fn sums(to: &mut [u64], a: &[u64], b: &[u64]) {
    for (to, (a, b)) in to.iter_mut().zip(a.iter().zip(b)) {
        *to = a ^ b;
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
    type Element = Element;
    const WORDS: usize = DEGREE;

    fn room(room: &mut Room) -> &mut Vectors<Element> {
        &mut room.galois
    }

    fn zero() -> Element {
        Element::ZERO
    }

    fn one() -> Element {
        Self::challenge(1)
    }

    fn add(a: &mut Element, b: &Element) {
        for (a, b) in a.iter_mut().zip(b.iter()) {
            *a = a.wrapping_add(*b);
        }
    }

    fn sub(a: &mut Element, b: &Element) {
        for (a, b) in a.iter_mut().zip(b.iter()) {
            *a = a.wrapping_sub(*b);
        }
    }

    fn mul(a: &Element, b: &Element) -> Element {
        let mut wide = [0; 2 * DEGREE];
        rings::accumulate(&mut wide, a, b);
        rings::fold(&wide)
    }

    fn halves(all: [&[Element]; 4]) -> [Element; 2] {
        rings::halves(all).each_ref().map(rings::fold)
    }

    fn move_by(low: &mut [Element], high: &[Element], at: &Element) {
        let bit = |(place, coefficient): (usize, &u64)| coefficient << place;
        rings::move_by(low, high, at.iter().enumerate().map(bit).sum());
    }

    fn challenge(bits: u64) -> Element {
        let mut element = Element::ZERO;
        for (j, coefficient) in element.iter_mut().enumerate() {
            *coefficient = bits >> j & 1;
        }
        element
    }

    fn write(element: &Element, words: &mut Vec<u64>) {
        words.extend_from_slice(&element.0);
    }

    fn read(words: &[u64]) -> Element {
        let mut element = Element::ZERO;
        element.copy_from_slice(&words[..DEGREE]);
        element
    }
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
        assert_eq!(rings::dot(&a, &b), due);
        // More than one block, and a last one that is not whole.
        let all = [0; 4].map(|_| {
            (0..2 * BLOCK + 6)
                .map(|_| rng.random())
                .collect::<Vec<u64>>()
        });
        let half = BLOCK + 3;
        let at = |sign: u64, j: usize| {
            let [x, x_next, y, y_next] = all.each_ref().map(|v| v[j] ^ (sign * v[half + j]));
            slow(x, y ^ y_next) ^ slow(x_next, y)
        };
        let due = [0, 1].map(|sign| (0..half).fold(0, |sum, j| sum ^ at(sign, j)));
        assert_eq!(Binary::halves(all.each_ref().map(Vec::as_slice)), due);
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
                let mut e = Element::ZERO;
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
            assert_eq!(Galois::mul(&a, &b).0, due);
            // The first halves' sum is a·(b + c) + a·b.
            let zero = Element::ZERO;
            let [sum, _] = Galois::halves([&[a, zero], &[a, zero], &[b, zero], &[c, zero]]);
            let mut both = Galois::mul(&a, &c);
            Galois::add(&mut both, &Galois::mul(&a, &b));
            Galois::add(&mut both, &Galois::mul(&a, &b));
            assert_eq!(sum, both);
            let bits: u64 = rng.random();
            let at = Galois::challenge(bits);
            let mut moved = [a, b];
            Galois::move_by(&mut moved, &[b, c], &at);
            let mut difference = b;
            Galois::sub(&mut difference, &a);
            let mut due = Galois::mul(&difference, &at);
            Galois::add(&mut due, &a);
            assert_eq!(moved[0], due);
            let mut weighed = [a];
            rings::weigh_each(&mut weighed, &[bits]);
            assert_eq!(weighed[0], Galois::mul(&a, &Galois::challenge(bits)));
        }
    }
}
