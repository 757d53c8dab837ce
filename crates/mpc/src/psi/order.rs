//! Sorting by keys that are uniformly random.
//!
//! Why it exists: tags and digests are uniform, so one pass into buckets leaves
//! a handful each; that is several times faster than comparing a million keys.
//!
//! *Invariants*: sorts any keys; uniform ones fast.

/// Sorts by a 64-bit key, then by the value's own order.
pub(super) fn by_uniform<T: Copy + Ord>(values: &mut Vec<T>, key: impl Fn(&T) -> u64) {
    let bits = values.len().max(2).ilog2().saturating_sub(2).clamp(1, 22);
    if values.len() < 64 {
        values.sort_unstable_by(|a, b| (key(a), a).cmp(&(key(b), b)));
        return;
    }
    let bucket = |value: &T| usize::try_from(key(value) >> (64 - bits)).unwrap_or(0);
    let mut starts = vec![0usize; (1 << bits) + 1];
    for value in values.iter() {
        starts[bucket(value) + 1] += 1;
    }
    for index in 1..starts.len() {
        starts[index] += starts[index - 1];
    }
    let mut next = starts.clone();
    let mut sorted = vec![values[0]; values.len()];
    for value in values.iter() {
        let slot = &mut next[bucket(value)];
        sorted[*slot] = *value;
        *slot += 1;
    }
    for range in starts.windows(2) {
        let slice = &mut sorted[range[0]..range[1]];
        if slice.len() > 1 {
            slice.sort_unstable_by(|a, b| (key(a), a).cmp(&(key(b), b)));
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
