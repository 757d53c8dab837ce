//! Making a store: peel, solve the gap over the dense columns, substitute.
//!
//! Why it exists: Gaussian elimination of a million equations is out of reach;
//! these are sparse enough to be solved in one pass in the right order.
//!
//! *Source*: figure 1 of eprint 2022/320, steps 2 to 6.
//!
//! *Invariants*
//! - Either every key of the bin gets its value, or [`Failed`].
//! - Columns that no equation fixes are random.

use rand_core::CryptoRng;

use super::{Decoder, Params, Row, Value};

/// The equations have no solution that this encoder finds: the seed is unlucky,
/// but for a chance of 2^-40, or the keys were chosen after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

/// The order in which rows are substituted, and the rows that are not.
struct Peeled {
    /// `(row, its pivot column)`, in the order of peeling.
    order: Vec<(u32, u32)>,
    gap: Vec<u32>,
}

/// Encodes one bin: gives its columns, [`Params::bin_columns`] of them.
///
/// # Errors
/// [`Failed`] for more rows than the bin has room for, and where the rows are
/// unlucky; another seed may do.
pub fn encode_bin<V: Value, R: CryptoRng + ?Sized>(
    params: &Params,
    rows: &[Row],
    values: &[V],
    rng: &mut R,
) -> Result<Vec<V>, Failed> {
    debug_assert_eq!(rows.len(), values.len());
    if rows.len() > params.bin_items {
        return Err(Failed);
    }
    let peeled = peel(params, rows)?;
    let mut columns = vec![V::default(); params.bin_columns()];
    let mut free = vec![true; params.sparse];
    for (_, pivot) in &peeled.order {
        free[*pivot as usize] = false;
    }
    for (column, free) in columns.iter_mut().zip(&free) {
        if *free {
            *column = V::draw(rng);
        }
    }
    let equations: Vec<(u64, V)> = peeled
        .gap
        .iter()
        .map(|row| reduce(params, rows, values, &peeled, &columns, *row))
        .collect();
    let dense = solve_dense(params.dense, equations, rng)?;
    columns[params.sparse..].copy_from_slice(&dense);
    substitute(params, rows, values, &peeled, &mut columns);
    Ok(columns)
}

/// Takes away, again and again, a row that alone uses some column.
fn peel(params: &Params, rows: &[Row]) -> Result<Peeled, Failed> {
    // For every column: how many rows use it, and the sum of their numbers, so
    // that the last one is known without a list.
    let mut used = vec![(0u32, 0u32); params.sparse];
    for (index, row) in (0u32..).zip(rows) {
        for column in row.sparse {
            let (count, sum) = &mut used[column as usize];
            *count += 1;
            *sum ^= index;
        }
    }
    let mut ready: Vec<u32> = (0u32..)
        .zip(&used)
        .filter(|(_, (count, _))| *count == 1)
        .map(|(column, _)| column)
        .collect();
    let mut order = Vec::with_capacity(rows.len());
    let mut gap = Vec::new();
    while order.len() + gap.len() < rows.len() {
        let Some(column) = ready.pop() else {
            let (pivot, rest) = lightest(rows, &used, &order, &gap);
            if gap.len() + rest.len() > params.gap {
                return Err(Failed);
            }
            order.push(pivot);
            for row in std::iter::once(pivot.0).chain(rest.iter().copied()) {
                remove(&rows[row as usize], row, &mut used, &mut ready);
            }
            gap.extend(rest);
            continue;
        };
        let (count, row) = used[column as usize];
        if count == 1 {
            order.push((row, column));
            remove(&rows[row as usize], row, &mut used, &mut ready);
        }
    }
    Ok(Peeled { order, gap })
}

/// How many rows peeling leaves over, for the statistics of the tests.
#[cfg(test)]
pub(super) fn gap_of(params: &Params, rows: &[Row]) -> Result<usize, Failed> {
    peel(params, rows).map(|peeled| peeled.gap.len())
}

