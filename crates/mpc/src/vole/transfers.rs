//! The extended transfers that hide the noise's places.
//!
//! Why it exists: row `r` of a checked correlation, `w_r = v_r + x_r·Δ` with a bit
//! `x_r`, is a random transfer once it is hashed: the sender knows `H(r, w_r)` and
//! `H(r, w_r + Δ)`, the receiver the one that its bit names, `H(r, v_r)`.
//!
//! Paper: Roy, SoftSpokenOT (CRYPTO 2022), §5; the hash is the session's random
//! oracle with the row's number, so neither chosen rows nor repeated ones relate
//! two transfers.
//!
//! `Δ` here is drawn for the transfers alone. The noise's `Δ` is what the caller
//! gets in the end; were they the same, whoever learnt it could open afterwards
//! what the transfers hid.

use zeroize::Zeroizing;

use super::transpose::transpose;
use crate::{domains, field::F128, oracle::Oracle};

/// The rows of 128 columns.
pub(crate) struct Rows {
    rows: Zeroizing<Vec<F128>>,
    oracle: Oracle,
}

impl Rows {
    /// The rows of columns with `len` entries of 128 bits; the last entry was the
    /// check's mask and gives none.
    pub(crate) fn of_columns(session: &[u8; 32], columns: &[F128], len: usize) -> Self {
        let mut rows = Zeroizing::new(Vec::with_capacity(128 * (len - 1)));
        let mut square = Zeroizing::new([F128::ZERO; 128]);
        for entry in 0..len - 1 {
            for (row, column) in square.iter_mut().zip(columns.chunks_exact(len)) {
                *row = column[entry];
            }
            transpose(&mut square);
            rows.extend_from_slice(&*square);
        }
        let oracle = Oracle::new(domains::VOLE_TRANSFER_KEY, session);
        Self { rows, oracle }
    }

    fn key(&self, row: usize, value: F128) -> F128 {
        let value = Zeroizing::new(value.to_bytes());
        let index = (row as u64).to_le_bytes();
        F128::from_bytes(self.oracle.block(&[&index, &*value]))
    }

    /// The sender's two keys.
    pub(crate) fn both_keys(&self, row: usize, delta: F128) -> [F128; 2] {
        let value = self.rows[row];
        [self.key(row, value), self.key(row, value + delta)]
    }

    /// The receiver's one.
    pub(crate) fn chosen_key(&self, row: usize) -> F128 {
        self.key(row, self.rows[row])
    }
}
