//! Groups, ranks and guarded openings.
//!
//! Why it exists: these are the last steps of a joint question: totals by key,
//! the first few of a ranking, and "open those rows, if they are few".
//!
//! *Invariants*
//! - Rows are opened only after a shuffle, so a row's place says nothing.
//! - Where more rows qualify than the cap allows, their number is known and
//!   nothing else: no row is opened.
//!
//! *Leaks*: [`Party::group_by`] nothing beyond sizes; [`Party::top`] nothing;
//! [`Party::open_flagged`] how many rows qualify.

use super::{
    Arith, Bits, Extreme, Words,
    column::{Pair, low_mask, same_rows},
    party::Party,
};
use crate::{Error, Refusal, limits};

/// A table by groups, sorted by key: one row a row of the input, of which
/// `last` marks those that stand for a whole group.
pub struct Groups {
    /// The keys, rising.
    pub keys: Vec<Words>,
    /// Set where the row stands for its group (one plane).
    pub last: Bits,
    /// How many rows the group has, up to this row.
    pub count: Arith,
    /// Sums of the group, up to this row.
    pub sums: Vec<Arith>,
    /// Extremes of the group, up to this row.
    pub extremes: Vec<Words>,
}

impl Party<'_> {
    /// Groups rows by key, with counts, sums of some columns, and the least or
    /// greatest of others.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] where a sum could wrap; [`Refusal::ShapeMismatch`],
    /// [`Refusal::TooManyRows`]; a peer's fault.
    pub fn group_by(
        &mut self,
        keys: &[Words],
        sums: &[Words],
        extremes: &[(Words, Extreme)],
    ) -> Result<Groups, Error> {
        let mut payload = sums.to_vec();
        payload.extend(extremes.iter().map(|(column, _)| column.clone()));
        let (keys, payload) = self.sort(keys, &payload)?;
        let rows = keys.first().map_or(0, Words::rows);
        let begins = self.beginnings(&keys)?;
        let last = self.ends(&begins)?;
        let begins_number = self.bit_to_arith(&begins)?;
        let mut numbers = vec![self.constant(1, rows)?];
        for column in &payload[..sums.len()] {
            numbers.push(self.words_to_arith(column)?);
        }
        let mut totals = self.scan_sums(&begins_number, &numbers)?.into_iter();
        let count = totals.next().ok_or(Refusal::ShapeMismatch)?;
        let begins = begins.to_words();
        let mut best = Vec::with_capacity(extremes.len());
        for (column, (_, which)) in payload[sums.len()..].iter().zip(extremes) {
            best.push(self.scan_extreme(&begins, column, *which)?);
        }
        Ok(Groups {
            keys,
            last,
            count,
            sums: totals.collect(),
            extremes: best,
        })
    }

    /// Where a sorted table's key differs from the row before; the first row
    /// begins a group.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`]; a peer's fault.
    pub fn beginnings(&mut self, keys: &[Words]) -> Result<Bits, Error> {
        let rows = keys.first().map_or(0, Words::rows);
        let (mut here, mut before) = (empty(rows), empty(rows));
        for column in keys {
            same_rows(column.rows(), rows)?;
            let mut shifted = column.pair.clone();
            for half in [&mut shifted.mine, &mut shifted.next] {
                half.rotate_right(usize::from(rows > 0));
            }
            for (to, pair) in [(&mut here, column.pair.clone()), (&mut before, shifted)] {
                let width = column.width;
                let bits = Words { pair, width }.to_bits();
                to.pair.push_range(&bits.pair, 0..bits.pair.len());
                to.width += width;
            }
        }
        let same = self.equal(&here, &before)?;
        let mut begins = self.not(&same);
        if rows > 0 {
            // The first row's own comparison was with the last row: replace it.
            begins.pair.mine[0] &= !1;
            begins.pair.next[0] &= !1;
            begins.pair.xor_public(self.index, 0, 1);
        }
        Ok(begins)
    }

    /// Where the next row begins a group, or there is none.
    pub(crate) fn ends(&self, begins: &Bits) -> Result<Bits, Error> {
        let rows = begins.rows;
        let mut words = begins.to_words();
        for half in [&mut words.pair.mine, &mut words.pair.next] {
            half.rotate_left(usize::from(rows > 0));
        }
        // The first row, which begins, has come round to the last place.
        Ok(words.to_bits())
    }

    /// The `count` rows of the greatest values, falling; equal values stay in
    /// their order.
    ///
    /// # Errors
    /// [`Refusal::ShapeMismatch`], [`Refusal::TooManyRows`]; a peer's fault.
    pub fn top(
        &mut self,
        values: &Words,
        payload: &[Words],
        count: usize,
    ) -> Result<(Words, Vec<Words>), Error> {
        let flipped = self.flipped(values);
        let (keys, payload) = self.sort(&[flipped], payload)?;
        let first: Vec<usize> = (0..values.rows().min(count)).collect();
        let values = self.flipped(&keys[0].gather(&first)?);
        let payload: Result<Vec<Words>, Error> =
            payload.iter().map(|column| column.gather(&first)).collect();
        Ok((values, payload?))
    }

    /// All bits of every row flipped, so that order turns round.
    fn flipped(&self, values: &Words) -> Words {
        let mut pair = values.pair.clone();
        for at in 0..pair.len() {
            pair.xor_public(self.index, at, low_mask(values.width));
        }
        Words {
            pair,
            width: values.width,
        }
    }

    /// Opens the flagged rows of all columns, in an order that says nothing, if
    /// they are at most `cap`.
    ///
    /// # Errors
    /// [`Refusal::CapExceeded`] where they are more: their number was opened,
    /// and no row. [`Refusal::ShapeMismatch`]; a peer's fault.
    pub fn open_flagged(
        &mut self,
        flags: &Bits,
        columns: &[Words],
        cap: usize,
    ) -> Result<Vec<Vec<u64>>, Error> {
        same_rows(flags.width as usize, 1)?;
        if self.count_flagged(flags)? > cap {
            return Err(Refusal::CapExceeded.into());
        }
        let mut all = vec![flags.to_words()];
        all.extend_from_slice(columns);
        let all = self.shuffle(&all)?;
        let flags = self.open_bits(&all[0].to_bits())?;
        let flagged: Vec<usize> = (0..all[0].rows())
            .filter(|at| flags[at / 64] >> (at % 64) & 1 == 1)
            .collect();
        let mut opened = Vec::with_capacity(columns.len());
        for column in &all[1..] {
            opened.push(self.open_words(&column.gather(&flagged)?)?);
        }
        Ok(opened)
    }

    /// How many rows are flagged: the cardinality, and nothing else.
    ///
    /// # Errors
    /// A peer's fault.
    pub fn count_flagged(&mut self, flags: &Bits) -> Result<usize, Error> {
        if flags.rows > limits::SHARES_ROWS_MAX {
            return Err(Refusal::TooManyRows.into());
        }
        let count = self.bit_to_arith(flags)?.sum()?;
        let opened = self.open(&count)?.first().copied().unwrap_or(0);
        usize::try_from(opened).map_err(|_| Refusal::Overflow.into())
    }

    /// Flags rows whose number is at least `threshold`.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] where the difference could lose its sign; a peer's
    /// fault.
    pub fn at_least(&mut self, values: &Arith, threshold: i64) -> Result<Bits, Error> {
        let bar = self.constant(threshold, values.rows())?;
        let below = self.less_than_arith(values, &bar)?;
        Ok(self.not(&below))
    }

    /// Numbers that are known not to be negative, as words.
    ///
    /// # Errors
    /// A peer's fault.
    pub fn to_words(&mut self, values: &Arith) -> Result<Words, Error> {
        Ok(self.to_bits(values, values.bits.max(1))?.to_words())
    }
}

fn empty(rows: usize) -> Bits {
    Bits {
        pair: Pair::default(),
        rows,
        width: 0,
    }
}
