//! Sorting by secret keys: shuffle, then compare in the open.
//!
//! Why it exists: joins, groups and ranks begin with a sorted table.
//!
//! *Paper*: Hamada, Kikuchi, Ikarashi, Chida and Takahashi, "Practically
//! Efficient Multi-party Sorting Protocols from Comparison Sort Algorithms"
//! (ICISC 2012). Rows get their number as the last part of the key, so keys are
//! distinct and the order is stable; the rows are shuffled; then quicksort runs
//! with each comparison computed on shares and opened. In a uniformly random
//! order of distinct keys the outcomes of comparisons are those of a random
//! permutation: they say nothing about the keys.
//!
//! All segments of a level are compared in one batch; segments of at most
//! [`SMALL`] rows are compared all with all in one level.
//!
//! *Deviation, and why*: the radix sort of Asharov and others (CCS 2022) needs,
//! a bit of the key, a conversion, a product and two shuffles, some 180 bytes a
//! row; 64-bit keys come to 11 kB a row. Here a row takes part in about
//! `1.4·log2(n)` comparisons of two products of bits a bit: 1.2 kB at 2^18
//! rows, in as many rounds. A radix sort would win below some ten bits.
//!
//! *Adversary*: as shuffle and products; each level's products are verified
//! before its outcomes are opened.
//!
//! *Leaks*: the number of rows, the widths of columns, and the shape of the
//! recursion, which is that of a random permutation.
//!
//! *Cost*: about `1.4·log2(n)·2w` products of bits a row for keys of `w` bits
//! together with the row's number; `O(log n)` levels of `log2(w) + 3` rounds,
//! in malicious mode with a check each.

use super::{
    Bits, Words,
    column::{Pair, ceil_log2, same_rows},
    party::Party,
    route::Route,
};
use crate::{Error, Refusal, limits};

/// Segments of at most this many rows are compared all with all.
const SMALL: usize = 8;

/// A run of rows whose order is still open.
#[derive(Clone, Copy)]
struct Segment {
    start: usize,
    rows: usize,
}

impl Party<'_> {
    /// Sorts rows by `keys`, the most significant first, rising; equal keys stay
    /// in their order. Gives keys and payload in the new order.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`], [`Refusal::TooManyRows`]; a peer's fault.
    pub fn sort(
        &mut self,
        keys: &[Words],
        payload: &[Words],
    ) -> Result<(Vec<Words>, Vec<Words>), Error> {
        let (keys, payload, _) = self.sort_kept(keys, payload)?;
        Ok((keys, payload))
    }

    /// The same, with the way that the rows went: other columns can follow.
    pub(crate) fn sort_kept(
        &mut self,
        keys: &[Words],
        payload: &[Words],
    ) -> Result<(Vec<Words>, Vec<Words>, Route), Error> {
        let rows = keys.first().map_or(0, Words::rows);
        for column in keys.iter().chain(payload) {
            same_rows(column.rows(), rows)?;
        }
        if rows > limits::SHARES_ROWS_MAX {
            return Err(Refusal::TooManyRows.into());
        }
        let mut columns = keys.to_vec();
        let numbers: Vec<u64> = (0..rows as u64).collect();
        columns.push(self.public_words(&numbers, ceil_log2(rows)));
        columns.extend_from_slice(payload);
        let (mut columns, orders) = self.shuffle_kept(&columns)?;
        let rest = columns.split_off(keys.len() + 1);
        let order = self.order(&columns, rows)?;
        let gather = |columns: &[Words]| -> Result<Vec<Words>, Error> {
            columns.iter().map(|column| column.gather(&order)).collect()
        };
        let (sorted, rest) = (gather(&columns[..keys.len()])?, gather(&rest)?);
        Ok((sorted, rest, Route::new(orders, rows, order)))
    }

    /// The order of shuffled rows with distinct keys.
    fn order(&mut self, keys: &[Words], rows: usize) -> Result<Vec<usize>, Error> {
        let mut order: Vec<usize> = (0..rows).collect();
        let mut open = vec![Segment { start: 0, rows }];
        open.retain(|segment| segment.rows > 1);
        while !open.is_empty() {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for segment in &open {
                let part = &order[segment.start..segment.start + segment.rows];
                for (a, b) in pairs(segment.rows) {
                    left.push(part[a]);
                    right.push(part[b]);
                }
            }
            let (left, right) = (planes(keys, &left), planes(keys, &right));
            let less = self.less_than(&left, &right)?;
            let less = self.open_bits(&less)?;
            let mut outcomes = (0..left.rows).map(|at| less[at / 64] >> (at % 64) & 1 == 1);
            let mut smaller = Vec::new();
            for segment in open {
                arrange(segment, &mut order, &mut outcomes, &mut smaller);
            }
            open = smaller;
        }
        Ok(order)
    }
}

/// Whom to compare with whom in a segment: all with all, or all with the first.
fn pairs(rows: usize) -> Vec<(usize, usize)> {
    if rows <= SMALL {
        (0..rows)
            .flat_map(|a| (a + 1..rows).map(move |b| (a, b)))
            .collect()
    } else {
        (1..rows).map(|a| (a, 0)).collect()
    }
}

/// Uses a segment's outcomes, in the order of [`pairs`].
fn arrange(
    segment: Segment,
    order: &mut [usize],
    outcomes: &mut impl Iterator<Item = bool>,
    open: &mut Vec<Segment>,
) {
    let Segment { start, rows } = segment;
    let part = order[start..start + rows].to_vec();
    let to = &mut order[start..start + rows];
    if rows <= SMALL {
        let mut rank = [0usize; SMALL];
        for ((a, b), less) in pairs(rows).into_iter().zip(outcomes) {
            rank[if less { b } else { a }] += 1;
        }
        for (row, rank) in part.iter().zip(rank) {
            // Distinct keys have distinct ranks; only a broken check could not.
            to[rank.min(rows - 1)] = *row;
        }
        return;
    }
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for (row, less) in part[1..].iter().zip(outcomes) {
        (if less { &mut low } else { &mut high }).push(*row);
    }
    let pivot = low.len();
    to[..pivot].copy_from_slice(&low);
    to[pivot] = part[0];
    to[pivot + 1..].copy_from_slice(&high);
    for (at, rows) in [(start, pivot), (start + pivot + 1, high.len())] {
        if rows > 1 {
            open.push(Segment { start: at, rows });
        }
    }
}

/// The keys of some rows as one number each: the last column is the least
/// significant.
fn planes(keys: &[Words], rows: &[usize]) -> Bits {
    let mut all = Bits {
        pair: Pair::default(),
        rows: rows.len(),
        width: 0,
    };
    for column in keys.iter().rev() {
        let some = Words {
            pair: column.pair.gather(rows.iter().copied()),
            width: column.width,
        };
        let bits = some.to_bits();
        all.pair.push_range(&bits.pair, 0..bits.pair.len());
        all.width += bits.width;
    }
    all
}