fn remove(row: &Row, index: u32, used: &mut [(u32, u32)], ready: &mut Vec<u32>) {
    for column in row.sparse {
        let (count, sum) = &mut used[column as usize];
        *count -= 1;
        *sum ^= index;
        if *count == 1 {
            ready.push(column);
        }
    }
}

/// The lightest column that rows are left in: one of its rows with it as the
/// pivot, and its other rows. Only the few rows that can't be peeled come here.
fn lightest(
    rows: &[Row],
    used: &[(u32, u32)],
    order: &[(u32, u32)],
    gap: &[u32],
) -> ((u32, u32), Vec<u32>) {
    let mut left = vec![true; rows.len()];
    for row in order.iter().map(|(row, _)| row).chain(gap) {
        left[*row as usize] = false;
    }
    let column = (0u32..)
        .zip(used)
        .filter(|(_, (count, _))| *count > 0)
        .min_by_key(|(_, (count, _))| *count)
        .map_or(0, |(column, _)| column);
    let mut users = (0u32..)
        .zip(rows.iter().zip(&left))
        .filter(|(_, (row, left))| **left && row.sparse.contains(&column))
        .map(|(index, _)| index);
    let pivot = users.next().unwrap_or(0);
    ((pivot, column), users.collect())
}

/// An equation of the gap with every pivot replaced: which dense columns are
/// left in it, and what they must add up to.
fn reduce<V: Value>(
    params: &Params,
    rows: &[Row],
    values: &[V],
    peeled: &Peeled,
    columns: &[V],
    row: u32,
) -> (u64, V) {
    let mut member = vec![false; params.sparse];
    let mut mask = 0;
    let mut sum = V::default();
    let mut absorb = |row: u32, member: &mut [bool]| {
        let equation = &rows[row as usize];
        for column in equation.sparse {
            member[column as usize] ^= true;
        }
        mask ^= equation.dense;
        sum.add(values[row as usize]);
    };
    absorb(row, &mut member);
    // A peeled row's other columns are free or pivots of rows peeled later.
    for (row, pivot) in &peeled.order {
        if member[*pivot as usize] {
            absorb(*row, &mut member);
        }
    }
    for (column, member) in columns.iter().zip(&member) {
        if *member {
            sum.add(*column);
        }
    }
    (mask, sum)
}

/// Solves the gap's equations over the dense columns; the rest is random.
fn solve_dense<V: Value, R: CryptoRng + ?Sized>(
    dense: usize,
    mut equations: Vec<(u64, V)>,
    rng: &mut R,
) -> Result<Vec<V>, Failed> {
    let mut columns: Vec<V> = (0..dense).map(|_| V::draw(rng)).collect();
    let mut pivots = Vec::with_capacity(equations.len());
    for place in 0..equations.len() {
        let (mask, sum) = equations[place];
        if mask == 0 {
            return Err(Failed);
        }
        let pivot = mask.trailing_zeros();
        for (other, equation) in equations.iter_mut().enumerate() {
            if other != place && equation.0 >> pivot & 1 == 1 {
                equation.0 ^= mask;
                equation.1.add(sum);
            }
        }
        pivots.push(pivot as usize);
    }
    for (pivot, (mask, sum)) in pivots.iter().zip(&equations) {
        let mut value = *sum;
        for (column, known) in columns.iter().enumerate() {
            if column != *pivot && mask >> column & 1 == 1 {
                value.add(*known);
            }
        }
        columns[*pivot] = value;
    }
    Ok(columns)
}

/// Gives every pivot its value, the last one peeled first.
fn substitute<V: Value>(
    params: &Params,
    rows: &[Row],
    values: &[V],
    peeled: &Peeled,
    columns: &mut [V],
) {
    let (sparse, dense) = columns.split_at_mut(params.sparse);
    // Pivots are zero still, so a row's whole sum leaves what its pivot lacks.
    let dense = Decoder::dense_only(dense);
    for (row, pivot) in peeled.order.iter().rev() {
        let equation = &rows[*row as usize];
        let mut value = values[*row as usize];
        value.add(dense.dense(equation.dense));
        for column in equation.sparse {
            value.add(sparse[column as usize]);
        }
        sparse[*pivot as usize] = value;
    }
}
