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

use super::{Claims, Elements, Made, Vectors, places};
use crate::shares::{
    extension::{DEGREE, Galois},
    lanes,
};
use crate::simd::rings::{self, Element, GROUP, GROUPS, LANES, Lanes, Near, Tables};

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

    fn sums(&self, weights: &[u64], depth: u32) -> (Vec<Element>, Elements<Element>) {
        let rows = 1usize << depth;
        let Made { x, y, z } = self.0;
        // A third of the grid at a time, so that its products stay near.
        let digits = Digit::of(depth);
        let mut points = Points::new(depth, digits.len());
        let mut grid: Vec<Weighed> = digits
            .iter()
            .map(|_| Weighed::new(points.out.len()))
            .collect();
        let mut sums = [0; 2].map(|_| Weighed::new(rows));
        let mut tables = Tables::EMPTY;
        for (chunk, weights) in weights.chunks(CHUNK).enumerate() {
            let start = |column: usize| (chunk * CHUNK + column) * rows;
            for first in (0..weights.len()).step_by(LANES) {
                points.gather([&x.mine, &x.next, &y.mine, &y.next], start(first));
                for (digit, third) in digits.iter().zip(&mut grid) {
                    points.of_products(*digit);
                    third.place(&points.out, first);
                }
            }
            for (half, sums) in [&z.mine, &z.next].into_iter().zip(&mut sums) {
                for column in 0..weights.len() {
                    sums.place_column(half.get(start(column)..).unwrap_or_default(), column);
                }
            }
            let picks = picks(weights);
            for part in grid.iter_mut().chain(&mut sums) {
                part.add(&picks, &mut tables);
            }
        }
        let [mine, next] = sums.map(Weighed::finish);
        let grid = grid.into_iter().flat_map(Weighed::finish).collect();
        (grid, Elements { mine, next })
    }

    fn fold(&self, weights: &[u64], rows: &[Element], out: &mut Vectors<Element>) {
        let Made { x, y, .. } = self.0;
        let halves = [&x.mine, &x.next, &y.mine, &y.next];
        for (out, half) in out.iter_mut().zip(halves) {
            out.resize(half.len().div_ceil(rows.len()), Element::ZERO);
            rings::combine(out, half, rows);
        }
        let [x, x_next, ..] = out;
        for column in [x, x_next] {
            rings::weigh_each(column, weights);
        }
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
    places: Vec<usize>,
    /// x, x', y + y' and y: all rows.
    rows: [Vec<Lanes>; 4],
    /// Those of one value of the highest variable, then the points of the bits above the
    /// lowest ones.
    halves: [Vec<Lanes>; 4],
    /// What the next bit is extended into.
    spare: Vec<Lanes>,
    near: Box<Near>,
    out: Vec<Lanes>,
}

impl Points {
    fn new(depth: u32, parts: usize) -> Self {
        let near = depth.min(NEAR);
        Self {
            places: places(1 << near),
            rows: [0; 4].map(|_| vec![Lanes::ZERO; 1 << depth]),
            halves: [0; 4].map(|_| Vec::new()),
            spare: Vec::new(),
            near: Box::new([[Lanes::ZERO; 81]; 4]),
            out: vec![Lanes::ZERO; 3usize.pow(depth) / parts],
        }
    }

    /// Takes the eight columns that begin at a word.
    fn gather(&mut self, [x, x_next, y, y_next]: [&[u64]; 4], start: usize) {
        for (half, to) in [x, x_next, y_next, y].iter().zip(&mut self.rows) {
            gather(half.get(start..).unwrap_or_default(), to);
        }
        let [_, _, both, y] = &mut self.rows;
        rings::add_lanes(both, y);
    }

    /// Fills [`Points::out`] for one value of the highest variable.
    fn of_products(&mut self, digit: Digit) {
        let near = self.places.len();
        for (rows, half) in self.rows.iter().zip(&mut self.halves) {
            let (zero, one) = rows.split_at(rows.len() / 2);
            let some = match digit {
                Digit::All => rows,
                Digit::Zero => zero,
                Digit::One => one,
                Digit::Lead => {
                    self.spare.resize(zero.len(), Lanes::ZERO);
                    rings::minus(&mut self.spare, one, zero);
                    &self.spare
                }
            };
            let mut rest = some.len();
            if rest <= near {
                some.clone_into(half);
                continue;
            }
            rest /= 2;
            rings::extend_top(some, rest, half);
            while rest > near {
                rest /= 2;
                rings::extend_top(half, rest, &mut self.spare);
                std::mem::swap(half, &mut self.spare);
            }
        }
        let blocks = self.halves[0].len() / near;
        let size = self.out.len() / blocks;
        for (block, out) in self.out.chunks_exact_mut(size).enumerate() {
            let halves = self.halves.each_ref();
            let halves = halves.map(|half| &half[block * near..][..near]);
            rings::near_products(halves, &self.places, &mut self.near, out);
        }
    }
}

/// The rows of eight columns side by side, a lane a column; zeros past the end.
fn gather(half: &[u64], to: &mut [Lanes]) {
    let rows = to.len();
    if let Some(all) = half.get(..rows * LANES) {
        return rings::gather(all, to);
    }
    to.fill(Lanes::ZERO);
    for (lane, column) in half.chunks(rows).take(LANES).enumerate() {
        for (to, word) in to.iter_mut().zip(column) {
            to[lane] = *word;
        }
    }
}

/// For each coefficient of the weights of a chunk, which of every four columns have
/// it.
fn picks(weights: &[u64]) -> [[u8; GROUPS]; DEGREE] {
    let mut bits = [0; CHUNK];
    bits[..weights.len()].copy_from_slice(weights);
    lanes::transpose(&mut bits);
    let of = |bits: u64| std::array::from_fn(|group| rings::pick(bits >> (GROUP * group)));
    std::array::from_fn(|coefficient| of(bits[coefficient]))
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
            columns: vec![[Lanes::ZERO; CHUNK]; tiles],
            sums: vec![[Lanes::ZERO; DEGREE]; tiles],
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
                tile[column].0 = *whole;
            } else {
                tile[column][..some.len()].copy_from_slice(some);
                tile[column][some.len()..].fill(0);
            }
        }
    }

    /// Adds the columns that were placed; those of the chunk before that were not
    /// overwritten have no weight any more.
    fn add(&mut self, picks: &[[u8; GROUPS]; DEGREE], tables: &mut Tables) {
        for (columns, sums) in self.columns.iter().zip(&mut self.sums) {
            rings::weigh(sums, columns, picks, tables);
        }
    }

    fn finish(self) -> Vec<Element> {
        let point = |at: usize| {
            let sums = &self.sums[at / LANES];
            rings::Line(std::array::from_fn(|coefficient| {
                sums[coefficient][at % LANES]
            }))
        };
        (0..self.points).map(point).collect()
    }
}
