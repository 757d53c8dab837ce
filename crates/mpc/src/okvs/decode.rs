//! Reading a store: three sparse values and the sum of the dense ones.
//!
//! Why it exists: both the maker of a vector and its taker read combinations of
//! it by the same rows.
//!
//! *Invariants*: linear. The values of `a + b` are the values of `a` plus those
//! of `b`, under the same rows.

use super::{Params, Row, Value};

/// Dense columns read by one lookup.
const WINDOW: usize = 8;

/// One bin of a store, ready to be read.
pub struct Decoder<'a, V> {
    sparse: &'a [V],
    /// For every eight dense columns, the sums of all their subsets.
    tables: Vec<[V; 1 << WINDOW]>,
}

impl<'a, V: Value> Decoder<'a, V> {
    /// Prepares a bin's `columns`, of which there must be
    /// [`Params::bin_columns`].
    #[must_use]
    pub fn new(params: &Params, columns: &'a [V]) -> Self {
        let (sparse, dense) = columns.split_at(params.sparse);
        Self {
            sparse,
            ..Self::dense_only(dense)
        }
    }

    /// The dense columns of a bin whose sparse ones are still to come.
    pub(super) fn dense_only(dense: &[V]) -> Self {
        Self {
            sparse: &[],
            tables: dense.chunks(WINDOW).map(subset_sums).collect(),
        }
    }

    /// The value at a row.
    #[must_use]
    pub fn value(&self, row: &Row) -> V {
        let mut sum = self.dense(row.dense);
        for column in row.sparse {
            sum.add(self.sparse[column as usize]);
        }
        sum
    }

    /// The sum of the dense columns of a mask.
    pub(super) fn dense(&self, mask: u64) -> V {
        let mut sum = V::default();
        for (table, byte) in self.tables.iter().zip(mask.to_le_bytes()) {
            sum.add(table[usize::from(byte)]);
        }
        sum
    }
}

/// The sums of all subsets of at most eight values, by the subset's bits.
fn subset_sums<V: Value>(values: &[V]) -> [V; 1 << WINDOW] {
    let mut sums = [V::default(); 1 << WINDOW];
    for (bit, value) in values.iter().enumerate() {
        let (low, high) = sums.split_at_mut(1 << bit);
        for (sum, below) in high.iter_mut().zip(low) {
            *sum = *below;
            sum.add(*value);
        }
    }
    sums
}
