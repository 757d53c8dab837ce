//! Products over Z_2^64 as claims over the Galois ring.
//!
//! Why it exists: the sums over all columns are most of the check's work; here
//! they are done on single words. Tuple `j` stands in column `j / A`, row
//! `j % A`.
//!
//! *Invariants*: weights are 0/1 combinations of 48 powers, so weighing a word
//! adds it to sums of twelve nibbles, never multiplies.

use super::{Claims, Elements, Log, extend, places};
use crate::shares::extension::{DEGREE, Galois, weigh};
use crate::simd::rings;

/// Nibbles of a weight.
const NIBBLES: usize = DEGREE / 4;

/// Products over Z_2^64.
pub(super) struct Numbers<'a>(pub(super) &'a Log);

impl Claims for Numbers<'_> {
    type Ring = Galois;

    fn weights(&self, depth: u32) -> usize {
        self.0.len().div_ceil(1 << depth)
    }

    fn sums(&self, weights: &[u64], depth: u32) -> (Vec<[u64; DEGREE]>, Elements<[u64; DEGREE]>) {
        let rows = 1usize << depth;
        let mut grid = Weighed::new(3usize.pow(depth));
        let mut z = [Weighed::new(rows), Weighed::new(rows)];
        let lanes = 3usize.pow(depth);
        let (mut wide, places) = ([0; 4].map(|_| vec![0; lanes]), places(rows));
        let mut column = vec![0; rows];
        let Log { x, y, z: made } = self.0;
        for (b, weight) in weights.iter().enumerate() {
            for (half, wide) in [&x.mine, &x.next, &y.mine, &y.next].iter().zip(&mut wide) {
                take(half, b, &mut column);
                extend(&column, wide, &places, u64::wrapping_sub);
            }
            let [x_mine, x_next, y_mine, y_next] = &mut wide;
            rings::cross(x_mine, x_next, y_mine, y_next);
            grid.add(*weight, x_mine);
            for (half, sums) in [&made.mine, &made.next].iter().zip(&mut z) {
                take(half, b, &mut column);
                sums.add(*weight, &column);
            }
        }
        let [mine, next] = z.map(Weighed::finish);
        (grid.finish(), Elements { mine, next })
    }

    fn fold(&self, weights: &[u64], rows: &[[u64; DEGREE]]) -> [Elements<[u64; DEGREE]>; 2] {
        let fold = |half: &[u64]| -> Vec<[u64; DEGREE]> {
            half.chunks(rows.len())
                .map(|column| {
                    let mut sum = [0; DEGREE];
                    rings::combine(&mut sum, column, rows);
                    sum
                })
                .collect()
        };
        let weigh = |mut column: Vec<[u64; DEGREE]>| {
            for (value, weight) in column.iter_mut().zip(weights) {
                *value = weigh(value, *weight);
            }
            column
        };
        let x = Elements {
            mine: weigh(fold(&self.0.x.mine)),
            next: weigh(fold(&self.0.x.next)),
        };
        let y = Elements {
            mine: fold(&self.0.y.mine),
            next: fold(&self.0.y.next),
        };
        [x, y]
    }
}

/// Column `b`, filled with zeros past the end.
fn take(half: &[u64], b: usize, column: &mut [u64]) {
    let start = b * column.len();
    let there = (half.len() - start).min(column.len());
    column[..there].copy_from_slice(&half[start..start + there]);
    column[there..].fill(0);
}

/// `Σ_b σ_b·v_b` for many lanes: for each nibble of the weight and each of its
/// values, the sum of the vectors whose weight has it.
struct Weighed {
    lanes: usize,
    sums: Vec<u64>,
}

impl Weighed {
    fn new(lanes: usize) -> Self {
        Self {
            lanes,
            sums: vec![0; NIBBLES * 16 * lanes],
        }
    }

    fn add(&mut self, weight: u64, values: &[u64]) {
        for nibble in 0..NIBBLES {
            let value = usize::from((weight >> (4 * nibble)).to_le_bytes()[0] & 15);
            let start = (nibble * 16 + value) * self.lanes;
            rings::add(&mut self.sums[start..start + self.lanes], values);
        }
    }

    fn finish(self) -> Vec<[u64; DEGREE]> {
        let mut out = vec![[0u64; DEGREE]; self.lanes];
        for (at, sums) in self.sums.chunks(self.lanes).enumerate() {
            let (nibble, value) = (at / 16, at % 16);
            for bit in (0..4).filter(|bit| value >> bit & 1 == 1) {
                for (to, sum) in out.iter_mut().zip(sums) {
                    let to = &mut to[4 * nibble + bit];
                    *to = to.wrapping_add(*sum);
                }
            }
        }
        out
    }
}
