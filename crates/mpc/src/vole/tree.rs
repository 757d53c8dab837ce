//! Binary trees of Goldreich, Goldwasser and Micali, whole and punctured.
//!
//! Why it exists: who knows the root knows every leaf; who knows, of each level,
//! the sum of the nodes on one side, knows every leaf but one, and which one stays
//! with him. Both the small trees of [`super::subspace`] and the large ones of the
//! receiver's noise are such trees.
//!
//! Leaves are numbered by their path, the first step in the highest bit.
//!
//! *Invariants*
//! - The punctured leaf's place is secret: [`Trees::regrow`] touches every node of
//!   every level in order, whatever the path is. The places that nobody knows hold
//!   zero.

use zeroize::Zeroizing;

use crate::{field::F128, prg::Doubler};

/// All ones where `a == b`, zero elsewhere; no branch.
#[inline]
pub(crate) fn equal_mask(a: usize, b: usize) -> u128 {
    let difference = (a ^ b) as u64;
    let nonzero = (difference | difference.wrapping_neg()) >> 63;
    // Compilers that see how the mask was made turn `x & mask` into a branch.
    u128::from(std::hint::black_box(nonzero)).wrapping_sub(1)
}

/// Places whose masks are made at once.
pub(crate) const MASKS: usize = 64;

/// [`equal_mask`] of `first ..` with one secret place, through one barrier for all.
#[inline]
pub(crate) fn equal_masks(first: usize, place: usize) -> [u128; MASKS] {
    let mut masks = [0; MASKS];
    for (at, mask) in masks.iter_mut().enumerate() {
        let difference = ((first + at) ^ place) as u64;
        let nonzero = (difference | difference.wrapping_neg()) >> 63;
        *mask = u128::from(nonzero).wrapping_sub(1);
    }
    std::hint::black_box(masks)
}

/// A maker of trees with one generator and one depth.
pub(crate) struct Trees {
    doubler: Doubler,
    depth: usize,
    scratch: Zeroizing<Vec<F128>>,
}

impl Trees {
    /// Trees with `2^depth` leaves; `depth` is at least one.
    pub(crate) fn new(keys: &[u8; 32], depth: usize) -> Self {
        Self {
            doubler: Doubler::new(keys),
            depth,
            scratch: Zeroizing::new(vec![F128::ZERO; 1 << depth]),
        }
    }

    /// Leaves of one tree.
    pub(crate) fn leaves(&self) -> usize {
        1 << self.depth
    }

    /// Fills `leaves` from `root`; gives each level's two sums, the first level
    /// first.
    pub(crate) fn grow(&mut self, root: F128, leaves: &mut [F128]) -> Vec<[F128; 2]> {
        let (mut from, mut to) = take_turns(self.depth, leaves, &mut self.scratch);
        from[0] = root;
        let mut sums = Vec::with_capacity(self.depth);
        for level in 0..self.depth {
            let parents = 1 << level;
            let (parents, children) = (&from[..parents], &mut to[..2 * parents]);
            sums.push(self.doubler.expand(parents, children));
            std::mem::swap(&mut from, &mut to);
        }
        sums
    }

    /// Fills `leaves` but the one at `path` from the sum of each level's nodes on
    /// the other side than the path's; that leaf becomes zero.
    pub(crate) fn regrow(&mut self, path: usize, sums: &[F128], leaves: &mut [F128]) {
        // What the generator makes of the zero that stands for the unknown node.
        let mut hollow = [F128::ZERO; 2];
        self.doubler.expand(&[F128::ZERO], &mut hollow);
        let (mut from, mut to) = take_turns(self.depth, leaves, &mut self.scratch);
        from[0] = F128::ZERO;
        for (level, sum) in sums.iter().enumerate() {
            let parents = 1 << level;
            let (parents, children) = (&from[..parents], &mut to[..2 * parents]);
            let seen = self.doubler.expand(parents, children);
            let prefix = path >> (self.depth - level);
            let right = equal_mask(path >> (self.depth - level - 1) & 1, 1);
            // The known child lacks exactly the difference of the sums; the
            // unknown one goes back to zero.
            let left_change = (sum.0 ^ seen[0].0) & right | hollow[0].0 & !right;
            let right_change = (sum.0 ^ seen[1].0) & !right | hollow[1].0 & right;
            for (block, pairs) in children.chunks_mut(2 * MASKS).enumerate() {
                let masks = equal_masks(block * MASKS, prefix);
                for (pair, here) in pairs.chunks_exact_mut(2).zip(masks) {
                    pair[0].0 ^= left_change & here;
                    pair[1].0 ^= right_change & here;
                }
            }
            std::mem::swap(&mut from, &mut to);
        }
    }
}

/// Where to read the first level and where to write it, so that the last of
/// `depth` levels is written to `leaves`.
fn take_turns<'a>(
    depth: usize,
    leaves: &'a mut [F128],
    scratch: &'a mut [F128],
) -> (&'a mut [F128], &'a mut [F128]) {
    if depth.is_multiple_of(2) {
        (leaves, scratch)
    } else {
        (scratch, leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_punctured_tree_knows_every_leaf_but_one() {
        for depth in 1..=8 {
            let mut trees = Trees::new(&[5; 32], depth);
            let mut whole = vec![F128::ZERO; 1 << depth];
            let sums = trees.grow(F128::from_bytes([8; 16]), &mut whole);
            for path in 0..1usize << depth {
                let opened: Vec<F128> = sums
                    .iter()
                    .enumerate()
                    .map(|(level, sums)| sums[1 - (path >> (depth - level - 1) & 1)])
                    .collect();
                let mut punctured = vec![F128::ONE; 1 << depth];
                trees.regrow(path, &opened, &mut punctured);
                for (place, leaf) in punctured.iter().enumerate() {
                    let expected = if place == path {
                        F128::ZERO
                    } else {
                        whole[place]
                    };
                    assert_eq!(*leaf, expected, "{depth} {path} {place}");
                }
            }
        }
    }

    #[test]
    fn a_mask_is_all_or_nothing() {
        for (a, b) in [(0, 0), (0, 1), (5, 5), (usize::MAX, 0), (1 << 63, 1 << 63)] {
            let expected = if a == b { u128::MAX } else { 0 };
            assert_eq!(equal_mask(a, b), expected);
        }
    }
}
