//! Which bins an item may stand in, and a bin for each.
//!
//! Why it exists: two sets meet bin by bin; one side puts an item into one of its
//! bins, the other into all, so that a bin has one item to be compared.
//!
//! *Invariants*
//! - An item's three bins differ, and follow from its digest, which is the run's.
//! - Placing fails only where there is no placing at all.

use std::collections::VecDeque;

use primitives::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    Trouble, domains,
    limits::JOIN_BINS_MIN,
    psi::{Item, Session},
};

/// Bins that an item may stand in.
pub(super) const CHOICES: usize = 3;

/// No bin, no item.
const NONE: u32 = u32::MAX;

/// How many bins `items` of the receiver need.
pub(super) fn count(items: usize) -> usize {
    (items * 17).div_ceil(10).max(JOIN_BINS_MIN)
}

/// The hashes of one session.
pub(super) struct Bins {
    bins: usize,
    label: [u8; 16],
    points: [u8; 16],
}

impl Bins {
    pub(super) fn new(session: &Session, bins: usize) -> Self {
        let label = |domain: &str| {
            let digest = Digest::of(domain, &[session.digest.as_bytes()]);
            let mut label = [0; 16];
            label.copy_from_slice(&digest.as_bytes()[..16]);
            label
        };
        Self {
            bins,
            label: label(domains::PSI_BINS),
            points: label(domains::PSI_POINTS),
        }
    }

    /// The three bins of an item.
    pub(super) fn of(&self, item: &Item) -> [u32; CHOICES] {
        let mut block = [0u8; 48];
        block[..16].copy_from_slice(&self.label);
        block[16..].copy_from_slice(item.bytes());
        let digest: [u8; 32] = Sha256::digest(block).into();
        let scaled = |at: usize, range: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&digest[8 * at..8 * at + 8]);
            let product = u128::from(u64::from_be_bytes(word)) * range as u128;
            u32::try_from(product >> 64).unwrap_or(0)
        };
        let first = scaled(0, self.bins);
        let mut second = scaled(1, self.bins - 1);
        second += u32::from(second >= first);
        let mut third = scaled(2, self.bins - 2);
        third += u32::from(third >= first.min(second));
        third += u32::from(third >= first.max(second));
        [first, second, third]
    }

    /// The point that stands for an item in a bin.
    pub(super) fn point(&self, item: &Item, bin: u32) -> Item {
        let mut block = [0u8; 52];
        block[..16].copy_from_slice(&self.points);
        block[16..48].copy_from_slice(item.bytes());
        block[48..].copy_from_slice(&bin.to_be_bytes());
        Item::from_bytes(Sha256::digest(block).into())
    }

    /// Puts each item into one of its bins: for each bin the number of its item.
    ///
    /// # Errors
    /// [`Trouble::Unlucky`] where that can't be done.
    pub(super) fn place(&self, items: &[Item]) -> Result<Vec<Option<u32>>, Trouble> {
        let choices: Vec<[u32; CHOICES]> = items.iter().map(|item| self.of(item)).collect();
        place(&choices, self.bins)
    }
}

fn place(choices: &[[u32; CHOICES]], bins: usize) -> Result<Vec<Option<u32>>, Trouble> {
    let mut holds = vec![NONE; bins];
    // Which bin a bin was reached from, in the search of which item.
    let mut reached = vec![(NONE, NONE); bins];
    let mut queue = VecDeque::new();
    for (index, own) in (0u32..).zip(choices) {
        queue.clear();
        for bin in own {
            reached[*bin as usize] = (index, NONE);
            queue.push_back(*bin);
        }
        let free = loop {
            let bin = queue.pop_front().ok_or(Trouble::Unlucky)?;
            let holder = holds[bin as usize];
            if holder == NONE {
                break bin;
            }
            for next in choices[holder as usize] {
                if reached[next as usize].0 != index {
                    reached[next as usize] = (index, bin);
                    queue.push_back(next);
                }
            }
        };
        // Every item on the path moves one bin on.
        let mut bin = free;
        loop {
            let from = reached[bin as usize].1;
            if from == NONE {
                holds[bin as usize] = index;
                break;
            }
            holds[bin as usize] = holds[from as usize];
            bin = from;
        }
    }
    let held = holds.into_iter();
    Ok(held.map(|item| (item != NONE).then_some(item)).collect())
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    /// `ln n!` for every `n` up to a size.
    fn factorials(size: usize) -> Vec<f64> {
        let mut sums = vec![0.0];
        for n in 1..=size {
            sums.push(sums[n - 1] + (n as f64).ln());
        }
        sums
    }

    #[test]
    fn that_items_have_no_place_is_less_likely_than_the_bound() {
        let factorials = factorials(count(1 << 16));
        let choose = |n: usize, k: usize| factorials[n] - factorials[k] - factorials[n - k];
        let sizes = (2..16).flat_map(|log2| [1 << log2, 3 << (log2 - 1)]);
        for items in sizes.chain([301, 302, 303]) {
            let bins = count(items);
            // Hall: no placing where some k + 1 items have all bins among k.
            let sum: f64 = (CHOICES..items)
                .map(|k| {
                    let within = choose(k, CHOICES) - choose(bins, CHOICES);
                    (choose(items, k + 1) + choose(bins, k) + (k + 1) as f64 * within).exp()
                })
                .sum();
            let log2 = sum.log2();
            assert!(items <= CHOICES || log2 <= -40.0, "{items}: 2^{log2}");
        }
    }

    #[test]
    fn every_item_gets_one_of_its_bins() {
        let mut rng = StdRng::seed_from_u64(1);
        for items in [0, 1, 2, 100, 300, 5000] {
            let bins = count(items);
            let choices: Vec<[u32; 3]> = (0..items)
                .map(|_| {
                    // Evenly, so that three differ: one from each third.
                    let third = u32::try_from(bins / 3).unwrap();
                    [2, 0, 1].map(|nth| nth * third + rng.random_range(0..third))
                })
                .collect();
            let placed = place(&choices, bins).unwrap();
            let mut seen = vec![false; items];
            for (bin, item) in placed.iter().enumerate() {
                if let Some(item) = item {
                    assert!(choices[*item as usize].contains(&u32::try_from(bin).unwrap()));
                    assert!(!std::mem::replace(&mut seen[*item as usize], true));
                }
            }
            assert!(seen.iter().all(|seen| *seen));
        }
        assert!(place(&[[0, 1, 2]; 3], 512).is_ok());
        assert_eq!(place(&[[0, 1, 2]; 4], 512), Err(Trouble::Unlucky));
    }
}
