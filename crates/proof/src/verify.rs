//! What a verifier runs: is this record in that log, and is that log a prefix of this one?
//!
//! Kept apart from [`crate::Tree`] so that whoever only checks needs no tree, and
//! written after the RFC's own loops rather than the recursion that made the proof.
//!
//! *Invariants*: a path is neither too short nor too long for its sizes, and
//! every hash in it is used.

use primitives::Digest;

use crate::error::{ProofError, Refusal};
use crate::hash::node_hash;

/// Checks that the record with this leaf hash stands at `index` of the log of `size`
/// records under `root` (RFC 9162 §2.1.3.2).
///
/// # Errors
/// Refused, naming what does not fit: the index, the path's length or the root.
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    path: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(Refusal::OutOfRange { index, size }.into());
    }
    let expected = inclusion_length(index, size);
    if path.len() != expected {
        return Err(Refusal::PathLength {
            expected,
            found: path.len(),
        }
        .into());
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A right edge has no sibling on the levels where it is alone.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    same_root(&hash, root)
}

/// Checks that the log of `old` records under `old_root` is a prefix of the log of
/// `new` records under `new_root` (RFC 9162 §2.1.4.2).
///
/// # Errors
/// Refused, naming what does not fit. An empty log is a prefix of any, and proves
/// nothing, so `old` must not be zero.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Digest,
    new_root: &Digest,
    path: &[Digest],
) -> Result<(), ProofError> {
    if old == 0 || old > new {
        return Err(Refusal::SizeOrder { old, new }.into());
    }
    let expected = consistency_length(old, new);
    if path.len() != expected {
        return Err(Refusal::PathLength {
            expected,
            found: path.len(),
        }
        .into());
    }
    if old == new {
        return same_root(old_root, new_root);
    }
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    // A log of 2^k records is a subtree of every later one: its root opens the path.
    let (start, rest) = if old.is_power_of_two() {
        (old_root, path)
    } else {
        match path.split_first() {
            Some((first, rest)) => (first, rest),
            None => return Err(Refusal::PathLength { expected, found: 0 }.into()),
        }
    };
    let (mut old_hash, mut new_hash) = (*start, *start);
    for sibling in rest {
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    same_root(&old_hash, old_root)?;
    same_root(&new_hash, new_root)
}

/// How many hashes an inclusion path has: one a level below the point where the
/// leaf's way parts from the right edge, one a left subtree above it.
fn inclusion_length(index: u64, size: u64) -> usize {
    let inner = u64::BITS - (index ^ (size - 1)).leading_zeros();
    let border = index.checked_shr(inner).map_or(0, u64::count_ones);
    (inner + border) as usize
}

/// As [`inclusion_length`] for the old log's last complete subtree, which is told
/// first unless it is the whole of the old log.
fn consistency_length(old: u64, new: u64) -> usize {
    if old == new {
        return 0;
    }
    let shift = old.trailing_zeros();
    let path = inclusion_length((old - 1) >> shift, ((new - 1) >> shift) + 1);
    path + usize::from(!old.is_power_of_two())
}

fn same_root(found: &Digest, expected: &Digest) -> Result<(), ProofError> {
    if found == expected {
        Ok(())
    } else {
        Err(Refusal::Root.into())
    }
}
