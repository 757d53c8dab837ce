//! The whole log as hashes: every complete subtree, kept so that any proof costs
//! a logarithm of look-ups.
//!
//! A validator holds one; it answers for any size that the log ever had.
//!
//! *Invariants*: `levels[k][i]` is the hash of leaves `i·2^k .. (i+1)·2^k`, and
//! is there as soon as those leaves are. Nothing is ever changed or removed.
//!
//! *Not here*: records, storage, locks. The ledger keeps the records and rebuilds
//! the tree from their hashes when it starts.

use primitives::Digest;

use crate::error::{ProofError, Refusal};
use crate::frontier::Frontier;
use crate::hash::{empty_root, node_hash};

/// Every complete subtree of an RFC 9162 log; 64 bytes a record.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// A log without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the hash of one record (see [`crate::leaf_hash`]) and returns its index.
    pub fn append(&mut self, leaf: Digest) -> u64 {
        let index = self.size();
        let mut hash = leaf;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[level];
            row.push(hash);
            if !row.len().is_multiple_of(2) {
                break;
            }
            hash = node_hash(&row[row.len() - 2], &row[row.len() - 1]);
        }
        index
    }

    /// How many records the log has.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// The hash of the record at `index`.
    pub fn leaf(&self, index: u64) -> Option<Digest> {
        let index = usize::try_from(index).ok()?;
        self.levels.first()?.get(index).copied()
    }

    /// The root over all records.
    pub fn root(&self) -> Digest {
        self.range(0, self.size())
    }

    /// The root that the log had when it held `size` records.
    ///
    /// # Errors
    /// Refused if the log was never that large.
    pub fn root_at(&self, size: u64) -> Result<Digest, ProofError> {
        self.within(size)?;
        Ok(self.range(0, size))
    }

    /// The path that proves the record at `index` to be in the log of `size` records,
    /// from the leaf's sibling up (RFC 9162 §2.1.3.1).
    ///
    /// # Errors
    /// Refused if `index` is not below `size`, or the log was never that large.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Digest>, ProofError> {
        self.within(size)?;
        if index >= size {
            return Err(Refusal::OutOfRange { index, size }.into());
        }
        let (mut start, mut end) = (0, size);
        let mut path = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                path.push(self.range(middle, end));
                end = middle;
            } else {
                path.push(self.range(start, middle));
                start = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The path that proves the log of `old` records to be a prefix of that of `new`
    /// (RFC 9162 §2.1.4.1). Empty when the sizes are equal.
    ///
    /// # Errors
    /// Refused if `old` is zero or above `new`, or the log was never that large.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, ProofError> {
        self.within(new)?;
        if old == 0 || old > new {
            return Err(Refusal::SizeOrder { old, new }.into());
        }
        let (mut start, mut end) = (0, new);
        let mut path = Vec::new();
        // While the old log's right edge lies strictly inside `start..end`, one
        // half belongs to the path and the walk goes on in the other.
        while old < end {
            let middle = start + split(end - start);
            if old <= middle {
                path.push(self.range(middle, end));
                end = middle;
            } else {
                path.push(self.range(start, middle));
                start = middle;
            }
        }
        // The verifier knows the old root; a smaller subtree it must be told.
        if start > 0 {
            path.push(self.range(start, end));
        }
        path.reverse();
        Ok(path)
    }

    /// The compact right edge of the log as it stands.
    pub fn frontier(&self) -> Frontier {
        let size = self.size();
        let mut peaks = Vec::new();
        let mut start = 0;
        for bit in (0..u64::BITS).rev() {
            let width = 1u64 << bit;
            if size & width != 0 {
                peaks.push(self.range(start, start + width));
                start += width;
            }
        }
        Frontier::from_parts(size, peaks).unwrap_or_default()
    }

    fn within(&self, size: u64) -> Result<(), ProofError> {
        if size > self.size() {
            return Err(Refusal::OutOfRange {
                index: size,
                size: self.size(),
            }
            .into());
        }
        Ok(())
    }

    /// The hash of leaves `start..end`, where the range is one that the RFC's
    /// recursion reaches: `start` is a multiple of the width's power of two.
    fn range(&self, start: u64, end: u64) -> Digest {
        let width = end - start;
        if width == 0 {
            return empty_root();
        }
        if width.is_power_of_two() {
            let level = width.trailing_zeros() as usize;
            let index = usize::try_from(start >> level).unwrap_or(usize::MAX);
            return self.levels[level][index];
        }
        let middle = start + split(width);
        node_hash(&self.range(start, middle), &self.range(middle, end))
    }
}

impl FromIterator<Digest> for Tree {
    fn from_iter<I: IntoIterator<Item = Digest>>(leaves: I) -> Self {
        let mut tree = Self::new();
        for leaf in leaves {
            tree.append(leaf);
        }
        tree
    }
}

/// The largest power of two strictly below `width`, for `width > 1`.
fn split(width: u64) -> u64 {
    debug_assert!(width > 1);
    1 << (u64::BITS - 1 - (width - 1).leading_zeros())
}

#[cfg(test)]
mod tests;
