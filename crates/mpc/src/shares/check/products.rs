//! Products over Z_2^64 as claims over the Galois ring.
//!
//! Why it exists: the sums over all columns are most of the check's work; here
//! they are done on single words. Tuple `j` stands in column `j / A`, row
//! `j % A`.
//!
//! Two loops are most of it. *The grid*: eight columns at once, a lane a column, are
//! extended to {0, 1, ∞}^depth and multiplied; the highest bits first, so that the
//! last four and their products stay in the nearest cache. *The weighing*: for each of
//! a weight's 48 coefficients, the sum of the columns that have it. Four columns have
//! sixteen sums; a table of them, made once for eight points of the grid, gives each
//! coefficient one addition for four columns ("four Russians").
//!
//! *Invariants*
//! - Weights are 0/1 combinations of 48 powers, so weighing adds, never multiplies.
//! - Places in tables are bits of weights, which are public; shares steer nothing.

use std::ops::Range;

use super::{Claims, Elements, Made, Vectors, places};
use crate::shares::extension::{DEGREE, Galois, weigh};
use crate::simd::rings::{self, GROUP, GROUPS, LANES, Lanes};

/// Columns that are weighed at once.
const CHUNK: usize = GROUP * GROUPS;
/// The lowest bits of a row's number, which are extended with the products.
const NEAR: u32 = 4;

/// Products over Z_2^64.
pub(super) struct Numbers<'a>(pub(super) Made<'a>);

impl Claims for Numbers<'_> {
    type Ring = Galois;

    fn weights(&self, depth: u32) -> usize {
        self.0.z.len().div_ceil(1 << depth)
    }

    fn sums(&self, weights: &[u64], depth: u32) -> (Vec<[u64; DEGREE]>, Elements<[u64; DEGREE]>) {
        let rows = 1usize << depth;
        let mut grid = Vec::with_capacity(3usize.pow(depth));
        // A third of the grid at a time, so that its sums stay near too.
        for digit in Digit::of(depth).iter().copied() {
            grid.extend(self.grid(weights, depth, digit));
        }
        let z = self.0.z;
        let sums = [&z.mine, &z.next].map(|half| {
            let mut sums = Weighed::new(rows);
            for (chunk, weights) in weights.chunks(CHUNK).enumerate() {
                for column in 0..weights.len() {
                    let start = (chunk * CHUNK + column) * rows;
                    sums.place_column(half.get(start..).unwrap_or_default(), column);
                }
                sums.add(&picks(weights));
            }
            sums.finish()
        });
        let [mine, next] = sums;
        (grid, Elements { mine, next })
    }

    fn fold(&self, weights: &[u64], rows: &[[u64; DEGREE]], out: &mut Vectors<[u64; DEGREE]>) {
        let Made { x, y, .. } = self.0;
        let halves = [&x.mine, &x.next, &y.mine, &y.next];
        for (out, half) in out.iter_mut().zip(halves) {
            out.resize(half.len().div_ceil(rows.len()), [0; DEGREE]);
            rings::combine(out, half, rows);
        }
        let [x, x_next, ..] = out;
        for column in [x, x_next] {
            for (value, weight) in column.iter_mut().zip(weights) {
                *value = weigh(value, *weight);
            }
        }
    }
}

impl Numbers<'_> {
    /// The weighed products at the points of one value of the highest variable.
    fn grid(&self, weights: &[u64], depth: u32, digit: Digit) -> Vec<[u64; DEGREE]> {
        let Made { x, y, .. } = self.0;
        let mut points = Points::new(depth, digit);
        let mut grid = Weighed::new(points.out.len());
        for (chunk, weights) in weights.chunks(CHUNK).enumerate() {
            for first in (0..weights.len()).step_by(LANES) {
                let start = (chunk * CHUNK + first) << depth;
                points.of_products([&x.mine, &x.next, &y.mine, &y.next], start);
                grid.place(&points.out, first);
            }
            grid.add(&picks(weights));
        }
        grid.finish()
    }
}

/// A value of the highest bit's variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digit {
    Zero,
    One,
    Lead,
    /// All three at once: the grid is small.
    All,
}

impl Digit {
    fn of(depth: u32) -> &'static [Self] {
        if depth > NEAR {
            &[Self::Zero, Self::One, Self::Lead]
        } else {
            &[Self::All]
        }
    }
}

/// The products of eight columns on a part of the grid, and what is needed to make
/// them.
struct Points {
    rows: usize,
    digit: Digit,
    places: Vec<usize>,
    /// x, x', y + y' and y: rows, then the points of the highest bits.
    halves: [Vec<Lanes>; 4],
    /// What the next bit is extended into.
    spare: Vec<Lanes>,
    wide: [Vec<Lanes>; 4],
    out: Vec<Lanes>,
}

