//! A giver's store on its way to the pivot.
//!
//! Why it exists: what a giver programs for its items, the pivot reads at its own.
//!
//! *Invariants*
//! - The rows' seed is drawn when the values are known.
//! - A bin is made, or read, as a whole, between two frames.

use chacha20::ChaCha20Rng;
use rand_core::Rng as _;

use crate::{
    Error, Trouble,
    field::F128,
    limits::FRAME_VALUES,
    okvs::{Decoder, Grouped, Params, Rows, encode_bin},
    psi::{
        frames::{Due, body_of, entries, fixed, kind, list},
        set::Item,
    },
};

/// A store that is being sent.
pub(super) struct Writer {
    rows: Rows,
    grouped: Grouped,
    seed: Option<[u8; 16]>,
    made: usize,
    sent: usize,
    columns: Vec<F128>,
}

impl Writer {
    pub(super) fn new(items: &[Item], rng: &mut ChaCha20Rng) -> Result<Self, Error> {
        let mut seed = [0; 16];
        rng.fill_bytes(&mut seed);
        let rows = Rows::new(Params::new(items.len())?, &seed);
        Ok(Self {
            grouped: rows.group(items.iter().map(Item::key)),
            rows,
            seed: Some(seed),
            made: 0,
            sent: 0,
            columns: Vec::new(),
        })
    }

    /// The next frame: the seed, then the columns; `None` after the last.
    pub(super) fn pull(
        &mut self,
        items: &[Item],
        values: &[F128],
        rng: &mut ChaCha20Rng,
    ) -> Result<Option<Vec<u8>>, Error> {
        if let Some(seed) = self.seed.take() {
            return Ok(Some(fixed(kind::STORE_SEED, &[&seed])));
        }
        let columns = self.rows.params().columns();
        let due = FRAME_VALUES.min(columns - self.sent);
        if due == 0 {
            return Ok(None);
        }
        while self.columns.len() < due {
            self.make_bin(items, values, rng)?;
        }
        let mut frame = list(kind::STORE, self.sent, due * F128::BYTES);
        for value in self.columns.drain(..due) {
            frame.extend_from_slice(&value.to_bytes());
        }
        self.sent += due;
        Ok(Some(frame))
    }

    fn make_bin(
        &mut self,
        items: &[Item],
        values: &[F128],
        rng: &mut ChaCha20Rng,
    ) -> Result<(), Error> {
        let params = *self.rows.params();
        let members = self.grouped.bin(self.made);
        let keys: Vec<[u8; 16]> = members
            .iter()
            .map(|index| items[*index as usize].key())
            .collect();
        let values: Vec<F128> = members
            .iter()
            .map(|index| values[*index as usize])
            .collect();
        let mut rows = Vec::new();
        self.rows.rows(&keys, &mut rows);
        let columns = encode_bin(&params, &rows, &values, rng).map_err(|_| Trouble::Unlucky)?;
        self.columns.extend(columns);
        self.made += 1;
        Ok(())
    }
}

/// A store that arrives.
pub(super) struct Reader {
    params: Params,
    rows: Option<(Rows, Grouped)>,
    received: usize,
    read: usize,
    columns: Vec<F128>,
}

impl Reader {
    /// Of a giver's `items`.
    pub(super) fn new(items: usize) -> Result<Self, Error> {
        Ok(Self {
            params: Params::new(items)?,
            rows: None,
            received: 0,
            read: 0,
            columns: Vec::new(),
        })
    }

    /// Whether all of it was read.
    pub(super) fn done(&self) -> bool {
        self.received == self.params.columns()
    }

    /// Takes a frame, and adds to `sums` what the store gives for the items that
    /// can be read now.
    pub(super) fn on_frame(
        &mut self,
        items: &[Item],
        sums: &mut [F128],
        bytes: &[u8],
    ) -> Result<(), Error> {
        if self.rows.is_none() {
            let rows = Rows::new(self.params, &body_of(bytes, kind::STORE_SEED)?);
            let grouped = rows.group(items.iter().map(Item::key));
            self.rows = Some((rows, grouped));
            return Ok(());
        }
        let due = Due {
            first: self.received,
            total: self.params.columns(),
            chunk: FRAME_VALUES,
            entry: F128::BYTES,
        };
        let (values, _) = entries(bytes, kind::STORE, &due, 0)?;
        let before = self.columns.len();
        self.columns
            .extend(values.chunks_exact(F128::BYTES).map(|entry| {
                let mut wide = [0; 16];
                wide.copy_from_slice(entry);
                F128::from_bytes(wide)
            }));
        self.received += self.columns.len() - before;
        let width = self.params.bin_columns();
        let whole = self.columns.len() / width;
        for bin in 0..whole {
            self.read_bin(items, sums, bin * width);
        }
        self.columns.drain(..whole * width);
        Ok(())
    }

    fn read_bin(&mut self, items: &[Item], sums: &mut [F128], start: usize) {
        let Some((rows, grouped)) = &self.rows else {
            return;
        };
        let members = grouped.bin(self.read);
        let keys: Vec<[u8; 16]> = members
            .iter()
            .map(|index| items[*index as usize].key())
            .collect();
        let mut within = Vec::new();
        rows.rows(&keys, &mut within);
        let columns = &self.columns[start..start + self.params.bin_columns()];
        let decoder = Decoder::new(&self.params, columns);
        for (index, row) in members.iter().zip(&within) {
            sums[*index as usize] += decoder.value(row);
        }
        self.read += 1;
    }
}
