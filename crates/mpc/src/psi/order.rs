//! Sorting by keys that are uniformly random.
//!
//! Why it exists: tags and digests are uniform, so one pass into buckets leaves
//! a handful each; that is several times faster than comparing a million keys.
//!
//! *Invariants*: sorts any keys; uniform ones fast.

use std::ops::Range;

use crate::simd;

/// Where the values of each bucket go, by the first bits of their keys.
pub(super) struct Buckets {
    shift: u32,
    /// For each bucket, where its next value goes; once all have gone, its end.
    next: Vec<u32>,
}

impl Buckets {
    /// Counts the keys of all values, of which there are fewer than 2^32.
    pub(super) fn count(keys: impl ExactSizeIterator<Item = u64>) -> Self {
        let bits = keys.len().max(2).ilog2().saturating_sub(2).clamp(1, 22);
        let mut counted = Self {
            shift: 64 - bits,
            next: vec![0; 1 << bits],
        };
        for key in keys {
            let bucket = counted.bucket(key);
            counted.next[bucket] += 1;
        }
        let mut start = 0;
        for next in &mut counted.next {
            start += std::mem::replace(next, start);
        }
        counted
    }

    /// The place of the next value with this key.
    pub(super) fn place(&mut self, key: u64) -> usize {
        let bucket = self.bucket(key);
        let place = self.next[bucket];
        self.next[bucket] += 1;
        place as usize
    }

    /// The places of each bucket, once all values have theirs.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        let starts = std::iter::once(&0).chain(&self.next);
        starts
            .zip(&self.next)
            .map(|(start, end)| *start as usize..*end as usize)
    }

    fn bucket(&self, key: u64) -> usize {
        usize::try_from(key >> self.shift).unwrap_or(0)
    }
}

/// Sorts by a 64-bit key, then by the value's own order.
pub(super) fn by_uniform<T: Copy + Ord>(values: &mut Vec<T>, key: impl Fn(&T) -> u64) {
    if values.len() < 64 {
        values.sort_unstable_by(|a, b| (key(a), a).cmp(&(key(b), b)));
        return;
    }
    let mut buckets = Buckets::count(values.iter().map(&key));
    let mut sorted = simd::filled(values.len(), values[0]);
    for value in values.iter() {
        sorted[buckets.place(key(value))] = *value;
    }
    for range in buckets.ranges() {
        let bucket = &mut sorted[range];
        if bucket.len() > 1 {
            bucket.sort_unstable_by(|a, b| (key(a), a).cmp(&(key(b), b)));
        }
    }
    *values = sorted;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts_anything(
            mut values in prop_oneof![
                proptest::collection::vec(any::<(u64, u32)>(), 0..600),
                proptest::collection::vec((0u64..4, any::<u32>()), 0..600),
            ]
        ) {
            let mut expected = values.clone();
            expected.sort_unstable();
            super::by_uniform(&mut values, |(key, _)| *key);
            prop_assert_eq!(values, expected);
        }
    }
}
