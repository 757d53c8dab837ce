//! The ideal functionality: the same operations by one party that everybody
//! trusts, on plain columns.
//!
//! Why it exists: tests run a program here and over shares, and compare.
//!
//! *Not here*: shares, rounds, errors of peers.

use std::collections::BTreeMap;

use super::Extreme;

/// Rows sorted by keys, the most significant first, equal ones in their order:
/// keys and payload, column by column.
#[must_use]
pub fn sort(keys: &[Vec<u64>], payload: &[Vec<u64>]) -> (Vec<Vec<u64>>, Vec<Vec<u64>>) {
    let rows = keys.first().map_or(0, Vec::len);
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by_key(|at| keys.iter().map(|column| column[*at]).collect::<Vec<_>>());
    let gather = |columns: &[Vec<u64>]| {
        columns
            .iter()
            .map(|column| order.iter().map(|at| column[*at]).collect())
            .collect()
    };
    (gather(keys), gather(payload))
}

/// One group: how many rows, sums, extremes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Rows.
    pub count: u64,
    /// Sum of each summed column.
    pub sums: Vec<u64>,
    /// Extreme of each other column.
    pub extremes: Vec<u64>,
}

/// Groups by key.
#[must_use]
pub fn group_by(
    keys: &[Vec<u64>],
    sums: &[Vec<u64>],
    extremes: &[(Vec<u64>, Extreme)],
) -> BTreeMap<Vec<u64>, Group> {
    let rows = keys.first().map_or(0, Vec::len);
    let mut groups: BTreeMap<Vec<u64>, Group> = BTreeMap::new();
    for at in 0..rows {
        let key = keys.iter().map(|column| column[at]).collect();
        let group = groups.entry(key).or_default();
        if group.count == 0 {
            group.sums = vec![0; sums.len()];
            group.extremes = extremes.iter().map(|(column, _)| column[at]).collect();
        }
        group.count += 1;
        for (sum, column) in group.sums.iter_mut().zip(sums) {
            *sum += column[at];
        }
        for (best, (column, which)) in group.extremes.iter_mut().zip(extremes) {
            *best = match which {
                Extreme::Least => column[at].min(*best),
                Extreme::Greatest => column[at].max(*best),
            };
        }
    }
    groups
}

/// The places of the `count` greatest values, falling, equal ones in their
/// order.
#[must_use]
pub fn top(values: &[u64], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(values[*at]));
    order.truncate(count);
    order
}