impl Points {
    fn new(depth: u32, digit: Digit) -> Self {
        let near = depth.min(NEAR);
        let part = depth - u32::from(digit != Digit::All);
        Self {
            rows: 1 << depth,
            digit,
            places: places(1 << near),
            halves: [0; 4].map(|_| Vec::new()),
            spare: Vec::new(),
            wide: [0; 4].map(|_| vec![[0; LANES]; 3usize.pow(near)]),
            out: vec![[0; LANES]; 3usize.pow(part)],
        }
    }

    /// Fills [`Points::out`] for the eight columns that begin at a word.
    fn of_products(&mut self, [x, x_next, y, y_next]: [&[u64]; 4], start: usize) {
        let (rows, digit) = (self.rows, self.digit);
        for (half, to) in [x, x_next, y_next, y].iter().zip(&mut self.halves) {
            let half = half.get(start..).unwrap_or_default();
            match digit {
                Digit::All => gather(half, rows, 0..rows, to),
                Digit::Zero => gather(half, rows, 0..rows / 2, to),
                Digit::One => gather(half, rows, rows / 2..rows, to),
                Digit::Lead => {
                    gather(half, rows, 0..rows / 2, &mut self.spare);
                    gather(half, rows, rows / 2..rows, to);
                    rings::sub_lanes(to, &self.spare);
                }
            }
        }
        let [_, _, both, y] = &mut self.halves;
        rings::add_lanes(both, y);
        let near = self.places.len();
        for half in &mut self.halves {
            let mut rest = half.len();
            while rest > near {
                rest /= 2;
                rings::extend_top(half, rest, &mut self.spare);
                std::mem::swap(half, &mut self.spare);
            }
        }
        let size = self.wide[0].len();
        for (block, out) in self.out.chunks_exact_mut(size).enumerate() {
            let halves = self
                .halves
                .each_ref()
                .map(|half| &half[block * near..][..near]);
            if rings::near_products(halves, &mut self.wide, out) {
                continue;
            }
            for (half, wide) in halves.iter().zip(&mut self.wide) {
                rings::extend_near(half, wide, &self.places);
            }
            let [x, x_next, both, y] = &self.wide;
            rings::cross(out, [x, both], [x_next, y]);
        }
    }
}

/// Some rows of eight columns side by side, a lane a column; zeros past the end.
fn gather(half: &[u64], rows: usize, some: Range<usize>, to: &mut Vec<Lanes>) {
    to.resize(some.len(), [0; LANES]);
    if let Some(all) = half.get(..rows * LANES) {
        return rings::gather(all, rows, some.start, to);
    }
    to.fill([0; LANES]);
    for (lane, column) in half.chunks(rows).take(LANES).enumerate() {
        let there = column.get(some.start..).unwrap_or_default();
        for (to, word) in to.iter_mut().zip(there) {
            to[lane] = *word;
        }
    }
}

/// For each coefficient of the weights of a chunk, which of every four columns have
/// it.
fn picks(weights: &[u64]) -> [[u8; GROUPS]; DEGREE] {
    let mut picks = [[0; GROUPS]; DEGREE];
    for (column, weight) in weights.iter().enumerate() {
        for (bit, picks) in picks.iter_mut().enumerate() {
            let has = (weight >> bit).to_le_bytes()[0] & 1;
            picks[column / GROUP] |= has << (column % GROUP);
        }
    }
    picks
}

/// `Σ_b σ_b·v_b` for vectors of some length.
struct Weighed {
    points: usize,
    /// For eight points, the vectors of a chunk of columns.
    columns: Vec<[Lanes; CHUNK]>,
    /// For eight points, a sum for each coefficient.
    sums: Vec<[Lanes; DEGREE]>,
}

impl Weighed {
    fn new(points: usize) -> Self {
        let tiles = points.div_ceil(LANES);
        Self {
            points,
            columns: vec![[[0; LANES]; CHUNK]; tiles],
            sums: vec![[[0; LANES]; DEGREE]; tiles],
        }
    }

    /// Places eight columns that stand side by side.
    fn place(&mut self, values: &[Lanes], first: usize) {
        rings::place(values, &mut self.columns, first);
    }

    /// Places one column, with zeros past its end.
    fn place_column(&mut self, half: &[u64], column: usize) {
        let there = &half[..half.len().min(self.points)];
        for (at, tile) in self.columns.iter_mut().enumerate() {
            let some = there.get(at * LANES..).unwrap_or_default();
            if let Some(whole) = some.first_chunk() {
                tile[column] = *whole;
            } else {
                tile[column][..some.len()].copy_from_slice(some);
                tile[column][some.len()..].fill(0);
            }
        }
    }

    /// Adds the columns that were placed; those of the chunk before that were not
    /// overwritten have no weight any more.
    fn add(&mut self, picks: &[[u8; GROUPS]; DEGREE]) {
        for (columns, sums) in self.columns.iter().zip(&mut self.sums) {
            rings::weigh(sums, columns, picks);
        }
    }

    fn finish(self) -> Vec<[u64; DEGREE]> {
        let point = |at: usize| {
            let sums = &self.sums[at / LANES];
            std::array::from_fn(|coefficient| sums[coefficient][at % LANES])
        };
        (0..self.points).map(point).collect()
    }
}
