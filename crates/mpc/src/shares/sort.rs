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
//! [`SMALL`] rows are compared all with all in one level. Of large segments a
//! sample is compared all with all first and gives the pivots of the next five
//! or seven levels, which halve their segments better than single rows would.
//!
//! *Deviation, and why*: the radix sort of Asharov and others (CCS 2022) needs,
//! a bit of the key, a conversion, a product and two shuffles, some 180 bytes a
//! row; 64-bit keys come to 11 kB a row. Here a row takes part in about
//! `1.1·log2(n)` comparisons of two products of bits a bit: 1.2 kB at 2^18
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
    column::{Pair, ceil_log2, low_mask, same_rows},
    party::Party,
    route::Route,
};
use crate::{Error, Refusal, limits};

/// Segments of at most this many rows are compared all with all.
const SMALL: usize = 8;

/// A run of rows whose order is still open.
struct Segment {
    /// Where it begins in the sorted table.
    start: usize,
    /// Rows that can be anywhere in it.
    rows: Vec<usize>,
    /// Other rows of it, whose order is known.
    pivots: Vec<usize>,
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
        let order = self.order(&packed(&columns), rows)?;
        let gather = |columns: &[Words]| -> Result<Vec<Words>, Error> {
            columns.iter().map(|column| column.gather(&order)).collect()
        };
        let (sorted, rest) = (gather(&columns[..keys.len()])?, gather(&rest)?);
        Ok((sorted, rest, Route::new(orders, rows, order)))
    }

    /// The order of shuffled rows with distinct keys.
    fn order(&mut self, keys: &[Words], rows: usize) -> Result<Vec<usize>, Error> {
        let mut order = vec![0; rows];
        let mut open = Segment {
            start: 0,
            rows: (0..rows).collect(),
            pivots: Vec::new(),
        }
        .next_step(&mut order);
        while !open.is_empty() {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for segment in &open {
                segment.pairs(|a, b| {
                    left.push(a);
                    right.push(b);
                });
            }
            let (left, right) = (planes(keys, &left), planes(keys, &right));
            let less = self.less_than(&left, &right)?;
            let less = self.open_bits(&less)?;
            let mut outcomes = (0..left.rows).map(|at| less[at / 64] >> (at % 64) & 1 == 1);
            let mut smaller = Vec::new();
            for segment in open {
                smaller.extend(segment.arrange(&mut order, &mut outcomes));
            }
            open = smaller;
        }
        Ok(order)
    }
}

impl Segment {
    /// How many rows are compared all with all: all of few, a sample of many;
    /// none where pivots are there.
    fn sample(&self) -> usize {
        match self.rows.len() {
            _ if !self.pivots.is_empty() => 0,
            rows @ ..=SMALL => rows,
            0..1024 => 0,
            1024..8192 => 31,
            _ => 127,
        }
    }

    /// Whom to compare with whom.
    fn pairs(&self, mut push: impl FnMut(usize, usize)) {
        let sample = &self.rows[..self.sample()];
        for (at, a) in sample.iter().enumerate() {
            for b in &sample[at + 1..] {
                push(*a, *b);
            }
        }
        if sample.is_empty() {
            let pivot = self.pivots.get(self.pivots.len() / 2);
            let (pivot, rest) = match pivot {
                Some(pivot) => (pivot, &self.rows[..]),
                None => (&self.rows[0], &self.rows[1..]),
            };
            for row in rest {
                push(*row, *pivot);
            }
        }
    }

    /// Uses the segment's outcomes, in the order of [`Segment::pairs`], and gives
    /// what is still open.
    fn arrange(
        mut self,
        order: &mut [usize],
        outcomes: &mut impl Iterator<Item = bool>,
    ) -> Vec<Self> {
        let sample = self.sample();
        if sample > 0 {
            let mut rank = vec![0usize; sample];
            for a in 0..sample {
                for b in a + 1..sample {
                    let less = outcomes.next().unwrap_or(false);
                    rank[if less { b } else { a }] += 1;
                }
            }
            let rest = self.rows.split_off(sample);
            self.pivots = self.rows.clone();
            // Distinct keys have distinct ranks; only a broken check could not.
            for (row, rank) in self.rows.iter().zip(rank) {
                self.pivots[rank] = *row;
            }
            self.rows = rest;
            return self.next_step(order);
        }
        if self.pivots.is_empty() {
            self.pivots.push(self.rows.remove(0));
        }
        let middle = self.pivots.len() / 2;
        let above = self.pivots.split_off(middle + 1);
        let pivot = self.pivots.pop().unwrap_or_default();
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for (row, less) in self.rows.iter().zip(outcomes) {
            (if less { &mut low } else { &mut high }).push(*row);
        }
        let place = self.start + low.len() + self.pivots.len();
        order[place] = pivot;
        let low = Self {
            start: self.start,
            rows: low,
            pivots: self.pivots,
        };
        let high = Self {
            start: place + 1,
            rows: high,
            pivots: above,
        };
        let mut open = low.next_step(order);
        open.extend(high.next_step(order));
        open
    }

    /// The segment if there is something to compare in it; else its rows are put
    /// where they belong.
    fn next_step(self, order: &mut [usize]) -> Vec<Self> {
        if self.rows.is_empty() || self.rows.len() + self.pivots.len() < 2 {
            let known = self.pivots.iter().chain(&self.rows);
            for (to, row) in order[self.start..].iter_mut().zip(known) {
                *to = *row;
            }
            return Vec::new();
        }
        vec![self]
    }
}

/// The same numbers in as few words as hold them: each word is turned into planes
/// at every level.
fn packed(columns: &[Words]) -> Vec<Words> {
    let mut packed: Vec<Words> = Vec::new();
    for column in columns.iter().rev() {
        // What a shuffle leaves above a column's width cancels, and must not here.
        let mask = low_mask(column.width);
        let own = column.pair.map(|word| word & mask);
        match packed.last_mut() {
            Some(low) if low.width + column.width <= u64::BITS => {
                let place = low.width;
                low.pair = low.pair.zip(&own, |low, high| low | high << place);
                low.width += column.width;
            }
            _ => packed.push(Words {
                pair: own,
                width: column.width,
            }),
        }
    }
    packed.reverse();
    packed
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
