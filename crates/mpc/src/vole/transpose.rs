//! Transposes squares of 128 × 128 bits.
//!
//! Why it exists: [`super::subspace`] makes columns of bits and a transfer needs
//! a row.

use crate::field::F128;

/// Exchanges row `r`, bit `c` with row `c`, bit `r`.
///
/// Squares of half the size are exchanged across the diagonal, then squares of a
/// quarter within them, down to single bits.
pub(crate) fn transpose(square: &mut [F128; 128]) {
    let mut width = 64;
    // Ones where a bit's column has the bit `width` clear.
    let mut mask: u128 = u128::MAX >> 64;
    while width > 0 {
        for row in (0..128).filter(|row| row & width == 0) {
            let (upper, lower) = (square[row].0, square[row + width].0);
            let moved = (upper >> width ^ lower) & mask;
            square[row].0 = upper ^ moved << width;
            square[row + width].0 = lower ^ moved;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn rows_become_columns() {
        let mut rng = StdRng::seed_from_u64(1);
        let square: [F128; 128] = std::array::from_fn(|_| F128(rng.random()));
        let mut turned = square;
        transpose(&mut turned);
        for (row, before) in square.iter().enumerate() {
            for (column, after) in turned.iter().enumerate() {
                assert_eq!(before.0 >> column & 1, after.0 >> row & 1);
            }
        }
    }
}
