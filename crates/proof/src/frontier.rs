//! The log's right edge: enough to append and to know the root, in at most 64 hashes.
//!
//! A block's verifier clones it, appends the block's records and compares roots,
//! without touching the whole tree.
//!
//! *Invariants*: one peak a set bit of the size, widest first; so a frontier read
//! from outside has one form for each log, and any other is refused.

use primitives::Digest;
use serde::{Deserialize, Serialize};

use crate::error::{ProofError, Refusal};
use crate::hash::{empty_root, node_hash};

/// The compact form of a log's state: its size and the roots of its complete subtrees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The frontier of a log without records.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a frontier together from a size and its peaks, widest first.
    ///
    /// # Errors
    /// Refused unless there is one peak for each set bit of `size`, and `size` is
    /// below 2^63 (so that appending can never overflow it).
    pub fn from_parts(size: u64, peaks: Vec<Digest>) -> Result<Self, ProofError> {
        if size >> 63 != 0 {
            return Err(Refusal::Malformed("a log of 2^63 records or more").into());
        }
        if peaks.len() != size.count_ones() as usize {
            return Err(Refusal::PathLength {
                expected: size.count_ones() as usize,
                found: peaks.len(),
            }
            .into());
        }
        Ok(Self { size, peaks })
    }

    /// Appends the hash of one record (see [`crate::leaf_hash`]) and returns its index.
    pub fn append(&mut self, leaf: Digest) -> u64 {
        let index = self.size;
        let mut hash = leaf;
        // Each trailing one of the size is a peak as wide as what is carried.
        for _ in 0..index.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
        index
    }

    /// How many records the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the complete subtrees, widest first.
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// The root over all records.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else {
            return empty_root();
        };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }
}

impl TryFrom<Parts> for Frontier {
    type Error = ProofError;

    fn try_from(parts: Parts) -> Result<Self, ProofError> {
        Self::from_parts(parts.size, parts.peaks)
    }
}

impl From<Frontier> for Parts {
    fn from(frontier: Frontier) -> Self {
        Self {
            size: frontier.size,
            peaks: frontier.peaks,
        }
    }
}
