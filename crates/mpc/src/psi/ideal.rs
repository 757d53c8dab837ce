//! What every protocol here computes, by somebody whom everybody trusts.
//!
//! Why it exists: the real roles' answers are compared with these, over very many
//! instances.

use std::collections::BTreeSet;

/// The places, ascending, at which the receiver first gave what both have.
pub(super) fn intersection(receiver: &[Vec<u8>], sender: &[Vec<u8>]) -> Vec<u32> {
    let theirs: BTreeSet<&Vec<u8>> = sender.iter().collect();
    let mut seen = BTreeSet::new();
    (0u32..)
        .zip(receiver)
        .filter(|(_, selector)| seen.insert(*selector) && theirs.contains(selector))
        .map(|(place, _)| place)
        .collect()
}

/// How many selectors both have.
pub(super) fn count(receiver: &[Vec<u8>], sender: &[Vec<u8>]) -> usize {
    intersection(receiver, sender).len()
}

/// What every set has, ascending.
pub(super) fn common(sets: &[Vec<Vec<u8>>]) -> Vec<Vec<u8>> {
    let mut sets = sets.iter().map(|set| set.iter().cloned().collect());
    let first: BTreeSet<Vec<u8>> = sets.next().unwrap_or_default();
    let all = sets.fold(first, |all, set: BTreeSet<Vec<u8>>| &all & &set);
    all.into_iter().collect()
}

/// For every item of the receiver, by its first place, whether the sender has it,
/// and the sender's first payload for it, or zeros.
pub(super) fn join(
    receiver: &[Vec<u8>],
    sender: &[Vec<u8>],
    payload: &[Vec<u64>],
) -> Vec<(u32, bool, Vec<u64>)> {
    let mut seen = BTreeSet::new();
    (0u32..)
        .zip(receiver)
        .filter(|(_, selector)| seen.insert(*selector))
        .map(|(place, selector)| {
            let row = sender.iter().position(|other| other == selector);
            let words = payload
                .iter()
                .map(|column| row.map_or(0, |row| column[row]));
            (place, row.is_some(), words.collect())
        })
        .collect()
}
