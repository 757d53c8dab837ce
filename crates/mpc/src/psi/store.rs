//! A store on its way from who programs it to who reads it.
//!
//! Why it exists: an oblivious function plus a store is one that can be programmed:
//! what one side programs for its items, the other reads at its own
//! ([`super::many`], [`super::circuit`]).
//!
//! *Invariants*
//! - The rows' seed is drawn when the values are known.
//! - A bin is made, or read, as a whole, between two frames.

use chacha20::ChaCha20Rng;
use rand_core::{CryptoRng, Rng as _};

use crate::{
    Error, Trouble,
    field::F128,
    limits::FRAME_VALUES,
    okvs::{self, Decoder, Grouped, Params, Rows, Value, encode_bin},
    psi::{
        frames::{Due, body_of, entries, fixed, kind, list},
        set::Item,
    },
    secrecy,
};

/// A value that has an encoding.
pub(super) trait Wire: Value {
    /// Bytes of the encoding.
    const BYTES: usize;

    fn write(self, bytes: &mut Vec<u8>);

    /// From exactly as many bytes.
    fn read(bytes: &[u8]) -> Self;
}

impl Wire for F128 {
    const BYTES: usize = 16;

    fn write(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        Self::from_bytes(bytes.try_into().unwrap_or_default())
    }
}

impl<const N: usize> Wire for Lanes<N> {
    const BYTES: usize = 8 * N;

    fn write(self, bytes: &mut Vec<u8>) {
        for word in self.0 {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Self {
        let mut words = bytes.chunks_exact(8);
        Self(std::array::from_fn(|_| {
            let word = words.next().and_then(|word| word.try_into().ok());
            u64::from_le_bytes(word.unwrap_or_default())
        }))
    }
}

/// A few words side by side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Lanes<const N: usize>(pub(super) [u64; N]);

impl<const N: usize> Default for Lanes<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Value for Lanes<N> {
    fn add(&mut self, other: Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word ^= more;
        }
    }

    fn draw<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self(std::array::from_fn(|_| rng.next_u64()))
    }
}

/// Columns in every frame but the last.
fn chunk<V: Wire>() -> usize {
    FRAME_VALUES * 16 / V::BYTES.max(16)
}

/// A store that is being sent.
pub(super) struct Writer<V> {
    rows: Rows,
    grouped: Grouped,
    seed: Option<[u8; 16]>,
    made: usize,
    sent: usize,
    columns: Vec<V>,
}

impl<V: Wire> Writer<V> {
    pub(super) fn new(items: &[Item], rng: &mut ChaCha20Rng) -> Result<Self, Error> {
        let mut seed = [0; 16];
        rng.fill_bytes(&mut seed);
        let seed = secrecy::public(seed, okvs::SEED);
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
        values: &[V],
        rng: &mut ChaCha20Rng,
    ) -> Result<Option<Vec<u8>>, Error> {
        if let Some(seed) = self.seed.take() {
            return Ok(Some(fixed(kind::STORE_SEED, &[&seed])));
        }
        let columns = self.rows.params().columns();
        let due = chunk::<V>().min(columns - self.sent);
        if due == 0 {
            return Ok(None);
        }
        while self.columns.len() < due {
            self.make_bin(items, values, rng)?;
        }
        let mut frame = list(kind::STORE, self.sent, due * V::BYTES);
        for value in self.columns.drain(..due) {
            value.write(&mut frame);
        }
        self.sent += due;
        Ok(Some(frame))
    }

    fn make_bin(
        &mut self,
        items: &[Item],
        values: &[V],
        rng: &mut ChaCha20Rng,
    ) -> Result<(), Error> {
        let params = *self.rows.params();
        let members = self.grouped.bin(self.made);
        let keys: Vec<[u8; 16]> = members
            .iter()
            .map(|index| items[*index as usize].key())
            .collect();
        let values: Vec<V> = members
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
pub(super) struct Reader<V> {
    params: Params,
    rows: Option<(Rows, Grouped)>,
    received: usize,
    read: usize,
    columns: Vec<V>,
}

impl<V: Wire> Reader<V> {
    /// Of a store of `items`.
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
        sums: &mut [V],
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
            chunk: chunk::<V>(),
            entry: V::BYTES,
        };
        let (values, _) = entries(bytes, kind::STORE, &due, 0)?;
        let before = self.columns.len();
        self.columns
            .extend(values.chunks_exact(V::BYTES).map(V::read));
        self.received += self.columns.len() - before;
        let width = self.params.bin_columns();
        let whole = self.columns.len() / width;
        for bin in 0..whole {
            self.read_bin(items, sums, bin * width);
        }
        self.columns.drain(..whole * width);
        Ok(())
    }

    fn read_bin(&mut self, items: &[Item], sums: &mut [V], start: usize) {
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
            sums[*index as usize].add(decoder.value(row));
        }
        self.read += 1;
    }
}
