//! Products of bits, 64 a word, as claims over GF(2^64).
//!
//! Why it exists: one claim a bit, but work a word. Word `j` stands in block
//! `j / A`, row `j % A`; each of its bits is a column. Bit `k` of block `b` has
//! the weight `ρ_b·X^k`, so a word's weighted sum is `ρ_b` times the word, read
//! as an element: one carry-less product. An error anywhere in a word makes it
//! another element, so a combination of wrong words under uniform `ρ_b` is zero
//! with probability 2^−64, as with a weight for each bit.
//!
//! *Invariants*: the look-ups' places are this party's own shares, which are
//! uniform whatever the secrets are; who times them learns what a corrupt
//! party would know anyway.

use super::{Claims, Elements, Made, Vectors, places};
use crate::shares::{
    extension::{Binary, reduce},
    lanes,
};
use crate::{secrecy, simd::rings};

/// Products of bits.
pub(super) struct Planes<'a>(pub(super) Made<'a>);

impl Claims for Planes<'_> {
    type Ring = Binary;

    fn weights(&self, depth: u32) -> usize {
        self.0.z.len().div_ceil(1 << depth)
    }

    fn sums(&self, weights: &[u64], depth: u32) -> (Vec<u64>, Elements<u64>) {
        let rows = 1usize << depth;
        let mut grid = vec![0; 3usize.pow(depth)];
        let (mut mine, mut next) = (vec![0; rows], vec![0; rows]);
        let (mut wide, places) = ([0; 4].map(|_| vec![0; grid.len()]), places(rows));
        let (mut block, mut terms) = (vec![0; rows], vec![0; grid.len()]);
        let Made { x, y, z } = self.0;
        for (b, weight) in weights.iter().enumerate() {
            for (half, wide) in [&x.mine, &x.next, &y.mine, &y.next].iter().zip(&mut wide) {
                let block = taken(half, b, &mut block);
                rings::extend(block, wide, &places, |one, zero| one ^ zero);
            }
            let [x_mine, x_next, y_mine, y_next] = &wide;
            for (at, to) in terms.iter_mut().enumerate() {
                *to = (x_mine[at] & (y_mine[at] ^ y_next[at])) ^ (x_next[at] & y_mine[at]);
            }
            rings::accumulate_binary(&mut grid, &terms, *weight);
            for (half, sums) in [(&z.mine, &mut mine), (&z.next, &mut next)] {
                rings::accumulate_binary(sums, taken(half, b, &mut block), *weight);
            }
        }
        let finish = |sums: Vec<u128>| sums.into_iter().map(reduce).collect();
        let (mine, next) = (finish(mine), finish(next));
        (finish(grid), Elements { mine, next })
    }

    fn fold(&self, weights: &[u64], rows: &[u64], vectors: &mut Vectors<u64>) {
        let table = Table::new(rows);
        let weights = powers(weights);
        let fold = |half: &[u64], out: &mut Vec<u64>| {
            out.clear();
            out.reserve(64 * half.len().div_ceil(rows.len()));
            let mut block = [0; 64];
            for words in half.chunks(rows.len()) {
                block[..words.len()].copy_from_slice(words);
                block[words.len()..].fill(0);
                lanes::transpose(&mut block);
                secrecy::conceded(&mut block, "own shares that the bits' check looks up");
                out.extend(block.iter().map(|bits| table.sum(*bits)));
            }
        };
        let Made { x, y, .. } = self.0;
        let halves = [&x.mine, &x.next, &y.mine, &y.next];
        for (out, half) in vectors.iter_mut().zip(halves) {
            fold(half, out);
        }
        let [x, x_next, ..] = vectors;
        rings::products(x, &weights);
        rings::products(x_next, &weights);
    }
}

/// `ρ, ρ·X, …, ρ·X^63` for each weight.
fn powers(weights: &[u64]) -> Vec<u64> {
    let mut out = Vec::with_capacity(64 * weights.len());
    for weight in weights {
        let mut power = *weight;
        for _ in 0..64 {
            out.push(power);
            power = reduce(u128::from(power) << 1);
        }
    }
    out
}

/// Block `b`, filled with zeros past the end.
fn taken<'a>(half: &'a [u64], b: usize, block: &'a mut [u64]) -> &'a [u64] {
    let rest = &half[b * block.len()..];
    if let Some(whole) = rest.get(..block.len()) {
        return whole;
    }
    block[..rest.len()].copy_from_slice(rest);
    block[rest.len()..].fill(0);
    block
}

/// Sums of up to 64 weights over every byte's subsets.
struct Table(Vec<[u64; 256]>);

impl Table {
    fn new(weights: &[u64]) -> Self {
        let byte = |weights: &[u64]| {
            let mut sums = [0; 256];
            for (bit, weight) in weights.iter().enumerate() {
                let (known, open) = sums.split_at_mut(1 << bit);
                for (to, sum) in open.iter_mut().zip(known) {
                    *to = *sum ^ weight;
                }
            }
            sums
        };
        Self(weights.chunks(8).map(byte).collect())
    }

    /// The sum of the weights whose bits are set.
    fn sum(&self, bits: u64) -> u64 {
        let bytes = bits.to_le_bytes();
        let tables = self.0.iter().zip(bytes);
        tables.fold(0, |sum, (table, byte)| sum ^ table[usize::from(byte)])
    }
}
