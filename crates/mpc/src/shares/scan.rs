//! Running results within groups of adjacent rows.
//!
//! Why it exists: in a table sorted by its key, a group's sum, minimum or
//! maximum is the running result at its last row.
//!
//! A scan takes rows with a flag that says "a group begins here" and an
//! operation that is associative; after it, each row holds the result over its
//! group up to itself. Brent and Kung's shape: `2n` operations, `2·log2(n)`
//! levels, each level one batch.
//!
//! *Leaks*: the number of rows; not where groups begin.
//! *Adversary*: that of the products it is made of.

use super::{
    Arith, Words,
    column::{bounded, ceil_log2, same_rows},
    party::Party,
};
use crate::Error;

/// The smaller or the larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extreme {
    /// The smaller.
    Least,
    /// The larger.
    Greatest,
}

/// The batches of a scan: each is pairs of places (left, right), and the right
/// one takes the result.
fn levels(rows: usize) -> Vec<Vec<(usize, usize)>> {
    let mut levels = Vec::new();
    let mut span = 1;
    while span < rows {
        let right = (2 * span - 1..rows).step_by(2 * span);
        levels.push(right.map(|at| (at - span, at)).collect());
        span *= 2;
    }
    while span > 1 {
        span /= 2;
        let right = (3 * span - 1..rows).step_by(2 * span);
        levels.push(right.map(|at| (at - span, at)).collect());
    }
    levels.retain(|level: &Vec<_>| !level.is_empty());
    levels
}

impl Party<'_> {
    /// Running sums of each column within groups; `begins` is 1 where a group
    /// begins, else 0.
    ///
    /// # Errors
    /// [`crate::Refusal::Overflow`] where rows times bound could wrap;
    /// [`crate::Refusal::ShapeMismatch`]; a peer's fault.
    pub fn scan_sums(&mut self, begins: &Arith, columns: &[Arith]) -> Result<Vec<Arith>, Error> {
        let rows = begins.rows();
        let mut flags = begins.pair.clone();
        let mut sums = Vec::with_capacity(columns.len());
        let mut bits = Vec::with_capacity(columns.len());
        for column in columns {
            same_rows(column.rows(), rows)?;
            bits.push(bounded(column.bits + ceil_log2(rows))?);
            sums.push(column.pair.clone());
        }
        for level in levels(rows) {
            let (left, right) = (
                level.iter().map(|pair| pair.0),
                level.iter().map(|pair| pair.1),
            );
            // What a beginning on the right takes away: flag · (left's sums, left's flag).
            let own = flags.gather(right.clone());
            let mut factors = own.clone();
            let mut others = flags.gather(left.clone());
            let before = others.clone();
            for sum in &sums {
                factors.push_range(&own, 0..own.len());
                let some = sum.gather(left.clone());
                others.push_range(&some, 0..some.len());
            }
            let made = self.mul_pairs(&factors, &others)?;
            for (nth, at) in right.clone().enumerate() {
                for (half, before, made) in [
                    (&mut flags.mine, &before.mine, &made.mine),
                    (&mut flags.next, &before.next, &made.next),
                ] {
                    half[at] = half[at].wrapping_add(before[nth]).wrapping_sub(made[nth]);
                }
            }
            for (column, sum) in sums.iter_mut().enumerate() {
                for (nth, (from, at)) in level.iter().enumerate() {
                    let place = (column + 1) * level.len() + nth;
                    for (half, made) in [(&mut sum.mine, &made.mine), (&mut sum.next, &made.next)] {
                        half[*at] = half[*at]
                            .wrapping_add(half[*from])
                            .wrapping_sub(made[place]);
                    }
                }
            }
        }
        let wrap = |(pair, bits)| Arith { pair, bits };
        Ok(sums.into_iter().zip(bits).map(wrap).collect())
    }

    /// Running disjunction within groups; `begins` and `column` have width 1.
    ///
    /// # Errors
    /// [`crate::Refusal::ShapeMismatch`]; a peer's fault.
    pub fn scan_any(&mut self, begins: &Words, column: &Words) -> Result<Words, Error> {
        same_rows(begins.rows(), column.rows())?;
        let (mut flags, mut any) = (begins.clone(), column.clone());
        for level in levels(column.rows()) {
            let left: Vec<usize> = level.iter().map(|pair| pair.0).collect();
            let right: Vec<usize> = level.iter().map(|pair| pair.1).collect();
            let bits = |words: &Words, at: &[usize]| words.gather(at).map(|some| some.to_bits());
            let (flag_a, flag_b) = (bits(&flags, &left)?, bits(&flags, &right)?);
            let (a, b) = (bits(&any, &left)?, bits(&any, &right)?);
            let open = self.not(&flag_b);
            let comes = self.and(&a, &open)?;
            let value = self.or(&comes, &b)?.to_words();
            let flag = self.or(&flag_a, &flag_b)?.to_words();
            put(&mut any, &right, &value);
            put(&mut flags, &right, &flag);
        }
        Ok(any)
    }

    /// The running least or greatest value within groups; `begins` has width 1.
    ///
    /// # Errors
    /// [`crate::Refusal::ShapeMismatch`]; a peer's fault.
    pub fn scan_extreme(
        &mut self,
        begins: &Words,
        column: &Words,
        which: Extreme,
    ) -> Result<Words, Error> {
        same_rows(begins.rows(), column.rows())?;
        let (mut flags, mut best) = (begins.clone(), column.clone());
        for level in levels(column.rows()) {
            let left: Vec<usize> = level.iter().map(|pair| pair.0).collect();
            let right: Vec<usize> = level.iter().map(|pair| pair.1).collect();
            let (a, b) = (
                best.gather(&left)?.to_bits(),
                best.gather(&right)?.to_bits(),
            );
            let (flag_a, flag_b) = (
                flags.gather(&left)?.to_bits(),
                flags.gather(&right)?.to_bits(),
            );
            let better = match which {
                Extreme::Least => self.less_than(&a, &b)?,
                Extreme::Greatest => self.less_than(&b, &a)?,
            };
            let open = self.not(&flag_b);
            let take = self.and(&better, &open)?;
            let value = self.select(&take, &a, &b)?.to_words();
            let flag = self.or(&flag_a, &flag_b)?.to_words();
            put(&mut best, &right, &value);
            put(&mut flags, &right, &flag);
        }
        Ok(best)
    }
}

/// Writes rows at some places.
fn put(column: &mut Words, places: &[usize], values: &Words) {
    for (nth, at) in places.iter().enumerate() {
        column.pair.mine[*at] = values.pair.mine[nth];
        column.pair.next[*at] = values.pair.next[nth];
    }
}

#[cfg(test)]
mod tests {
    use super::levels;

    #[test]
    fn every_place_gets_all_before_it_once() {
        for rows in 0..70 {
            let mut seen: Vec<Vec<usize>> = (0..rows).map(|at| vec![at]).collect();
            for level in levels(rows) {
                for (left, right) in level {
                    let mut all = seen[left].clone();
                    all.extend(&seen[right]);
                    seen[right] = all;
                }
            }
            for (at, seen) in seen.iter().enumerate() {
                assert_eq!(*seen, (0..=at).collect::<Vec<_>>(), "{rows} rows");
            }
        }
    }
}
